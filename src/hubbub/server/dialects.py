"""The table of dialects: which codec speaks over which framing, and how each says the little things.

A codec (`wire`) knows payloads, a framing (`net`) knows frames; a Dialect is the pair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hubbub.core.events import Alive, Event, FileData
from hubbub.net.framing.frames import BINARY, PING, Framing
from hubbub.net.framing.length_prefix import LengthPrefix, block
from hubbub.net.framing.lines import Lines, line
from hubbub.net.framing.websocket import WebSocket, close_frame, compressed_frame, frame
from hubbub.wire.codec import Codec
from hubbub.wire.length_json import length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.protobuf import protobuf
from hubbub.wire.text import text
from hubbub.wire.websocket_json import websocket_json


class Dialect:
    """One way to speak. One object each, shared by all connections."""

    __slots__ = (
        "alive",
        "closes_on_refused_login",
        "codec",
        "exclusive",
        "frame_timer",
        "gateway",
        "leaves_sender_out",
        "name",
        "new_framing",
        "raw_files",
        "wrap",
        "wrap_bytes",
    )

    def __init__(
        self,
        name: str,
        codec: Codec,
        new_framing: Callable[[int], Framing],
        wrap: Callable[[bytes], bytes],
        *,
        people: bool = False,
        gateway: bool = False,
        closes_on_refused_login: bool = False,
        alive: bytes | None = None,
        wrap_bytes: Callable[[bytes], bytes] | None = None,
        raw_files: bool = False,
    ) -> None:
        """`wrap` puts a payload into a frame; `people`: whoever speaks it sees and types plain lines.

        `wrap_bytes` does so with a file's bytes, where these have frames of another kind.
        """
        self.name = name
        self.codec = codec
        self.new_framing = new_framing
        self.wrap = wrap
        self.wrap_bytes = wrap if wrap_bytes is None else wrap_bytes
        self.raw_files = raw_files
        """The bytes of a file stand bare between its frames, not in chunks."""
        self.exclusive = people
        """In exactly one room at a time."""
        self.leaves_sender_out = people
        """A room's message is not repeated to whoever typed it."""
        self.frame_timer = not people
        """A frame that was begun must end in time, and silence is asked about."""
        self.gateway = gateway
        """Reachable by its connection id."""
        self.closes_on_refused_login = closes_on_refused_login
        self.alive = wrap(codec.encode_event(Alive())) if alive is None and not people else alive or b""
        """The frame that asks whether the peer is still there."""

    def event(self, event: Event, own: bool = False) -> bytes:
        """An event as bytes; b"" where the dialect has no form for it."""
        payload = self.codec.encode_event(event, own)
        if not payload:
            return b""
        return self.wrap_bytes(payload) if type(event) is FileData else self.wrap(payload)

    def closing(self, code: int, reason: str) -> bytes:
        """What the framing itself says before a close."""
        return close_frame(code, reason) if self.gateway else b""


def _binary_frame(payload: bytes) -> bytes:
    """Never compressed: most files are already, and it would hold everybody up."""
    return frame(payload, BINARY)


TEXT: Final = Dialect("text", text, Lines, line, people=True, closes_on_refused_login=True)
LENGTH_JSON: Final = Dialect(
    "json", length_json, LengthPrefix, block, closes_on_refused_login=True, raw_files=True
)
PROTOBUF: Final = Dialect("protobuf", protobuf, LengthPrefix, block)
NDJSON: Final = Dialect("ndjson", ndjson, Lines, line)
WEBSOCKET: Final = Dialect(
    "websocket",
    websocket_json,
    WebSocket,
    frame,
    gateway=True,
    alive=frame(b"", PING),
    wrap_bytes=_binary_frame,
)
# Its events are compressed once for all its connections: no context is taken over (RFC 7692 §7.1.1).
WEBSOCKET_DEFLATE: Final = Dialect(
    "websocket+deflate",
    websocket_json,
    lambda limit: WebSocket(limit, deflate=True),
    compressed_frame,
    gateway=True,
    alive=frame(b"", PING),
    wrap_bytes=_binary_frame,
)

BY_KIND: Final = {"text": TEXT, "json": LENGTH_JSON, "protobuf": PROTOBUF, "ndjson": NDJSON}
"""By what the doorman calls it (`net.classify`)."""


def base_of(dialect: str) -> str:
    """The dialect's name without what its framing does."""
    return dialect.partition("+")[0]
