"""Modifications: what became of a message after it was said, as a keyed record beside its stream.

The record is put with the entry that changes it, or not at all. So a page of history needs no second look
at the stream, and a message costs nothing more as long as nobody touches it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from hubbub.core.answers import MessageView, Reaction
from hubbub.core.entries import Change, Drop, Edited, Erase, Erased, Put, Record, Said, Whispered
from hubbub.core.file_records import FILES
from hubbub.core.ports import Reader

_AHEAD = 64  # entries looked at together for the one that was in flight
_SCAN = 20_000  # offsets from which on it is cheaper to look through all keys there are


class Tombstone(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is still known of a deleted message: everything but its words."""

    sender: str
    sender_id: int
    at: str
    room: str | None = None
    to: str | None = None
    to_id: int | None = None


class Modification(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a message is now. Field names are on disk: see `entries`.

    `id` is the message's: whatever stands at that offset after a stream began anew is something else.
    """

    id: str
    content: str | None = None
    edited_at: str | None = None
    edit_after: int | None = None
    """The entry of the last edit is the first `Edited` of this message behind this offset: its own was not
    known yet when this was written. There is only one; the edits before it are erased."""
    reactions: dict[str, list[tuple[int, str]]] = {}
    """By sign: who put it there, as (id, name), in that order."""
    deleted: Tombstone | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Modification).decode


def prefix(stream: str) -> str:
    """What the keys of a stream's modifications begin with. The offset follows, in hexadecimal."""
    return f"m/{stream}/"


def trimmed(reader: Reader, stream: str, first: int) -> list[Change]:
    """What to drop together with a `Trim` of the stream below `first`."""
    keys, from_ = prefix(stream), reader.first(stream)
    if first - from_ > _SCAN:
        return [Drop(key) for key, _ in reader.scan(keys) if int(key[len(keys) :], 16) < first]
    all_keys = (f"{keys}{offset:x}" for offset in range(from_, first))
    return [Drop(key) for key in all_keys if reader.get(key) is not None]


class Message(NamedTuple):
    """A message that is not deleted, with all that is needed to change it."""

    record: Record
    body: Said | Whispered
    now: Modification
    edit: int | None
    """The offset of the entry of its last edit."""

    @property
    def key(self) -> str:
        """Of its modification."""
        return f"{prefix(self.record.entry.stream)}{self.record.offset:x}"

    def put(self, now: Modification) -> Change:
        """The change that makes it what `now` says."""
        untouched = now.content is None and not now.reactions and now.deleted is None
        return Drop(self.key) if untouched else Put(self.key, _encode(now))

    def edited(self, content: str, at: str, head: int) -> list[Change]:
        """The changes that come with an edit. `head`: the stream's last committed offset."""
        now = msgspec.structs.replace(self.now, content=content, edited_at=at, edit_after=head)
        return [self.put(now), *self._erase_edit()]

    def deleted(self) -> list[Change]:
        """The changes that come with a deletion: nothing of its words is left."""
        entry, body = self.record.entry, self.body
        stone = Tombstone(body.sender, body.sender_id, entry.at, *_to(body))
        gone = Modification(entry.id, deleted=stone)
        changes = [self.put(gone), Erase(entry.stream, self.record.offset), *self._erase_edit()]
        if body.file is not None:
            changes.append(Drop(f"{FILES}{entry.stream}/{body.file.file}"))
        return changes

    def _erase_edit(self) -> list[Change]:
        return [] if self.edit is None else [Erase(self.record.entry.stream, self.edit)]


def message_at(reader: Reader, stream: str, offset: int) -> Message | None:
    """The message at that place as it stands now; None: there is none, or it was deleted."""
    for record in reader.entries(stream, offset, offset):
        entry = record.entry
        if isinstance(entry.body, Said | Whispered):
            raw = reader.get(f"{prefix(stream)}{offset:x}")
            now = None if raw is None else _decode(raw)
            if now is None or now.id != entry.id:
                return Message(record, entry.body, Modification(entry.id), None)
            return Message(record, entry.body, now, _edit_entry(reader, stream, offset, now.edit_after))
    return None


def last_message(reader: Reader, stream: str, author: int | None, most: int) -> Message | None:
    """The newest message, or the newest of one author, in the last `most` entries."""
    head = reader.head(stream).offset
    end = max(reader.first(stream), head - most + 1)
    while head >= end:
        for record in reversed(reader.entries(stream, max(end, head - _AHEAD + 1), head)):
            body = record.entry.body
            if isinstance(body, Said | Whispered) and author in (None, body.sender_id):
                return message_at(reader, stream, record.offset)
        head -= _AHEAD
    return None


def _edit_entry(reader: Reader, stream: str, target: int, after: int | None) -> int | None:
    if after is None:
        return None
    head = reader.head(stream).offset
    for first in range(after + 1, head + 1, _AHEAD):
        for record in reader.entries(stream, first, min(head, first + _AHEAD - 1)):
            body = record.entry.body
            if type(body) is Edited and body.target == target:
                return record.offset
    return None


def view(record: Record, raw: bytes | None, named: int) -> MessageView | None:
    """A message as a history shows it, by its modification as it is kept; None: this is no message.

    `named`: how many people each reaction names.
    """
    entry = record.entry
    body = entry.body
    stream, epoch, offset = entry.stream, record.epoch, record.offset
    if raw is None and type(body) is Said:  # by far the most frequent
        return MessageView(
            body.sender,
            body.sender_id,
            body.content,
            entry.id,
            stream,
            epoch,
            offset,
            entry.at,
            body.room,
            None,
            None,
            body.reply_to,
            file=body.file,
        )
    now = None if raw is None else _decode(raw)
    if type(body) is Erased:
        if now is None or now.deleted is None:
            return None  # an edit that was erased
        gone = now.deleted
        return MessageView(
            gone.sender,
            gone.sender_id,
            "",
            now.id,
            stream,
            epoch,
            offset,
            gone.at,
            gone.room,
            gone.to,
            gone.to_id,
            deleted=True,
        )
    if not isinstance(body, Said | Whispered):
        return None
    if now is None or now.id != entry.id:
        now = Modification(entry.id)
    return MessageView(
        body.sender,
        body.sender_id,
        body.content if now.content is None else now.content,
        entry.id,
        stream,
        epoch,
        offset,
        entry.at,
        *_to(body),
        reply_to=body.reply_to,
        edited_at=now.edited_at,
        reactions=[
            Reaction(emoji, len(users), [name for _, name in users[:named]])
            for emoji, users in now.reactions.items()
        ],
        file=body.file,
    )


def _to(body: Said | Whispered) -> tuple[str | None, str | None, int | None]:
    """To whom it was said: a room, or a person and the id."""
    return (body.room, None, None) if isinstance(body, Said) else (None, body.to, body.to_id)


# -- changes on their way


class Flight:
    """The changes of one message that are in flight, and who waits for their end."""

    __slots__ = ("alone", "count", "message", "waiting")

    def __init__(self, message: Message, *, alone: bool) -> None:
        self.message = message
        """As it will be when all of them are kept."""
        self.alone = alone
        """Nothing may be decided before it is kept."""
        self.count = 0
        self.waiting: list[Callable[[], None]] = []

    def admits(self, *, alone: bool) -> bool:
        """Whether another change can be decided on top of these. Nobody overtakes those who wait."""
        return not (alone or self.alone or self.waiting)


class Flights:
    """By key: the messages that have changes in flight, so that none of them undoes another.

    Reactions go on top of each other. Everything else waits until what is in flight is settled: it needs
    the offsets of the entries, and they are known at the commit.
    """

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def __len__(self) -> int:
        """How many messages have changes in flight."""
        return len(self._flights)

    def find(self, key: str) -> Flight | None:
        """What is in flight for that message."""
        return self._flights.get(key)

    def effect(self, message: Message, *, alone: bool) -> ChangeInFlight:
        """For the append of a change that makes it this `message`."""
        return ChangeInFlight(self._flights, message, alone=alone)


class ChangeInFlight:
    """One change. Implements `sending.Effect`."""

    __slots__ = ("_alone", "_flight", "_flights", "_message")

    def __init__(self, flights: dict[str, Flight], message: Message, *, alone: bool) -> None:
        self._flights = flights
        self._message = message
        self._alone = alone
        self._flight: Flight | None = None

    def begun(self) -> None:
        """See Effect."""
        key = self._message.key
        flight = self._flight = self._flights.setdefault(key, Flight(self._message, alone=self._alone))
        flight.message = self._message
        flight.count += 1

    def settled(self) -> None:
        """See Effect. If it failed, all that were decided on top of it fail too: they are behind it."""
        flight = self._flight
        assert flight is not None  # noqa: S101 (begun)
        flight.count -= 1
        if flight.count:
            return
        del self._flights[self._message.key]
        waiting, flight.waiting = flight.waiting, []
        for again in waiting:
            again()
