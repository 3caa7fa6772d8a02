"""The search index as a table: SQLite with FTS5, beside the log, and rebuildable from it at any time.

It follows the streams entry by entry and knows for each how far it has come, in the same transaction as the
words, so a crash leaves it behind at worst, never wrong. Row ids rise as messages come in, so the newest of
what is found are the last rows; whoever builds it anew goes through the streams in the order of time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hubbub.adapters.search_words import asked, indexed
from hubbub.core.entries import Deleted, Edited, Record, Said, Whispered

VERSION: Final = "1"
"""Of the tables and of how words are cut. Another one is built anew."""

MOST_IN_MEMORY: Final = 200_000
"""Messages in an index that is in memory: about as many as the journal there keeps. The oldest go."""
FEW_STREAMS: Final = 4
"""Up to here the words' index itself is asked for the streams; beyond, each row found is looked at."""

_SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT UNIQUE, upto INTEGER NOT NULL)",
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, offset INTEGER NOT NULL,"
    " place TEXT NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX by_place ON messages (stream, offset)",
    # External content: SQLite 3.40 cannot delete from a table without content.
    "CREATE VIRTUAL TABLE words USING fts5(place, text, content='messages', content_rowid='id',"
    " tokenize='unicode61 remove_diacritics 2')",
)
_ADD_MESSAGE: Final = "INSERT INTO messages VALUES (?, ?, ?, ?, ?)"
_ADD_WORDS: Final = "INSERT INTO words (rowid, place, text) VALUES (?, ?, ?)"
_FORGET_WORDS: Final = "INSERT INTO words (words, rowid, place, text) VALUES ('delete', ?, ?, ?)"

_Row = tuple[int, int, int, str, str]


