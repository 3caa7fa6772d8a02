"""What goes by itself: messages that are too old, and the space of what is gone."""

from __future__ import annotations

import io
import random
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.journals import RealTurns, on_log
from hubbub.adapters.journal_log import LogJournal
from hubbub.core.entries import Change, Entry, Erase, Erased, Group, Put, Said, Trim
from hubbub.core.modifications import prefix
from hubbub.core.ports import JournalUnavailableError
from hubbub.log import Options
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import StorageSettings
from hubbub.server.maintenance import Maintenance, first_since

_NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _ago(days: float) -> str:
    return (_NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class House:
    """A journal, and what maintains it."""

    def __init__(self, path: Path) -> None:
        self.turns = RealTurns()
        self.path = path
        options = Options(segment_bytes=4096, preallocate=0, compact_segments=2, tag_seconds=0.0)
        self.journal: LogJournal = on_log(self.turns, path, options=options)
        self.journal.open(self)
        self.retention: list[tuple[str, float]] = []
        self.logged = io.StringIO()
        self.noted: list[Change] = []

    def committed(self, groups: Sequence[Group]) -> None:
        pass

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        raise AssertionError(error)

    def maintenance(self, keep_days: float = 0.0, compact: bool = False) -> Maintenance:
        return Maintenance(
            StorageSettings(keep_days=keep_days, compact=compact, maintain_seconds=0.001),
            self.journal,
            lambda: self.retention,
            self.note,
            _NOW.timestamp,
            ServerLog(open_log("info", "json", self.logged)),
        )

    def note(self, changes: Sequence[Change]) -> None:
        self.noted += changes
        self.journal.append((), changes)

    def keep(self, stream: str, *days_ago: float, content: str = "hi") -> None:
        for days in days_ago:
            self.journal.append([Entry(stream, "", _ago(days), Said("Alice", 1, "lobby", content))])
        self.turns.run_all()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.turns.finish(work)
        self.turns.run_all()

    def first(self, stream: str) -> int:
        return self.journal.look(lambda reader: reader.first(stream))


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "log")
    yield house
    house.turns.finish(house.journal.close())
    house.turns.loop.close()


@pytest.mark.parametrize("seed", range(10))
def test_the_first_that_is_young_enough(house: House, seed: int) -> None:
    chance = random.Random(seed)
    days = sorted((chance.choice((1, 5, 9, 12)) for _ in range(chance.randint(0, 40))), reverse=True)
    house.keep("room:1", *days)
    erased = [offset for offset in range(1, len(days) + 1) if chance.random() < 0.4]
    house.journal.append((), [Erase("room:1", offset) for offset in erased])
    house.turns.run_all()
    expected = 1
    while any(days[i - 1] > 9 for i in range(expected, len(days) + 1) if i not in erased):
        expected += 1
    first, found, at = house.journal.look(lambda reader: first_since(reader, "room:1", _ago(9)))
    assert (first, found) == (1, expected)
    rest = [days[i - 1] for i in range(expected, len(days) + 1) if i not in erased]
    assert at == (_ago(rest[0]) if rest else "")


def test_a_room_keeps_as_long_as_it_says_and_others_as_the_server_says(house: House) -> None:
    for stream in ("room:1", "room:2", "room:3", "talk:1:2"):
        house.keep(stream, 50, 20, 5, 1)
    house.retention = [("room:1", 10), ("room:2", 30), ("room:9", 1)]
    house.run(house.maintenance().once())
    assert [house.first(stream) for stream in ("room:1", "room:2", "room:3", "talk:1:2")] == [3, 2, 1, 1]
    house.run(house.maintenance(keep_days=3).once())
    assert [house.first(stream) for stream in ("room:1", "room:2", "room:3", "talk:1:2")] == [4, 4, 4, 4]


def test_what_is_known_of_a_message_goes_with_it(house: House) -> None:
    house.keep("room:1", 50, 20, 1)
    house.journal.append((), [Put(f"{prefix('room:1')}{offset:x}", b"") for offset in (1, 2, 3)])
    house.turns.run_all()
    house.retention = [("room:1", 10)]
    house.run(house.maintenance().once())
    left = house.journal.look(lambda reader: [key for key, _ in reader.scan(prefix("room:1"))])
    assert left == [f"{prefix('room:1')}3"]


def test_nothing_is_done_twice(house: House) -> None:
    house.keep("room:1", 50, 1)
    house.retention = [("room:1", 10)]
    maintenance = house.maintenance()
    house.run(maintenance.once())
    house.run(maintenance.once())
    assert house.noted == [Trim("room:1", 2)]
    assert house.first("room:1") == 2


def test_the_space_of_what_is_gone_is_given_back_by_another_process(house: House) -> None:
    for number in range(40):
        house.keep(f"room:{number % 3}", 1, content=f"n{number} " + "x" * 400)
    house.journal.append((), [Erase("room:0", offset) for offset in range(1, 14)])
    house.keep("room:1", *[1] * 20, content="y" * 400)

    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in house.path.glob("*.seg"))

    assert b"n0 xxx" in everything()
    house.run(house.maintenance(compact=True).once())
    assert b"n0 xxx" not in everything()
    assert b"n1 xxx" in everything()
    assert '"event": "compacted"' in house.logged.getvalue()
    found = house.journal.look(lambda reader: reader.entries("room:1", 1, 99))
    assert [record.offset for record in found] == list(range(1, 34))
    assert all(
        type(record.entry.body) is Erased
        for record in house.journal.look(lambda reader: reader.entries("room:0", 1, 13))
    )
    house.keep("room:0", 0)
    assert house.journal.head("room:0").offset == 15


def test_a_compaction_that_fails_is_logged_and_harms_nothing(house: House) -> None:
    for number in range(40):
        house.keep("room:0", 1, content=f"n{number} " + "x" * 400)
    segment = min(house.path.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[500] ^= 1
    segment.write_bytes(data)
    house.run(house.maintenance(compact=True).once())
    assert '"event": "compaction failed"' in house.logged.getvalue()
    assert segment.name in house.logged.getvalue()
    assert house.journal.why_read_only() is None
    house.keep("room:0", 0)
    assert house.journal.head("room:0").offset == 41


def test_it_stops_at_once_also_while_it_compacts(house: House) -> None:
    for number in range(40):
        house.keep("room:0", 1, content=f"n{number} " + "x" * 400)
    maintenance = house.maintenance(compact=True)

    async def begin() -> None:
        maintenance.start()

    house.turns.finish(begin())
    house.turns.wait_for(
        lambda: any(house.path.glob("compact-*")) or '"compacted"' in house.logged.getvalue()
    )
    house.run(maintenance.stop())
    assert "exception" not in house.logged.getvalue()
    house.keep("room:0", 0)
    assert house.journal.head("room:0").offset == 41
