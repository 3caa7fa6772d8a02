"""Uploads over HTTP, so that whoever loses the line goes on where it stopped: tus 1.0.0, as existing clients
speak it (tus.io/protocols/resumable-upload), with creation, creation-with-upload, expiration, checksum and
termination.

`/files` takes new ones, `/files/ID` is one of them, for its owner alone. The request that makes a file whole
is answered when its message is kept.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64Error
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Final, NamedTuple
from urllib.parse import quote

from hubbub.core.errors import Refusal
from hubbub.core.file_commands import OfferFile
from hubbub.core.file_records import StoredFile, Upload
from hubbub.core.files import Bearer
from hubbub.core.people import LARGEST_ID
from hubbub.server.direct import GONE, STALLED, STOPPING, Direct, Header
from hubbub.server.files.bearer import bearer_of
from hubbub.server.files.spool import Hash, Writer
from hubbub.server.files.traffic import Traffic
from hubbub.server.files.uploads import ELSEWHERE, NO_UPLOAD, Uploads
from hubbub.server.responses import refusal_body

VERSION: Final = b"1.0.0"
KIND: Final = b"application/offset+octet-stream"
_RESUMABLE: Final = (b"Tus-Resumable", VERSION)
_EXTENSIONS: Final = b"creation,creation-with-upload,expiration,checksum,termination"
_NUMBER: Final = re.compile(rb"[0-9]{1,19}")
_ID: Final = re.compile(rb"/files/([0-9a-f]{32})")
_PERSON: Final = re.compile(r"[1-9][0-9]{0,15}")
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
_KEY: Final = re.compile(r"[!-+\--~]{1,64}")  # ASCII, without space and comma
_CHECKSUMS: Final[Mapping[bytes, Callable[[], Hash]]] = {
    b"sha1": lambda: hashlib.sha1(usedforsecurity=False),
    b"sha256": hashlib.sha256,
    b"md5": lambda: hashlib.md5(usedforsecurity=False),
}
_LOCKED: Final = 423
_MISMATCH: Final = 460  # tus: Checksum Mismatch


class Checksum(NamedTuple):
    """What a chunk's digest should be."""

    trial: Hash
    digest: bytes


