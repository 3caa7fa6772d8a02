"""What a connection does for files: it sends one, gets one, or several at once in chunks.

Bare bytes take its whole line: meanwhile it hears nothing of its rooms (`core.resume`), and what it asks for
waits. `carrier` decides when that begins; `session.Connection` is the rest of a connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from hubbub.core.commands import Resume
from hubbub.core.events import (
    DownloadStarted,
    Event,
    FileAccepted,
    FileDeclined,
    FileDone,
    FileFailed,
    FileOffered,
    UploadStarted,
)
from hubbub.server.waiting import Waiting
from hubbub.wire.codec import Request

if TYPE_CHECKING:
    from hubbub.server.files.transfer import Transfer


_FOLLOWS: Final = (FileOffered, FileAccepted, FileDeclined, FileDone, FileFailed)
_MISSED_MOST: Final = 1_000
"""Of these, so many: offers beyond them are in the list of files."""


class Carrying(Waiting, ABC):
    """A Session whose line carries files too. Implements `transfer.Source`."""

    __slots__ = ("_carried", "_giving", "_taking", "_woken", "wanted")

    def _carry_nothing(self) -> None:
        """The state at the start; a connection pays for its parts once they are needed."""
        self.wanted = 0
        """Transfers that wait until it is free."""
        self._giving: Transfer | None = None  # whose bare bytes it is sent
        self._taking: Transfer | None = None  # whose bare bytes come from it
        self._carried: _Carried | None = None
        self._woken: Request | None = None  # asked by ourselves: its answer is not for the peer

    # -- what others see

    @property
    def deaf(self) -> bool:
        """Whether nothing may be written to it but the bytes of a file."""
        return self._giving is not None

    @property
    def bare(self) -> bool:
        """See `Waiting`."""
        return self._giving is not None or self._taking is not None

    @property
    def carries(self) -> bool:
        """See `Waiting`. Bytes that are only passed over are no excuse."""
        taking = self._taking is not None and not self._taking.over
        held = self._carried is not None and bool(self._carried.holders)
        return taking or held or self._giving is not None

    @property
    def receives(self) -> bool:
        """Whether the bytes of a file go to it."""
        return self._carried is not None and bool(self._carried.sinks)

    @property
    def free(self) -> bool:
        """Whether bare bytes could begin now; chunks can at any time."""
        if not self.dialect.raw_files:
            return True
        idle = not self._in_flight and self._queue is None and not self.framing.pending
        return idle and not self.bare

    @property
    def waits(self) -> bool:
        """See `Waiting`; a transfer that waits wants to know, too."""
        return super().waits or self.wanted > 0

    def go_on(self) -> None:
        """See `Waiting`."""
        super().go_on()
        self._look()

    def _look(self) -> None:
        if self.wanted and self.free and self._shared.carrier is not None:
            self._shared.carrier.look()

    def tell(self, event: Event) -> None:
        """Write an event past the fan-out."""
        data = self.dialect.event(event)
        if data:
            self.stream.write(data)

    # -- sending a file

    def begin_sending(self, transfer: Transfer, started: UploadStarted) -> None:
        """Ask the peer for its bytes."""
        self._parts.sources.add(transfer)
        self.tell(started)
        if transfer.raw and not self.gone:  # that was when its line turned out to be dead
            self._taking = transfer
            self._shared.service.resuming.rest(self)
            self.stream.read_large(self._take_bare)

    def stop_sending(self, transfer: Transfer) -> None:
        """They are here, or not wanted any more: bare ones that still come are passed over."""
        self._parts.sources.discard(transfer)
        if self._taking is transfer and transfer.came:
            self._taken()

    def _taken(self) -> None:
        self._taking = None
        self.stream.read_large(None)
        self._wake()

    def _take_bare(self, data: memoryview) -> None:
        """Bytes of the file that it sends, and perhaps what it says behind its end."""
        transfer = self._taking
        assert transfer is not None  # noqa: S101 (nobody else has large reads)
        self._heard = self._shared.clock()
        rest = transfer.take(data)
        if self._taking is transfer and transfer.over and transfer.came:
            self._taken()
        if rest:
            self.on_data(rest)

    @property
    def _breaks_off(self) -> bool:
        """Whether the end of what the peer sends is the end of a file that is not whole."""
        return self._taking is not None and not self._taking.came

    @abstractmethod
    def on_data(self, data: bytes) -> None:
        """See net.handler.Handler."""

    # -- getting a file

    def begin_receiving(self, transfer: Transfer, started: DownloadStarted) -> None:
        """Its bytes come from now on."""
        self._parts.sinks[transfer] = None
        self.tell(started)
        if self.stream.broken:  # it was found out before: nobody is there to hear them
            self.stream.abort()
        if self.stream.paused:
            transfer.on_full()
        if self.dialect.raw_files and not self.gone:
            self._shared.service.resuming.rest(self)
            self._giving = transfer

    def stop_receiving(self, transfer: Transfer, *, broken: bool = False) -> None:
        """All of them are out; or, `broken`, no more will come."""
        self._parts.sinks.pop(transfer, None)
        if self._giving is not transfer:
            return
        self._giving = None
        if broken:
            self._goodbye(b"", "its file broke off")
        else:
            self._wake()

    def miss(self, event: Event) -> None:
        """An event that cannot be told while it is deaf. What its rooms hear, it reads on; of the rest, only
        what was decided on files would be missed, and follows.
        """
        missed = self._parts.missed
        if isinstance(event, _FOLLOWS) and len(missed) < _MISSED_MOST:
            missed.append(self.dialect.event(event))

    def _woke(self) -> bytes:
        """What was missed and is not read on, once it has been told the rest."""
        self._woken = None
        missed, self._parts.missed = self._parts.missed, []
        return b"".join(missed)

    def _wake(self) -> None:
        """Back to messages: first what was missed."""
        self._heard = self._shared.clock()
        if self.gone or self._leaving or self.bare:
            return
        self._woken = Request(Resume({}))
        if self._shared.service.resuming.wake(self, self._woken):
            self._in_flight += 1
            self._barrier = True
            self._set_timer(self._heard)
        else:
            self.go_on()

    # -- its two directions

    @property
    def _parts(self) -> _Carried:
        if self._carried is None:
            self._carried = _Carried()
        return self._carried

    def hold(self, transfer: Transfer) -> None:
        """See Source."""
        self._parts.holders.add(transfer)
        self.stream.pause_reading()

    def let_go(self, transfer: Transfer) -> None:
        """See Source."""
        self._parts.holders.discard(transfer)
        if not self.stream.paused and self._queue is None:
            self._read_on()

    def _read_on(self) -> None:
        if self._carried is None or not self._carried.holders:
            if self._begun:  # its end could not come while nothing was read
                self._begun = self._shared.clock()
            self.stream.resume_reading()

    def _has_no_room(self) -> None:
        """It reads too slowly: files that come to it wait, all of them."""
        if self._carried is not None:
            for transfer in self._carried.sinks:
                transfer.on_full()

    def _has_room(self) -> None:
        """What was written is out: files that come to it go on, in turns."""
        if self._carried is not None:
            sinks = self._carried.sinks
            for transfer in list(sinks):
                if self.stream.paused:
                    break
                sinks[transfer] = sinks.pop(transfer)
                transfer.on_room()

    def _let_files_go(self) -> None:
        """The line is gone."""
        carried = self._carried
        if carried is not None:
            for transfer in list(carried.sinks):
                transfer.fail("lost", "The receiver went away.")
            for transfer in list(carried.sources):
                if not transfer.came:
                    transfer.fail("lost", "The sender went away.")
        self._giving = self._taking = None
        if self.wanted and self._shared.carrier is not None:
            self._shared.carrier.look()

    @abstractmethod
    def _goodbye(self, last: bytes, reason: str) -> None: ...


class _Carried:
    """The transfers that a connection has to do with."""

    __slots__ = ("holders", "missed", "sinks", "sources")

    def __init__(self) -> None:
        self.sources: set[Transfer] = set()
        self.sinks: dict[Transfer, None] = {}
        """Whose turn it is, in front."""
        self.missed: list[bytes] = []
        """What was told while it was deaf, and follows."""
        self.holders: set[Transfer] = set()
        """Those whose sink is full: nothing is read for so long."""
