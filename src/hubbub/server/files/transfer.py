"""A transfer: the bytes of one file on their way from a source to a sink, past the domain.

    source.on_data ─▶ Transfer.take ─▶ SHA-256 ─▶ sink.write        a connection, the spool, an HTTP response
    source.hold    ◀─ Transfer       ◀─ sink is full, or has room

Bytes are pushed as they come and none are gathered: where the sink is full, the source is not read from,
and TCP slows the sender down.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from hubbub.core.errors import Code, Refusal
from hubbub.core.events import FileData, FileFailure, FileProgress
from hubbub.net.stream import Data
from hubbub.net.timers import UNSET, Wheel

_TOLD_EACH: Final = 4
"""A sender of chunks hears how far it is, each time that a window's fourth is taken."""


class Source(Protocol):
    """The connection that a file comes from. `server.session.Connection` is one."""

    def hold(self, transfer: Transfer) -> None:
        """Read no more of it, until all who hold it have let go."""
        ...

    def let_go(self, transfer: Transfer) -> None:
        """See `hold`."""
        ...

    def tell(self, event: FileData | FileProgress) -> None:
        """Send it an event, at once."""
        ...


class Sink(Protocol):
    """Where the bytes go. `Transfer.on_room` is called when it has room again."""

    def write(self, data: Data, offset: int) -> bool:
        """Take bytes that stand at `offset` of the file. False: it took them, and no more now.

        They may be a view that is good until this returns.
        """
        ...

    def end(self) -> None:
        """That was all of it."""
        ...

    def abort(self) -> None:
        """It breaks off here: what was written must not look whole."""
        ...


Ended = Callable[["Transfer"], None]


