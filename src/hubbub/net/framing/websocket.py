"""WebSocket frames and messages (RFC 6455, RFC 7692), for servers and clients.

    bytes ─ header (checked) ─ body (unmasked) ─┬─ control frame ────────────────▶ Frame(PING | PONG | CLOSE)
                                                └─ data: put together, inflated,
                                                   checked as UTF-8 ─────────────▶ Frame(TEXT | BINARY)

The peer's first fault is Frame(FAILED, why, close code), and the last thing read. Every check is made on
the fewest bytes that show the fault, and always in the same order, so how the bytes were cut does not
show in the frames. The opening handshake is in `websocket_handshake`.
"""

from __future__ import annotations

import codecs
from struct import Struct
from typing import Final

from hubbub.net.framing.deflate import deflate, inflate, most_deflated
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PONG, TEXT, Frame

_FIN: Final = 0x80
_RSV: Final = 0x70
_COMPRESSED: Final = 0x40  # RSV1 (RFC 7692 §7.2.1)
_OPCODE: Final = 0x0F
_MASKED: Final = 0x80
_FIN_TEXT: Final = _FIN | TEXT
_WHOLE: Final = frozenset((_FIN_TEXT, _FIN | BINARY))  # first bytes of a message in one plain frame

_MOST_CONTROL: Final = 125  # bytes in a control frame (§5.5)
_UNMASK_WHOLE: Final = 65_536  # longer bodies are unmasked in blocks of this, so as not to hold five copies

PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
TOO_BIG: Final = 1009
NO_STATUS: Final = 1005  # what a close frame without a code means; never sent

_header16 = Struct(">BBH").pack
_header64 = Struct(">BBQ").pack
_new = tuple.__new__  # of Frame: half the time of the class's own constructor


class _Message:
    """A fragmented message so far. Fragments are joined as they come: many small ones cost no more."""

    __slots__ = ("body", "compressed", "kind", "utf8")

    def __init__(self, kind: int, compressed: bool) -> None:
        self.kind = kind
        self.compressed = compressed
        self.body = bytearray()
        # Text is checked fragment by fragment, to fail early (§8.1); compressed text when it is inflated.
        self.utf8 = codecs.getincrementaldecoder("utf-8")() if kind == TEXT and not compressed else None


