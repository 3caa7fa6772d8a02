"""What people read in the text dialect: events and answers as lines.

Everything that a person wrote is shown so that it cannot pass for a line of somebody else: each of its lines
gets the prefix of its author, and what moves the cursor or turns the reading direction becomes U+FFFD.
"""

from __future__ import annotations

import math
import re
from typing import Final

from hubbub.core import answers, commands, events, file_commands
from hubbub.core.answers import Answer
from hubbub.core.commands import RoomRole
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.wire.codec import Request
from hubbub.wire.text_commands import line_of
from hubbub.wire.text_files import event_text, list_texts, with_file
from hubbub.wire.text_messages import message_lines

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
    "policy": "Your login here has ended, or failed too often.",
    "disabled": "Your account was disabled.",
}
"""Why the server closes, for each reason of a GoingAway."""

_ASKED_FOR_THEM: Final = (commands.GetUnread, commands.MarkRead, commands.Resume)
"""What the server asks for people, who did not type it."""

# Refusals that speak for themselves; all others are marked as errors.
RANKS: Final[tuple[RoomRole, ...]] = ("owner", "moderator")
"""Roles that are said behind a name; who has another one is a member like most."""
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
            if event.file is not None:
                content = with_file(content, event.file)
            return "" if own else said(f"{clean(sender)}: ", content)
        case events.WhisperPosted(sender, _, to, _, content):
            if event.file is not None:
                content = with_file(content, event.file)
            return said(f"[Private to {clean(to)}] " if own else f"[Private from {clean(sender)}] ", content)
        case events.TopicChanged(sender, _, room, topic):
            if own:
                return ""  # its author has the answer, which says the same
            return notice(
                f"{sender} set the topic of '{room}': {topic}"
                if topic
                else f"{sender} cleared the topic of '{room}'."
            )
        case events.MessageEdited() | events.MessageDeleted() | events.ReactionChanged():
            return "" if own else _modified(event)
        case events.RoomChanged(sender, _, room, private, days):
            return "" if own else notice(f"{sender} changed '{room}': {_settings(private, days)}.")
        case events.RoleChanged(sender, _, username, _, role, room):
            return "" if own else notice(f"{sender}: {_role(room, username, role)}")
        case events.Mentioned(sender, _, room):
            return notice(f"{sender} mentioned you in '{room}'.")
        case events.RoomInvitation(sender, _, room):
            return notice(f"{sender} invites you to '{room}'. Type /join {room}")
        case events.Joined(username):
            return notice(f"{username} has joined.")
        case events.Left(username):
            return notice(f"{username} has left.")
        case events.GoingAway("drain", float() | int() as retry_after):
            return notice(f"Going down, back in {max(1, math.ceil(retry_after))} s.")
        case events.GoingAway(reason):
            return notice(FAREWELLS.get(reason, "The server closes this connection."))
        case _:
            text = event_text(event)
            return notice(text) if text else ""


def answer_lines(answer: Answer, request: Request) -> str:
    """An answer; "" where the text dialect says nothing: a login by name, a message that is kept.

    A request without a verb is one that nobody typed: it is answered where there is something to tell.
    """
    match answer:
        case Refusal(code, message):
            if isinstance(request.command, _ASKED_FOR_THEM) and not request.verb:
                return ""
            return notice(("" if code in _PLAIN else "Error: ") + message[:MAX_NOTICE])
        case answers.LoggedIn(username):
            return _entered(username, request.command)
        case answers.LoggedOut():
            return notice("You are logged out.")
        case answers.PasswordSet():
            return notice("Your password is changed, and your other logins have ended.")
        case answers.SessionList(sessions):
            return "\n".join(map(_session, sessions))
        case answers.SessionEnded(session):
            return notice(f"Session {session} has ended.")
        case answers.Accepted():
            return _kept(request.command)
        case answers.History():
            return _history(answer, request.command)
        case answers.SearchResult(messages, more):
            count = f"{len(messages)} message{'s' * (len(messages) != 1)}"
            found = f"Found {count}{', and there are more.' if more else '.'}"
            lines = [message_lines(one, _said, placed=True) for one in messages]
            return "\n".join([notice(found if messages else "Found nothing."), *lines])
        case answers.UnreadList(streams):
            if not streams:
                return notice("Nothing new.") if request.verb else ""
            return notice("Unread: " + ", ".join(map(_unread, streams)))
        case answers.Invited(room, username):
            return notice(f"{username} may come into '{room}' now.")
        case answers.RoleSet(room, username, role):
            return notice(_role(room, username, role))
        case answers.RoomSettingsShown(room, private, days, _, owner, role):
            return notice(
                f"'{room}' is {_settings(private, days)}"
                + (f"; owner: {owner}" if owner is not None else "")
                + (f"; you: {role}" if role is not None else "")
                + "."
            )
        case answers.Done() if isinstance(request.command, file_commands.DeclineFile):
            return notice("Declined.")
        case answers.FileList():
            return "\n".join(map(notice, list_texts(answer)))
        case answers.FileLink(url):
            return notice(f"Fetch it with a browser or curl: {url}")
        case answers.UserList(users):
            return notice(f"Users online: {_names(users)}")
        case answers.RoomJoined(room, _, _, _, members):
            return _now_in(room, members)
        case answers.RoomLeft(_, str() as current, members):
            return _now_in(current, members or 0)
        case answers.RoomLeft(room):
            return notice(f"You left '{room}'.")
        case answers.RoomList(rooms):
            return notice("Rooms: " + ", ".join(map(_listed, rooms)))
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


