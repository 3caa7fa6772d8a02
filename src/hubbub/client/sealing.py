"""A transfer that only its two ends can read: what is sent, in frames that are encrypted each by itself.

    proof      32 bytes: the sender has the secret too
    head     1,024 bytes: name, size and kind, padded, so that its length tells nothing
    frames  65,552 bytes each, the last one shorter: up to 65,536 bytes of the file, and 16 of a tag

AES-256-GCM (RFC 5116 §5.2). The nonce is the number of the frame, and all frames are bound to the length of
the whole and to the offer: what is left out, repeated, exchanged, cut off or added is seen. Between the ends
one sees how long it is, and nothing else.

The same file gives the same bytes, so a transfer goes on at any offset; sealing it again is no second use of
a nonce, as nothing else is sealed. That is not left to trust: of each frame that was handed out the tag is
remembered, and a file that changed meanwhile raises ChangedError instead of a second text under one nonce,
which would give both away (RFC 5116 §5.1.1).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hubbub.client.errors import ChangedError, SealingError, TamperedError
from hubbub.client.handshake import PROOF_SIZE, Secret, Side
from hubbub.client.source import Source

FRAME: Final = 65_536
"""Bytes of the file in a frame: what is held back until it is verified, and sealed anew when one goes on."""
SEALED_NAME: Final = "sealed"
"""What the server sees in place of the name."""

_TAG: Final = 16
_SEALED_FRAME: Final = FRAME + _TAG
_HEAD: Final = 1_024
_START: Final = PROOF_SIZE + _HEAD  # where the first frame begins
_REMEMBERED: Final = 8  # bytes of each tag: 128 KiB for a file of 1 GiB
_NONCE: Final = struct.Struct(">4xQ")


class Head(msgspec.Struct, frozen=True):
    """What only the ends know of it. `name` is the peer's word: see `places.safe_name`."""

    name: str
    size: int
    bundle: bool = False


