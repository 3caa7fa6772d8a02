"""The contract of `core.ports.Journal`, held against every implementation."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from contracts.journals import RealTurns, Turns, UnrulyJournal, entry, memory, on_log
from hubbub.core.entries import Change, Drop, Entry, Erase, Erased, Group, Put, Record, Trim
from hubbub.core.ports import Journal, JournalUnavailableError, Reader

JOURNALS = (
    "memory", "unruly", "unruly-slow", "unruly-failing", "log", "log-interval", "log-slow"
)  # fmt: skip


def read(journal: Journal, stream: str, first: int, last: int) -> list[Record]:
    return journal.look(lambda reader: list(reader.entries(stream, first, last)))


class Ground:
    """A journal, the loop that it runs on, and its sink."""

    def __init__(self, kind: str, path: Path) -> None:
        self._kind = kind
        self._path = path
        self.turns = RealTurns() if kind.startswith("log") else Turns()
        self.sink = Sink()

    def begin(self, seed: int = 1) -> Journal:
        journal = self._make(seed)
        self.sink.journal = journal
        journal.open(self.sink)
        return journal

    def _make(self, seed: int) -> Journal:
        turns = self.turns
        if isinstance(turns, RealTurns):
            journal = on_log(turns, self._path, interval=0.002 if self._kind == "log-interval" else None)
            if self._kind == "log-slow":  # the disk was slow once, so the commit thread writes
                journal._slow_until = float("inf")
            return journal
        match self._kind:
            case "unruly":
                return UnrulyJournal(turns, seed)
            case "unruly-slow":
                return UnrulyJournal(turns, seed, fail=0.0, foreign=0.8)
            case "unruly-failing":
                return UnrulyJournal(turns, seed, fail=0.7)
        return memory(turns, seed)

    def keep(self, entries: Sequence[Entry], changes: Sequence[Change] = ()) -> Sequence[Record]:
        """Append until it is kept."""
        assert self.sink.journal is not None
        while True:
            ticket = self.sink.journal.append(entries, changes)
            self.turns.run_all()
            if self.sink.told[-1] == (ticket, True):
                return next(group.records for group in self.sink.groups if group.ticket == ticket)

    def end(self) -> None:
        if isinstance(self.turns, RealTurns):
            if self.sink.journal is not None:
                self.turns.finish(self.sink.journal.close())
            self.turns.loop.close()


class Sink:
    """Writes down what it is told, and checks what must hold at every moment."""

    def __init__(self) -> None:
        self.journal: Journal | None = None
        self.appending = False
        self.told: list[tuple[int, bool]] = []
        self.records: list[Record] = []
        self.groups: list[Group] = []

    def committed(self, groups: Sequence[Group]) -> None:
        assert not self.appending, "never from within append"
        assert self.journal is not None
        for group in groups:
            if group.ticket is not None:
                self.told.append((group.ticket, True))
            self.groups.append(group)
            self.records += group.records
            for record in group.records:
                found = read(self.journal, record.entry.stream, record.offset, record.offset)
                assert found == [record], "what is committed can be read at once"

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        assert not self.appending, "never from within append"
        assert error.reason
        self.told += [(ticket, False) for ticket in tickets]


@pytest.fixture(params=JOURNALS, name="ground")
def _ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(request.param, tmp_path / "log")
    yield ground
    ground.end()


def _run(ground: Ground, seed: int) -> tuple[Sink, dict[int, list[tuple[str, str]]], Journal]:
    """Random appends to a few streams, a turn now and then. Returns what was appended under each ticket."""
    turns, sink, chance = ground.turns, ground.sink, random.Random(seed)
    journal = ground.begin(seed)
    appended: dict[int, list[tuple[str, str]]] = {}
    for number in range(200):
        keys = [
            (f"room:{chance.randint(1, 4)}", f"{number}.{part}")
            for part in range(chance.choice((1, 1, 1, 3)))
        ]
        sink.appending = True
        ticket = journal.append(
            [entry(stream, id, author=number % 3) for stream, id in keys], [Put(f"n:{number}", b"")]
        )
        sink.appending = False
        appended[ticket] = keys
        if chance.random() < 0.4:
            turns.run()
    turns.run_all()
    return sink, appended, journal


@pytest.mark.parametrize("seed", range(8))
def test_each_ticket_is_told_once_and_in_order(ground: Ground, seed: int) -> None:
    sink, appended, _ = _run(ground, seed)
    told = [ticket for ticket, _ in sink.told]
    assert told == sorted(appended), "in the order of the appends, each once"
    assert list(appended) == sorted(appended), "tickets rise"


@pytest.mark.parametrize("seed", range(8))
def test_an_append_is_kept_whole_or_not_at_all(ground: Ground, seed: int) -> None:
    sink, appended, _ = _run(ground, seed)
    kept = {ticket for ticket, ok in sink.told if ok}
    for group in sink.groups:
        if group.ticket is not None:
            found = [(record.entry.stream, record.entry.id) for record in group.records]
            assert found == appended[group.ticket]
    assert {group.ticket for group in sink.groups} - {None} == kept


@pytest.mark.parametrize("seed", range(8))
def test_offsets_are_dense_over_everything_committed(ground: Ground, seed: int) -> None:
    sink, _, journal = _run(ground, seed)
    last: dict[str, tuple[str, int]] = {}
    for record in sink.records:
        epoch, offset = last.get(record.entry.stream, (record.epoch, 0))
        assert record.epoch == epoch
        assert record.offset == offset + 1
        last[record.entry.stream] = (epoch, record.offset)
    assert last, "something was committed"
    for stream, (epoch, offset) in last.items():
        head = journal.head(stream)
        assert (head.epoch, head.offset) == (epoch, offset)


def test_a_fresh_stream_is_at_zero_and_begins_at_one(ground: Ground) -> None:
    journal = ground.begin(3)
    before = journal.head("room:new")
    assert before.offset == 0
    assert journal.look(
        lambda reader: (reader.first("room:new"), list(reader.entries("room:new", 1, 9)))
    ) == (1, [])
    ground.keep([entry("room:new", "a")])
    assert ground.sink.records[0].offset == 1
    assert ground.sink.records[0].epoch == before.epoch


@pytest.mark.parametrize("seed", range(4))
def test_changes_are_kept_with_their_entries_or_not_at_all(ground: Ground, seed: int) -> None:
    sink, appended, journal = _run(ground, seed)
    kept = {ticket for ticket, ok in sink.told if ok}
    names = [name for name, _ in journal.look(lambda reader: list(reader.scan("n:")))]
    assert names == sorted(f"n:{number}" for number, ticket in enumerate(appended) if ticket in kept)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_told_is_what_is_read(ground: Ground, seed: int) -> None:
    sink, _, journal = _run(ground, seed)

    def everything(reader: Reader) -> dict[str, list[Record]]:
        return {
            stream: list(reader.entries(stream, reader.first(stream), reader.head(stream).offset))
            for stream in reader.streams("room:")
        }

    told: dict[str, list[Record]] = {}
    for record in sink.records:
        told.setdefault(record.entry.stream, []).append(record)
    assert journal.look(everything) == told
    answers: list[object] = []
    journal.read(everything, answers.append)
    assert not answers, "later than read returns"
    ground.turns.run_all()
    assert answers == [told]


def test_a_part_of_a_stream_is_clipped_to_what_is_there(ground: Ground) -> None:
    journal = ground.begin()
    for number in range(5):
        ground.keep([entry("room:1", str(number))])
    head = journal.head("room:1").offset
    for first, last in ((0, 3), (-5, 1), (2, 2), (head, head + 9), (4, 3), (head + 1, head + 9)):
        offsets = [record.offset for record in read(journal, "room:1", first, last)]
        assert offsets == list(range(max(first, 1), min(last, head) + 1))


def test_keyed_records_are_put_and_dropped(ground: Ground) -> None:
    journal = ground.begin()
    ground.keep((), [Put("b/1", b"one"), Put("b/2", b"two"), Put("c", b""), Drop("b/1")])
    ground.keep((), [Put("b/2", b"zwei"), Put("a/ä", b"\0")])
    assert journal.look(lambda reader: reader.get("b/1")) is None
    assert journal.look(lambda reader: reader.get("b/2")) == b"zwei"
    assert journal.look(lambda reader: list(reader.scan("b/"))) == [("b/2", b"zwei")]
    assert [name for name, _ in journal.look(lambda reader: list(reader.scan("")))] == ["a/ä", "b/2", "c"]


def test_what_is_erased_leaves_its_place_and_what_is_trimmed_does_not(ground: Ground) -> None:
    journal = ground.begin()
    records = [ground.keep([entry("room:1", str(number))])[0] for number in range(4)]
    offsets = [record.offset for record in records]
    ground.keep(
        [entry("room:1", "deletes")], [Erase("room:1", offsets[2]), Erase("room:1", 999), Erase("no", 1)]
    )
    ground.keep((), [Trim("room:1", offsets[1]), Trim("no", 7)])
    head = journal.head("room:1").offset
    assert journal.look(lambda reader: reader.first("room:1")) == offsets[1]
    found = read(journal, "room:1", 1, head)
    assert [record.offset for record in found] == list(range(offsets[1], head + 1)), "no hole"
    by_offset = {record.offset: record for record in found}
    assert by_offset[offsets[1]] == records[1]
    assert by_offset[offsets[2]] == Record(Entry("room:1", "", "", Erased()), records[2].epoch, offsets[2])
    ground.keep((), [Trim("room:1", head + 50)])
    assert journal.look(lambda reader: reader.first("room:1")) >= head + 1, "nothing is left"
    assert ground.keep([entry("room:1", "next")])[-1].offset > head, "and it goes on behind it"


def test_close_finishes_what_is_in_flight_and_then_takes_no_more(ground: Ground) -> None:
    journal, sink = ground.begin(5), ground.sink
    tickets = [journal.append([entry("room:1", str(number))]) for number in range(5)]
    ground.turns.finish(journal.close())
    assert sink.told == [(ticket, True) for ticket in tickets]
    with pytest.raises(JournalUnavailableError):
        journal.append([entry("room:1", "late")])


def test_memory_forgets_the_stream_that_rested_longest_and_says_so_by_a_new_epoch() -> None:
    from hubbub.adapters.journal_memory import MemoryJournal

    turns, sink = Turns(), Sink()
    epochs = iter(f"e{number}" for number in range(100))
    journal = MemoryJournal(turns.call_soon, lambda: next(epochs), most_streams=4)
    sink.journal = journal
    journal.open(sink)
    for stream in ("a", "b", "c", "a", "d", "e", "a"):
        journal.append([entry(stream, "x")])
        turns.run_all()
    assert journal.head("a").offset == 3, "in use, so it stayed"
    old = sink.records[1]
    assert old.entry.stream == "b"
    again = journal.head("b")
    assert again.offset == 0
    assert again.epoch != old.epoch
