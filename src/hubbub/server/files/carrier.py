"""The carrier: has the bytes of files pass between connections, the spool and HTTP (`core.ports.Carrier`).

Where a connection's bytes are bare (length-prefixed JSON), it can do nothing else meanwhile: a transfer
begins once nothing is in flight there, and what is said in its rooms follows when it is over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hubbub.core.errors import Code, Refusal
from hubbub.core.events import DownloadStarted, FileData, FileFailure, UploadStarted
from hubbub.core.file_commands import SendChunk
from hubbub.core.file_records import Offer, Upload
from hubbub.core.settings import FileSettings
from hubbub.net.stream import Data
from hubbub.net.timers import Wheel
from hubbub.server.fanout import Fanout
from hubbub.server.files.transfer import Sink, Transfer

if TYPE_CHECKING:
    from hubbub.core.service import Service
    from hubbub.server.files.live_sink import LiveSink
    from hubbub.server.files.spool import Writer
    from hubbub.server.files.uploads import Uploads
    from hubbub.server.session import Connection

_NOT_ASKED = Refusal(Code.NOT_FOUND, "No file of that offer is asked for on this connection.", field="offer")


class _Job:
    """A transfer that is agreed on, until its connections are free for it."""

    __slots__ = ("begin", "connections", "given_up", "id")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        begin: Callable[[], None],
        given_up: Callable[[FileFailure, str], None],
    ) -> None:
        self.id = id
        self.connections = connections
        self.begin = begin
        self.given_up = given_up


class FileCarrier:
    """Implements `core.ports.Carrier` for the server's connections."""

    def __init__(
        self,
        settings: FileSettings,
        service: Service[Connection],
        fanout: Fanout,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._settings = settings
        self._service = service
        self._fanout = fanout
        self.uploads: Uploads | None = None
        """The spool; None: nothing can be kept."""
        self._wheel = wheel
        self._loop = loop
        self._jobs: deque[_Job] = deque()
        self._running: dict[str, Transfer] = {}
        self._carried = 0
        """Bytes of the transfers that are over."""
        self._finishing: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """How many transfers are under way."""
        return len(self._running)

    @property
    def carried(self) -> int:
        """Bytes that passed, of all transfers since the start."""
        return self._carried + sum(one.carried for one in self._running.values())

    # -- core.ports.Carrier

    def relay(self, offer: Offer, sender: Connection, receiver: Connection, offset: int) -> None:
        """See the port."""

        def begin() -> None:
            sink = ConnectionSink(receiver, offer.id)
            transfer = self._transfer(offer.id, offset, offer.size, sender, sink, self._relayed)
            sink.transfer = transfer
            receiver.begin_receiving(
                transfer, DownloadStarted(offer.sender, offer.filename, offer.size, offer.id, offset)
            )
            self._ask(sender, transfer, offer.filename)

        self._add(_Job(offer.id, (sender, receiver), begin, self._never_began(offer.id)))

    def serve(self, offer: Offer, sender: Connection, sink: object) -> None:
        """See the port."""
        response = cast("LiveSink", sink)  # what `fetch` was given

        def begin() -> None:
            http = HttpSink(response)
            transfer = self._transfer(offer.id, 0, offer.size, sender, http, self._relayed)
            response.on_room = transfer.on_room
            response.on_gone = lambda: transfer.fail("lost", "The receiver went away.")
            response.start(offer.filename, offer.size, offer.filetype or "application/octet-stream")
            self._ask(sender, transfer, offer.filename)

        def given_up(reason: FileFailure, message: str) -> None:
            response.abort()
            self._never_began(offer.id)(reason, message)

        self._add(_Job(offer.id, (sender,), begin, given_up))

    def keep(self, upload: Upload, sender: Connection) -> None:
        """See the port."""

        def begin() -> None:
            assert self.uploads is not None  # noqa: S101 (else nobody is asked to upload)
            writer = self.uploads.writer(upload)
            if isinstance(writer, Refusal):
                self._service.uploading.interrupted(upload, sender, "storage", writer.message)
                return
            sink = SpoolSink(writer)

            def ended(transfer: Transfer) -> None:
                self._stored(upload, sender, sink, transfer)

            transfer = self._transfer(upload.id, writer.offset, upload.size, sender, sink, ended)
            writer.on_room, writer.on_failed = transfer.on_room, transfer.on_failed
            self._ask(sender, transfer, upload.filename)

        def given_up(reason: FileFailure, message: str) -> None:
            self._service.uploading.interrupted(upload, sender, reason, message)

        former = self._running.get(upload.id)
        if former is not None:
            former.fail("lost", "The sender began anew.")
        self._add(_Job(upload.id, (sender,), begin, given_up))

    def chunk(self, session: Connection, chunk: SendChunk) -> Refusal | None:
        """See the port."""
        transfer = self._running.get(chunk.offer)
        if transfer is None or transfer.source is not session or transfer.raw:
            return _NOT_ASKED
        return transfer.chunk(chunk.data, chunk.offset, last=chunk.last)

    def stop(self, id: str, reason: FileFailure, message: str) -> bool:
        """See the port."""
        transfer = self._running.get(id)
        if transfer is not None:
            transfer.fail(reason, message)
            return True
        job = next((one for one in self._jobs if one.id == id), None)
        if job is None:
            return False
        self._take_out(job)
        job.given_up(reason, message)
        return True

    # -- from a job to a transfer

    def _add(self, job: _Job) -> None:
        self._jobs.append(job)
        for connection in job.connections:
            connection.wanted += 1
        self._loop.call_soon(self.look)

    def look(self) -> None:
        """Begin whatever can begin now. Called too when a connection has become free, or is gone."""
        for job in list(self._jobs):
            if any(one.gone for one in job.connections):
                self._take_out(job)
                job.given_up("lost", "The other side went away.")
            elif all(one.free for one in job.connections):
                self._take_out(job)
                self._fanout.flush()  # what was said until now is heard before
                job.begin()

    def _take_out(self, job: _Job) -> None:
        self._jobs.remove(job)
        for connection in job.connections:
            connection.wanted -= 1

    def _never_began(self, id: str) -> Callable[[FileFailure, str], None]:
        def given_up(reason: FileFailure, message: str) -> None:
            self._service.transfers.ended(id, None, (reason, message), again=True)

        return given_up

    def _transfer(
        self,
        id: str,
        offset: int,
        size: int,
        sender: Connection,
        sink: Sink,
        ended: Callable[[Transfer], None],
    ) -> Transfer:
        def over(transfer: Transfer) -> None:
            self._carried += transfer.carried
            if self._running.get(id) is transfer:
                del self._running[id]
            sender.stop_sending(transfer)
            ended(transfer)

        settings = self._settings
        transfer = self._running[id] = Transfer(
            id,
            offset,
            size,
            sender,
            sink,
            over,
            self._wheel,
            raw=sender.dialect.raw_files,
            stall=settings.stall_seconds,
            window=settings.window,
        )
        return transfer

    def _ask(self, sender: Connection, transfer: Transfer, filename: str) -> None:
        if transfer.over:  # its receiver turned out to be gone
            return
        window = 0 if transfer.raw else self._settings.window
        started = UploadStarted(filename, transfer.id, transfer.size, transfer.position, window)
        sender.begin_sending(transfer, started)
        transfer.begin()

    # -- the ends

    def _relayed(self, transfer: Transfer) -> None:
        self._service.transfers.ended(transfer.id, transfer.digest, transfer.failure, again=True)
        self._loop.call_soon(self.look)

    def _stored(self, upload: Upload, sender: Connection, sink: SpoolSink, transfer: Transfer) -> None:
        if transfer.failure is not None:
            reason, message = transfer.failure
            self._service.uploading.interrupted(upload, sender, reason, message)
            if reason in ("cancelled", "size") and self.uploads is not None:
                self._spawn(self.uploads.abandon(upload))
        elif self.uploads is not None:
            self._spawn(self._finish(self.uploads, upload, sender, sink.writer))
        self._loop.call_soon(self.look)

    async def _finish(self, uploads: Uploads, upload: Upload, sender: Connection, writer: Writer) -> None:
        await writer.sync()
        writer.close()
        result = await uploads.finish(upload)
        told = result if isinstance(result, Refusal) else result.sha256
        self._service.uploading.stored(upload, sender, told)

    def _spawn(self, work: object) -> None:
        task = self._loop.create_task(work)  # type: ignore[arg-type,var-annotated] # coroutines of ours
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def close(self) -> None:
        """Break off what is under way; what is being posted is finished."""
        while self._jobs:
            job = self._jobs[0]
            self._take_out(job)
            job.given_up("lost", "The server goes down.")
        for transfer in list(self._running.values()):
            transfer.fail("lost", "The server goes down.")
        if self._finishing:
            await asyncio.gather(*self._finishing, return_exceptions=True)


class ConnectionSink:
    """A connection that gets a file: bare bytes, or chunks as its dialect has them."""

    def __init__(self, connection: Connection, id: str) -> None:
        self._connection = connection
        self._id = id
        self.transfer: Transfer | None = None

    def write(self, data: Data, offset: int) -> bool:
        """See Sink."""
        connection = self._connection
        if connection.dialect.raw_files:
            connection.stream.write(data)
        else:
            connection.tell(FileData(self._id, offset, bytes(data)))
        return not connection.stream.paused

    def end(self) -> None:
        """See Sink."""
        assert self.transfer is not None  # noqa: S101 (set when it began)
        self._connection.stop_receiving(self.transfer)

    def abort(self) -> None:
        """See Sink. Bare bytes that break off can only be told by a closed line."""
        assert self.transfer is not None  # noqa: S101 (set when it began)
        self._connection.stop_receiving(self.transfer, broken=True)


class HttpSink:
    """Somebody who fetches an offered file by a link."""

    def __init__(self, response: LiveSink) -> None:
        self._response = response

    def write(self, data: Data, offset: int) -> bool:  # noqa: ARG002 (they follow one another)
        """See Sink."""
        self._response.write(bytes(data))
        return not self._response.paused

    def end(self) -> None:
        """See Sink."""
        self._response.end()

    def abort(self) -> None:
        """See Sink."""
        self._response.abort()


class SpoolSink:
    """The spool of uploads."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def write(self, data: Data, offset: int) -> bool:  # noqa: ARG002 (they follow one another)
        """See Sink."""
        return self.writer.write(bytes(data))

    def end(self) -> None:
        """See Sink. It is synced and closed by whoever finishes the upload."""

    def abort(self) -> None:
        """See Sink. What came is kept: the sender goes on behind it."""
        self.writer.close()