def _listed(view: answers.RoomView) -> str:
    return f"{view.room} ({view.members}{', private' if view.private else ''})"


def _entered(username: str, command: object) -> str:
    match command:
        case commands.Register():
            return notice(f"'{username}' is an account of yours now.")
        case commands.Login(None):
            return notice(f"You are logged in as '{username}'.")
        case _:
            return ""  # a name was enough, and it is known


def _session(view: answers.SessionView) -> str:
    current = " (this one)" if view.current else ""
    return notice(f"Session {view.id}{current}: since {view.since}, last seen {view.seen}")


def _kept(command: object) -> str:
    match command:
        case commands.Edit():
            return notice("Edited.")
        case commands.Delete():
            return notice("Deleted.")
        case commands.React(remove=remove):
            return notice("Your reaction is taken back." if remove else "You reacted.")
        case _:
            return ""


def _history(answer: answers.History, command: object) -> str:
    of = f"of '{answer.room}'" if answer.room is not None else f"with {answer.with_}"
    lines = [notice(f"History {of}:"), *(message_lines(one, _said, placed=False) for one in answer.messages)]
    if not answer.more or not answer.messages or not isinstance(command, commands.GetHistory):
        return "\n".join([*lines, notice("End of history.")])
    forward = command.before is None and command.after is not None
    on = commands.GetHistory(
        command.room,
        command.with_,
        before=None if forward else answer.messages[0].offset,
        after=answer.messages[-1].offset if forward else None,
        limit=command.limit,
    )
    return "\n".join([*lines, notice(f"There is more: {line_of(on)}")])


def _said(prefix: str, content: str) -> str:
    return said(clean(prefix), content)


def _unread(view: answers.UnreadView) -> str:
    where = (
        f"@{view.with_}" if view.with_ is not None else "notices" if view.room is None else f"#{view.room}"
    )
    mentions = f", {view.mentions} of them for you" if view.mentions else ""
    return f"{where} ({view.unread}{mentions})"


def _role(room: str, username: str, role: RoomRole) -> str:
    return f"{username} is {'no member' if role == 'none' else role} of '{room}' now."


def _settings(private: bool, days: float) -> str:
    kept = f"{days:g} days" if days else "ever"
    return f"{'private' if private else 'public'}, and keeps its messages for {kept}"


def _modified(event: events.MessageEdited | events.MessageDeleted | events.ReactionChanged) -> str:
    where = "" if event.room is not None else " of your private talk"
    match event:
        case events.MessageEdited():
            return said(clean(f"[Server] {event.sender} edited #{event.target}{where}: "), event.content)
        case events.MessageDeleted():
            return notice(f"{event.sender} deleted #{event.target}{where}.")
        case events.ReactionChanged():
            doing = "took back from" if event.removed else "put to"
            return notice(f"{event.sender} {doing} #{event.target}{where}: {event.emoji}")


def _names(users: list[answers.UserView], count: int = 0) -> str:
    more = [f"… ({count - len(users)} more)"] if count > len(users) else []
    ranks = (f" ({user.role})" if user.role in RANKS else "" for user in users)
    return ", ".join([*(f"{user.username}{rank}" for user, rank in zip(users, ranks, strict=True)), *more])
