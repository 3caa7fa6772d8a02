"""Kept files, in memory: by id and by stream, what each person takes, and which blobs are still needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from hubbub.core import file_records as records
from hubbub.core.file_records import StoredFile
from hubbub.core.ports import Reader

_AHEAD = 128  # entries read together, looking for the message of a file


class KeptFiles:
    """All of them. Two files with the same content share a blob, which goes with the last of them."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._thumbnails: dict[str, StoredFile] = {}
        self._by_stream: dict[str, dict[str, None]] = {}
        self._references = Counter[str]()
        self._used = Counter[int]()
        self._owned = Counter[int]()
        self.total = 0
        """Bytes of all, unfinished uploads included."""
        self.unused: Callable[[str], None] = lambda _: None
        """Is told the digest of a blob that no file needs any more."""

    def load(self, reader: Reader) -> None:
        """Take in what is kept."""
        files = [records.read_file(value) for _, value in reader.scan(records.FILES)]
        for file in sorted(files, key=lambda one: one.at):
            self.add(file)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._files)

    def get(self, id: str) -> StoredFile | None:
        """The file of that id, or the one whose thumbnail it is."""
        return self._files.get(id) or self._thumbnails.get(id)

    def all(self) -> Iterable[StoredFile]:
        """Every one, the oldest first."""
        return self._files.values()

    def of(self, stream: str) -> list[StoredFile]:
        """Those of a room or talk, the newest first."""
        return [self._files[id] for id in reversed(self._by_stream.get(stream, {}))]

    def streams(self) -> list[str]:
        """Where there are any."""
        return list(self._by_stream)

    def add(self, file: StoredFile) -> None:
        """It is kept."""
        self._files[file.id] = file
        self._by_stream.setdefault(file.stream, {})[file.id] = None
        if file.thumbnail is not None:
            self._thumbnails[file.thumbnail.id] = file
        self.count(file.owner, file.bytes)
        self._owned[file.owner] += 1
        for digest in file.blobs:
            self._references[digest] += 1

    def forget(self, key: str) -> None:
        """Its record is dropped: its message was deleted, or is too old."""
        file = self._files.pop(key.rpartition("/")[2], None)
        if file is None:
            return
        ids = self._by_stream[file.stream]
        del ids[file.id]
        if not ids:
            del self._by_stream[file.stream]
        if file.thumbnail is not None:
            self._thumbnails.pop(file.thumbnail.id, None)
        self.count(file.owner, -file.bytes)
        self._owned[file.owner] -= 1
        if not self._owned[file.owner]:
            del self._owned[file.owner]
        for digest in file.blobs:
            self.release(digest)

    # -- blobs

    def references(self, digest: str) -> int:
        """How many files need that blob, those that are about to be kept included."""
        return self._references[digest]

    def hold(self, digest: str) -> None:
        """The blob is about to be needed: it must not go meanwhile. Given back by `release`."""
        self._references[digest] += 1

    def release(self, digest: str) -> None:
        """See `hold`."""
        self._references[digest] -= 1
        if self._references[digest] <= 0:
            del self._references[digest]
            self.unused(digest)

    # -- space

    def owned(self, owner: int) -> int:
        """How many files are somebody's."""
        return self._owned[owner]

    def used(self, owner: int) -> int:
        """Bytes that count against somebody's quota."""
        return self._used[owner]

    def count(self, owner: int, size: int) -> None:
        """So many bytes more, or less, are somebody's."""
        self.total += size
        self._used[owner] += size
        if not self._used[owner]:
            del self._used[owner]


def without_message(reader: Reader, stream: str, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Those of a stream's files whose messages were trimmed."""
    first = reader.first(stream)
    return [one for one in files if one.after + 1 < first and not _stands(reader, one, first)]


def _stands(reader: Reader, file: StoredFile, first: int) -> bool:
    """Whether the message of a file is still there. `first`: the lowest offset that is kept."""
    head = reader.head(file.stream).offset
    for start in range(first, head + 1, _AHEAD):
        for record in reader.entries(file.stream, start, min(head, start + _AHEAD - 1)):
            if record.entry.id == file.message:
                return True
        if start - file.after > 10 * _AHEAD:  # nothing was in flight for so long
            return False
    return False
