"""The storage engines that are compared, each behind the same five methods. Rooms and offsets are numbers."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

Message = tuple[int, bytes]
"""A room and a payload."""

_KEY = struct.Struct(">IQ")
_ROOM = struct.Struct(">I")


class Engine(Protocol):
    """What a chat server needs of a store. Offsets count from 0 in each room."""

    def append(self, messages: Sequence[Message]) -> None:
        """One transaction, on disk when it returns."""
        ...

    def get(self, room: int, offset: int) -> bytes: ...

    def last(self, room: int, count: int, before: int) -> Sequence[bytes]: ...

    def close(self) -> None: ...


class Hubbub:
    """The engine of this repository, through its public API."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        from hubbub.log import Batch, Log, Options

        self._batch = Batch
        # Nothing here has a tag, so that nothing recent has to stay as it is at compaction.
        self.log = Log.open(path, Options(tag_seconds=0))
        self._sync = sync
        self._names = [b"room:%d" % room for room in range(1000)]

    def append(self, messages: Sequence[Message]) -> None:
        batch, names = self._batch(), self._names
        append = batch.append
        for room, payload in messages:
            append(names[room], payload)
        if self._sync:
            self.log.commit(batch)
        else:
            self.log.settle(self.log.write([batch]))

    def get(self, room: int, offset: int) -> bytes:
        (payload,) = self.log.read(self._names[room], offset + 1, 1)
        assert payload is not None
        return payload

    def last(self, room: int, count: int, before: int) -> Sequence[bytes]:
        first = max(1, before + 1 - count)
        return self.log.read(self._names[room], first, before + 1 - first)  # type: ignore[return-value]

    def close(self) -> None:
        self.log.close()


class RocksDb:
    """RocksDB by `rocksdict`, uncompressed like the others."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        import rocksdict

        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_compression_type(rocksdict.DBCompressionType.none())
        self._database: Any = rocksdict.Rdict(str(path), options)
        self._write = rocksdict.WriteOptions()
        self._write.sync = sync
        self._batch: Callable[..., Any] = rocksdict.WriteBatch
        self._read = rocksdict.ReadOptions
        self._heads: dict[int, int] = {}

    def append(self, messages: Sequence[Message]) -> None:
        heads, batch = self._heads, self._batch(raw_mode=True)
        for room, payload in messages:
            offset = heads.get(room, 0)
            heads[room] = offset + 1
            batch.put(_KEY.pack(room, offset), payload)
        self._database.write(batch, self._write)

    def get(self, room: int, offset: int) -> bytes:
        return self._database[_KEY.pack(room, offset)]  # type: ignore[no-any-return]

    def last(self, room: int, count: int, before: int) -> Sequence[bytes]:
        found: list[bytes] = []
        cursor, prefix = self._database.iter(self._read()), _ROOM.pack(room)
        cursor.seek_for_prev(_KEY.pack(room, before - 1))
        while cursor.valid() and len(found) < count and cursor.key()[:4] == prefix:
            found.append(cursor.value())
            cursor.prev()
        return found[::-1]

    def close(self) -> None:
        self._database.close()


class Lmdb:
    """LMDB, with its default durability."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        import lmdb

        self._database: Any = lmdb.open(str(path), map_size=8 << 30, sync=sync, metasync=sync)
        self._heads: dict[int, int] = {}

    def append(self, messages: Sequence[Message]) -> None:
        heads, pairs = self._heads, []
        for room, payload in messages:
            offset = heads.get(room, 0)
            heads[room] = offset + 1
            pairs.append((_KEY.pack(room, offset), payload))
        with self._database.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs)

    def get(self, room: int, offset: int) -> bytes:
        with self._database.begin() as transaction:
            return transaction.get(_KEY.pack(room, offset))  # type: ignore[no-any-return]

    def last(self, room: int, count: int, before: int) -> Sequence[bytes]:
        found: list[bytes] = []
        prefix = _ROOM.pack(room)
        with self._database.begin() as transaction:
            cursor = transaction.cursor()
            if not ((cursor.set_range(_KEY.pack(room, before)) and cursor.prev()) or cursor.last()):
                return found
            for key, value in cursor.iterprev():
                if key[:4] != prefix or len(found) == count:
                    break
                found.append(value)
        return found[::-1]

    def close(self) -> None:
        self._database.close()


class Sqlite:
    """SQLite, clustered by room, write-ahead log with synchronous=FULL."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path / "db", isolation_level=None)
        run = self._database.execute
        run("PRAGMA journal_mode=WAL")
        run(f"PRAGMA synchronous={'FULL' if sync else 'OFF'}")
        run("PRAGMA cache_size=-65536")
        run("PRAGMA mmap_size=2000000000")
        run(
            "CREATE TABLE IF NOT EXISTS message"
            " (room INT, id INT, body BLOB, PRIMARY KEY (room, id)) WITHOUT ROWID"
        )
        self._heads: dict[int, int] = {}

    def append(self, messages: Sequence[Message]) -> None:
        heads, rows = self._heads, []
        for room, payload in messages:
            offset = heads.get(room, 0)
            heads[room] = offset + 1
            rows.append((room, offset, payload))
        run = self._database
        run.execute("BEGIN")
        run.executemany("INSERT INTO message VALUES (?, ?, ?)", rows)
        run.execute("COMMIT")

    def get(self, room: int, offset: int) -> bytes:
        query = "SELECT body FROM message WHERE room = ? AND id = ?"
        return self._database.execute(query, (room, offset)).fetchone()[0]  # type: ignore[no-any-return]

    def last(self, room: int, count: int, before: int) -> Sequence[bytes]:
        query = "SELECT body FROM message WHERE room = ? AND id < ? ORDER BY id DESC LIMIT ?"
        rows = self._database.execute(query, (room, before, count)).fetchall()
        return [body for (body,) in reversed(rows)]

    def close(self) -> None:
        self._database.close()


ENGINES: dict[str, Callable[..., Engine]] = {
    "hubbub": Hubbub,
    "rocksdb": RocksDb,
    "lmdb": Lmdb,
    "sqlite": Sqlite,
}