class Fault(Exception):  # noqa: N818 (not ours, but the request's)
    """The request cannot be carried out. Raised and caught here alone."""

    def __init__(self, status: int, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class Tus:
    """The endpoint."""

    def __init__(
        self,
        uploads: Uploads,
        upload: Callable[[str], Upload | None],
        bearer: Callable[[str], Bearer | None],
        max_size: int,
        traffic: Traffic,
    ) -> None:
        """`upload` finds one by its id; `bearer` says whose token one is."""
        self._uploads = uploads
        self._upload = upload
        self._bearer = bearer
        self._max_size = max_size
        self._traffic = traffic

    async def serve(self, request: Direct) -> None:
        """See DirectApp."""
        try:
            await self._serve(request)
        except Fault as fault:
            request.refuse(fault.status, fault.message, (_RESUMABLE, *fault.headers))

    async def _serve(self, request: Direct) -> None:
        method = request.method
        if method == b"POST":  # tus: for those who cannot send another
            method = request.value(b"x-http-method-override") or method
        if method == b"OPTIONS":
            request.respond(204, [_RESUMABLE, *self._abilities()])
            return
        if request.value(b"tus-resumable") != VERSION:
            raise Fault(412, "Tus-Resumable must be 1.0.0.", (b"Tus-Version", VERSION))
        who = bearer_of(request, self._bearer)
        if who is None:
            raise Fault(
                401, "A valid token is needed: Authorization: Bearer …", (b"WWW-Authenticate", b"Bearer")
            )
        if request.head.path in (b"/files", b"/files/"):
            if method != b"POST":
                raise Fault(405, "Uploads are made with POST.", (b"Allow", b"OPTIONS, POST"))
            await self._create(request, who)
            return
        upload = self._own(request.head.path, who)
        if method == b"HEAD":
            await self._tell(request, upload)
        elif method == b"PATCH":
            await self._append(request, upload)
        elif method == b"DELETE":
            await self._uploads.abandon(upload)
            request.respond(204, [_RESUMABLE])
        else:
            raise Fault(405, "This is an upload.", (b"Allow", b"OPTIONS, HEAD, PATCH, DELETE"))

    def _abilities(self) -> list[Header]:
        return [
            (b"Tus-Version", VERSION),
            (b"Tus-Extension", _EXTENSIONS),
            (b"Tus-Max-Size", str(self._max_size).encode()),
            (b"Tus-Checksum-Algorithm", b",".join(_CHECKSUMS)),
            (b"Allow", b"OPTIONS, POST, HEAD, PATCH, DELETE"),
        ]

    def _own(self, path: bytes, who: Bearer) -> Upload:
        match = _ID.fullmatch(path)
        upload = self._upload(match[1].decode()) if match is not None else None
        if upload is None or upload.owner != who.id:
            raise Fault(404, NO_UPLOAD.message)
        return upload

    # -- creation

    async def _create(self, request: Direct, who: Bearer) -> None:
        if request.value(b"upload-defer-length") is not None:
            raise Fault(400, "The length must be known at the beginning: Upload-Length.")
        size = _number(request, b"upload-length")
        command = _offer(size, _metadata(request.value(b"upload-metadata") or b""))
        with_bytes = request.length != 0
        if with_bytes:
            _see_kind(request)
        checksum = _checksum(request) if with_bytes else None
        upload = await self._uploads.begin(who, command)
        if isinstance(upload, Refusal):
            _refuse(request, upload)
            return
        location = (b"Location", b"/files/" + upload.id.encode())
        if with_bytes:
            if request.length is not None and request.length > size:
                await self._uploads.abandon(upload)
                raise Fault(413, f"These are more bytes than the {size} that were announced.")
            await self._take(request, upload, checksum, 201, [location])
        elif size:
            request.respond(201, [_RESUMABLE, location, self._expires(upload)])
        else:
            await self._finish(request, upload, 201, [location])

    # -- going on

    async def _tell(self, request: Direct, upload: Upload) -> None:
        offset = await self._uploads.settle(upload)
        if isinstance(offset, Refusal):
            _refuse(request, offset)
            return
        file = None
        if offset == upload.size:  # a client that hears so asks no more: it must be true
            file = await self._uploads.finish(upload)
            if isinstance(file, Refusal) and file is not NO_UPLOAD:
                _refuse(request, file)
                return
        headers = [
            _RESUMABLE,
            (b"Upload-Offset", str(offset).encode()),
            (b"Upload-Length", str(upload.size).encode()),
            (b"Upload-Metadata", _told(upload)),
            (b"Cache-Control", b"no-store"),
            self._expires(upload),
        ]
        if isinstance(file, StoredFile):
            headers += _found(file)
        request.respond(200, headers)

    async def _append(self, request: Direct, upload: Upload) -> None:
        _see_kind(request)
        offset = _number(request, b"upload-offset")
        checksum = _checksum(request)
        there = await self._uploads.settle(upload)
        if isinstance(there, Refusal):
            _refuse(request, there)
            return
        if there != offset:
            known = (b"Upload-Offset", str(there).encode())
            raise Fault(409, f"{there} bytes are there: go on from there.", known)
        if request.length is not None and offset + request.length > upload.size:
            raise Fault(413, f"These are more bytes than the {upload.size} that were announced.")
        if request.length == 0 and offset == upload.size:
            await self._finish(request, upload, 204, [])
        else:
            await self._take(request, upload, checksum, 204, [], offset)

    async def _take(
        self,
        request: Direct,
        upload: Upload,
        checksum: Checksum | None,
        status: int,
        headers: list[Header],
        offset: int = 0,
    ) -> None:
        """Take the body of a request into an upload, at `offset`, and answer it."""
        writer = self._uploads.writer(upload)
        if isinstance(writer, Refusal):
            _refuse(request, writer)
            return
        self._traffic.running += 1
        try:
            if writer.offset != offset:  # two came at once
                raise Fault(409, f"{writer.offset} bytes are there by now.")
            why = await self._received(request, upload, writer, checksum)
            offset = await writer.sync()
        finally:
            self._traffic.running -= 1
            writer.close()
        if writer.failure is not None:
            _refuse(request, writer.failure)
        elif isinstance(why, Refusal):
            _refuse(request, why)
        elif why == _MISMATCH:
            raise Fault(_MISMATCH, "The chunk has another checksum, and was not kept.")
        elif why in _BROKEN:
            raise Fault(*_BROKEN[why])
        elif why is not None:
            raise Fault(400, f"The body is {why}.")
        elif offset == upload.size:
            await self._finish(request, upload, status, headers)
        else:
            known = (b"Upload-Offset", str(offset).encode())
            request.respond(status, [_RESUMABLE, *headers, known, self._expires(upload)])

    async def _received(
        self, request: Direct, upload: Upload, writer: Writer, checksum: Checksum | None
    ) -> str | int | Refusal | None:
        """None: all of it, and right."""

        def take(data: bytes | memoryview) -> bool:
            self._traffic.uploaded += len(data)
            return writer.write(data)

        writer.on_failed = lambda _: request.cut(GONE)
        writer.on_room = request.read_on
        if checksum is not None:
            refusal = await self._uploads.mark(upload, checksum.trial)
            if refusal is not None:
                return refusal
        why: str | int | None = GONE
        if writer.failure is None:
            why = await request.receive(take)
        if checksum is not None:
            digest = checksum.digest if why is None and writer.failure is None else None
            if not await self._uploads.verdict(upload, digest) and why is None:
                why = _MISMATCH
        return why

    async def _finish(self, request: Direct, upload: Upload, status: int, headers: list[Header]) -> None:
        file = await self._uploads.finish(upload)
        if isinstance(file, Refusal):
            _refuse(request, file)
            return
        known = (b"Upload-Offset", str(upload.size).encode())
        request.respond(status, [_RESUMABLE, *headers, known, self._expires(upload), *_found(file)])

    def _expires(self, upload: Upload) -> Header:
        return b"Upload-Expires", formatdate(self._uploads.expires(upload), usegmt=True).encode()


_BROKEN: Final[Mapping[str | int | None, tuple[int, str]]] = {
    GONE: (400, "The body is not whole. What came is kept."),
    STALLED: (408, "The body did not come in time. What came is kept."),
    STOPPING: (503, "The server stops. What came is kept: go on in a moment."),
}


def _refuse(request: Direct, refusal: Refusal) -> None:
    headers = [_RESUMABLE, (b"Content-Type", b"application/json")]
    if refusal.retry_after is not None:
        headers.append((b"Retry-After", str(max(1, round(refusal.retry_after))).encode()))
    status = _LOCKED if refusal is ELSEWHERE else refusal.code.status
    request.respond(status, headers, refusal_body(refusal))


def _number(request: Direct, name: bytes) -> int:
    value = request.value(name)
    if value is None or not _NUMBER.fullmatch(value):
        raise Fault(400, f"{name.decode().title()} must be a number of bytes.")
    return int(value)


def _see_kind(request: Direct) -> None:
    if (request.value(b"content-type") or b"").partition(b";")[0].strip().lower() != KIND:
        raise Fault(415, f"The Content-Type must be {KIND.decode()}.")


def _checksum(request: Direct) -> Checksum | None:
    value = request.value(b"upload-checksum")
    if value is None:
        return None
    name, _, digest = value.partition(b" ")
    make = _CHECKSUMS.get(name)
    if make is None:
        raise Fault(400, "Upload-Checksum names an algorithm that is not known here.")
    try:
        return Checksum(make(), b64decode(digest, validate=True))
    except NoBase64Error:
        raise Fault(400, "Upload-Checksum is not in Base64.") from None


def _metadata(value: bytes) -> dict[str, str]:
    """Read `KEY BASE64,KEY BASE64,…`."""
    found: dict[str, str] = {}
    for part in value.decode("latin-1").split(",") if value else ():
        key, _, encoded = part.strip(" ").partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Fault(400, "Upload-Metadata has a key that is malformed, or stands twice.")
        try:
            found[key] = b64decode(encoded, validate=True).decode()
        except (NoBase64Error, UnicodeDecodeError, ValueError):
            raise Fault(400, f"Upload-Metadata: '{key}' is not UTF-8 in Base64.") from None
    return found


def _offer(size: int, metadata: dict[str, str]) -> OfferFile:
    sha256 = metadata.get("sha256")
    if sha256 is not None and not _DIGEST.fullmatch(sha256):
        raise Fault(400, "Upload-Metadata: 'sha256' is not a SHA-256 in 64 hexadecimal digits.")
    to_id = metadata.get("to_id")
    if to_id is not None and (not _PERSON.fullmatch(to_id) or int(to_id) > LARGEST_ID):
        raise Fault(400, "Upload-Metadata: 'to_id' is not the user_id of a person.")
    if "filename" not in metadata:
        raise Fault(400, "Upload-Metadata must have a 'filename'.")
    if "room" not in metadata and "to" not in metadata:  # one that is misspelt must not mean everybody
        raise Fault(400, "Upload-Metadata must have a 'room' or a 'to'.")
    return OfferFile(
        filename=metadata["filename"],
        size=size,
        to=metadata.get("to"),
        room=metadata.get("room"),
        sha256=sha256,
        filetype=metadata.get("filetype"),
        content=metadata.get("content"),
        to_id=int(to_id) if to_id is not None else None,
    )


def _told(upload: Upload) -> bytes:
    """The metadata of an upload, as `_metadata` reads it."""
    told = {
        "filename": upload.filename,
        "filetype": upload.type,
        "room": upload.room,
        "to": upload.to,
        "to_id": str(upload.to_id) if upload.to_id is not None else None,
        "sha256": upload.sha256,
    }
    pairs = (f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items() if value)
    return ",".join(pairs).encode()


def _found(file: StoredFile) -> list[Header]:
    """Where it is, now that it is kept."""
    place = f"/blobs/{file.id}/{quote(file.name, safe='')}"
    return [(b"Hubbub-File", file.id.encode()), (b"Content-Location", place.encode())]
