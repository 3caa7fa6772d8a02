"""The contract of `core.ports.Journal`, held against every implementation."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest

from contracts.journals import Turns, UnrulyJournal, entry, memory
from hubbub.core.entries import Group, Record
from hubbub.core.ports import Journal, JournalUnavailableError

Make = Callable[[Turns, int], Journal]

JOURNALS: dict[str, Make] = {
    "memory": memory,
    "unruly": lambda turns, seed: UnrulyJournal(turns, seed),
    "unruly-slow": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.0, foreign=0.8),
    "unruly-failing": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.7),
}


@pytest.fixture(params=list(JOURNALS), name="make")
def _make(request: pytest.FixtureRequest) -> Make:
    return JOURNALS[request.param]


class Sink:
    """Writes down what it is told, and checks what must hold at every moment."""

    def __init__(self) -> None:
        self.appending = False
        self.told: list[tuple[int, bool]] = []
        self.records: list[Record] = []
        self.groups: list[Group] = []

    def committed(self, groups: Sequence[Group]) -> None:
        assert not self.appending, "never from within append"
        for group in groups:
            if group.ticket is not None:
                self.told.append((group.ticket, True))
            self.groups.append(group)
            self.records += group.records

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        assert not self.appending, "never from within append"
        assert error.reason
        self.told += [(ticket, False) for ticket in tickets]


def _run(make: Make, seed: int) -> tuple[Sink, dict[int, list[tuple[str, str]]], Journal]:
    """Random appends to a few streams, a turn now and then. Returns what was appended under each ticket."""
    turns, sink, chance = Turns(), Sink(), random.Random(seed)
    journal = make(turns, seed)
    journal.open(sink)
    appended: dict[int, list[tuple[str, str]]] = {}
    for number in range(200):
        keys = [
            (f"room:{chance.randint(1, 4)}", f"{number}.{part}")
            for part in range(chance.choice((1, 1, 1, 3)))
        ]
        sink.appending = True
        ticket = journal.append([entry(stream, id) for stream, id in keys])
        sink.appending = False
        appended[ticket] = keys
        if chance.random() < 0.4:
            turns.run()
    turns.run_all()
    return sink, appended, journal


@pytest.mark.parametrize("seed", range(8))
def test_each_ticket_is_told_once_and_in_order(make: Make, seed: int) -> None:
    sink, appended, _ = _run(make, seed)
    told = [ticket for ticket, _ in sink.told]
    assert told == sorted(appended), "in the order of the appends, each once"
    assert list(appended) == sorted(appended), "tickets rise"


@pytest.mark.parametrize("seed", range(8))
def test_an_append_is_kept_whole_or_not_at_all(make: Make, seed: int) -> None:
    sink, appended, _ = _run(make, seed)
    kept = {ticket for ticket, ok in sink.told if ok}
    for group in sink.groups:
        if group.ticket is not None:
            found = [(record.entry.stream, record.entry.id) for record in group.records]
            assert found == appended[group.ticket]
    assert {group.ticket for group in sink.groups} - {None} == kept


@pytest.mark.parametrize("seed", range(8))
def test_offsets_are_dense_over_everything_committed(make: Make, seed: int) -> None:
    sink, _, journal = _run(make, seed)
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


def test_a_fresh_stream_is_at_zero_and_begins_at_one(make: Make) -> None:
    turns, sink = Turns(), Sink()
    journal = make(turns, 3)
    journal.open(sink)
    before = journal.head("room:new")
    assert before.offset == 0
    while not sink.records:
        journal.append([entry("room:new", "a")])
        turns.run_all()
    assert sink.records[0].offset == 1
    assert sink.records[0].epoch == before.epoch


def test_close_finishes_what_is_in_flight_and_then_takes_no_more(make: Make) -> None:
    turns, sink = Turns(), Sink()
    journal = make(turns, 5)
    journal.open(sink)
    tickets = [journal.append([entry("room:1", str(number))]) for number in range(5)]
    asyncio.run(journal.close())
    assert sink.told == [(ticket, True) for ticket in tickets]
    with pytest.raises(JournalUnavailableError):
        journal.append([entry("room:1", "late")])


def test_memory_forgets_the_stream_that_rested_longest_and_says_so_by_a_new_epoch() -> None:
    from hubbub.adapters.journal_memory import MemoryJournal

    turns, sink = Turns(), Sink()
    epochs = iter(f"e{number}" for number in range(100))
    journal = MemoryJournal(turns.call_soon, lambda: next(epochs), most_streams=4)
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
