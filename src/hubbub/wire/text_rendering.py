"""What people read in the text dialect: events and answers as lines.

Everything that a person wrote is shown so that it cannot pass for a line of somebody else: each of its lines
gets the prefix of its author, and what moves the cursor or turns the reading direction becomes U+FFFD.
"""

from __future__ import annotations

import math
import re
from typing import Final

from hubbub.core import answers, events
from hubbub.core.answers import Answer
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event

MAX_LINES: Final = 100
"""Lines one message is shown in, since each repeats its author's name; the rest stands in the last one."""
MAX_NOTICE: Final = 400
"""Characters of a refusal: it may quote what a person sent."""

# C0 but for the tab, C1, line and paragraph separator, and the bidi controls of UAX #9.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_REPLACEMENT: Final = "\ufffd"

FAREWELLS: Final = {
    "drain": "Going down.",
    "slow": "You were too slow to read what came. Connect again to go on.",
    "replaced": "You logged in elsewhere.",
    "idle": "Nothing came from you for too long.",
    "policy": "This connection asked too much of the server.",
}
"""Why the server closes, for each reason of a GoingAway."""

# Refusals that speak for themselves; all others are marked as errors.
_PLAIN: Final = frozenset(
    {
        Code.UNKNOWN_ACTION,
        Code.UNSUPPORTED,
        Code.UNAUTHENTICATED,
        Code.FORBIDDEN,
        Code.NAME_INVALID,
        Code.NAME_TAKEN,
        Code.NAME_REGISTERED,
        Code.NOT_FOUND,
    }
)


def clean(text: str) -> str:
    """One line that stays one line, and shows nothing but itself."""
    return text if text.isprintable() else _UNSAFE.sub(_REPLACEMENT, text)


def said(prefix: str, content: str) -> str:
    """What a person said: each of its lines behind the prefix, joined by newlines."""
    if content.isprintable():
        return prefix + content
    lines = content.splitlines() or [""]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1 :] = [_REPLACEMENT.join(lines[MAX_LINES - 1 :])]
    return "\n".join(prefix + clean(line) for line in lines)


def notice(text: str) -> str:
    """What the server says, in one line."""
    return "[Server] " + clean(text)


def event_lines(event: Event, own: bool) -> str:
    """An event; "" for what the text dialect does not show. `own`: to its author, who knows what it said."""
    match event:
        case events.MessagePosted(sender, _, _, content):
            return "" if own else said(f"{clean(sender)}: ", content)
        case events.WhisperPosted(sender, _, to, _, content):
            return said(f"[Private to {clean(to)}] " if own else f"[Private from {clean(sender)}] ", content)
        case events.TopicChanged(sender, _, room, topic):
            if own:
                return ""  # its author has the answer, which says the same
            return notice(
                f"{sender} set the topic of '{room}': {topic}"
                if topic
                else f"{sender} cleared the topic of '{room}'."
            )
        case events.Joined(username):
            return notice(f"{username} has joined.")
        case events.Left(username):
            return notice(f"{username} has left.")
        case events.GoingAway("drain", float() | int() as retry_after):
            return notice(f"Going down, back in {max(1, math.ceil(retry_after))} s.")
        case events.GoingAway(reason):
            return notice(FAREWELLS.get(reason, "The server closes this connection."))
        case _:
            return ""


def answer_lines(answer: Answer) -> str:
    """An answer; "" where the text dialect says nothing: a login, a message that is kept."""
    match answer:
        case Refusal(code, message):
            return notice(("" if code in _PLAIN else "Error: ") + message[:MAX_NOTICE])
        case answers.UserList(users):
            return notice(f"Users online: {_names(users)}")
        case answers.RoomJoined(room, _, _, _, members):
            return _now_in(room, members)
        case answers.RoomLeft(_, str() as current, members):
            return _now_in(current, members or 0)
        case answers.RoomLeft(room):
            return notice(f"You left '{room}'.")
        case answers.RoomList(rooms):
            return notice("Rooms: " + ", ".join(f"{room.room} ({room.members})" for room in rooms))
        case answers.TopicSet(room, topic):
            return notice(f"The topic of '{room}' is: {topic}" if topic else f"'{room}' has no topic.")
        case answers.MemberList(room, count, users):
            return notice(f"Members of '{room}' ({count}): {_names(users, count)}")
        case answers.StatusSet(status):
            return notice(f"You are {status} now.")
        case answers.Ponged():
            return notice("Pong.")
        case answers.Farewell():
            return notice("Goodbye.")
        case _:
            return ""


def _now_in(room: str, members: int) -> str:
    # "(1 members)" too: programs match this line, so its form is fixed.
    return notice(f"You are now in '{room}' ({members} members).")


def _names(users: list[answers.UserView], count: int = 0) -> str:
    more = [f"… ({count - len(users)} more)"] if count > len(users) else []
    return ", ".join([*(user.username for user in users), *more])
