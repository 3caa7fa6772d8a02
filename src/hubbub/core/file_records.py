"""What is kept of files, by key: those that messages point to, uploads that are not whole, open offers.

Field names are on disk: see `entries`. The bytes themselves are in a store (`Blobs` in `ports`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from hubbub.core.answers import FileView, ThumbnailView
from hubbub.core.entries import Drop, Put

FILES: Final = "file/"
UPLOADS: Final = "upload/"
OFFERS: Final = "offer/"


class Thumbnail(msgspec.Struct, frozen=True, gc=False):
    """The small picture of a picture: an id and a blob of its own; pixels, bytes."""

    id: str
    sha256: str
    size: int
    width: int
    height: int


class StoredFile(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A file that a message points to. `stream` and `after`: its message is the one with the id `message`
    behind that offset. `owner` is whose quota it counts against, `at` Unix time in seconds.
    """

    id: str
    stream: str
    message: str
    after: int
    owner: int
    name: str
    size: int
    type: str
    sha256: str
    at: float
    thumbnail: Thumbnail | None = None
    owner_name: str = ""

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests that it holds in the store."""
        return (self.sha256,) if self.thumbnail is None else (self.sha256, self.thumbnail.sha256)

    @property
    def bytes(self) -> int:
        """What it takes there."""
        return self.size + (self.thumbnail.size if self.thumbnail is not None else 0)

    @property
    def key(self) -> str:
        """Of its record."""
        return f"{FILES}{self.stream}/{self.id}"

    def view(self) -> FileView:
        """As others see it."""
        small = self.thumbnail
        thumbnail = None if small is None else ThumbnailView(small.id, small.width, small.height)
        return FileView(self.id, self.name, self.size, self.type, self.sha256, thumbnail)


class Upload(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A file that is to be kept, and is not whole yet, or was posted just now (`file`: its id by then).

    To a room (`stream`), or to the person `to_id`. Times are Unix time in seconds.
    """

    id: str
    owner: int
    owner_name: str
    filename: str
    size: int
    type: str
    stream: str
    created: float
    room: str | None = None
    to: str | None = None
    to_id: int | None = None
    sha256: str | None = None
    content: str | None = None
    file: str | None = None


class Offer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A file that somebody offers to somebody. Nothing of it is kept but this. `done`: the digest with which
    it arrived, for a while, for whoever lost the line just then.
    """

    id: str
    sender: str
    sender_id: int
    to: str
    to_id: int
    filename: str
    size: int
    created: float
    filetype: str | None = None
    sha256: str | None = None
    hello: str | None = None
    done: str | None = None


_encode = msgspec.msgpack.Encoder().encode
read_file: Final = msgspec.msgpack.Decoder(StoredFile).decode
"""A record that is kept, of those whose keys begin with `FILES`; so below."""
read_upload: Final = msgspec.msgpack.Decoder(Upload).decode
read_offer: Final = msgspec.msgpack.Decoder(Offer).decode


def put_file(file: StoredFile) -> Put:
    """The change that keeps it."""
    return Put(file.key, _encode(file))


def put_upload(upload: Upload) -> Put:
    """Likewise."""
    return Put(UPLOADS + upload.id, _encode(upload))


def drop_upload(id: str) -> Drop:
    """The change that forgets it."""
    return Drop(UPLOADS + id)


def put_offer(offer: Offer) -> Put:
    """Likewise."""
    return Put(OFFERS + offer.id, _encode(offer))


def drop_offer(id: str) -> Drop:
    """The change that forgets it."""
    return Drop(OFFERS + id)
