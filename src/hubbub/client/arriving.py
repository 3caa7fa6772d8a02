"""A file on its way in: what comes by the server, or from a peer, into its place.

By the server an offer's bytes come as they were offered, from a peer they are always sealed. So there are
two kinds: what was offered plainly, and may come sealed for the way alone, and what is sealed by a code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO, NamedTuple

from hubbub.client.errors import TamperedError
from hubbub.client.handshake import Joining, Secret, Side
from hubbub.client.places import Partial, Piped, Place
from hubbub.client.sealing import Opener, plain_size, resume_point, sealed_size
from hubbub.client.tree import MEDIA_TYPE
from hubbub.core.events import FileOffered


class Target(NamedTuple):
    """Where files go: into a folder, or on to a pipe."""

    directory: Path
    stream: BinaryIO | None = None

    def place(self, name: str, offer: str, size: int, *, bundle: bool, anew: bool = False) -> Place:
        """A place for one. `anew`: what an earlier process left is of no use."""
        if self.stream is not None:
            return Piped(self.stream)
        cut = (lambda _: 0) if anew else None
        return Partial(self.directory, name, offer, size, bundle=bundle, cut=cut)


class Arriving(ABC):
    """One file. `offset` counts what the server carries; `done` of `size` bytes of the file are here."""

    size: int
    exchange: bytes | None = None
    """What the acceptance answers to the sender's code."""

    @property
    @abstractmethod
    def offset(self) -> int:
        """Where to go on."""

    @property
    @abstractmethod
    def done(self) -> int:
        """Bytes of the file that are here."""

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Whether all of it is here."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """What to tell the server of the whole."""

    @abstractmethod
    def expect_peer(self, secret: Secret) -> int:
        """A peer may come next: where in what is sealed by `secret` it is to begin."""

    @abstractmethod
    def write(self, data: bytes | memoryview) -> None:
        """What the server carries. Raises PlaceError, SealingError."""

    @abstractmethod
    def write_sealed(self, data: bytes | memoryview) -> None:
        """What a peer brings. Raises PlaceError, SealingError."""

    @abstractmethod
    def rewind(self) -> None:
        """A line dropped: forget what cannot be gone on from."""

    @abstractmethod
    def finish(self, sha256: str | None) -> list[Path]:
        """All of it is here: put it where it belongs. Raises DigestError, BundleError, PlaceError."""

    @abstractmethod
    def discard(self) -> None:
        """Nobody will go on with this one."""

    @abstractmethod
    def close(self) -> None:
        """Let go; what is here stays. Twice does no harm."""


class Plain(Arriving):
    """What was offered as it is."""

    def __init__(self, target: Target, offered: FileOffered) -> None:
        """Open its place, or the part that is there: it is read again for the digest. Raises PlaceError."""
        bundle = offered.filetype == MEDIA_TYPE and target.stream is None
        name = offered.filename.removesuffix(".tar") if bundle else offered.filename
        self._place = target.place(name, offered.offer, offered.size, bundle=bundle)
        self._offer = offered.offer
        self.size = offered.size
        self._opener: Opener | None = None
        self._skip = 0

    @property
    def offset(self) -> int:
        """See Arriving."""
        return self._place.offset

    @property
    def done(self) -> int:
        """See Arriving."""
        return self._place.offset

    @property
    def whole(self) -> bool:
        """See Arriving."""
        return self._place.offset == self.size

    @property
    def digest(self) -> str:
        """See Arriving."""
        return self._place.sha256

    def expect_peer(self, secret: Secret) -> int:
        """See Arriving. A part of a frame that is here comes once more, and is passed over."""
        kept, at = resume_point(self.offset, self.size)
        self._skip = self.offset - kept
        self._opener = Opener(secret, self._offer, sealed_size(self.size), offset=at)
        return at

    def write(self, data: bytes | memoryview) -> None:
        """See Arriving."""
        self._place.write(data)

    def write_sealed(self, data: bytes | memoryview) -> None:
        """See Arriving."""
        assert self._opener is not None  # noqa: S101 (a peer was expected)
        for piece in self._opener.feed(data):
            skipped = min(self._skip, len(piece))
            self._skip -= skipped
            if skipped < len(piece):
                self._place.write(memoryview(piece)[skipped:])

    def rewind(self) -> None:
        """See Arriving."""
        self._opener = None

    def finish(self, sha256: str | None) -> list[Path]:
        """See Arriving."""
        return self._place.finish(sha256)

    def discard(self) -> None:
        """See Arriving."""
        _discard(self._place)

    def close(self) -> None:
        """See Arriving."""
        self._place.close()


class Sealed(Arriving):
    """What is sealed by a code. It gets its place when its head has come, which has the name."""

    def __init__(self, target: Target, offered: FileOffered, code: str, invitation: bytes) -> None:
        """Answer the sender's `invitation`: that is the one guess. Raises TamperedError."""
        self.exchange, self.secret = Joining(code).answer(invitation)
        self._opener = Opener(self.secret, offered.offer, offered.size)
        self._target = target
        self._offer = offered.offer
        self._length = offered.size
        self._place: Place | None = None
        size = plain_size(offered.size)
        assert size is not None  # noqa: S101 (the opener saw to it)
        self.size = size

    @property
    def offset(self) -> int:
        """See Arriving."""
        return self._opener.offset

    @property
    def done(self) -> int:
        """See Arriving."""
        return 0 if self._place is None else self._place.offset

    @property
    def whole(self) -> bool:
        """See Arriving."""
        return self._opener.offset == self._length

    @property
    def digest(self) -> str:
        """See Arriving: the true one is not for the server, and only who has the code can say this."""
        return whole_by_code(self.secret, self._offer)

    def expect_peer(self, secret: Secret) -> int:  # noqa: ARG002 (it has that of the code)
        """See Arriving."""
        return self._opener.rewind()

    def write(self, data: bytes | memoryview) -> None:
        """See Arriving."""
        opened = self._opener.feed(data)
        head = self._opener.head
        if self._place is None and head is not None:
            bundle = head.bundle and self._target.stream is None
            name = head.name.removesuffix(".tar") if bundle else head.name
            self._place = self._target.place(name, self._offer, head.size, bundle=bundle, anew=True)
        for piece in opened:
            assert self._place is not None  # noqa: S101 (the head came before)
            self._place.write(piece)

    def write_sealed(self, data: bytes | memoryview) -> None:
        """See Arriving."""
        self.write(data)

    def rewind(self) -> None:
        """See Arriving."""
        self._opener.rewind()

    def finish(self, sha256: str | None) -> list[Path]:  # noqa: ARG002 (each frame was checked)
        """See Arriving."""
        self._opener.finish()
        if self._place is None:
            raise TamperedError("What arrived ends before it was whole.")
        return self._place.finish(None)

    def discard(self) -> None:
        """See Arriving."""
        if self._place is not None:
            _discard(self._place)

    def close(self) -> None:
        """See Arriving. The secret goes with this process, so the part is of no use to another."""
        self.discard()


def whole_by_code(secret: Secret, offer: str) -> str:
    """What stands for the digest of what is sealed by a code."""
    return secret.proof(Side.RECEIVER, b"whole\0" + offer.encode()).hex()


def _discard(place: Place) -> None:
    if isinstance(place, Partial):
        place.discard()
    place.close()