class Transfer:
    """One file under way. `on_end` is called once: `failure` says whether it is whole."""

    __slots__ = (
        "_began",
        "_digest",
        "_full",
        "_moved",
        "_on_end",
        "_pending",
        "_source_paused",
        "_stall",
        "_told",
        "_waiting",
        "_wheel",
        "_window",
        "due",
        "failure",
        "id",
        "over",
        "position",
        "raw",
        "sink",
        "size",
        "source",
    )

    def __init__(
        self,
        id: str,
        offset: int,
        size: int,
        source: Source,
        sink: Sink,
        on_end: Ended,
        wheel: Wheel,
        *,
        raw: bool,
        stall: float,
        window: int,
    ) -> None:
        """Bytes `offset` … `size` of a file. `raw`: the source sends them bare, else in chunks.

        `stall` seconds without a byte end it; `window` bounds the chunks that wait for the sink.
        """
        self.id = id
        self.position = offset
        """Everything below has come."""
        self.size = size
        self.source = source
        self.sink = sink
        self.raw = raw
        self.over = False
        self.failure: tuple[FileFailure, str] | None = None
        self.due = UNSET
        self._began = offset
        self._digest = hashlib.sha256() if offset == 0 else None
        self._on_end = on_end
        self._wheel = wheel
        self._stall = stall
        self._window = window
        self._full = False
        self._source_paused = False
        self._pending: deque[bytes] = deque()  # chunks that wait for the sink
        self._waiting = 0  # their bytes
        self._told = offset
        self._moved = False

    def begin(self) -> None:
        """From now on bytes may come. An empty file is whole already."""
        if not self.over:
            self._wheel.set(self, self._stall)
            self._check_end()

    @property
    def digest(self) -> str | None:
        """SHA-256 of all that came, in hex; None: the first part came another time."""
        return None if self._digest is None else self._digest.hexdigest()

    @property
    def carried(self) -> int:
        """How many bytes came, until now."""
        return self.position - self._began

    # -- from the source

    def take(self, data: Data) -> bytes:
        """Raw bytes; those behind the file's end come back. What comes after a failure is forgotten."""
        missing = self.size - self.position
        rest = b""
        if len(data) > missing:
            data, rest = data[:missing], bytes(data[missing:])
        self._moved = True
        if self.over:
            self.position += len(data)
        elif data:
            self._push(data)
        return rest

    @property
    def came(self) -> bool:
        """Whether every byte has come from the source, and it is needed no more."""
        return self.position + self._waiting == self.size

    def chunk(self, data: bytes, offset: int, *, last: bool) -> Refusal | None:
        """A chunk. Why it is not taken; the transfer may have ended by that."""
        if len(data) > self._window:
            message = f"A chunk has at most {self._window} bytes."
            return Refusal(Code.TOO_LARGE, message, field="data", limit="files.window")
        here = self.position + self._waiting
        if offset != here:
            return Refusal(Code.BAD_REQUEST, f"The next byte is that at {here}.", field="offset")
        if here + len(data) > self.size or (last and here + len(data) < self.size):
            self.fail("size", "The file has not the size that was promised.")
            return Refusal(Code.BAD_REQUEST, "The file has not the size that was promised.", field="data")
        self._moved = True
        if data:
            self._pending.append(data)
            self._waiting += len(data)
            self._work_off()
        if self._waiting >= self._window and not self._source_paused and not self.over:
            self._source_paused = True
            self.source.hold(self)
        return None

    def _work_off(self) -> None:
        while self._pending and not self._full and not self.over:
            data = self._pending.popleft()
            self._waiting -= len(data)
            self._push(data)
        if self.over:
            self._pending.clear()
            self._waiting = 0
        elif not self.raw and self.position - self._told >= self._window // _TOLD_EACH and not self._full:
            self._told = self.position
            self.source.tell(FileProgress(self.id, self.position))

    def _push(self, data: Data) -> None:
        at = self.position
        self.position += len(data)
        if self._digest is not None:
            self._digest.update(data)
        if not self.sink.write(data, at):
            self.on_full()
        self._check_end()

    def _check_end(self) -> None:
        if self.position == self.size and not self._full and not self._pending and not self.over:
            self._finish(None)

    # -- from the sink

    def on_full(self) -> None:
        """The sink takes no more just now; it may be the bytes of other files that filled it."""
        self._full = True
        if self.raw and not self._source_paused and not self.over:
            self._source_paused = True
            self.source.hold(self)

    def on_room(self) -> None:
        """The sink takes bytes again."""
        if not self._full:
            return
        self._full = False
        self._moved = True
        self._work_off()
        if self.over:
            return
        if self._source_paused and not self._full and self._waiting < self._window:
            self._source_paused = False
            self.source.let_go(self)
        self._check_end()

    def on_failed(self, refusal: Refusal) -> None:
        """The sink cannot take it: a full disk, say."""
        self.fail("storage", refusal.message)

    # -- the end

    def fail(self, reason: FileFailure, message: str) -> None:
        """Break it off."""
        if not self.over:
            self._finish((reason, message))

    def on_timer(self) -> None:
        """See net.timers.Timed."""
        if self._moved:
            self._moved = False
            self._wheel.set(self, self._stall)
        else:
            self.fail("stalled", f"Nothing moved for {self._stall:g} s.")

    def _finish(self, failure: tuple[FileFailure, str] | None) -> None:
        self.over, self.failure = True, failure
        self._wheel.unset(self)
        self._pending.clear()
        self._waiting = 0
        if self._source_paused:
            self._source_paused = False
            self.source.let_go(self)
        if failure is None:
            self.sink.end()
        else:
            self.sink.abort()
        on_end, self._on_end, self.sink = self._on_end, _nothing, _Nowhere()
        on_end(self)


class _Nowhere:
    """The sink of a transfer that is over: they do not hold each other any more."""

    def write(self, data: Data, offset: int) -> bool:
        """See Sink."""
        del data, offset
        return True

    def end(self) -> None:
        """See Sink."""

    def abort(self) -> None:
        """See Sink."""


def _nothing(_: Transfer) -> None: ...