def sealed_size(size: int) -> int:
    """Bytes of what is sealed, for so many of the file."""
    return _START + size + _TAG * -(-size // FRAME)


def plain_size(sealed: int) -> int | None:
    """The other way; None: nothing that is sealed has this length."""
    frames, rest = divmod(sealed - _START, _SEALED_FRAME)
    if frames < 0 or 0 < rest <= _TAG:
        return None
    return frames * FRAME + max(0, rest - _TAG)


def resume_point(here: int, size: int) -> tuple[int, int]:
    """Of a file of `size` bytes `here` have arrived: how many can be kept, and where the sealed bytes go on.

    Less than a frame begins anew, with the head.
    """
    if here >= size:
        return size, sealed_size(size)
    frames = here // FRAME
    return (frames * FRAME, _START + frames * _SEALED_FRAME) if frames else (0, 0)


class _Frames:
    """The cipher of one transfer, in one direction."""

    def __init__(self, key: bytes, bound_to: bytes) -> None:
        self._cipher = AESGCM(key)
        self._bound_to = bound_to

    def seal(self, number: int, data: bytes | memoryview) -> bytes:
        return self._cipher.encrypt(_NONCE.pack(number), data, self._bound_to)

    def open(self, number: int, data: bytes | bytearray | memoryview) -> bytes:
        try:
            return self._cipher.decrypt(_NONCE.pack(number), data, self._bound_to)
        except InvalidTag:
            raise TamperedError("What arrived is not what the sender sealed.") from None


class Sealer:
    """A `Source` of what is sealed. One for each secret and offer: every resumption reads from the same."""

    def __init__(
        self, secret: Secret, offer: str, source: Source, *, bundle: bool = False, side: Side = Side.SENDER
    ) -> None:
        self.name = SEALED_NAME
        self.size = sealed_size(source.size)
        self._source = source
        bound_to = _bound_to(offer, self.size)
        self._frames = _Frames(secret.key_once(side, bound_to), bound_to)
        head = msgspec.json.encode(Head(source.name, source.size, bundle))
        room = _HEAD - _TAG
        if len(head) > room:
            raise ValueError("a name that is none")
        self._start = secret.proof(side, bound_to) + self._frames.seal(0, head.ljust(room))
        self._tags = bytearray()

    def read_from(self, offset: int) -> Iterator[bytes]:
        """See `Source`; a piece is what is left of a frame. Raises ChangedError."""
        if not 0 <= offset <= self.size:
            raise ValueError(f"offset {offset} of {self.size} bytes")
        if offset < _START:
            yield self._start[offset:]
            offset = _START
        if offset == self.size:
            return
        frame, skip = divmod(offset - _START, _SEALED_FRAME)
        for data in _in_frames(self._source.read_from(frame * FRAME)):
            sealed = self._seal(frame, data)
            yield sealed[skip:] if skip else sealed
            skip = 0
            frame += 1

    def _seal(self, frame: int, data: bytes | memoryview) -> bytes:
        sealed = self._frames.seal(frame + 1, data)
        tag = sealed[-_TAG:][:_REMEMBERED]
        at = frame * _REMEMBERED
        if len(self._tags) < at + _REMEMBERED:
            self._tags.extend(bytes(at + _REMEMBERED - len(self._tags)))
        before = self._tags[at : at + _REMEMBERED]
        if any(before) and before != tag:
            raise ChangedError(self._source.name)
        self._tags[at : at + _REMEMBERED] = tag
        return sealed


class Opener:
    """What is sealed, back into what it was: bytes in, verified bytes out.

    `head` is there after the first `PROOF_SIZE` + 1,024 bytes. Who goes on at an offset other than 0 has to
    know it from before.
    """

    def __init__(
        self, secret: Secret, offer: str, sealed: int, *, offset: int = 0, side: Side = Side.SENDER
    ) -> None:
        """`sealed` is the length that was offered, `offset` one of `resume_point`.

        Raises TamperedError where nothing sealed is of that length.
        """
        size = plain_size(sealed)
        if size is None:
            raise TamperedError("What was offered has a length that nothing sealed has.")
        if offset not in (0, sealed) and (offset < _START or (offset - _START) % _SEALED_FRAME):
            raise ValueError("not the beginning of a frame")
        self.size = size
        self.head: Head | None = None
        self.offset = offset
        """Of the sealed bytes that were verified: where to go on after a lost line (see `rewind`)."""
        self._sealed = sealed
        self._bound_to = _bound_to(offer, sealed)
        self._side = side
        self._secret = secret
        self._frames = _Frames(secret.key(side, self._bound_to), self._bound_to)
        self._held = bytearray()
        self._broken: SealingError | None = None

    def feed(self, data: bytes | memoryview) -> list[bytes]:
        """The next sealed bytes, cut anywhere; returns what of the file is verified by them.

        Raises WrongCodeError at its beginning, TamperedError anywhere; and the same again ever after.
        """
        if self._broken is not None:
            raise self._broken
        opened: list[bytes] = []
        try:
            view = memoryview(data)
            while view:
                view = self._take(view, opened)
        except SealingError as error:
            self._broken = error
            raise
        return opened

    def finish(self) -> None:
        """Nothing more will come. Raises TamperedError where something is missing."""
        if self._broken is not None:
            raise self._broken
        if self.offset != self._sealed:
            raise TamperedError("What arrived ends before it was whole.")

    def rewind(self) -> int:
        """Forget the beginning of a frame, after a lost line; returns the offset to go on at."""
        self._held.clear()
        return self.offset

    def _take(self, view: memoryview, opened: list[bytes]) -> memoryview:
        length = self._next()
        if not length:
            raise TamperedError("Something follows the end of what was sealed.")
        missing = length - len(self._held)
        if len(view) < missing:
            self._held += view
            return view[len(view) :]
        if self._held:
            self._held += view[:missing]
            self._unit(bytes(self._held), opened)
            self._held.clear()
        else:
            self._unit(view[:missing], opened)
        self.offset += length
        return view[missing:]

    def _next(self) -> int:
        """Length of the unit that begins at `offset`."""
        if self.offset == 0:
            return PROOF_SIZE
        return min(_HEAD if self.offset < _START else _SEALED_FRAME, self._sealed - self.offset)

    def _unit(self, data: bytes | memoryview, opened: list[bytes]) -> None:
        if self.offset == 0:
            self._secret.check(self._side, self._bound_to, bytes(data))
        elif self.offset < _START:
            self.head = self._headed(self._frames.open(0, data))
        else:
            number = 1 + (self.offset - _START) // _SEALED_FRAME
            opened.append(self._frames.open(number, data))

    def _headed(self, data: bytes) -> Head:
        try:
            head = msgspec.json.decode(data, type=Head)
        except msgspec.MsgspecError as error:
            raise SealingError("The sender's program speaks another version of this.") from error
        if head.size != self.size:
            raise TamperedError("What was sealed has another size than it says.")
        return head


def _bound_to(offer: str, sealed: int) -> bytes:
    return b"hubbub sealed 1\0" + sealed.to_bytes(8, "big") + hashlib.sha256(offer.encode()).digest()


def _in_frames(pieces: Iterator[bytes]) -> Iterator[bytes | memoryview]:
    """Pieces of any length as frames; only the last one is shorter."""
    held = bytearray()
    for piece in pieces:
        view = memoryview(piece)
        if held:
            missing = FRAME - len(held)
            held += view[:missing]
            view = view[missing:]
            if len(held) < FRAME:
                continue
            yield bytes(held)
            held.clear()
        while len(view) >= FRAME:
            yield view[:FRAME]
            view = view[FRAME:]
        held += view
    if held:
        yield bytes(held)
