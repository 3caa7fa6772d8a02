"""History: pages that join without hole or double, and what is never in them."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest

from contracts.journals import Turns, UnrulyJournal, memory
from core.asking import LOBBY, accepted, messages, page, refused
from core.house import House
from hubbub.adapters.journal_memory import MemoryJournal
from hubbub.core import modifications
from hubbub.core.answers import History, MessageView, RoomJoined
from hubbub.core.commands import (
    CreateRoom,
    Delete,
    Edit,
    GetHistory,
    JoinRoom,
    LeaveRoom,
    Publish,
    React,
    SetTopic,
    Whisper,
)
from hubbub.core.entries import Entry, Said, Trim
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import MessageDeleted
from hubbub.core.model import Session
from hubbub.core.modifications import trimmed
from hubbub.core.ports import Journal
from hubbub.core.settings import CoreSettings, MessageSettings
from hubbub.core.talks import talk_stream, talkers
from hubbub.server.config import MAX_FRAME

JOURNALS: dict[str, Callable[[Turns, int], Journal]] = {
    "memory": memory,
    "unruly": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.1),
    "slow": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.0, foreign=0.8),
}


def full(count: int, settings: MessageSettings | None = None) -> tuple[House, Session]:
    house = House(CoreSettings(messages=settings or MessageSettings()))
    alice = house.enter("Alice")
    for number in range(1, count + 1):
        house.do(alice, Publish(f"m{number}"))
    house.turns.run_all()
    return house, alice


def offsets(answer: History) -> list[int]:
    return [message.offset for message in answer.messages]


# -- pages


def test_the_newest_are_shown_oldest_first_and_say_whether_there_are_more() -> None:
    house, alice = full(60)
    answer = page(house, alice, GetHistory())
    assert offsets(answer) == list(range(11, 61))
    assert (answer.more, answer.room, answer.with_, answer.stream) == (True, "lobby", None, LOBBY)
    message = answer.messages[0]
    assert alice.user is not None
    assert (message.sender, message.sender_id, message.content) == ("Alice", alice.user.id, "m11")
    assert (message.room, message.to, message.stream) == ("lobby", None, LOBBY)
    assert message.epoch == house.journal.head(LOBBY).epoch
    assert not page(house, alice, GetHistory(limit=60)).more


@pytest.mark.parametrize(
    ("asked", "expected", "more"),
    [
        (GetHistory(before=5, limit=3), [2, 3, 4], True),
        (GetHistory(before=4, limit=3), [1, 2, 3], False),
        (GetHistory(before=1), [], False),
        (GetHistory(before=999, limit=2), [9, 10], True),
        (GetHistory(after=7), [8, 9, 10], False),
        (GetHistory(after=0, limit=2), [1, 2], True),
        (GetHistory(after=10), [], False),
        (GetHistory(after=999), [], False),
        (GetHistory(around=5, limit=4), [3, 4, 5, 6], True),
        (GetHistory(around=5, limit=1), [5], True),
        (GetHistory(around=1, limit=4), [1, 2], True),
        (GetHistory(around=5, limit=100), list(range(1, 11)), False),
        (GetHistory(around=999, limit=4), [9, 10], True),
    ],
)
def test_a_page_is_before_after_or_around_an_offset(
    asked: GetHistory, expected: list[int], more: bool
) -> None:
    house, alice = full(10)
    answer = page(house, alice, asked)
    assert (offsets(answer), answer.more) == (expected, more)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (GetHistory(before=5, after=1), "after"),
        (GetHistory(before=5, around=1), "around"),
        (GetHistory(before=5, after=1, around=3), "after"),
        (GetHistory(before=0), "before"),
        (GetHistory(after=-1), "after"),
        (GetHistory(around=0), "around"),
        (GetHistory(limit=0), "limit"),
        (GetHistory(limit=-5), "limit"),
        (GetHistory(room="lobby", with_="Alice"), "with"),
        (GetHistory(room="lobby", stream=LOBBY), "stream"),
        (GetHistory(with_="Alice", stream=LOBBY), "stream"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(asked: GetHistory, field: str) -> None:
    house, alice = full(3)
    assert refused(house.done(alice, asked), Code.BAD_REQUEST).field == field


def test_a_limit_is_clamped() -> None:
    house, alice = full(20, MessageSettings(history_limit=7, history_default=50))
    assert len(page(house, alice, GetHistory()).messages) == 7
    assert len(page(house, alice, GetHistory(limit=2**60)).messages) == 7


def test_a_page_ends_where_its_text_gets_too_long_but_never_empty() -> None:
    house = House(CoreSettings(messages=MessageSettings(history_bytes=4_000)))
    alice = house.enter("Alice")
    for text in ("a" * 3_000, "b" * 60_000, "好" * 900, "d"):
        house.done(alice, Publish(text))
    answer = page(house, alice, GetHistory())
    assert (offsets(answer), answer.more) == ([3, 4], True)
    answer = page(house, alice, GetHistory(before=3))
    assert (offsets(answer), answer.more) == ([2], True)
    answer = page(house, alice, GetHistory(after=0))
    assert (offsets(answer), answer.more) == ([1], True)


def test_the_longest_page_fits_a_frame() -> None:
    house = House()
    alice = house.enter("Alice")
    for _ in range(40):
        house.done(alice, Publish("\x01" * 65_536))
    answer = page(house, alice, GetHistory(limit=500))
    assert answer.more
    assert len(msgspec.json.encode(answer)) < MAX_FRAME


def test_what_is_no_message_is_passed_over_however_much_it_is() -> None:
    house = House(CoreSettings(messages=MessageSettings(history_entries=50, reaction_kinds=5)))
    alice = house.enter("Alice")
    house.done(alice, Publish("first"))
    house.done(alice, SetTopic("foxes"))
    for number in range(300):
        accepted(house.done(alice, React("👍", LOBBY, 1, remove=bool(number % 2))))
    answer = page(house, alice, GetHistory(limit=1))
    assert (offsets(answer), answer.more) == ([1], False)
    house.done(alice, Publish("last"))
    back = page(house, alice, GetHistory())
    assert (offsets(back), back.more) == ([303], True), "a page is not held up by them"
    back = page(house, alice, GetHistory(before=303))
    assert (offsets(back), back.more) == ([1], False), "and never empty while there is more"
    on = page(house, alice, GetHistory(after=1))
    assert (offsets(on), on.more) == ([303], False)
    around = page(house, alice, GetHistory(around=150))
    assert offsets(around)[0] == 1


@pytest.mark.parametrize("scan", [0, 20_000])
def test_what_is_trimmed_is_gone_with_its_modifications(scan: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modifications, "_SCAN", scan)
    house, alice = full(10)
    house.done(alice, Edit("edited", LOBBY, 2))
    house.done(alice, Edit("edited", LOBBY, 6))
    changes = house.journal.look(lambda reader: trimmed(reader, LOBBY, 6))
    house.journal.append((), [Trim(LOBBY, 6), *changes])
    house.turns.run_all()
    answer = page(house, alice, GetHistory(limit=5))
    assert (offsets(answer), answer.more) == ([6, 7, 8, 9, 10], False)
    assert offsets(page(house, alice, GetHistory(after=0, limit=2))) == [6, 7]
    keys = [key for key, _ in house.journal.look(lambda reader: list(reader.scan("m/")))]
    assert keys == ["m/room:1/6"]
    refused(house.done(alice, Edit("x", LOBBY, 2)), Code.NOT_FOUND)


def test_a_modification_does_not_outlive_the_stream_that_it_was_of() -> None:
    def small(turns: Turns, seed: int) -> MemoryJournal:
        epochs = iter(f"e{number}" for number in range(1_000))
        return MemoryJournal(turns.call_soon, lambda: next(epochs), most_streams=6)

    house = House(make_journal=small)
    alice, bob = house.enter("Alice"), house.enter("Bob")
    said = accepted(house.done(alice, Whisper("Bob", "hi")))
    house.done(alice, Edit("edited", said.stream, 1))
    house.done(alice, React("👍", said.stream, 1))
    for number in range(10):
        house.enter(f"u{number}x")
        house.done(alice, Whisper(f"u{number}x", "x"))
    again = accepted(house.done(bob, Whisper("Alice", "anew")))
    assert (again.stream, again.offset) == (said.stream, 1)
    assert again.epoch != said.epoch
    (message,) = messages(house, alice, "Bob")
    assert (message.content, message.edited_at, message.reactions) == ("anew", None, [])
    house.done(bob, React("🎈", again.stream, 1))
    (message,) = messages(house, alice, "Bob")
    assert (message.content, [one.emoji for one in message.reactions]) == ("anew", ["🎈"])


# -- private talks


def test_a_talk_is_shown_to_both_and_to_nobody_else() -> None:
    house = House()
    alice, bob, carol = (house.enter(name) for name in ("Alice", "Bob", "Carol"))
    house.done(alice, Whisper("Bob", "psst"))
    house.done(bob, Whisper("alice", "yes?"))
    house.done(alice, Whisper("Carol", "other"))
    for who, other in ((alice, "Bob"), (bob, "ALICE")):
        answer = page(house, who, GetHistory(with_=other))
        assert [message.content for message in answer.messages] == ["psst", "yes?"]
        assert answer.room is None
    assert page(house, bob, GetHistory(with_="ALICE")).with_ == "Alice"
    assert [(one.to, one.room) for one in messages(house, alice, "Bob")] == [("Bob", None), ("Alice", None)]
    assert [message.content for message in messages(house, carol, "Alice")] == ["other"]
    assert messages(house, carol, "Bob") == []
    assert refused(house.done(alice, GetHistory(with_="Nobody")), Code.NOT_FOUND).field == "with"


def test_who_is_not_in_a_room_reads_nothing_of_it() -> None:
    house, alice = full(3)
    bob = house.enter("Bob")
    house.done(alice, JoinRoom("den"))
    house.done(alice, Publish("inside", "den"))
    refused(house.done(bob, GetHistory(room="den")), Code.FORBIDDEN)
    refused(house.done(bob, GetHistory(room="nowhere")), Code.NOT_FOUND)
    assert [one.content for one in page(house, alice, GetHistory(room="den")).messages] == ["inside"]
    house.done(alice, LeaveRoom("den"))
    answer = house.done(alice, GetHistory(room="den"))
    assert isinstance(answer, Refusal)


def test_who_takes_a_name_later_reads_nothing_of_its_former_holder() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.done(alice, Whisper("Bob", "secret"))
    house.service.disconnected(bob)
    other = house.enter("Bob")
    assert messages(house, other, "Alice") == []
    assert messages(house, alice, "Bob") == []


def test_a_stream_names_a_room_or_a_talk_of_ones_own() -> None:
    house, alice = full(2)
    bob, guest = house.register("Bob"), house.enter("Guest")
    made = house.done(alice, CreateRoom("den"))
    assert isinstance(made, RoomJoined)
    house.done(alice, Publish("inside", "den"))
    talk = accepted(house.done(guest, Whisper("Bob", "psst"))).stream
    house.done(alice, Publish("@Bob look"))
    assert bob.user is not None
    answer = page(house, alice, GetHistory(stream=LOBBY, before=2))
    assert (answer.room, offsets(answer)) == ("lobby", [1])
    answer = page(house, bob, GetHistory(stream=talk))
    assert (answer.with_, answer.stream, offsets(answer)) == ("Guest", talk, [1])
    house.service.disconnected(guest)
    assert refused(house.done(bob, GetHistory(with_="Guest")), Code.NOT_FOUND).field == "with"
    answer = page(house, bob, GetHistory(stream=talk))
    assert (answer.with_, [one.sender for one in answer.messages]) == (None, ["Guest"])
    unread = ("", "room:77", "talk:1:2", f"notice:{bob.user.id:x}", made.stream, talk.upper(), "x" * 9999)
    for asker, streams in ((bob, unread), (alice, (talk,)), (house.enter("Guest"), (talk,))):
        for stream in streams:
            refusal = refused(house.done(asker, GetHistory(stream=stream)), Code.NOT_FOUND)
            assert (refusal.field, len(refusal.message) < 100) == ("stream", True)
    house.done(alice, LeaveRoom("den"))
    refused(house.done(alice, GetHistory(stream=made.stream)), Code.NOT_FOUND)


@pytest.mark.parametrize(
    "stream",
    ["talk:2:1", "talk:01:2", "talk:1", "talk:1:2:3", "talk:x:1", "talk: 1:2", "talk:1:０", "room"],
)
def test_a_talk_has_one_spelling(stream: str) -> None:
    assert talkers(stream) is None
    assert talkers(talk_stream(2, 1)) == talkers(talk_stream(1, 2)) == (1, 2)


# -- replies


def test_a_reply_names_an_offset_that_is_there() -> None:
    house, alice = full(2)
    house.enter("Bob")
    house.done(alice, Publish("re", reply_to=2))
    assert page(house, alice, GetHistory(limit=1)).messages[0].reply_to == 2
    for offset in (-1, 4, 2**70):
        bad = refused(house.done(alice, Publish("re", reply_to=offset)), Code.BAD_REQUEST)
        assert bad.field == "reply_to"
        refused(house.done(alice, Whisper("Bob", "re", reply_to=offset)), Code.BAD_REQUEST)
    refused(house.done(alice, Whisper("Bob", "re", reply_to=1)), Code.BAD_REQUEST)
    house.done(alice, Whisper("Bob", "hi"))
    house.done(alice, Whisper("Bob", "re", reply_to=1))
    assert messages(house, alice, "Bob")[-1].reply_to == 1


# -- the whole


def walk(house: House, session: Session, chance: random.Random, *, back: bool) -> list[MessageView]:
    """The pages of a whole stream, joined; while others go on editing."""
    found: list[MessageView] = []
    at = None if back else 0
    for number in range(1_000):
        limit = chance.choice((1, 2, 3, 7, 20))
        house.do(session, Edit(f"meanwhile {number}", LOBBY, chance.randint(1, 40)))
        house.do(session, React("👍", LOBBY, chance.randint(1, 40), remove=chance.random() < 0.5))
        asked = GetHistory(before=at, limit=limit) if back else GetHistory(after=at, limit=limit)
        one = page(house, session, asked)
        assert len(one.messages) <= limit
        assert one.messages or not one.more
        found = [*one.messages, *found] if back else [*found, *one.messages]
        if not one.more:
            return found
        at = one.messages[0 if back else -1].offset
    raise AssertionError("no end")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", list(JOURNALS))
def test_joined_pages_hold_each_message_once(kind: str, seed: int) -> None:
    chance = random.Random(seed)
    settings = MessageSettings(history_entries=chance.choice((8, 64, 5_000)))
    house = House(CoreSettings(messages=settings), JOURNALS[kind], seed)
    alice, bob = house.enter("Alice"), house.enter("Bob")
    for number in range(120):
        who = chance.choice((alice, bob))
        house.do(who, chance.choice((Publish(f"m{number}"), React("a"), Edit("e"), SetTopic("t"))))
        if chance.random() < 0.1:
            house.do(who, Delete())
        if chance.random() < 0.5:
            house.turns.run()
    house.turns.run_all()
    backwards = walk(house, alice, chance, back=True)
    forwards = walk(house, bob, chance, back=False)
    said = {
        record.offset
        for record in house.journal.look(lambda reader: reader.entries(LOBBY, 1, 10_000))
        if isinstance(record.entry.body, Said)
    }
    deleted = {event.target for event in house.outlet.of(alice, MessageDeleted)}
    expected = sorted(said | deleted)
    assert offsets_up_to(forwards, expected) == expected
    first = [one.offset for one in backwards]
    assert first == [offset for offset in expected if offset <= first[-1]]


def offsets_up_to(found: list[MessageView], expected: list[int]) -> list[int]:
    """Foreign entries came in while the pages were read: the last ones may be missing."""
    got = [one.offset for one in found]
    return got + [offset for offset in expected if offset > got[-1]]


def test_for_somebody_who_is_gone_nothing_more_is_looked_through() -> None:
    house = House(CoreSettings(messages=MessageSettings(history_entries=8)))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.done(alice, Publish("first"))
    for number in range(200):
        house.done(alice, React("👍", LOBBY, 1, remove=bool(number % 2)))
    for session, request in ((alice, "here"), (bob, "gone")):
        house.do(session, GetHistory(), request)
    house.service.disconnected(bob)
    house.turns.run()
    house.turns.run()
    assert [request for _, request, _ in house.outlet.answered if request == "gone"] == ["gone"]
    assert "here" not in [request for _, request, _ in house.outlet.answered]
    house.turns.run_all()
    ((_, _, answer),) = [told for told in house.outlet.answered if told[1] == "here"]
    assert isinstance(answer, History)
    assert offsets(answer) == [1]


def test_an_erased_entry_that_was_no_message_is_not_shown_as_deleted() -> None:
    house, alice = full(2)
    house.done(alice, Edit("one", LOBBY, 1))
    house.done(alice, Edit("two", LOBBY, 1))
    house.done(alice, Publish("last"))
    assert [(one.content, one.deleted) for one in messages(house, alice)] == [
        ("two", False),
        ("m2", False),
        ("last", False),
    ]


def test_an_entry_of_another_node_is_history_too() -> None:
    house, alice = full(1)
    house.journal.append([Entry(LOBBY, "far", "2026-01-01T00:00:00.000Z", Said("Zoe", 77, "lobby", "hi"))])
    house.turns.run_all()
    assert [one.sender for one in messages(house, alice)] == ["Alice", "Zoe"]
