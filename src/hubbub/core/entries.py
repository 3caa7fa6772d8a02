"""What is kept on streams: entries, their bodies, and their positions. A journal stores these as they are.

Field names here are on disk: a new one needs a default, and none is ever used again for something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from hubbub.core.answers import FileView
from hubbub.core.commands import RoomRole


class Said(msgspec.Struct, frozen=True, tag="said", gc=False, omit_defaults=True):
    """A message in a room. `mentions` are ids of accounts."""

    sender: str
    sender_id: int
    room: str
    content: str
    reply_to: int | None = None
    mentions: list[int] = []
    file: FileView | None = None


class Whispered(msgspec.Struct, frozen=True, tag="whispered", gc=False, omit_defaults=True):
    """A message to one person."""

    sender: str
    sender_id: int
    to: str
    to_id: int
    content: str
    reply_to: int | None = None
    file: FileView | None = None


class TopicGiven(msgspec.Struct, frozen=True, tag="topic", gc=False):
    """What a room is about, from now on."""

    sender: str
    sender_id: int
    room: str
    topic: str


class Edited(msgspec.Struct, frozen=True, tag="edited", gc=False, omit_defaults=True):
    """Other words for the message at `target` of the same stream. `room` None: in a private talk."""

    sender: str
    sender_id: int
    target: int
    content: str
    room: str | None = None


class Deleted(msgspec.Struct, frozen=True, tag="deleted", gc=False, omit_defaults=True):
    """The message at `target` is taken back; its bytes are erased with this entry."""

    sender: str
    sender_id: int
    target: int
    room: str | None = None


class Reacted(msgspec.Struct, frozen=True, tag="reacted", gc=False, omit_defaults=True):
    """A sign put to the message at `target`, or taken back."""

    sender: str
    sender_id: int
    target: int
    emoji: str
    removed: bool = False
    room: str | None = None


class RoomSet(msgspec.Struct, frozen=True, tag="room", gc=False):
    """The settings of a room, from now on."""

    sender: str
    sender_id: int
    room: str
    private: bool
    retain_days: float


class RoleGiven(msgspec.Struct, frozen=True, tag="role", gc=False):
    """What somebody may do in a room, from now on; the first role is the invitation."""

    sender: str
    sender_id: int
    username: str
    user_id: int
    role: RoomRole
    room: str


class MentionNoted(msgspec.Struct, frozen=True, tag="mention", gc=False):
    """On an account's notices: it was named in the message `message_id` of `room_stream`."""

    sender: str
    sender_id: int
    room: str
    room_stream: str
    message_id: str


class InvitationNoted(msgspec.Struct, frozen=True, tag="invitation", gc=False):
    """On an account's notices: it may come into a room."""

    sender: str
    sender_id: int
    room: str
    room_stream: str


class Erased(msgspec.Struct, frozen=True, tag="erased", gc=False):
    """Never appended: what a reader finds where an entry was erased."""


Body = (
    Said
    | Whispered
    | TopicGiven
    | Edited
    | Deleted
    | Reacted
    | RoomSet
    | RoleGiven
    | MentionNoted
    | InvitationNoted
    | Erased
)


CHANGES: Final[dict[type[Body], str]] = {Edited: "edited", Deleted: "deleted", Reacted: "reacted"}
"""What an entry may do to another one. Each has its own ids: the same id on a message is no retry."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Something to be kept on a stream. `at` is RFC 3339, UTC; `id` is the message's id.

    `author` is whose retry of this `id` must find this entry; 0: the id was made here, and nobody's can.
    """

    stream: str
    id: str
    at: str
    body: Body
    author: int = 0


class Record(msgspec.Struct, frozen=True, gc=False):
    """An entry that is kept, with its position."""

    entry: Entry
    epoch: str
    offset: int


class Group(msgspec.Struct, frozen=True, gc=False):
    """What one append became. `ticket` is None where another node appended it."""

    ticket: int | None
    records: Sequence[Record]


class Position(msgspec.Struct, frozen=True, gc=False):
    """The last offset of a stream, 0 where it has none yet."""

    epoch: str
    offset: int


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What a journal remembers of a recent entry without reading it: enough to answer its retry."""

    author: int
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    change: str = ""
    """What it did to another entry (see CHANGES); "": it is a message."""


class Put(msgspec.Struct, frozen=True, gc=False):
    """A change of a keyed record: it is this from now on."""

    key: str
    value: bytes


class Drop(msgspec.Struct, frozen=True, gc=False):
    """A change: the keyed record is gone."""

    key: str


class Erase(msgspec.Struct, frozen=True, gc=False):
    """A change: the entry at `offset` cannot be read any more, and its bytes go at the next compaction."""

    stream: str
    offset: int


class Trim(msgspec.Struct, frozen=True, gc=False):
    """A change: everything of the stream below offset `first` is gone."""

    stream: str
    first: int


Change = Put | Drop | Erase | Trim
