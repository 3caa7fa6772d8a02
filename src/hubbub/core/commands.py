"""Commands: what a client may ask. Every dialect decodes into these, and the service matches on them.

`room=None` means "the room I am in": a text connection's only room, the default room elsewhere.
Those about files stand in `file_commands.py`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hubbub.core.file_commands import FileCommand

Status = Literal["online", "away", "busy", "offline"]
RoomRole = Literal["owner", "moderator", "member", "none"]
"""What an account may do in a room; `none` takes it out of it."""


LAST: Final = 0
"""In place of an offset to reply to: the room's last message."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """The last position of a stream that a client has: what it resumes from."""

    epoch: str
    offset: int


class _Command(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    pass


class Login(_Command, frozen=True):
    """Come in: as a guest (`username`), with an account's password, or by a `token`.

    A guest's token takes its session back after a dropped line, an account's logs it in again.
    `password_sha256` (64 hexadecimal digits) stands for `password`, which never goes further than its hash.
    `lasting` is said by the server alone, for a browser: its cookie holds the one token that there is.
    """

    username: str | None = None
    password: str | None = None
    token: str | None = None
    password_sha256: str | None = None
    or_guest: bool = False
    """A password for a name that no account holds means nothing, and whoever gives it is a guest."""
    lasting: bool = False
    """Begin a login with one token that is good as long as it is used; by a `token`, tell none."""


class Register(_Command, frozen=True):
    """Make an account, and come in with it. Whoever is a guest already keeps name and id by it.

    `lasting` as in Login.
    """

    username: str | None = None
    password: str | None = None
    password_sha256: str | None = None
    lasting: bool = False


class Refresh(_Command, frozen=True):
    """Exchange a refresh token, once, for a new pair of tokens."""

    refresh_token: str


class Logout(_Command, frozen=True):
    """End this login: its tokens are worth nothing from now on."""


class ChangePassword(_Command, frozen=True):
    """Set another password; every other login of the account ends."""

    old: str | None = None
    new: str | None = None
    old_sha256: str | None = None
    new_sha256: str | None = None


class ListSessions(_Command, frozen=True):
    """Where one's account is logged in."""


class EndSession(_Command, frozen=True):
    """End one of one's own logins, by its id in the list."""

    session: str


class Publish(_Command, frozen=True):
    """Say something in a room. `id` makes a retry harmless. `reply_to` is an offset in it, or LAST."""

    content: str
    room: str | None = None
    id: str | None = None
    reply_to: int | None = None


class Whisper(_Command, frozen=True):
    """Say something to one person. `to_id`: to that one alone, whoever has the name by now."""

    to: str
    content: str
    id: str | None = None
    reply_to: int | None = None
    to_id: int | None = None


class Send(_Command, frozen=True):
    """Say something to `target`, a person or a room: `@name` and `#name` say which; `to_id` as in Whisper."""

    target: str
    content: str
    id: str | None = None
    reply_to: int | None = None
    to_id: int | None = None


class ListUsers(_Command, frozen=True):
    """Who is online."""


class SetStatus(_Command, frozen=True):
    """Tell others how reachable one is. `offline` is shown as away from all."""

    status: Status


class ListRooms(_Command, frozen=True):
    """Which rooms there are."""


class CreateRoom(_Command, frozen=True):
    """Make a room and join it; one that exists is joined. A private one is for those who are invited."""

    room: str
    private: bool = False


class JoinRoom(_Command, frozen=True):
    """Join a room; one that does not exist is made."""

    room: str


class LeaveRoom(_Command, frozen=True):
    """Leave a room. A text connection goes back to the default room."""

    room: str | None = None


class SetTopic(_Command, frozen=True):
    """Say what a room is about."""

    topic: str
    room: str | None = None


class GetTopic(_Command, frozen=True):
    """Ask what a room is about."""

    room: str | None = None


class ListMembers(_Command, frozen=True):
    """Who is in a room."""

    room: str | None = None


class Invite(_Command, frozen=True):
    """Let a person into a room."""

    to: str
    room: str | None = None


class SetRole(_Command, frozen=True):
    """Say what a person may do in a room; `none` takes the person out of it."""

    user: str
    role: RoomRole
    room: str | None = None


class GetRoom(_Command, frozen=True):
    """Ask for a room's settings."""

    room: str | None = None


class SetRoom(_Command, frozen=True):
    """Change a room's settings; None leaves one as it is. `retain_days` 0: keep for ever."""

    room: str | None = None
    private: bool | None = None
    retain_days: float | None = None


class GetHistory(_Command, frozen=True, rename={"with_": "with"}):
    """Ask for messages of a room, or of the private talk `with_` somebody: oldest first, at most `limit`.

    Offsets: `before` and `after` are exclusive, `around` is in the middle; without any, the newest.
    `stream` in place of both: that of a room or a talk, also with a guest who is gone.
    """

    room: str | None = None
    with_: str | None = None
    before: int | None = None
    after: int | None = None
    around: int | None = None
    limit: int | None = None
    stream: str | None = None


class Search(_Command, frozen=True, rename={"with_": "with"}):
    """Find messages with all these words, in whatever one may read, newest first; or as in GetHistory.

    `before`: those behind the message of that offset, which is the last that was found by the same search.
    It is in `before_stream`; None: in what is searched.
    """

    query: str
    room: str | None = None
    with_: str | None = None
    limit: int | None = None
    stream: str | None = None
    before: int | None = None
    before_stream: str | None = None


class Edit(_Command, frozen=True):
    """Put other words in place of a message of one's own.

    `stream` None: of the room that one is in. `offset` None: of one's own last message there.
    """

    content: str
    stream: str | None = None
    offset: int | None = None
    id: str | None = None


class Delete(_Command, frozen=True):
    """Take a message back: one's own, or as a moderator anybody's. `stream`, `offset` as in Edit."""

    stream: str | None = None
    offset: int | None = None
    id: str | None = None


class React(_Command, frozen=True):
    """Put a sign to a message, or take it back. `offset` None: to the last message there."""

    emoji: str
    stream: str | None = None
    offset: int | None = None
    remove: bool = False
    id: str | None = None


class Resume(_Command, frozen=True):
    """Ask for what was missed since these positions, by stream."""

    positions: dict[str, Place]


class MarkRead(_Command, frozen=True):
    """Say up to where one has read a stream, on all of one's devices."""

    stream: str
    offset: int


class GetUnread(_Command, frozen=True):
    """Ask where there is something new; or for `all` rooms and talks that one has, with one's cursors."""

    all: bool = False


class Typing(_Command, frozen=True):
    """Tell a room that one is writing."""

    room: str | None = None


class Ping(_Command, frozen=True):
    """Ask whether the other side is alive."""


class Pong(_Command, frozen=True):
    """Answer the server's own ping. Needs no answer."""


class Echo(_Command, frozen=True):
    """Get the payload back (gateway)."""

    payload: msgspec.Raw


class Announce(_Command, frozen=True):
    """Send a payload to every gateway connection; never stored."""

    payload: msgspec.Raw


class SendTo(_Command, frozen=True):
    """Send a payload to some gateway connections; never stored."""

    connection_ids: list[str]
    payload: msgspec.Raw


class CountConnections(_Command, frozen=True):
    """How many gateway connections there are."""


class Quit(_Command, frozen=True):
    """Say goodbye and close."""


Command = (
    Login
    | Register
    | Refresh
    | Logout
    | ChangePassword
    | ListSessions
    | EndSession
    | Publish
    | Whisper
    | Send
    | ListUsers
    | SetStatus
    | ListRooms
    | CreateRoom
    | JoinRoom
    | LeaveRoom
    | SetTopic
    | GetTopic
    | ListMembers
    | Invite
    | SetRole
    | GetRoom
    | SetRoom
    | GetHistory
    | Search
    | Edit
    | Delete
    | React
    | Resume
    | MarkRead
    | GetUnread
    | FileCommand
    | Typing
    | Ping
    | Pong
    | Echo
    | Announce
    | SendTo
    | CountConnections
    | Quit
)
