"""The text dialect: lines for `nc`, `telnet` and people. The first line is the name.

A line without `/` is said in the room that one is in; a line with it is a command of `COMMANDS`. Described in
`docs/protocol.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from hubbub.core import commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.refusals import of_frame
from hubbub.wire.text_parsing import parse
from hubbub.wire.text_rendering import answer_lines, event_lines, notice

_MAX_QUOTED: Final = 32  # characters of an unknown command that its refusal repeats


class Verb(NamedTuple):
    """A command: what follows it, what it is for, and what it becomes (None: an argument is missing)."""

    arguments: str
    purpose: str
    command: Callable[[str], Command | None]


def _whisper(rest: str) -> Command | None:
    to, _, content = rest.partition(" ")
    return commands.Whisper(to, content) if content.strip() else None


COMMANDS: Final[dict[str, Verb]] = {
    "/list": Verb("", "who is online", lambda _: commands.ListUsers()),
    "/w": Verb("<username> <message>", "say something to one person", _whisper),
    "/rooms": Verb("", "which rooms there are", lambda _: commands.ListRooms()),
    "/create": Verb(
        "<room>", "make a room and go there", lambda room: commands.CreateRoom(room) if room else None
    ),
    "/join": Verb("<room>", "go to a room", lambda room: commands.JoinRoom(room) if room else None),
    "/leave": Verb("", "go back to the first room", lambda _: commands.LeaveRoom()),
    "/topic": Verb(
        "[text]",
        "what the room is about",
        lambda topic: commands.SetTopic(topic) if topic else commands.GetTopic(),
    ),
    "/members": Verb("", "who is in the room", lambda _: commands.ListMembers()),
    "/away": Verb("", "tell others that you are away", lambda _: commands.SetStatus("away")),
    "/back": Verb("", "and that you are back", lambda _: commands.SetStatus("online")),
    "/ping": Verb("", "see whether the server is alive", lambda _: commands.Ping()),
    "/quit": Verb("", "leave", lambda _: commands.Quit()),
}
"""Every command but `/help`, which is answered from this table."""

UNSUPPORTED: Final = frozenset(
    {
        "/login", "/register", "/logout", "/password", "/sessions",
        "/invite", "/role", "/room",
        "/history", "/search", "/edit", "/delete", "/react", "/reply", "/unread",
        "/files", "/accept", "/decline",
    }
)  # fmt: skip
"""Commands that have their name, and are not in this build."""

_COMMAND: Final = re.compile(r"(/\S*)[ \t]*(.*)", re.DOTALL)
_LINE_END: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

_HELP: Final = "\n".join(
    notice(line)
    for line in (
        "A line is said to everybody in your room. With / in front it is a command:",
        *(f"{verb} {row.arguments}".rstrip() + f": {row.purpose}" for verb, row in COMMANDS.items()),
        "//text says /text.",
    )
).encode()


class Text:
    """The codec of text lines."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a line. `/help` and a command without its arguments are answered here."""
        if frame.kind == TOO_LONG:
            too_long = f"This line is longer than {frame.code} bytes."
            return Request(Refusal(Code.TOO_LARGE, too_long, limit="limits.max_line"))
        if frame.kind == FAILED:
            return Request(of_frame(frame, named))
        if frame.kind not in (TEXT, BINARY):
            return None
        try:
            line = frame.payload.decode()
        except UnicodeDecodeError:
            return Request(Refusal(Code.BAD_REQUEST, "This line is not valid UTF-8."))
        if line.startswith("/"):
            return _command(line, named)
        if named:
            return Request(commands.Publish(line)) if line else None
        return Request(commands.Login(line)) if line.strip() else None

    def encode_answer(self, request: Request, answer: Answer) -> bytes:  # noqa: ARG002 - a line has no id
        """Server: the answer, in one line; b"" after a login and a message."""
        return _bytes(answer_lines(answer))

    def encode_event(self, event: Event, own: bool = False) -> bytes:
        """Server: an event, in one or more lines. b"" to the author of a message, who sees what it typed."""
        return _bytes(event_lines(event, own))

    def encode_command(self, command: Command, id: str | None = None) -> bytes:  # noqa: ARG002 - likewise
        """Client: a line to type. What this dialect has no words for (room, id, reply_to) is left out.

        Line ends in it become spaces: a message cannot carry a second line, and so no second command.
        Raises ValueError for a command that this dialect has no line for.
        """
        return _bytes(_LINE_END.sub(" ", _line(command)))

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: a line that the server sent; ValueError for anything else."""
        return parse(payload.decode())


def _command(line: str, named: bool) -> Request | bytes:
    found = _COMMAND.match(line)
    assert found is not None  # noqa: S101 (it begins with a slash)
    verb, rest = found[1].lower(), found[2]
    if verb == "/help":
        return _HELP
    if verb in UNSUPPORTED:
        return Request(Refusal(Code.UNSUPPORTED, f"'{verb}' is not in this build."), verb=verb)
    if not named and verb != "/quit":
        return Request(Refusal(Code.UNAUTHENTICATED, "The first line is your name; commands come after it."))
    if verb.startswith("//"):
        return Request(commands.Publish(line[1:]))
    row = COMMANDS.get(verb)
    if row is None:
        unknown = f"Unknown command '{found[1][:_MAX_QUOTED]}'. Try /help."
        return Request(Refusal(Code.UNKNOWN_ACTION, unknown))
    command = row.command(rest if verb == "/w" else rest.strip())
    if command is None:
        return _bytes(notice(f"Usage: {verb} {row.arguments}"))
    return Request(command, verb=verb)


def _line(command: Command) -> str:
    match command:
        case commands.Login(str() as username):
            return username
        case commands.Publish(content):
            return f"/{content}" if content.startswith("/") else content
        case commands.Whisper(to, content):
            return f"/w {to} {content}"
        case commands.ListUsers():
            return "/list"
        case commands.SetStatus("away"):
            return "/away"
        case commands.SetStatus("online"):
            return "/back"
        case commands.ListRooms():
            return "/rooms"
        case commands.CreateRoom(room):
            return f"/create {room}"
        case commands.JoinRoom(room):
            return f"/join {room}"
        case commands.LeaveRoom():
            return "/leave"
        case commands.SetTopic(topic) if topic:
            return f"/topic {topic}"
        case commands.GetTopic():
            return "/topic"
        case commands.ListMembers():
            return "/members"
        case commands.Ping():
            return "/ping"
        case commands.Quit():
            return "/quit"
        case _:
            raise ValueError(f"no line of the text dialect: {type(command).__name__}")


def _bytes(lines: str) -> bytes:
    # No dialect lets a lone surrogate in. Should one come all the same, it is shown as a question mark.
    return lines.encode(errors="replace")


text: Final = Text()
