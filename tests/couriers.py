"""Two who want a file to arrive, whatever becomes of their lines: they come back, and go on from there."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from file_peers import CHUNK, Peer, device
from hubbub.core.answers import FileList, Offered, OfferView
from hubbub.core.events import (
    DownloadStarted,
    Event,
    FileData,
    FileDone,
    FileFailed,
    FileOffered,
    FileProgress,
    UploadStarted,
)
from hubbub.core.file_commands import AcceptFile, FinishFile, ListFiles, OfferFile, SendChunk
from hubbub.wire.codec import Reply

PATIENCE: Final = 30.0
"""Seconds for which nothing at all may happen."""
FILENAME: Final = "journey.bin"


class LostError(Exception):
    """The file was refused for good."""


class _Courier(ABC):
    """One side, with an account that is there already."""

    def __init__(self, port: Callable[[], int], name: str, dialect: str, other: str) -> None:
        """`port` is asked for each time that it comes back."""
        self._port = port
        self._name = name
        self._dialect = dialect
        self._other = other
        self.lines = 0
        """How often it came."""
        self._peer: Peer | None = None

    def run(self) -> None:
        """Until the file has arrived. Raises LostError, or TimeoutError where nothing happens any more."""
        deadline = time.monotonic() + 4 * PATIENCE
        while time.monotonic() < deadline:
            peer = None
            try:
                peer = device(self._port(), self._name, self._dialect)
                peer.sock.settimeout(PATIENCE)
                peer.heeds_no_answers = True
                self.lines += 1
                self._once(peer)
            except (EOFError, ConnectionError):
                time.sleep(0.01)
            else:
                return
            finally:
                if peer is not None:
                    peer.close()
        raise TimeoutError(f"{self._name} comes back again and again, and nothing else happens")

    @abstractmethod
    def _once(self, peer: Peer) -> None: ...

    def _listed(self, peer: Peer) -> OfferView | None:
        answer = peer.ask(ListFiles())
        assert isinstance(answer, FileList), answer
        found = [one for one in answer.offers if one.filename == FILENAME]
        return found[0] if found else None

    def _next(self, peer: Peer) -> Event:
        if peer.heard:
            return peer.heard.pop(0)
        while isinstance(told := peer.next(), Reply):
            pass
        return told


class Sender(_Courier):
    """Offers the file, and sends what it is asked for."""

    def __init__(
        self, port: Callable[[], int], name: str, dialect: str, to: str, data: Any, sha256: str
    ) -> None:
        super().__init__(port, name, dialect, to)
        self._data = data
        self._sha256 = sha256
        self._asked = False
        self.starts: list[int] = []
        """From where it was asked for the bytes, each time."""

    def _once(self, peer: Peer) -> None:
        known = self._listed(peer)
        if known is None and self._asked:
            return  # it was told to somebody who was gone: done
        offer = None if known is None else known.offer
        answer = peer.ask(OfferFile(FILENAME, len(self._data), self._other, sha256=self._sha256, offer=offer))
        assert isinstance(answer, Offered), answer
        while True:
            event = self._next(peer)
            if isinstance(event, FileDone) and event.offer == answer.offer:
                assert event.sha256 == self._sha256
                return
            if isinstance(event, FileFailed) and not event.again:
                raise LostError(event.message)
            if isinstance(event, UploadStarted) and event.offer == answer.offer:
                self._asked = True
                self.starts.append(event.offset)
                self._send(peer, event)

    def _send(self, peer: Peer, started: UploadStarted) -> None:
        if started.window == 0:
            peer.sock.sendall(memoryview(self._data)[started.offset :])
            return
        sent = told = started.offset
        while sent < started.size:
            size = min(CHUNK, started.window, started.size - sent)
            while sent + size - told > started.window:
                event = self._next(peer)
                if isinstance(event, FileProgress):
                    told = event.offset
                elif isinstance(event, FileFailed):  # it may begin anew; what it is asked for is told
                    if not event.again:
                        raise LostError(event.message)
                    return
            peer.say(SendChunk(started.offer, sent, bytes(self._data[sent : sent + size])))
            sent += size


class Receiver(_Courier):
    """Takes the file from where it has it, and says what it has become."""

    def __init__(
        self,
        port: Callable[[], int],
        name: str,
        dialect: str,
        sender: str,
        into: Callable[[bytes, int], object],
        whole: Callable[[], str],
    ) -> None:
        """`into` is given bytes and where they stand, `whole` tells the digest of all that came."""
        super().__init__(port, name, dialect, sender)
        self._into = into
        self._whole = whole
        self.have = 0
        self.size = -1

    def _take(self, data: bytes, offset: int) -> None:
        assert offset == self.have, "bytes are doubled, or missing"
        self._into(data, offset)
        self.have += len(data)

    def _once(self, peer: Peer) -> None:
        if self.have == self.size and self._listed(peer) is None:
            return  # all is there, and it was told so to somebody who was gone
        while True:
            event = self._next(peer)
            if isinstance(event, FileDone):
                assert event.sha256 == self._whole()
                return
            if isinstance(event, FileFailed) and not event.again:
                raise LostError(event.message)
            if isinstance(event, FileOffered | FileFailed):
                if isinstance(event, FileOffered):
                    self.size = event.size
                # Refused: then more will be told. With a greeting: done is what we say has arrived.
                peer.say(AcceptFile(event.offer, offset=self.have, hello="I say"))
            elif isinstance(event, DownloadStarted):
                self._receive(peer, event)
            else:
                assert not isinstance(event, FileData), "bytes that nobody waits for"

    def _receive(self, peer: Peer, started: DownloadStarted) -> None:
        assert started.offset == self.have
        if self._dialect == "json":
            peer.bare(started.size - started.offset, self._take, started.offset)
        while self.have < started.size:
            event = self._next(peer)
            if isinstance(event, FileData):
                self._take(event.data, event.offset)
            elif isinstance(event, FileFailed):
                peer.heard.insert(0, event)
                return
        peer.say(FinishFile(started.offer, self._whole()))
