"""What whoever runs the server may ask about kept files, by the control socket or beside a server that stands
still.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from hubbub.core.file_records import StoredFile
from hubbub.core.model import Session
from hubbub.core.ports import BlobsUnavailableError
from hubbub.core.service import Service
from hubbub.core.talks import talkers
from hubbub.server.control import Action, ControlError, Progress
from hubbub.server.files.filing import Filing

SessionT = TypeVar("SessionT", bound=Session)


class FileRow(msgspec.Struct, frozen=True):
    """A kept file. `where` is a room, or the two of a private talk; `references`: files with these bytes."""

    file: str
    name: str
    size: int
    type: str
    sha256: str
    owner: str
    where: str
    at: str
    references: int


class Damage(msgspec.Struct, frozen=True):
    """A blob that is not as it should be, and the files that need it."""

    sha256: str
    problem: str
    files: list[str]


class Checked(msgspec.Struct, frozen=True):
    """What was found where everything was read."""

    blobs: int
    bytes: int
    damaged: list[Damage]


class Collected(msgspec.Struct, frozen=True):
    """What was given back."""

    blobs: int
    bytes: int
    uploads: int
    upload_bytes: int


class FileOperations(Generic[SessionT]):
    """The requests about kept files, by their names."""

    def __init__(self, service: Service[SessionT], filing: Filing[SessionT]) -> None:
        self._service = service
        self._filing = filing

    def actions(self) -> Mapping[str, Action]:
        """For `Control`."""
        return {"files list": self._list, "files verify": self._verify, "files gc": self._gc}

    async def _list(self, arguments: dict[str, Any], _: Progress) -> object:  # noqa: ARG002 (there are none)
        return [self._row(file) for file in self._service.files.kept.all()]

    def _row(self, file: StoredFile) -> FileRow:
        return FileRow(
            file.id,
            file.name,
            file.size,
            file.type,
            file.sha256,
            self._name(file.owner),
            self._where(file.stream),
            datetime.fromtimestamp(file.at, UTC).isoformat(timespec="seconds"),
            self._service.files.kept.references(file.sha256),
        )

    def _name(self, id: int) -> str:
        return self._service.people.name_of(id) or f"({id})"  # a guest who is away

    def _where(self, stream: str) -> str:
        room = self._service.rooms.of_stream(stream)
        if room is not None:
            return room.name
        return ", ".join(self._name(id) for id in talkers(stream) or ())

    async def _verify(self, arguments: dict[str, Any], progress: Progress) -> object:  # noqa: ARG002
        sizes: dict[str, int] = {}
        names: dict[str, list[str]] = {}
        for file in self._service.files.kept.all():
            sizes[file.sha256] = file.size
            names.setdefault(file.sha256, []).append(file.name)
            if file.thumbnail is not None:
                sizes[file.thumbnail.sha256] = file.thumbnail.size
                names.setdefault(file.thumbnail.sha256, []).append(f"{file.name} (its small picture)")
        whole, done = sum(sizes.values()) or 1, 0

        def read(count: int) -> None:
            progress((done + count) / whole)

        damaged = []
        for digest, size in sizes.items():
            try:
                problem = await self._filing.store.verify(digest, size, read)
            except BlobsUnavailableError as error:
                raise ControlError(f"The store cannot be read: {error.reason}") from None
            done += size
            if problem is not None and self._service.files.kept.references(digest):  # else deleted meanwhile
                damaged.append(Damage(digest, problem, names[digest]))
        return Checked(len(sizes), sum(sizes.values()), damaged)

    async def _gc(self, arguments: dict[str, Any], progress: Progress) -> object:  # noqa: ARG002
        collected = await self.collect()
        progress(1.0)
        return collected

    async def collect(self) -> Collected:
        """Remove blobs and uploads that nobody needs. Raises ControlError."""
        before = self._unfinished()
        size = self._filing.uploads.expire()
        self._service.files.sweep()
        try:
            freed = await self._filing.store.collect()
        except BlobsUnavailableError as error:
            raise ControlError(f"The store cannot be read: {error.reason}") from None
        return Collected(freed.blobs, freed.bytes, before - self._unfinished(), size)

    def _unfinished(self) -> int:
        return sum(1 for one in self._service.files.uploads() if one.file is None)
