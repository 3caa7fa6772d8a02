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
from hubbub.core.commands import RoomRole
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.wire import text_files
from hubbub.wire.codec import Reply
from hubbub.wire.text_messages import read_line
from hubbub.wire.text_rendering import FAREWELLS, RANKS

_SAID: Final = re.compile(r"([^\s\[\]#:]+): (.*)", re.DOTALL)
_PRIVATE: Final = re.compile(r"\[Private (from|to) (\S+)\] (.*)", re.DOTALL)
_ROOM: Final = re.compile(r"(\S+) \((\d+)(, private)?\)")
_UNREAD: Final = re.compile(r"([#@][^\s,]+|notices) \((\d+)(?:, (\d+) of them for you)?\)")
_SETTINGS: Final = r"(?P<kind>private|public), and keeps its messages for (?:ever|(?P<days>[\d.e+-]+) days)"
_ROLE: Final = r"(\S+) is (owner|moderator|member|no member) of '(\S+)' now\."
_MORE: Final = re.compile(r"(?:^|, )… \(\d+ more\)$")


def parse(line: str) -> Event | Reply:
    """A line that a server sent; ValueError for what no server of this dialect sends."""
    if line.startswith("[Server] "):
        return _notice(line.removeprefix("[Server] "))
    if line.startswith("#"):
        view = read_line(line)
        if view is None:
            raise ValueError("no line of the text dialect")
        placed = view.room is not None or view.to is not None
        return Reply(answers.SearchResult([view], False) if placed else answers.History("", [view], False))
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
    for pattern, event in text_files.LATE_EVENTS:
        found = pattern.fullmatch(text)
        if found is not None:
            return event(found)
    return Reply(Refusal(Code.BAD_REQUEST, text.removeprefix("Error: ")))


def _users(listed: str) -> list[answers.UserView]:
    names = _MORE.sub("", listed)
    return [_user(*one.partition(" (")) for one in names.split(", ")] if names else []


def _user(name: str, _: str, rank: str) -> answers.UserView:
    return answers.UserView(name, 0, "online", next((one for one in RANKS if f"{one})" == rank), None))


def _rooms(listed: str) -> list[answers.RoomView]:
    return [
        answers.RoomView(name, "", int(members), bool(private))
        for name, members, private in _ROOM.findall(listed)
    ]


def _unread(listed: str) -> list[answers.UnreadView]:
    return [
        answers.UnreadView(
            "",
            "",
            0,
            0,
            int(unread),
            int(mentions or 0),
            where[1:] if where.startswith("#") else None,
            where[1:] if where.startswith("@") else None,
        )
        for where, unread, mentions in _UNREAD.findall(listed)
    ]


def _settings(found: re.Match[str]) -> tuple[str, bool, float]:
    return found["room"], found["kind"] == "private", float(found["days"] or 0)


