"""What a program reads in the text dialect: a line of the server back to an event or an answer.

The text form leaves out ids, positions and, in part, rooms: those are 0 and "". A refusal whose code its
wording does not show is a `bad_request`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from hubbub.core import answers, events
from hubbub.core.answers import Answer
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.wire.codec import Reply
from hubbub.wire.text_rendering import FAREWELLS

_SAID: Final = re.compile(r"([^\s\[\]:]+): (.*)", re.DOTALL)
_PRIVATE: Final = re.compile(r"\[Private (from|to) (\S+)\] (.*)", re.DOTALL)
_ROOM: Final = re.compile(r"(\S+) \((\d+)\)")
_MORE: Final = re.compile(r"(?:^|, )… \(\d+ more\)$")


def parse(line: str) -> Event | Reply:
    """A line that a server sent; ValueError for what no server of this dialect sends."""
    if line.startswith("[Server] "):
        return _notice(line.removeprefix("[Server] "))
    private = _PRIVATE.fullmatch(line)
    if private is not None:
        sender, to = (private[2], "") if private[1] == "from" else ("", private[2])
        return events.WhisperPosted(sender, 0, to, 0, private[3], "", "", "", 0, "")
    spoken = _SAID.fullmatch(line)
    if spoken is None:
        raise ValueError("no line of the text dialect")
    return events.MessagePosted(spoken[1], 0, "", spoken[2], "", "", "", 0, "")


def _notice(text: str) -> Event | Reply:
    for pattern, event in _EVENTS:
        found = pattern.fullmatch(text)
        if found is not None:
            return event(found)
    for pattern, answer in _ANSWERS:
        found = pattern.fullmatch(text)
        if found is not None:
            return Reply(answer(found))
    for pattern, code in _REFUSALS:
        if pattern.match(text):
            return Reply(Refusal(code, text))
    return Reply(Refusal(Code.BAD_REQUEST, text.removeprefix("Error: ")))


def _users(listed: str) -> list[answers.UserView]:
    names = _MORE.sub("", listed)
    return [answers.UserView(name, 0, "online") for name in names.split(", ")] if names else []


def _rooms(listed: str) -> list[answers.RoomView]:
    return [answers.RoomView(name, "", int(members)) for name, members in _ROOM.findall(listed)]


def _status(word: str) -> Answer:
    match word:
        case "online" | "away" | "busy" | "offline":
            return answers.StatusSet(word)
        case _:
            raise ValueError(f"no status: {word}")


_EVENTS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Event]]]] = [
    (re.compile(r"(\S+) has joined\."), lambda found: events.Joined(found[1], 0, "")),
    (re.compile(r"(\S+) has left\."), lambda found: events.Left(found[1], 0)),
    (
        re.compile(r"(\S+) set the topic of '(\S+)': (.*)", re.DOTALL),
        lambda found: events.TopicChanged(found[1], 0, found[2], found[3], "", "", 0, ""),
    ),
    (
        re.compile(r"(\S+) cleared the topic of '(\S+)'\."),
        lambda found: events.TopicChanged(found[1], 0, found[2], "", "", "", 0, ""),
    ),
    (
        re.compile(r"Going down, back in (\d{1,9}) s\."),
        lambda found: events.GoingAway("drain", float(found[1])),
    ),
    *(
        (re.compile(re.escape(farewell)), lambda _found, reason=reason: events.GoingAway(reason))
        for reason, farewell in FAREWELLS.items()
    ),
]

_ANSWERS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Answer]]]] = [
    (re.compile(r"Users online: (.*)"), lambda found: answers.UserList(_users(found[1]))),
    (
        re.compile(r"You are now in '(\S+)' \((\d{1,9}) members\)\."),
        lambda found: answers.RoomJoined(found[1], "", "", 0, int(found[2]), "", False),
    ),
    (re.compile(r"You left '(\S+)'\."), lambda found: answers.RoomLeft(found[1])),
    (re.compile(r"Rooms: (.*)"), lambda found: answers.RoomList(_rooms(found[1]))),
    (
        re.compile(r"The topic of '(\S+)' is: (.*)", re.DOTALL),
        lambda found: answers.TopicSet(found[1], found[2]),
    ),
    (re.compile(r"'(\S+)' has no topic\."), lambda found: answers.TopicSet(found[1], "")),
    (
        re.compile(r"Members of '(\S+)' \((\d{1,9})\): (.*)"),
        lambda found: answers.MemberList(found[1], int(found[2]), _users(found[3])),
    ),
    (re.compile(r"You are (online|away|busy|offline) now\."), lambda found: _status(found[1])),
    (re.compile(r"Pong\."), lambda _found: answers.Ponged()),
    (re.compile(r"Goodbye\."), lambda _found: answers.Farewell()),
]

_REFUSALS: Final = [
    (re.compile(r"Username '.*' is already taken\."), Code.NAME_TAKEN),
    (re.compile(r"Username '.*' is not valid: "), Code.NAME_INVALID),
    (re.compile(r"'.*' is registered\."), Code.NAME_REGISTERED),
    (re.compile(r"(User|Room) '.*' not found\."), Code.NOT_FOUND),
    (re.compile(r"Unknown command '"), Code.UNKNOWN_ACTION),
    (re.compile(r"'.*' is not in this build\."), Code.UNSUPPORTED),
]
