"""What the tests of the text dialect share: lines typed, shown and read, and things to show."""

from __future__ import annotations

from typing import Any

from hubbub.core import answers, commands, events
from hubbub.core.answers import Answer, MessageView, UserView
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import TEXT, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.text import text

ANYTHING = commands.Ping()


def typed(line: str | bytes, named: bool = True) -> Command | Refusal | bytes | None:
    payload = line if isinstance(line, bytes) else line.encode()
    decoded = text.decode(Frame(TEXT, payload), named)
    return decoded.command if isinstance(decoded, Request) else decoded


def shown(event: Event, own: bool = False) -> str:
    return text.encode_event(event, own).decode()


def told(answer: Answer, command: Command | Refusal = ANYTHING, verb: str = "/x") -> str:
    return text.encode_answer(Request(command, verb=verb), answer).decode()


def message(content: str) -> events.MessagePosted:
    return events.MessagePosted("Alice", 7, "den", content, "id-1", "room:1", "e", 1, "2025-01-01T00:00:00Z")


def whisper(content: str) -> events.WhisperPosted:
    return events.WhisperPosted(
        "Alice", 7, "Bob", 8, content, "id-1", "talk:1", "e", 1, "2025-01-01T00:00:00Z"
    )


def topic(about: str) -> events.TopicChanged:
    return events.TopicChanged("Alice", 7, "den", about, "room:1", "e", 1, "2025-01-01T00:00:00Z")


LOGGED_IN = answers.LoggedIn("Alice", 7, "token", "hubbub")
ACCEPTED = answers.Accepted("id-1", "room:1", "e", 1, "2025-01-01T00:00:00Z")
PLACE = ("id-1", "room:1", "e", 9, "2025-01-01T00:00:00Z")


def edited(content: str, room: str | None = "den") -> events.MessageEdited:
    return events.MessageEdited("Alice", 7, 4, content, *PLACE, room=room)


def view(content: str, offset: int = 12, sender: str = "Alice", **more: Any) -> MessageView:
    at = "2025-01-01T00:00:00Z"
    return MessageView(sender, 7, content, "id-1", "room:1", "e", offset, at, **more)


def users(*names: str) -> list[UserView]:
    return [UserView(name, number, "online") for number, name in enumerate(names, 1)]


def refusal(said: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"User '{said}' not found.")


def read(line: str) -> Event | Reply:
    return text.decode_message(line.encode())


def history(*messages: MessageView, more: bool = False) -> answers.History:
    return answers.History("room:1", list(messages), more, "den")