class WebSocket:
    """The framing of WebSocket messages; implements `frames.Framing`.

    `limit` is in bytes, of a whole message after inflating. `server`: the peer is a client, so its
    frames are masked; else they must not be. `deflate`: permessage-deflate was agreed on, without
    context takeover in the peer's direction.

    - Frame(TEXT | BINARY, a whole message); TEXT is valid UTF-8.
    - Frame(PING | PONG, up to 125 bytes), in order, also between the fragments of a message.
    - Frame(CLOSE, reason, close code); the code is 1005 where the peer gave none. Nothing follows it.
    - Frame(FAILED, reason, close code to fail with); nothing follows it. 1002: the protocol is broken.
      1007: text or a close reason is not UTF-8, or the compressed data is not deflate. 1009: over `limit`.
    """

    __slots__ = ("_deflate", "_ended", "_held", "_mask_bit", "_message", "_need", "limit")

    def __init__(self, limit: int, *, server: bool = True, deflate: bool = False) -> None:
        self.limit = limit
        self._deflate = deflate
        self._mask_bit = _MASKED if server else 0
        self._held: bytearray | None = None  # a begun frame with its header; None between frames
        self._need = 0  # how long `_held` must be before looking at it again is of use
        self._message: _Message | None = None
        self._ended = False

    @property
    def pending(self) -> int:
        """Bytes of the begun frame, and of the begun message before it. 0: between two messages."""
        held = len(self._held) if self._held is not None else 0
        return held + (len(self._message.body) if self._message is not None else 0)

    def feed(self, data: bytes) -> list[Frame]:
        """Take what came; return the messages and control frames that are now whole, in order."""
        if self._ended:
            return []
        if self._held is not None:
            self._held += data
            if len(self._held) < self._need:
                return []
            data, self._held = bytes(self._held), None
        # The hot path is a small text message in one frame, and many of them in one chunk: locals only.
        frames: list[Frame] = []
        append, new, integer = frames.append, _new, int.from_bytes
        mask_bit = self._mask_bit
        limit = self.limit
        at, end = 0, len(data)
        while True:
            need = 2
            if end - at < need:
                break
            first = data[at]
            size = data[at + 1] ^ mask_bit
            body = at + 2
            if size > 127:
                return self._end(frames, _failed(PROTOCOL_ERROR, _WRONG_MASK))
            if size > 125:  # a longer form of the length follows
                need = 4 if size == 126 else 10
                if end - at < need:
                    break
                body = at + need
                size = integer(data[at + 2 : body], "big")
                if size < 126 or (need == 10 and not 65_535 < size < 1 << 63):
                    return self._end(frames, _failed(PROTOCOL_ERROR, _WRONG_LENGTH))
            simple = first in _WHOLE and self._message is None
            if (not simple or size > limit) and (fault := self._fault(first, size)) is not None:
                return self._end(frames, fault)
            if mask_bit:
                body += 4
            stop = body + size
            if stop > end:
                need = stop - at
                break
            payload = data[body:stop]
            if mask_bit:
                mask = data[body - 4 : body]
                if size <= _UNMASK_WHOLE:
                    stream = integer((mask * ((size + 3) >> 2))[:size], "little")
                    payload = (integer(payload, "little") ^ stream).to_bytes(size, "little")
                else:
                    payload = unmask(payload, mask)
            at = stop
            if simple:
                if first == _FIN_TEXT and not payload.isascii() and not _is_utf8(payload):
                    return self._end(frames, _failed(INVALID_DATA, _NOT_UTF8))
                append(new(Frame, (first & _OPCODE, payload, 0)))
            elif (frame := self._take(first, payload)) is not None:
                if frame.kind == CLOSE or frame.kind == FAILED:
                    return self._end(frames, frame)
                append(frame)
        if at < end:
            self._held = bytearray(data[at:])
            self._need = need
        return frames

    def _fault(self, first: int, size: int) -> Frame | None:
        """What is wrong with a header (§5.2, §5.4, §5.5), before anything of its body is kept."""
        opcode = first & _OPCODE
        message = self._message
        if BINARY < opcode < CLOSE or opcode > PONG:
            return _failed(PROTOCOL_ERROR, f"opcode {opcode} is reserved")
        begins = TEXT <= opcode <= BINARY
        if first & (_RSV if not (self._deflate and begins) else _RSV & ~_COMPRESSED):
            return _failed(PROTOCOL_ERROR, "a reserved bit is set")
        if opcode >= CLOSE:
            if not first & _FIN:
                return _failed(PROTOCOL_ERROR, "a control frame is fragmented")
            if size > _MOST_CONTROL:
                return _failed(PROTOCOL_ERROR, f"a control frame is longer than {_MOST_CONTROL} bytes")
            return None
        if message is None and not begins:
            return _failed(PROTOCOL_ERROR, "a continuation frame, and no message to continue")
        if message is not None and begins:
            return _failed(PROTOCOL_ERROR, "a new message inside a fragmented one")
        compressed = message.compressed if message is not None else first & _COMPRESSED
        before = len(message.body) if message is not None else 0
        if before + size > (most_deflated(self.limit) if compressed else self.limit):
            return _failed(TOO_BIG, f"the message is over the limit of {self.limit} bytes")
        return None

    def _take(self, first: int, payload: bytes) -> Frame | None:
        """A control frame, or a data frame that is not a whole uncompressed message by itself."""
        opcode = first & _OPCODE
        if opcode >= CLOSE:
            return _closed(payload) if opcode == CLOSE else Frame(opcode, payload)
        message = self._message
        if message is None:
            message = self._message = _Message(opcode, first & _COMPRESSED != 0)
        final = first & _FIN != 0
        message.body += payload
        if message.utf8 is not None:
            try:
                message.utf8.decode(payload, final)
            except UnicodeDecodeError:
                return _failed(INVALID_DATA, _NOT_UTF8)
        if not final:
            return None
        self._message = None
        body = bytes(message.body)
        if message.compressed:
            inflated = inflate(body, self.limit)
            if isinstance(inflated, Frame):
                return inflated
            if message.kind == TEXT and not _is_utf8(inflated):
                return _failed(INVALID_DATA, _NOT_UTF8)
            body = inflated
        return Frame(message.kind, body)

    def _end(self, frames: list[Frame], last: Frame) -> list[Frame]:
        self._ended = True
        self._message = None
        frames.append(last)
        return frames


