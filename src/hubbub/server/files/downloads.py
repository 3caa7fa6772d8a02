"""Kept files over HTTP: `GET /blobs/ID/NAME`, with a token or a link's ticket.

The bytes of a local file go from the kernel's cache to the socket (sendfile(2)) and never through this
process; where that cannot be, piece by piece. A ticket may be for an offer, too: then the bytes come from
whoever offers it, while they are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Final, NamedTuple, TypeVar
from urllib.parse import parse_qs

from hubbub.core.errors import Refusal
from hubbub.core.file_records import StoredFile
from hubbub.core.files import Bearer, Files
from hubbub.core.links import Links, Ticket
from hubbub.core.model import Session
from hubbub.core.ports import Blobs, BlobsUnavailableError
from hubbub.observe.server_log import ServerLog
from hubbub.server.direct import Direct, Header
from hubbub.server.files.bearer import bearer_of
from hubbub.server.files.live_sink import LiveSink, content_headers
from hubbub.server.files.ranges import Span, holds, known, wanted
from hubbub.server.files.sendfile import Sendfile
from hubbub.server.files.traffic import Traffic
from hubbub.server.responses import refusal_body

SessionT = TypeVar("SessionT", bound=Session)

PIECE: Final = 262_144
"""Bytes that are read from the store at once, where they have to pass through here."""

Live = Callable[[Ticket, LiveSink], Refusal | None]
"""Has the bytes of an offer sent to a sink, or says why not."""


class _Blob(NamedTuple):
    """What is sent: a file, or its small picture."""

    digest: str
    size: int
    name: str
    type: str
    at: float

    @property
    def etag(self) -> bytes:
        """Strong: the content itself."""
        return f'"{self.digest}"'.encode()


class Downloads:
    """The endpoint."""

    def __init__(
        self,
        files: Files[SessionT],
        links: Links,
        blobs: Blobs,
        bearer: Callable[[str], Bearer | None],
        person: Callable[[int], Bearer | None],
        sendfile: Sendfile,
        log: ServerLog,
        traffic: Traffic,
        live: Live | None = None,
    ) -> None:
        """`bearer` says whose token one is, `person` who has that id; None: nobody who may come in."""
        self._files = files
        self._links = links
        self._blobs = blobs
        self._bearer = bearer
        self._person = person
        self._sendfile = sendfile
        self._log = log
        self._traffic = traffic
        self._live = live

    async def serve(self, request: Direct) -> None:
        """See DirectApp."""
        if request.method not in (b"GET", b"HEAD"):
            request.refuse(405, "Files are fetched with GET.", [(b"Allow", b"GET, HEAD")])
            return
        id = request.head.path.split(b"/")[2:3]
        if not id or request.head.path.count(b"/") > 3:
            request.refuse(404, "There is no such file.")
            return
        await self._find(request, id[0].decode("ascii", "replace"))

    async def _find(self, request: Direct, id: str) -> None:
        file = self._files.kept.get(id)
        ticket = None
        who = bearer_of(request, self._bearer)
        if who is None:
            given = parse_qs(request.head.query.decode("ascii", "replace")).get("ticket", [])
            if len(given) == 1 and (file is not None or request.method == b"GET"):
                use = self._links.look if request.head.head_only else self._links.take
                ticket = use(given[0], id)
            who = self._person(ticket.user) if ticket is not None else None
            if who is None:
                headers = [(b"WWW-Authenticate", b"Bearer"), (b"Cache-Control", b"no-store")]
                request.refuse(401, "A valid token is needed, or a link that was not used yet.", headers)
                return
        if ticket is not None and file is None and self._live is not None:
            await self._stream(request, ticket, self._live)
        elif file is None or not self._files.readable(who, file):
            request.refuse(404, "There is no such file.", [(b"Cache-Control", b"no-store")])
        else:
            await self._send(request, _blob(file, id))

    async def _stream(self, request: Direct, ticket: Ticket, live: Live) -> None:
        sink = LiveSink(request)
        refusal = live(ticket, sink)
        if refusal is not None:
            headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
            request.respond(refusal.code.status, headers, refusal_body(refusal))
            return
        await sink.over()

    # -- what is kept

    async def _send(self, request: Direct, blob: _Blob) -> None:
        headers: list[Header] = [
            (b"ETag", blob.etag),
            (b"Last-Modified", formatdate(blob.at, usegmt=True).encode()),
            (b"Cache-Control", b"private, max-age=31536000, immutable"),
            (b"Vary", b"Authorization, Cookie"),  # who logs in next in the same browser asks anew
            (b"Accept-Ranges", b"bytes"),
        ]
        if known(request.value(b"if-none-match"), blob.etag):
            request.respond(304, headers)
            return
        span, status = Span(0, blob.size), 200
        asked = request.value(b"range") if request.method == b"GET" else None
        if asked is not None and holds(request.value(b"if-range"), blob.etag, blob.at):
            found = wanted(asked, blob.size)
            if found is not None and not found.size:
                whole = (b"Content-Range", f"bytes */{blob.size}".encode())
                request.refuse(416, f"The file has {blob.size} bytes.", [whole])
                return
            if found is not None:
                last = found.start + found.size - 1
                headers.append((b"Content-Range", f"bytes {found.start}-{last}/{blob.size}".encode()))
                span, status = found, 206
        headers += content_headers(blob.name, blob.type, inline=True)
        headers.append((b"Content-Length", str(span.size).encode()))
        self._traffic.running += 1
        try:
            await self._send_bytes(request, blob, span, status, headers)
        except BlobsUnavailableError as error:
            self._log.warned("a file could not be read", reason=error.reason)
            if request.status:
                request.abort()
            else:
                request.refuse(503, "The store of files cannot be reached now.", [(b"Retry-After", b"10")])
        finally:
            self._traffic.running -= 1

    async def _send_bytes(
        self, request: Direct, blob: _Blob, span: Span, status: int, headers: list[Header]
    ) -> None:
        if request.method == b"HEAD":
            request.begin(status, headers)
            request.done()
            return
        descriptor = self._blobs.descriptor(blob.digest)
        if descriptor is not None:
            await self._sendfile.send(request, descriptor, span, status, headers)
            return
        if await self._blobs.size(blob.digest) != blob.size:
            self._log.warned("a kept file is not in the store: see `hubbub files verify`", blob=blob.digest)
            request.refuse(404, "The bytes of this file are not there.", [(b"Cache-Control", b"no-store")])
            return
        request.begin(status, headers)
        at, end = span.start, span.start + span.size
        while at < end and await request.room():
            piece = await self._blobs.read(blob.digest, at, min(PIECE, end - at))
            if not piece or request.gone:
                break
            request.stream.write(piece)
            at += len(piece)
            self._traffic.downloaded += len(piece)
        if at == end and await request.room():
            request.done()
        else:
            request.abort()


def _blob(file: StoredFile, id: str) -> _Blob:
    small = file.thumbnail
    if id == file.id or small is None:
        return _Blob(file.sha256, file.size, file.name, file.type, file.at)
    return _Blob(small.sha256, small.size, "thumbnail.webp", "image/webp", file.at)
