"""Events: what is told to people, without their asking.

A durable event has a position: `stream`, `epoch`, `offset` (from 1, dense), `at` (RFC 3339, UTC).
All others are ephemeral: never stored, and gone for whoever is away.
The field names are those of the JSON wires, so an event is encoded once and by its own structure.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hubbub.core.answers import FileView
from hubbub.core.commands import RoomRole, Status


class _Event(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    pass


class MessagePosted(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said something in a room."""

    sender: str
    sender_id: int
    room: str
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    reply_to: int | None = None
    mentions: list[str] = []
    file: FileView | None = None


class WhisperPosted(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said something to one person. Both get it."""

    sender: str
    sender_id: int
    to: str
    to_id: int
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    reply_to: int | None = None
    file: FileView | None = None


class TopicChanged(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said what the room is about."""

    sender: str
    sender_id: int
    room: str
    topic: str
    stream: str
    epoch: str
    offset: int
    at: str


class MessageEdited(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody put other words in place of the message at `target`, an offset of the same stream.

    `room` is None in a private talk; so in the two below.
    """

    sender: str
    sender_id: int
    target: int
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    room: str | None = None


class MessageDeleted(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """The message at `target` was taken back."""

    sender: str
    sender_id: int
    target: int
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    room: str | None = None


class ReactionChanged(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody put a sign to the message at `target`, or took it back."""

    sender: str
    sender_id: int
    target: int
    emoji: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    removed: bool = False
    room: str | None = None


class RoomChanged(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody changed the room's settings: they are these now."""

    sender: str
    sender_id: int
    room: str
    private: bool
    retain_days: float
    stream: str
    epoch: str
    offset: int
    at: str


class RoleChanged(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said what a person may do in the room; an invitation makes a `member`."""

    sender: str
    sender_id: int
    username: str
    user_id: int
    role: RoomRole
    room: str
    stream: str
    epoch: str
    offset: int
    at: str


class Mentioned(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """On the account's own notices: somebody named it in a room, in the message `message_id`."""

    sender: str
    sender_id: int
    room: str
    room_stream: str
    message_id: str
    stream: str
    epoch: str
    offset: int
    at: str


class RoomInvitation(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """On the account's own notices: somebody let it into a room."""

    sender: str
    sender_id: int
    room: str
    room_stream: str
    stream: str
    epoch: str
    offset: int
    at: str


class MessageErased(_Event, frozen=True):
    """What stood at this position is gone. Only told by a resume, so that nobody takes it for a hole."""

    stream: str
    epoch: str
    offset: int


class Gap(_Event, frozen=True):
    """What was missed of `stream` cannot be told whole. Begin anew behind this position (see history)."""

    stream: str
    epoch: str
    offset: int


class ReadMoved(_Event, frozen=True):
    """Another device of the same account has read up to here."""

    stream: str
    offset: int


class Joined(_Event, frozen=True):
    """Somebody came into a room that the receiver is in."""

    username: str
    user_id: int
    room: str


class Left(_Event, frozen=True):
    """Somebody left a room that the receiver is in, or (`room` None) the server."""

    username: str
    user_id: int
    room: str | None = None


class StatusChanged(_Event, frozen=True):
    """Somebody is online, away or busy now."""

    username: str
    user_id: int
    status: Status


class UserTyping(_Event, frozen=True):
    """Somebody is writing in a room."""

    username: str
    user_id: int
    room: str


class FileOffered(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody offers the receiver a file. Told again after a login, and when a transfer may go on.

    `hello` is from the sender's program.
    """

    sender: str
    sender_id: int
    to: str
    filename: str
    size: int
    offer: str
    sha256: str | None = None
    filetype: str | None = None
    hello: str | None = None


class FileDeclined(_Event, frozen=True, rename={"sender": "from"}):
    """`to` does not want the file that `sender` offered. Told to `sender`, and to other devices of `to`."""

    sender: str
    to: str
    filename: str
    offer: str


class FileAccepted(_Event, frozen=True):
    """Told to the sender: `to` wants the file from `offset` on, and can be reached as `hello` says.

    And to the other devices of `to`: it is taken, so accepting it there would be refused.
    """

    to: str
    filename: str
    offer: str
    offset: int
    hello: str | None = None


class UploadStarted(_Event, frozen=True):
    """The receiver of this sends the file's bytes now, from `offset` to `size`.

    Chunks may be `window` bytes ahead of what `FileProgress` says is taken.
    """

    filename: str
    offer: str
    size: int
    offset: int = 0
    window: int = 0


class DownloadStarted(_Event, frozen=True, rename={"sender": "from"}):
    """The receiver of this gets the file's bytes now, from `offset` to `size`."""

    sender: str
    filename: str
    size: int
    offer: str
    offset: int = 0


class FileData(_Event, frozen=True):
    """Bytes of the file that is on its way, from `offset` on. `last`: they end it."""

    offer: str
    offset: int
    data: bytes
    last: bool = False


class FileProgress(_Event, frozen=True):
    """Told to a sender of chunks: everything below `offset` is taken."""

    offer: str
    offset: int


class FileDone(_Event, frozen=True):
    """The whole file has arrived, with this digest. Told to both sides."""

    filename: str
    offer: str
    sha256: str


FileFailure = Literal["cancelled", "expired", "lost", "stalled", "size", "digest", "storage"]
"""Why a transfer ended: somebody broke it off; nobody took it; a line dropped; nothing moved; not the size
or the digest that was promised; it cannot be kept."""


class FileFailed(_Event, frozen=True, rename={"sender": "from"}):
    """The transfer ended without the whole file. `again`: the offer stands, and accepting it goes on."""

    sender: str
    filename: str
    offer: str
    reason: FileFailure
    message: str
    again: bool = False


class Announcement(_Event, frozen=True, rename={"sender_connection": "from"}):
    """A payload of the gateway's `broadcast` or `send_to`, from the connection of that id."""

    sender_connection: str
    payload: msgspec.Raw


class Welcome(_Event, frozen=True):
    """First thing on a gateway connection."""

    connection_id: str
    user: str | None = None


class Alive(_Event, frozen=True):
    """The server asks whether the client is still there. Any byte is an answer."""


class GoingAway(_Event, frozen=True):
    """The last thing before the server closes. `retry_after` in seconds; None: do not come back.

    `reason`: `drain` (restart), `slow` (reconnect and resume), `replaced` (logged in elsewhere),
    `idle`, `policy` (the login has ended), `disabled` (the account is).
    """

    reason: str
    retry_after: float | None = None


DurableEvent = (
    MessagePosted
    | WhisperPosted
    | TopicChanged
    | MessageEdited
    | MessageDeleted
    | ReactionChanged
    | RoomChanged
    | RoleChanged
    | Mentioned
    | RoomInvitation
    | MessageErased
)
Event = (
    DurableEvent
    | Gap
    | ReadMoved
    | Joined
    | Left
    | StatusChanged
    | UserTyping
    | FileOffered
    | FileDeclined
    | FileAccepted
    | UploadStarted
    | DownloadStarted
    | FileData
    | FileProgress
    | FileDone
    | FileFailed
    | Announcement
    | Welcome
    | Alive
    | GoingAway
)
