"""The commands about files: offered to one person and carried past, or kept by a room or a talk."""

from __future__ import annotations

import msgspec


class _FileCommand(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    pass


class OfferFile(_FileCommand, frozen=True):
    """Offer a file: to a person who may take it now, or, to a room or to somebody away, to be kept.

    `size` is in bytes, `sha256` in hexadecimal digits, `filetype` a media type. `offer` takes an offer of
    one's own up again, after a dropped line. `hello` is for the receiver's program, and opaque to the server.
    `to_id`: to that person alone, whoever has the name by now.
    """

    filename: str
    size: int
    to: str | None = None
    room: str | None = None
    sha256: str | None = None
    filetype: str | None = None
    content: str | None = None
    offer: str | None = None
    hello: str | None = None
    to_id: int | None = None
    id: str | None = None


class AcceptFile(_FileCommand, frozen=True, rename={"sender": "from"}):
    """Take a file that was offered: by its `offer`, else the oldest open one of `sender` and `filename`.

    `offset`: so many of its bytes are here already. `direct`: the sender is told `hello`, and then either
    reaches the receiver by itself or asks the server to carry the bytes (`StartFile`). Whoever says `hello`
    or `direct` says at the end what arrived (`FinishFile`), and it is not done before.
    """

    offer: str | None = None
    sender: str | None = None
    filename: str | None = None
    offset: int = 0
    direct: bool = False
    hello: str | None = None


class DeclineFile(_FileCommand, frozen=True, rename={"sender": "from"}):
    """Do not take it; which one, as in AcceptFile."""

    offer: str | None = None
    sender: str | None = None
    filename: str | None = None


class CancelFile(_FileCommand, frozen=True):
    """Take one's own offer back, or break a transfer off, by either side."""

    offer: str


class StartFile(_FileCommand, frozen=True):
    """Of the sender, after a `direct` accept: the server shall carry the bytes."""

    offer: str


class FinishFile(_FileCommand, frozen=True):
    """Of the receiver, after an accept with `direct`, `hello` or `offset`: it has all, with this digest."""

    offer: str
    sha256: str


class SendChunk(_FileCommand, frozen=True):
    """Bytes of a file that this connection sends, from `offset` on. `last`: they end it."""

    offer: str
    offset: int
    data: bytes
    last: bool = False


class ListFiles(_FileCommand, frozen=True, rename={"with_": "with"}):
    """What is offered to the asker and by it, and which files a room or a private talk keeps."""

    room: str | None = None
    with_: str | None = None


class GetFile(_FileCommand, frozen=True):
    """Ask for a link to fetch a kept file, good for one request: by its id, or the newest of that name."""

    file: str | None = None
    filename: str | None = None
    room: str | None = None


FileCommand = (
    OfferFile
    | AcceptFile
    | DeclineFile
    | CancelFile
    | StartFile
    | FinishFile
    | SendChunk
    | ListFiles
    | GetFile
)