_WRONG_MASK: Final = "a client masks its frames, and a server does not"
_WRONG_LENGTH: Final = "a length is not in its shortest form"
_NOT_UTF8: Final = "the text is not UTF-8"


def _failed(code: int, reason: str) -> Frame:
    return Frame(FAILED, reason.encode(), code)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _closed(payload: bytes) -> Frame:
    """A close frame's body: nothing, or a code and a reason (§5.5.1, §7.4)."""
    if not payload:
        return Frame(CLOSE, b"", NO_STATUS)
    code = int.from_bytes(payload[:2], "big")
    if not may_be_sent(code):  # a single byte, which is against the rule too, makes none
        return _failed(PROTOCOL_ERROR, "not a close code")
    if not _is_utf8(payload[2:]):
        return _failed(INVALID_DATA, "the close reason is not UTF-8")
    return Frame(CLOSE, payload[2:], code)


def may_be_sent(code: int) -> bool:
    """Whether a close frame may hold this code: those of RFC 6455 §7.4.1 and the IANA registry that are
    not for local use only, and 3000-4999 (libraries, applications).
    """
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


def unmask(payload: bytes, mask: bytes) -> bytes:
    """XOR `payload` with the 4 bytes of `mask`, over and over (§5.3). Masking is the same."""
    blocks = []
    for at in range(0, len(payload), _UNMASK_WHOLE):
        part = payload[at : at + _UNMASK_WHOLE]
        stream = int.from_bytes((mask * (len(part) // 4 + 1))[: len(part)], "little")
        blocks.append((int.from_bytes(part, "little") ^ stream).to_bytes(len(part), "little"))
    return b"".join(blocks)


def _header(first: int, size: int, mask_bit: int = 0) -> bytes:
    if size < 126:
        return bytes((first, mask_bit | size))
    if size < 65_536:
        return _header16(first, mask_bit | 126, size)
    return _header64(first, mask_bit | 127, size)


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole message or control frame as a server sends it: unmasked. Text must be UTF-8."""
    size = len(payload)
    if 125 < size < 65_536:  # most messages: spare them a call
        return _header16(_FIN | opcode, 126, size) + payload
    return _header(_FIN | opcode, size) + payload


def compressed_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """`frame` with permessage-deflate: for every peer that agreed on it, since no context is taken over."""
    body = deflate(payload)
    return _header(_FIN | _COMPRESSED | opcode, len(body)) + body


def masked_frame(payload: bytes, mask: bytes, opcode: int = TEXT, compress: bool = False) -> bytes:
    """One whole message or control frame as a client sends it.

    `mask` is 4 bytes that nobody can foresee, new for each frame (§5.3, §10.3).
    """
    body = deflate(payload) if compress else payload
    first = _FIN | opcode | (_COMPRESSED if compress else 0)
    return _header(first, len(body), _MASKED) + mask + unmask(body, mask)


def close_body(code: int = NO_STATUS, reason: str = "") -> bytes:
    """The payload of a close frame. NO_STATUS: empty. A reason over 123 bytes is cut between characters."""
    if code == NO_STATUS:
        return b""
    if not may_be_sent(code):
        raise ValueError(f"{code} is not a close code that may be sent")
    text = reason.encode()[: _MOST_CONTROL - 2].decode(errors="ignore")
    return code.to_bytes(2, "big") + text.encode()


def close_frame(code: int = NO_STATUS, reason: str = "") -> bytes:
    """A server's close frame; see `close_body`."""
    return frame(close_body(code, reason), CLOSE)


def pong(payload: bytes) -> bytes:
    """A server's answer to a ping: the same payload (§5.5.3)."""
    return frame(payload, PONG)