class SearchTable:
    """One connection to the index. Used by one thread at a time."""

    def __init__(self, path: Path | None, epoch: str) -> None:
        """Open the index of a journal with that epoch, or begin it. `path` None: in memory.

        An index of another epoch or version, or one that is damaged, is thrown away.
        """
        self._path = path
        try:
            self._open(epoch)
        except sqlite3.DatabaseError:
            if path is None:
                raise
            self._discard()
            self._open(epoch)
        self._streams: dict[str, tuple[int, int]] = {
            name: (id, upto)
            for id, name, upto in self._database.execute("SELECT id, name, upto FROM streams")
        }
        self._names = {id: name for name, (id, _) in self._streams.items()}
        (last,) = self._database.execute("SELECT max(id) FROM messages").fetchone()
        self._last: int = last or 0
        self._first = 0
        """In memory: no message has an id below or at this."""

    def _open(self, epoch: str) -> None:
        if (
            self._path is not None
        ):  # what people say is for its owner alone; SQLite copies that for its others
            self._path.touch(0o600)
        self._database = sqlite3.connect(
            self._path or ":memory:", isolation_level=None, check_same_thread=False, timeout=30.0
        )
        run = self._database.execute
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")  # what a power cut takes, the log gives again
        run("PRAGMA secure_delete=ON")  # what was taken back is not to be found in the file either
        run("BEGIN IMMEDIATE")
        try:
            if run("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]:
                known = dict(run("SELECT key, value FROM meta").fetchall())
                if known != {"version": VERSION, "epoch": epoch}:
                    raise sqlite3.DatabaseError("another version, or another journal's")
            else:
                for statement in _SCHEMA:
                    run(statement)
                run("INSERT INTO meta VALUES ('version', ?), ('epoch', ?)", (VERSION, epoch))
                if sqlite3.sqlite_version_info >= (3, 42):  # before, words go when FTS5 next merges its parts
                    run("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
            run("COMMIT")
        except BaseException:
            self._database.close()
            raise

    def _discard(self) -> None:
        assert self._path is not None  # noqa: S101 (one in memory is not opened twice)
        for end in ("", "-wal", "-shm"):
            Path(f"{self._path}{end}").unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def upto(self) -> Mapping[str, int]:
        """How far each stream is indexed."""
        return {name: upto for name, (_, upto) in self._streams.items()}

    # -- in

    def add(self, records: Iterable[Record]) -> set[str]:
        """Follow these entries, all or none. Returns the streams of which something before is missing."""
        streams = dict(self._streams)
        missing: set[str] = set()
        new: list[_Row] = []
        last = self._last
        run = self._database.execute
        run("BEGIN IMMEDIATE")
        try:
            for record in records:
                name = record.entry.stream
                known = streams.get(name)
                if known is None:
                    cursor = run("INSERT INTO streams (name, upto) VALUES (?, 0)", (name,))
                    known = (cursor.lastrowid or 0, 0)
                id, upto = known
                if record.offset > upto + 1:
                    missing.add(name)
                elif record.offset == upto + 1:
                    known = (id, record.offset)
                    body = record.entry.body
                    if type(body) is Said or type(body) is Whispered:
                        last += 1
                        new.append((last, id, record.offset, f"s{id}", indexed(body.content)))
                    elif type(body) is Edited or type(body) is Deleted:
                        self._insert(new)
                        new = []
                        self._change(id, body)
                streams[name] = known
            self._insert(new)
            moved = [
                (upto, id) for name, (id, upto) in streams.items() if self._streams.get(name) != (id, upto)
            ]
            self._database.executemany("UPDATE streams SET upto = ? WHERE id = ?", moved)
            run("COMMIT")
        except BaseException:
            self._database.rollback()  # not by ROLLBACK: on a full disk it is rolled back already
            raise
        if self._path is None and last - self._first > MOST_IN_MEMORY * 1.1:
            self._forget_oldest(last - MOST_IN_MEMORY)
        self._streams, self._last = streams, last
        self._names = {id: name for name, (id, _) in streams.items()}
        return missing

    def trim(self, stream: str, first: int) -> None:
        """Forget the words of this stream below offset `first`."""
        known = self._streams.get(stream)
        if known is None:
            return
        run, below = self._database.execute, (known[0], first)
        run("BEGIN IMMEDIATE")
        try:
            found = run("SELECT id, place, text FROM messages WHERE stream = ? AND offset < ?", below)
            self._database.executemany(_FORGET_WORDS, found.fetchall())
            run("DELETE FROM messages WHERE stream = ? AND offset < ?", below)
            run("COMMIT")
        except BaseException:
            self._database.rollback()  # not by ROLLBACK: on a full disk it is rolled back already
            raise

    def _forget_oldest(self, upto: int) -> None:
        run = self._database.execute
        found = run("SELECT id, place, text FROM messages WHERE id <= ?", (upto,)).fetchall()
        self._database.executemany(_FORGET_WORDS, found)
        run("DELETE FROM messages WHERE id <= ?", (upto,))
        self._first = upto

    def _insert(self, rows: Sequence[_Row]) -> None:
        if rows:
            self._database.executemany(_ADD_MESSAGE, rows)
            self._database.executemany(_ADD_WORDS, [(id, place, text) for id, _, _, place, text in rows])

    def _change(self, stream: int, body: Edited | Deleted) -> None:
        run = self._database.execute
        found = run(
            "SELECT id, place, text FROM messages WHERE stream = ? AND offset = ?", (stream, body.target)
        ).fetchone()
        if found is None:
            return
        id, place, _ = found
        run(_FORGET_WORDS, found)
        if type(body) is Edited:
            text = indexed(body.content)
            run("UPDATE messages SET text = ? WHERE id = ?", (text, id))
            run(_ADD_WORDS, (id, place, text))
        else:
            run("DELETE FROM messages WHERE id = ?", (id,))

    def skip(self, stream: str, upto: int) -> None:
        """Nothing is to be found in this stream up to that offset: it is no longer kept."""
        known = self._streams.get(stream)
        if known is None:
            cursor = self._database.execute("INSERT INTO streams (name, upto) VALUES (?, ?)", (stream, upto))
            known = (cursor.lastrowid or 0, upto)
            self._names[known[0]] = stream
        elif known[1] < upto:
            self._database.execute("UPDATE streams SET upto = ? WHERE id = ?", (upto, known[0]))
        self._streams[stream] = (known[0], max(known[1], upto))

    # -- out

    def find(
        self, query: str, streams: Sequence[str], limit: int, before: tuple[str, int] | None = None
    ) -> list[tuple[str, int]]:
        """The (stream, offset) of the newest messages in these streams that have all words; see the port."""
        words = asked(query)
        ids = [known[0] for name in streams if (known := self._streams.get(name)) is not None]
        end = self._last + 1 if before is None else self._end(*before)
        if not words or not ids:
            return []
        if len(ids) <= FEW_STREAMS:
            places = " OR ".join(f"s{id}" for id in ids)
            match, only = f"place : ({places}) AND text : ({words})", ""
        else:
            match, only = f"text : ({words})", f" AND stream IN ({','.join(map(str, ids))})"
        found = self._database.execute(
            # The ids in `only` are our own numbers.
            "SELECT stream, offset FROM words JOIN messages ON messages.id = words.rowid"  # noqa: S608
            f" WHERE words MATCH ? AND words.rowid < ?{only} ORDER BY words.rowid DESC LIMIT ?",
            (match, end, limit),
        )
        return [(self._names[stream], offset) for stream, offset in found]

    def _end(self, stream: str, offset: int) -> int:
        """All that was said before that message has a lower id: its own, or that of the next one there."""
        known = self._streams.get(stream)
        if known is None:
            return self._last + 1
        found = self._database.execute(
            "SELECT id FROM messages WHERE stream = ? AND offset >= ? ORDER BY offset LIMIT 1",
            (known[0], offset),
        ).fetchone()
        return self._last + 1 if found is None else int(found[0])
