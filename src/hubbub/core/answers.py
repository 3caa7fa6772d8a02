"""Answers: what the asker of a command gets back. A `Refusal` is the other possible answer."""

from __future__ import annotations

import msgspec

from hubbub.core.commands import Place, RoomRole, Status
from hubbub.core.errors import Refusal


class _Answer(msgspec.Struct, frozen=True, tag=True, gc=False):
    pass


class UserView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A person as others see them.

    `role`: in a list of members, what was given to somebody in the room. None: nothing, as to guests.
    """

    username: str
    user_id: int
    status: Status
    role: RoomRole | None = None


class RoomView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A room as a list shows it; `members` is a count."""

    room: str
    topic: str
    members: int
    private: bool = False


class RoomPlace(msgspec.Struct, frozen=True, gc=False):
    """A room that a login is in. Live events of `stream` follow from `offset` + 1 on."""

    room: str
    stream: str
    epoch: str
    offset: int


class SessionView(msgspec.Struct, frozen=True, gc=False):
    """One login of an account. Times are RFC 3339; `current`: the asker's own."""

    id: str
    since: str
    seen: str
    current: bool


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """A sign that people put to a message: how many, and the first of them."""

    emoji: str
    count: int
    users: list[str]


class ThumbnailView(msgspec.Struct, frozen=True, gc=False):
    """A small picture of a picture, at `/blobs/FILE/thumbnail`, with an id of its own; in pixels."""

    file: str
    width: int
    height: int


class FileView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A kept file, at `/blobs/FILE/NAME`. `size` in bytes, `sha256` in hexadecimal digits."""

    file: str
    name: str
    size: int
    type: str
    sha256: str
    thumbnail: ThumbnailView | None = None


class OfferView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename={"sender": "from"}):
    """An open offer. `state`: `offered`, `running`, or `interrupted` (accept it again to go on)."""

    offer: str
    sender: str
    filename: str
    size: int
    state: str
    to: str | None = None
    room: str | None = None


class MessageView(
    msgspec.Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    rename={"sender": "from", "sender_id": "from_id"},
):
    """A message as it stands now, in a history. `room` or `to` is set; `content` is "" where `deleted`."""

    sender: str
    sender_id: int
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    room: str | None = None
    to: str | None = None
    to_id: int | None = None
    reply_to: int | None = None
    edited_at: str | None = None
    deleted: bool = False
    reactions: list[Reaction] = []
    file: FileView | None = None


class UnreadView(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename={"with_": "with"}):
    """A stream with its head (`epoch`, `offset`), the cursor (`read`), and the messages of others between.

    `room` is set for a room, `with_` for a private talk, none of them for the account's own notices. Only
    where all were asked for: `at`, the time of the last entry (None: it is erased, or nothing is kept), and
    `gone`: `with_` is what a guest was called, who cannot be reached by it. Else such a guest has no name.
    """

    stream: str
    epoch: str
    offset: int
    read: int
    unread: int
    mentions: int = 0
    room: str | None = None
    with_: str | None = None
    at: str | None = None
    gone: bool = False


class LoggedIn(_Answer, frozen=True, omit_defaults=True):
    """Welcome. `user_id` is 1 … 2^53 - 1.

    A guest's `token` takes id and name back after a dropped line. An account's is worth `expires_in`
    seconds, and `refresh_token` gets the next one. Who came by a cookie is told neither: `token` is empty.
    `rooms` are those that the login is in.
    """

    username: str
    user_id: int
    token: str
    server: str
    refresh_token: str | None = None
    expires_in: int | None = None
    role: str | None = None
    rooms: list[RoomPlace] = []


class LoggedOut(_Answer, frozen=True):
    """The login is over, and the connection is nobody's."""


class PasswordSet(_Answer, frozen=True):
    """The new password is kept; other logins have ended."""


class SessionList(_Answer, frozen=True):
    """Where the account is logged in, the newest first."""

    sessions: list[SessionView]


class SessionEnded(_Answer, frozen=True):
    """That login is over, everywhere."""

    session: str


class Accepted(_Answer, frozen=True):
    """A message, an edit, a deletion or a reaction is kept as this position; `at` is RFC 3339 in UTC.

    A retry gets the same again.
    """

    id: str
    stream: str
    epoch: str
    offset: int
    at: str


