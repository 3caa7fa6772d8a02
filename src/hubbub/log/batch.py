"""What one append wants: all of it is kept, or none."""

from __future__ import annotations

from hubbub.log.layout import (
    CHECKSUM,
    DELETE,
    ENTRY,
    ERASE,
    KEY_LENGTH,
    KEY_LIMIT,
    PAYLOAD_LIMIT,
    PUT,
    STREAM_LIMIT,
    TAG_LIMIT,
    TRIM,
)

_OVERHEAD = ENTRY + CHECKSUM + 4


class Batch:
    """A set of changes that becomes durable and visible as one.

    Appends of a stream keep their order, and so do changes of a key. Every method raises ValueError, naming
    the
    limit, for what is too long, and leaves the batch as it was.
    """

    __slots__ = ("appends", "records", "shifts", "size")

    def __init__(self) -> None:
        self.appends: list[tuple[bytes, bytes, bytes]] = []  # stream, payload, tag
        self.records: list[tuple[int, bytes, bytes]] = []  # PUT or DELETE, key, value
        self.shifts: list[tuple[int, bytes, int]] = []  # ERASE or TRIM, stream, offset
        self.size = 0
        """About the bytes that it takes on the disk."""

    def append(self, stream: bytes, payload: bytes, tag: bytes = b"") -> None:
        """Add `payload` at the end of `stream`.

        `tag` is opaque and comes back from `Log.tags` for a while.
        """
        size = len(payload)
        if size > PAYLOAD_LIMIT:
            raise ValueError(f"a payload of {size} bytes is over the limit of {PAYLOAD_LIMIT}")
        if len(stream) > STREAM_LIMIT:
            raise ValueError(f"a stream's name of {len(stream)} bytes is over the limit of {STREAM_LIMIT}")
        if len(tag) > TAG_LIMIT:
            raise ValueError(f"a tag of {len(tag)} bytes is over the limit of {TAG_LIMIT}")
        self.size += size + len(tag) + _OVERHEAD
        self.appends.append((stream, payload, tag))

    def put(self, key: bytes, value: bytes) -> None:
        """Set a keyed record."""
        self._check_key(key)
        if KEY_LENGTH.size + len(key) + len(value) > PAYLOAD_LIMIT:
            raise ValueError(
                f"a key and value of {len(key) + len(value)} bytes are over the limit of {PAYLOAD_LIMIT}"
            )
        self.size += len(key) + len(value) + _OVERHEAD
        self.records.append((PUT, key, value))

    def delete(self, key: bytes) -> None:
        """Remove a keyed record; one that is not there is no error."""
        self._check_key(key)
        self.size += len(key) + _OVERHEAD
        self.records.append((DELETE, key, b""))

    def erase(self, stream: bytes, offset: int) -> None:
        """Make one payload unreadable from the commit on; its bytes go at compaction.

        No error where it is not.
        """
        self._check_shift(stream, offset)
        self.shifts.append((ERASE, stream, offset))

    def trim(self, stream: bytes, first: int) -> None:
        """Retention: everything below offset `first` is gone from the commit on; its bytes at compaction."""
        self._check_shift(stream, first)
        self.shifts.append((TRIM, stream, first))

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.appends or self.records or self.shifts)

    @staticmethod
    def _check_key(key: bytes) -> None:
        if len(key) > KEY_LIMIT:
            raise ValueError(f"a key of {len(key)} bytes is over the limit of {KEY_LIMIT}")

    @staticmethod
    def _check_shift(stream: bytes, offset: int) -> None:
        if len(stream) > STREAM_LIMIT:
            raise ValueError(f"a stream's name of {len(stream)} bytes is over the limit of {STREAM_LIMIT}")
        if not 1 <= offset < 1 << 63:
            raise ValueError(f"an offset is between 1 and 2**63 - 1, not {offset}")
