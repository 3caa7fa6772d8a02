"""The contract of `core.ports.SearchIndex`, held against SQLite in memory and on disk, behind a journal."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hubbub.adapters import search_fts5
from hubbub.adapters.journal_memory import MemoryJournal
from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.adapters.search_table import SearchTable
from hubbub.core.entries import Body, Deleted, Edited, Entry, Erase, Group, Record, Said, Trim, Whispered
from hubbub.core.ports import JournalUnavailableError

DEADLINE = 10.0


class Everything:
    """A journal in memory whose commits go to the index, as the ledger hands them on."""

    def __init__(self, search: Fts5Search, journal: MemoryJournal) -> None:
        self.search = search
        self.journal = journal
        self.hears = True
        self.trouble: list[str] = []

    def committed(self, groups: Sequence[Group]) -> None:
        if self.hears:
            for group in groups:
                self.search.add(group.records)

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        raise AssertionError(error)

    def say(self, stream: str, content: str) -> None:
        self.append(stream, Said("Alice", 7, "lobby", content))

    def append(self, stream: str, body: Body, *changes: Erase) -> None:
        self.journal.append([Entry(stream, "id", "2026-11-21T08:00:00.000Z", body)], changes)

    async def found(
        self, query: str, *streams: str, limit: int = 50, before: tuple[str, int] | None = None
    ) -> list[tuple[str, int]] | None:
        answer: asyncio.Future[list[tuple[str, int]] | None] = asyncio.get_running_loop().create_future()

        def told(found: Sequence[tuple[str, int]] | None) -> None:
            answer.set_result(None if found is None else list(found))

        assert self.search.find(query, streams, limit, told, before)
        return await asyncio.wait_for(answer, DEADLINE)

    async def until(self, query: str, expected: list[tuple[str, int]], *streams: str) -> None:
        """The index may lag, but it must arrive."""
        async with asyncio.timeout(DEADLINE):
            while await self.found(query, *streams) != expected:  # noqa: ASYNC110 (a thread works)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def everything(
    path: Path | None, journal: MemoryJournal | None = None, epoch: str = "e1"
) -> AsyncIterator[Everything]:
    loop = asyncio.get_running_loop()
    journal = journal or MemoryJournal(loop.call_soon, lambda: epoch)
    trouble: list[str] = []
    search = Fts5Search(path, None, epoch, loop, trouble.append)
    every = Everything(search, journal)
    every.trouble = trouble
    journal.open(every)
    search.follow(journal)
    yield every
    await search.close()


@pytest.fixture(params=["memory", "disk"], name="path")
def _path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "search.sqlite" if request.param == "disk" else None


def test_words_are_found_the_newest_first_and_only_where_one_may_read(path: Path | None) -> None:
    async def main() -> None:
        async with everything(path) as every:
            every.say("room:1", "The quick brown fox")
            every.say("room:2", "a fox in another room")
            every.say("room:1", "no animal here")
            every.append("talk:1:2", Whispered("Alice", 7, "Bob", 8, "my own Fox"))
            every.say("room:1", "FOXES, quick!")
            await every.until("fox", [("room:1", 3), ("room:1", 1)], "room:1")
            await every.until("fox", [("talk:1:2", 1)], "talk:1:2")
            assert await every.found("quick fox", "room:1", "room:2") == [("room:1", 3), ("room:1", 1)]
            assert await every.found("quick animal", "room:1") == []
            assert await every.found("fox", "room:1", limit=1) == [("room:1", 3)]
            assert await every.found("fox") == []
            assert await every.found("fox", "room:9") == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("你好", True), ("好吗", True), ("吗", True), ("朋友", True), ("好朋", False), ("你吗", False),
        ("hello 朋友", True), ("hello你好", True), ("ＨＥＬＬＯ", True), ("cafe", True), ("CAFÉ", True),
        ("안녕", True), ("ラーメン", True), ("メン", True),
    ],
)  # fmt: skip
def test_two_characters_are_a_word_where_there_are_no_spaces(query: str, finds: bool) -> None:
    async def main() -> None:
        async with everything(None) as every:
            every.say("room:1", "hello, 你好吗?朋友! café 안녕하세요 ラーメン")
            await every.until("hello", [("room:1", 1)], "room:1")
            assert bool(await every.found(query, "room:1")) is finds

    asyncio.run(main())


@pytest.mark.parametrize(
    "query",
    ['"', "* OR *", "text:(a)", "a AND", "NEAR(a b)", "-", "", "   ", "\x00", "\ud800", "'); DROP", "^a"],
)
def test_no_query_is_a_command(query: str) -> None:
    async def main() -> None:
        async with everything(None) as every:
            every.say("room:1", "hello")
            await every.until("hello", [("room:1", 1)], "room:1")
            assert await every.found(query, "room:1") == []
            assert every.trouble == []

    asyncio.run(main())


def test_what_is_older_is_found_page_by_page_also_behind_what_is_deleted(path: Path | None) -> None:
    async def main() -> None:
        async with everything(path) as every:
            for number in range(20):
                every.say(f"room:{number % 2}", f"tea {number}")
            rooms = [f"room:{number}" for number in range(2)]
            places = [(f"room:{number % 2}", number // 2 + 1) for number in reversed(range(20))]
            await every.until("tea", places, *rooms)
            pages: list[tuple[str, int]] = []
            while page := await every.found("tea", *rooms, limit=7, before=pages[-1] if pages else None):
                pages += page
            assert pages == places
            assert await every.found("tea", "room:1", before=("room:1", 3)) == [("room:1", 2), ("room:1", 1)]
            every.append("room:1", Deleted("Alice", 7, 10, "lobby"), Erase("room:1", 10))
            await every.until("tea", places[1:], *rooms)
            assert await every.found("tea", *rooms, limit=2, before=("room:1", 10)) == places[1:3]
            assert await every.found("tea", *rooms, before=("room:7", 10)) == places[1:], "not known: all"

    asyncio.run(main())


def test_edits_and_deletions_are_followed(path: Path | None) -> None:
    async def main() -> None:
        async with everything(path) as every:
            every.say("room:1", "sun")
            every.say("room:1", "moon")
            every.append("room:1", Edited("Alice", 7, 1, "star", "lobby"))
            every.append("room:1", Deleted("Alice", 7, 2, "lobby"), Erase("room:1", 2))
            await every.until("star", [("room:1", 1)], "room:1")
            assert await every.found("sun", "room:1") == []
            assert await every.found("moon", "room:1") == []

    asyncio.run(main())


def test_what_was_trimmed_or_deleted_is_not_in_the_file_either(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"

    async def main() -> None:
        async with everything(path) as every:
            for number in range(50):
                every.say("room:1", f"forgettable{number} common")
            every.say("room:2", "forgettable99 common")
            every.append("room:2", Deleted("Alice", 7, 1, "lobby"), Erase("room:2", 1))
            await every.until("forgettable49", [("room:1", 50)], "room:1")
            every.search.trim("room:1", 50)
            await every.until("common", [("room:1", 50)], "room:1", "room:2")

    asyncio.run(main())
    left = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert b"forgettable49 common" in left
    for number in (*range(49), 99):
        assert b"forgettable%d common" % number not in left
    if sqlite3.sqlite_version_info >= (3, 42):
        assert b"forgettable99" not in left, "nor as a word of the index"


def test_a_trim_that_a_crash_swallowed_is_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"

    async def main() -> None:
        async with everything(path) as every:
            for number in range(5):
                every.say("room:1", f"common {number}")
            await every.until("common", [("room:1", n) for n in (5, 4, 3, 2, 1)], "room:1")
            journal = every.journal
        journal.append([], [Trim("room:1", 4)])
        await asyncio.sleep(0)
        async with everything(path, journal) as every:
            await every.until("common", [("room:1", 5), ("room:1", 4)], "room:1")

    asyncio.run(main())


def test_what_it_did_not_hear_it_reads_from_the_journal(path: Path | None) -> None:
    async def main() -> None:
        async with everything(path) as every:
            every.say("room:1", "one heard")
            await every.until("heard", [("room:1", 1)], "room:1")
            every.hears = False
            for number in range(600):
                every.say("room:1", f"missed {number}")
            await asyncio.sleep(0)
            every.hears = True
            every.say("room:1", "two heard")
            await every.until("heard", [("room:1", 602), ("room:1", 1)], "room:1")
            assert len(await every.found("missed", "room:1", limit=1000) or ()) == 600

    asyncio.run(main())


def test_an_index_goes_on_where_it_was_and_one_of_another_journal_is_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"

    async def main() -> None:
        async with everything(path) as every:
            every.say("room:1", "before")
            await every.until("before", [("room:1", 1)], "room:1")
            journal = every.journal
        async with everything(path, journal) as every:
            assert await every.found("before", "room:1") == [("room:1", 1)]
        async with everything(path, epoch="e2") as every:
            assert await every.found("before", "room:1") == []

    asyncio.run(main())


def test_a_damaged_file_is_thrown_away_and_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "search.sqlite"
    path.write_bytes(random.Random(1).randbytes(9000))

    async def main() -> None:
        async with everything(path) as every:
            every.say("room:1", "sound")
            await every.until("sound", [("room:1", 1)], "room:1")

    asyncio.run(main())


def test_a_disk_that_fails_is_told_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(search_fts5, "RETRY", 0.05)
    real, failures = SearchTable.add, iter([True, True, False])

    def add(table: SearchTable, records: Sequence[Record]) -> set[str]:
        if next(failures, False):
            raise sqlite3.OperationalError("database or disk is full")
        return real(table, records)

    monkeypatch.setattr(SearchTable, "add", add)

    async def main() -> None:
        async with everything(tmp_path / "search.sqlite") as every:
            every.say("room:1", "kept anyway")
            await every.until("kept", [("room:1", 1)], "room:1")
            assert len(every.trouble) == 1
            assert "disk is full" in every.trouble[0]

    asyncio.run(main())


def test_too_many_queries_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_fts5, "MOST_QUERIES", 3)

    async def main() -> None:
        async with everything(None) as every:
            told: list[object] = []
            taken = [every.search.find("x", ["room:1"], 5, told.append) for _ in range(5)]
            assert taken == [True, True, True, False, False]
            async with asyncio.timeout(DEADLINE):
                while len(told) < 3:  # noqa: ASYNC110 (a thread works)
                    await asyncio.sleep(0.01)
            assert every.search.find("x", ["room:1"], 5, told.append)

    asyncio.run(main())


def test_random_edits_and_deletions_end_as_a_plain_search_would(tmp_path: Path) -> None:
    words = ["alpha", "beta", "gamma", "delta", "你好", "好吗"]

    async def run(seed: int, path: Path | None) -> None:
        chance = random.Random(seed)
        model: dict[tuple[str, int], str] = {}
        heads: dict[str, int] = {}
        async with everything(path) as every:
            for _ in range(300):
                stream = f"room:{chance.randint(1, 3)}"
                heads[stream] = heads.get(stream, 0) + 1
                content = " ".join(chance.choices(words, k=3))
                mine = [key for key in model if key[0] == stream]
                change: Callable[[], float] = chance.random
                if mine and change() < 0.3:
                    target = chance.choice(mine)
                    if chance.random() < 0.5:
                        model[target] = content
                        every.append(stream, Edited("Alice", 7, target[1], content, "lobby"))
                    else:
                        del model[target]
                        every.append(stream, Deleted("Alice", 7, target[1], "lobby"), Erase(*target))
                else:
                    model[stream, heads[stream]] = content
                    every.say(stream, content)
                every.hears = chance.random() < 0.9
                await asyncio.sleep(0)
            every.hears = True
            for stream in heads:
                heads[stream] += 1
                every.say(stream, "the end")
            await every.until(
                "end", [(s, heads[s]) for s in sorted(heads, key=list(heads).index)][::-1], *heads
            )
            async with asyncio.timeout(DEADLINE):
                for word in words:
                    expected = {key for key, content in model.items() if word in content}
                    while set(await every.found(word, *heads, limit=1000) or ()) != expected:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)

    for seed in range(3):
        asyncio.run(run(seed, tmp_path / f"{seed}.sqlite"))


def test_a_full_disk_is_named_as_what_it_is(tmp_path: Path) -> None:
    table = SearchTable(tmp_path / "search.sqlite", "e1")
    (pages,) = table._database.execute("PRAGMA page_count").fetchone()
    table._database.execute(f"PRAGMA max_page_count = {pages + 2}")
    said = Said("Alice", 7, "lobby", " ".join(f"word{number}" for number in range(9_000)))
    entry = Entry("room:1", "id", "2026-11-21T08:00:00.000Z", said)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        table.add([Record(entry, "e1", 1)])
    table._database.execute(f"PRAGMA max_page_count = {pages + 2_000}")
    assert table.add([Record(entry, "e1", 1)]) == set()
    assert table.find("word7", ["room:1"], 5) == [("room:1", 1)]
    table.close()