class History(_Answer, frozen=True, omit_defaults=True, rename={"with_": "with"}):
    """Messages as they stand now, oldest first. `more`: there are others on the side that was asked for."""

    stream: str
    messages: list[MessageView]
    more: bool
    room: str | None = None
    with_: str | None = None


class SearchResult(_Answer, frozen=True):
    """What was found, newest first. `more`: there is more than was asked for."""

    messages: list[MessageView]
    more: bool


class Resumed(_Answer, frozen=True):
    """What was missed has been told, up to these positions; what follows is live."""

    positions: dict[str, Place]


class ReadUpTo(_Answer, frozen=True):
    """The cursor stands here now. It never goes back."""

    stream: str
    offset: int


class UnreadList(_Answer, frozen=True):
    """The streams that have something new, or all that one has."""

    streams: list[UnreadView]


class Invited(_Answer, frozen=True):
    """That person may come into the room."""

    room: str
    username: str


class RoleSet(_Answer, frozen=True):
    """What that person may do in the room now."""

    room: str
    username: str
    role: RoomRole


class RoomSettingsShown(_Answer, frozen=True, omit_defaults=True):
    """The room's settings as they are now (asked for, or set). `role` is the asker's own."""

    room: str
    private: bool
    retain_days: float
    topic: str = ""
    owner: str | None = None
    role: RoomRole | None = None


class Offered(_Answer, frozen=True):
    """The file is on offer. `keep`: the server takes it itself, and keeps it."""

    offer: str
    keep: bool = False


class FileList(_Answer, frozen=True):
    """Open offers to the asker and by it, and the newest files that are kept, in order."""

    offers: list[OfferView]
    files: list[FileView]


class FileLink(_Answer, frozen=True):
    """Where to fetch it by HTTP, once, within `expires_in` seconds. `url` begins with `/` or a scheme."""

    url: str
    name: str
    size: int
    expires_in: int


class UserList(_Answer, frozen=True):
    """Who is online, sorted by name."""

    users: list[UserView]


class StatusSet(_Answer, frozen=True):
    """The status that others see now."""

    status: Status


class RoomList(_Answer, frozen=True):
    """The rooms, sorted by name."""

    rooms: list[RoomView]


class RoomJoined(_Answer, frozen=True):
    """One is in the room now. Live events of `stream` follow from `offset` + 1 on."""

    room: str
    stream: str
    epoch: str
    offset: int
    members: int
    topic: str
    created: bool


class RoomLeft(_Answer, frozen=True):
    """One is no longer in `room`. `current` is where a text connection is now."""

    room: str
    current: str | None = None
    members: int | None = None


class TopicSet(_Answer, frozen=True):
    """The room's topic as it is now (asked for, or set)."""

    room: str
    topic: str


class MemberList(_Answer, frozen=True):
    """Who is in a room: how many, and the first of them by name (at most `members_listed`)."""

    room: str
    count: int
    users: list[UserView]


class Ponged(_Answer, frozen=True):
    """Alive."""


class Done(_Answer, frozen=True):
    """Carried out; there is nothing to tell."""


class Echoed(_Answer, frozen=True):
    """The payload, as it came."""

    payload: msgspec.Raw


class Announced(_Answer, frozen=True):
    """How many connections the payload went to."""

    count: int


class Connections(_Answer, frozen=True):
    """How many gateway connections there are."""

    count: int


class Farewell(_Answer, frozen=True):
    """The server closes the connection now, as asked."""


Answer = (
    LoggedIn
    | LoggedOut
    | PasswordSet
    | SessionList
    | SessionEnded
    | Accepted
    | History
    | SearchResult
    | Resumed
    | ReadUpTo
    | UnreadList
    | Invited
    | RoleSet
    | RoomSettingsShown
    | Offered
    | FileList
    | FileLink
    | UserList
    | StatusSet
    | RoomList
    | RoomJoined
    | RoomLeft
    | TopicSet
    | MemberList
    | Ponged
    | Done
    | Echoed
    | Announced
    | Connections
    | Farewell
    | Refusal
)
