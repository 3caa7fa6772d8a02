"""Fetch a file that a room or a private talk keeps, by HTTP; what drops goes on from where it was."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from hubbub.client.arriving import Target
from hubbub.client.connection import Address, Client
from hubbub.client.errors import DigestError, LineLostError
from hubbub.client.outcome import Nobody, Observer, Outcome, Result
from hubbub.client.places import Place
from hubbub.client.recipient import Recipient
from hubbub.client.tree import MEDIA_TYPE
from hubbub.core.answers import Answer, FileLink, FileList, FileView
from hubbub.core.errors import Code, Refusal
from hubbub.core.file_commands import GetFile, ListFiles

T = TypeVar("T")

_SECONDS: Final = 60.0
"""How long nothing may come."""
_PIECE: Final = 1_048_576
_TRIES: Final = 5
"""In which nothing came, one after the other."""


async def kept_files(client: Client, whose: Recipient) -> list[FileView] | Refusal:
    """What is kept of a private talk with a person, or of a room; the newest first. Raises LineLostError."""
    name, kind = whose
    answer: Answer = Refusal(Code.NOT_FOUND, "")
    if kind != "room":
        answer = await client.ask(ListFiles(with_=name))
    if kind == "room" or (kind is None and isinstance(answer, Refusal) and answer.code is Code.NOT_FOUND):
        answer = await client.ask(ListFiles(room=name))
        if kind is None and isinstance(answer, Refusal) and answer.code is Code.NOT_FOUND:
            return Refusal(Code.NOT_FOUND, f"There is no person and no room '{name[:64]}'.", field="with")
    if isinstance(answer, Refusal):
        return answer
    return answer.files if isinstance(answer, FileList) else []


async def fetch(
    client: Client, target: Target, file: FileView, *, observer: Observer | None = None
) -> Result:
    """Fetch one of them. Raises PlaceError (the part stays), BundleError, NetError, LineLostError."""
    bundle = file.type == MEDIA_TYPE and target.stream is None
    name = file.name.removesuffix(".tar") if bundle else file.name
    place = await _in_thread(partial(target.place, name, file.file, file.size, bundle=bundle))
    try:
        return await _fetch(client, place, file, observer or Nobody())
    finally:
        place.close()


async def _fetch(client: Client, place: Place, file: FileView, observer: Observer) -> Result:
    if place.offset:
        observer.notice(f"Going on behind {place.offset:,} bytes.")
    left = _TRIES
    while place.offset < file.size:
        before = place.offset
        try:
            link = await client.ask(GetFile(file=file.file))
            if not isinstance(link, FileLink):
                message = link.message if isinstance(link, Refusal) else "The server gives no link to it."
                return Result(Outcome.FAILED, message, file.name, file.size)
            await _download(client.address, link.url, place, file, observer)
        except LineLostError as error:
            observer.notice(f"{error} Trying again.")
            await client.again()
        except (OSError, http.client.HTTPException) as error:
            left = _TRIES if place.offset > before else left - 1
            if not left:
                message = f"The server did not send it: {str(error) or type(error).__name__}."
                return Result(Outcome.FAILED, message, file.name, file.size)
            observer.notice("The line dropped. Trying again.")
    try:
        paths = await _in_thread(partial(place.finish, file.sha256))
    except DigestError as error:
        return Result(Outcome.DIGEST, str(error), file.name, file.size)
    shown = ", ".join(map(str, paths)) or "written"
    return Result(Outcome.DONE, f"Fetched: {shown}", file.name, file.size, tuple(paths))


async def _download(address: Address, url: str, place: Place, file: FileView, observer: Observer) -> None:
    """As much as comes. Raises OSError, HTTPException, PlaceError."""
    line = _line(address)
    try:
        answer = await _in_thread(partial(_asked, line, url, place.offset))
        skip = place.offset if answer.status == http.HTTPStatus.OK else 0  # it begins anew
        while piece := await _in_thread(partial(answer.read1, _PIECE)):
            fresh = piece[skip : skip + file.size - place.offset]
            skip = max(0, skip - len(piece))
            await _in_thread(partial(place.write, fresh))
            observer.moved(place.offset, file.size)
        if place.offset < file.size:
            raise http.client.IncompleteRead(b"")
    finally:
        if line.sock is not None:
            with suppress(OSError):
                line.sock.shutdown(2)  # a thread may still read
        line.close()


def _line(address: Address) -> http.client.HTTPConnection:
    host, port, ssl = address
    if ssl is None:
        return http.client.HTTPConnection(host, port, timeout=_SECONDS)
    return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=ssl)


def _asked(line: http.client.HTTPConnection, url: str, offset: int) -> http.client.HTTPResponse:
    """From our server, wherever the link says: nobody is sent on a journey by it."""
    parts = urlsplit(url)
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    line.request("GET", f"{parts.path}?{parts.query}", headers=headers)
    answer = line.getresponse()
    if answer.status not in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
        raise http.client.HTTPException(f"{answer.status} {answer.reason}")
    return answer


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, work)