def _role(word: str) -> RoomRole:
    match word:
        case "owner" | "moderator" | "member":
            return word
        case _:
            return "none"


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
        re.compile(r"(\S+) edited #(\d{1,16})( of your private talk)?: (.*)", re.DOTALL),
        lambda found: events.MessageEdited(
            found[1], 0, int(found[2]), found[4], "", "", "", 0, "", None if found[3] else ""
        ),
    ),
    (
        re.compile(r"(\S+) deleted #(\d{1,16})( of your private talk)?\."),
        lambda found: events.MessageDeleted(
            found[1], 0, int(found[2]), "", "", "", 0, "", None if found[3] else ""
        ),
    ),
    (
        re.compile(r"(\S+) (put to|took back from) #(\d{1,16})( of your private talk)?: (.*)"),
        lambda found: events.ReactionChanged(
            found[1],
            0,
            int(found[3]),
            found[5],
            "",
            "",
            "",
            0,
            "",
            removed=found[2] == "took back from",
            room=None if found[4] else "",
        ),
    ),
    (
        re.compile(rf"(\S+) changed '(?P<room>\S+)': {_SETTINGS}\."),
        lambda found: events.RoomChanged(found[1], 0, *_settings(found), "", "", 0, ""),
    ),
    (
        re.compile(rf"(\S+): {_ROLE}"),
        lambda found: events.RoleChanged(found[1], 0, found[2], 0, _role(found[3]), found[4], "", "", 0, ""),
    ),
    (
        re.compile(r"(\S+) mentioned you in '(\S+)'\."),
        lambda found: events.Mentioned(found[1], 0, found[2], "", "", "", "", 0, ""),
    ),
    (
        re.compile(r"(\S+) invites you to '(\S+)'\. Type /join \S+"),
        lambda found: events.RoomInvitation(found[1], 0, found[2], "", "", "", 0, ""),
    ),
    (
        re.compile(r"Going down, back in (\d{1,9}) s\."),
        lambda found: events.GoingAway("drain", float(found[1])),
    ),
    *(
        (re.compile(re.escape(farewell)), lambda _found, reason=reason: events.GoingAway(reason))
        for reason, farewell in FAREWELLS.items()
    ),
    *text_files.EVENTS,
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
    (re.compile(r"You are logged in as '(\S+)'\."), lambda found: answers.LoggedIn(found[1], 0, "", "")),
    (
        re.compile(r"'(\S+)' is an account of yours now\."),
        lambda found: answers.LoggedIn(found[1], 0, "", ""),
    ),
    (re.compile(r"You are logged out\."), lambda _found: answers.LoggedOut()),
    (
        re.compile(r"Your password is changed, and your other logins have ended\."),
        lambda _found: answers.PasswordSet(),
    ),
    (
        re.compile(r"Session (\S+)( \(this one\))?: since (\S+), last seen (\S+)"),
        lambda found: answers.SessionList(
            [answers.SessionView(found[1], found[3], found[4], bool(found[2]))]
        ),
    ),
    (re.compile(r"Session (\S+) has ended\."), lambda found: answers.SessionEnded(found[1])),
    (
        re.compile(r"Edited\.|Deleted\.|Your reaction is taken back\.|You reacted\."),
        lambda _found: answers.Accepted("", "", "", 0, ""),
    ),
    (
        re.compile(r"History (?:of '(\S+)'|with (\S+)):"),
        lambda found: answers.History("", [], False, found[1], found[2]),
    ),
    (re.compile(r"End of history\."), lambda _found: answers.History("", [], False)),
    (re.compile(r"There is more: /history.*"), lambda _found: answers.History("", [], True)),
    (
        re.compile(r"Found (?:nothing|\d{1,9} messages?(, and there are more)?)\."),
        lambda found: answers.SearchResult([], bool(found[1])),
    ),
    (re.compile(r"Nothing new\."), lambda _found: answers.UnreadList([])),
    (re.compile(r"Unread: (.*)"), lambda found: answers.UnreadList(_unread(found[1]))),
    (re.compile(r"(\S+) may come into '(\S+)' now\."), lambda found: answers.Invited(found[2], found[1])),
    (re.compile(_ROLE), lambda found: answers.RoleSet(found[3], found[1], _role(found[2]))),
    (
        re.compile(
            rf"'(?P<room>\S+)' is {_SETTINGS}(?:; owner: (?P<owner>[^\s;]+))?(?:; you: (?P<you>\w+))?\."
        ),
        lambda found: answers.RoomSettingsShown(
            *_settings(found), "", found["owner"], _role(found["you"]) if found["you"] else None
        ),
    ),
    (re.compile(r"You are (online|away|busy|offline) now\."), lambda found: _status(found[1])),
    (re.compile(r"Pong\."), lambda _found: answers.Ponged()),
    (re.compile(r"Goodbye\."), lambda _found: answers.Farewell()),
    *text_files.ANSWERS,
]

_REFUSALS: Final = [
    (re.compile(r"Username '.*' is already taken\."), Code.NAME_TAKEN),
    (re.compile(r"Username '.*' is not valid: "), Code.NAME_INVALID),
    (re.compile(r"'.*' is registered\."), Code.NAME_REGISTERED),
    (re.compile(r"(User|Room) '.*' not found\."), Code.NOT_FOUND),
    (re.compile(r"Unknown command '"), Code.UNKNOWN_ACTION),
]
