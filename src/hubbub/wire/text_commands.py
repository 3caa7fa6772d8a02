"""What people type in the text dialect: a table of commands, and each command as a line to type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from hubbub.core import commands, file_commands
from hubbub.core.commands import Command


class Verb(NamedTuple):
    """A command: what follows it, what it is for, and what it becomes (None: that is not what follows it)."""

    arguments: str
    purpose: str
    command: Callable[[str], Command | None]
    exact: bool = False
    """What follows counts as it stands, with the blanks at both its ends."""


_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_DAYS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_AT: Final = re.compile(r"#([0-9]{1,15})(?:[ \t](.*))?", re.DOTALL)


def _whisper(rest: str) -> Command | None:
    to, _, content = rest.lstrip(" \t").partition(" ")
    return commands.Whisper(to, content) if content.strip() else None


def _create(rest: str) -> Command | None:
    room, _, word = rest.rpartition(" ")
    if word == "private" and room:
        return commands.CreateRoom(room.strip(), private=True)
    return commands.CreateRoom(rest) if rest else None


def _password(rest: str) -> Command | None:
    old, _, new = rest.partition(" ")
    return commands.ChangePassword(old, new) if old and new else None


def _sessions(rest: str) -> Command | None:
    match rest.split():
        case []:
            return commands.ListSessions()
        case ["end", session]:
            return commands.EndSession(session)
    return None


def _role(rest: str) -> Command | None:
    match rest.split():
        case [user, ("owner" | "moderator" | "member" | "none") as role]:
            return commands.SetRole(user, role)
    return None


def _room(rest: str) -> Command | None:
    match rest.split():
        case []:
            return commands.GetRoom()
        case [("private" | "public") as kind]:
            return commands.SetRoom(private=kind == "private")
        case ["keep", days] if _DAYS.fullmatch(days):
            return commands.SetRoom(retain_days=float(days))
    return None


def _history(rest: str) -> Command | None:
    words = rest.split()
    with_ = limit = None
    if words and words[0].startswith("@"):
        with_ = words.pop(0)[1:]
    if words and _NUMBER.fullmatch(words[0]):
        limit = int(words.pop(0))
    before = after = around = None
    match words:
        case []:
            pass
        case [side, at] if _NUMBER.fullmatch(at.removeprefix("#")):
            offset = int(at.removeprefix("#"))
            match side:
                case "before":
                    before = offset
                case "after":
                    after = offset
                case "around":
                    around = offset
                case _:
                    return None
        case _:
            return None
    return commands.GetHistory(None, with_, before, after, around, limit)


def _at(rest: str) -> tuple[int | None, str]:
    """An offset, if what follows begins with one, and what comes after it."""
    found = _AT.fullmatch(rest)
    return (None, rest) if found is None else (int(found[1]), found[2] or "")


def _edit(rest: str) -> Command | None:
    offset, content = _at(rest)
    return commands.Edit(content, offset=offset) if content.strip() else None


def _delete(rest: str) -> Command | None:
    offset, more = _at(rest)
    return None if more else commands.Delete(offset=offset)


def _react(rest: str) -> Command | None:
    offset, more = _at(rest)
    match more.split():
        case [emoji]:
            return commands.React(emoji, offset=offset)
        case [emoji, "off"]:
            return commands.React(emoji, offset=offset, remove=True)
    return None


def _reply(rest: str) -> Command | None:
    offset, content = _at(rest)
    if offset == commands.LAST or not content.strip():
        return None
    return commands.Publish(content, reply_to=commands.LAST if offset is None else offset)


COMMANDS: Final[dict[str, Verb]] = {
    "/login": Verb(
        "<password>",
        "log in with the password of the name that you gave",
        lambda password: commands.Login(password=password) if password else None,
        exact=True,
    ),
    "/register": Verb(
        "<password>",
        "make your name an account of yours",
        lambda password: commands.Register(password=password) if password else None,
        exact=True,
    ),
    "/logout": Verb("", "end this login, and leave", lambda _: commands.Logout()),
    "/password": Verb("<old> <new>", "set another password", _password, exact=True),
    "/sessions": Verb("[end <id>]", "where you are logged in, or end one of them", _sessions),
    "/list": Verb("", "who is online", lambda _: commands.ListUsers()),
    "/w": Verb("<username> <message>", "say something to one person", _whisper, exact=True),
    "/rooms": Verb("", "which rooms there are", lambda _: commands.ListRooms()),
    "/create": Verb("<room> [private]", "make a room and go there", _create),
    "/join": Verb("<room>", "go to a room", lambda room: commands.JoinRoom(room) if room else None),
    "/leave": Verb(
        "", "be no longer a member of the room, and go back to the first one", lambda _: commands.LeaveRoom()
    ),
    "/topic": Verb(
        "[text]",
        "what the room is about",
        lambda topic: commands.SetTopic(topic) if topic else commands.GetTopic(),
    ),
    "/members": Verb("", "who is in the room", lambda _: commands.ListMembers()),
    "/invite": Verb(
        "<username>", "let somebody into the room", lambda name: commands.Invite(name) if name else None
    ),
    "/role": Verb("<username> owner|moderator|member|none", "what somebody may do in the room", _role),
    "/room": Verb(
        "[private|public|keep <days>]",
        "the room's settings, or change one; 0 days: messages are kept for ever",
        _room,
    ),
    "/history": Verb(
        "[@<username>] [<number>] [before|after|around <offset>]",
        "what was said, in the room or with somebody",
        _history,
    ),
    "/search": Verb("<words>", "find messages", lambda query: commands.Search(query) if query else None),
    "/edit": Verb(
        "[#<offset>] <text>", "put other words into your last message, or that one", _edit, exact=True
    ),
    "/delete": Verb("[#<offset>]", "take your last message back, or that one", _delete),
    "/react": Verb("[#<offset>] <emoji> [off]", "react to the last message, or to that one", _react),
    "/reply": Verb("[#<offset>] <text>", "answer the last message, or that one", _reply, exact=True),
    "/files": Verb(
        "",
        "what is offered to you and by you, and which files the room keeps",
        lambda _: file_commands.ListFiles(),
    ),
    "/accept": Verb(
        "[filename]",
        "take a file that is offered to you: here is a link to fetch it by",
        lambda name: file_commands.AcceptFile(filename=name or None),
    ),
    "/decline": Verb(
        "[filename]", "do not take it", lambda name: file_commands.DeclineFile(filename=name or None)
    ),
    "/get": Verb(
        "<filename>",
        "a link to fetch a file by that the room keeps",
        lambda name: file_commands.GetFile(filename=name) if name else None,
    ),
    "/unread": Verb("", "where there is something new", lambda _: commands.GetUnread()),
    "/away": Verb("", "tell others that you are away", lambda _: commands.SetStatus("away")),
    "/back": Verb("", "and that you are back", lambda _: commands.SetStatus("online")),
    "/ping": Verb("", "see whether the server is alive", lambda _: commands.Ping()),
    "/quit": Verb("", "leave", lambda _: commands.Quit()),
}
"""Every command but `/help`, which is answered from this table."""

UNNAMED: Final = frozenset({"/login", "/quit"})
"""Commands that may come before there is a name, or while its password is asked for."""


def line_of(command: Command) -> str:
    """The line to type, without what no line can say (room, stream, id). ValueError where there is none."""
    line = _spelled(command)
    if line is None:
        raise ValueError(f"no line of the text dialect: {type(command).__name__}")
    return line


def _spelled(command: Command) -> str | None:
    match command:
        case commands.Login(str() as username, None, None, None):
            return username
        case commands.Login(None, str() as password, None):
            return f"/login {password}"
        case commands.Register(None, str() as password):
            return f"/register {password}"
        case commands.ChangePassword(str() as old, str() as new) if " " not in old:
            return f"/password {old} {new}"
        case commands.ListSessions():
            return "/sessions"
        case commands.EndSession(session):
            return f"/sessions end {session}"
        case commands.Publish(content, reply_to=commands.LAST) if _AT.fullmatch(content) is None:
            return f"/reply {content}"
        case commands.Publish(_, reply_to=commands.LAST):
            return None
        case commands.Publish(content, reply_to=int() as offset):
            return f"/reply #{offset} {content}"
        case commands.Publish(content):
            return f"/{content}" if content.startswith("/") else content
        case commands.Whisper(to, content):
            return f"/w {to} {content}"
        case commands.SetStatus("away"):
            return "/away"
        case commands.SetStatus("online"):
            return "/back"
        case commands.CreateRoom(room, private):
            return f"/create {room} private" if private else f"/create {room}"
        case commands.JoinRoom(room):
            return f"/join {room}"
        case commands.SetTopic(topic) if topic:
            return f"/topic {topic}"
        case commands.Invite(to):
            return f"/invite {to}"
        case commands.SetRole(user, role):
            return f"/role {user} {role}"
        case commands.SetRoom(_, bool() as private, None):
            return "/room private" if private else "/room public"
        case commands.SetRoom(_, None, float() as days) if _DAYS.fullmatch(str(days)):
            return f"/room keep {days}"
        case commands.GetHistory():
            return _history_line(command)
        case commands.Search(query):
            return f"/search {query}"
        case commands.Edit(content, _, None) if _AT.fullmatch(content) is None:
            return f"/edit {content}"
        case commands.Edit(content, _, int() as offset):
            return f"/edit #{offset} {content}"
        case commands.Delete(_, offset):
            return "/delete" if offset is None else f"/delete #{offset}"
        case commands.React(emoji, _, offset, remove):
            at = "" if offset is None else f"#{offset} "
            return f"/react {at}{emoji} off" if remove else f"/react {at}{emoji}"
        case file_commands.AcceptFile(None, None, filename, 0, False, None):
            return "/accept" if filename is None else f"/accept {filename}"
        case file_commands.DeclineFile(None, None, filename):
            return "/decline" if filename is None else f"/decline {filename}"
        case file_commands.ListFiles(_, None):
            return "/files"
        case file_commands.GetFile(None, str() as filename):
            return f"/get {filename}"
        case _:
            return _BARE.get(type(command))


_BARE: Final[dict[type, str]] = {
    commands.Logout: "/logout",
    commands.ListUsers: "/list",
    commands.ListRooms: "/rooms",
    commands.LeaveRoom: "/leave",
    commands.GetTopic: "/topic",
    commands.ListMembers: "/members",
    commands.GetRoom: "/room",
    commands.GetUnread: "/unread",
    commands.Ping: "/ping",
    commands.Quit: "/quit",
}


def _history_line(command: commands.GetHistory) -> str:
    words = ["/history"]
    if command.with_ is not None:
        words.append(f"@{command.with_}")
    if command.limit is not None:
        words.append(str(command.limit))
    for side in ("before", "after", "around"):
        offset: int | None = getattr(command, side)
        if offset is not None:
            words += [side, str(offset)]
            break
    return " ".join(words)
