"""Read up to here, on all devices; and what is unread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from contracts.journals import Turns, UnrulyJournal
from core.house import House
from hubbub.core.answers import Accepted, Answer, ReadUpTo, RoomJoined, UnreadList, UnreadView
from hubbub.core.commands import (
    CreateRoom,
    Delete,
    Edit,
    GetUnread,
    Invite,
    JoinRoom,
    LeaveRoom,
    MarkRead,
    Publish,
    React,
    SetTopic,
    Whisper,
)
from hubbub.core.entries import Change, Entry, Record, Trim
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import ReadMoved
from hubbub.core.model import Session
from hubbub.core.ports import Reader
from hubbub.core.settings import CoreSettings, RoomSettings

LOBBY = "room:1"


def _unread(house: House, session: Session) -> list[UnreadView]:
    answer = house.done(session, GetUnread())
    assert isinstance(answer, UnreadList), answer
    return answer.streams


def _counts(house: House, session: Session) -> list[tuple[str | None, int]]:
    return [(one.room or one.with_, one.unread) for one in _unread(house, session)]


def _all(house: House, session: Session) -> list[UnreadView]:
    answer = house.done(session, GetUnread(all=True))
    assert isinstance(answer, UnreadList), answer
    return answer.streams


def _shown(house: House, session: Session) -> list[tuple[str | None, int, int, bool]]:
    return [(one.room or one.with_, one.read, one.unread, one.gone) for one in _all(house, session)]


def _said(answer: Answer | None) -> Accepted:
    assert isinstance(answer, Accepted), answer
    return answer


def _reads(house: House) -> Callable[[], int]:
    """Say, when it is called, how many entries were read since."""
    begun: list[int] = []
    ask = house.journal.read

    class Counting:
        def __init__(self, reader: Reader) -> None:
            self._reader = reader

        def __getattr__(self, name: str) -> object:
            return getattr(self._reader, name)

        def entries(self, stream: str, first: int, last: int) -> Sequence[Record]:
            records = self._reader.entries(stream, first, last)
            begun.append(len(records))
            return records

    house.journal.read = lambda query, then: ask(lambda reader: query(cast("Reader", Counting(reader))), then)  # type: ignore[method-assign]
    return lambda: sum(begun)


def test_what_came_since_one_joined_is_unread_and_one_reads_on_all_devices() -> None:
    house = House()
    alice = house.register("Alice")
    house.done(alice, CreateRoom("den"))
    house.done(alice, Publish("before", "den"))
    bob = house.register("Bob")
    house.done(bob, JoinRoom("den"))
    assert _counts(house, bob) == []
    house.done(alice, Publish("new", "den"))
    house.done(alice, Publish("new", "den"))
    last = _said(house.done(alice, Publish("new", "den")))
    device = house.back("Bob")
    assert _unread(house, device) == [
        UnreadView(last.stream, last.epoch, offset=4, read=1, unread=3, room="den")
    ]
    request = object()
    assert house.do(device, MarkRead(last.stream, 3), request) is None
    assert not house.outlet.of(bob, ReadMoved)
    house.turns.run_all()
    assert [given for _, asked, given in house.outlet.answered if asked is request] == [
        ReadUpTo(last.stream, 3)
    ]
    assert house.outlet.of(bob, ReadMoved) == [ReadMoved(last.stream, 3)]
    assert not house.outlet.of(device, ReadMoved)
    assert not house.outlet.of(alice, ReadMoved)
    assert _counts(house, bob) == [("den", 1)]
    again = house.restarted()
    assert _counts(again, again.back("Bob")) == [("den", 1)]


def test_a_cursor_never_goes_back_nor_beyond_the_head() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    for _ in range(5):
        house.done(alice, Publish("x"))
    assert house.done(bob, MarkRead(LOBBY, 99)) == ReadUpTo(LOBBY, 5)
    assert house.do(bob, MarkRead(LOBBY, 2)) == ReadUpTo(LOBBY, 5)
    refusal = house.do(bob, MarkRead(LOBBY, -1))
    assert isinstance(refusal, Refusal)
    assert refusal.field == "offset"


def test_two_devices_at_once_do_not_undo_each_other() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    device = house.back("Bob")
    for _ in range(5):
        house.done(alice, Publish("x"))
    house.do(bob, MarkRead(LOBBY, 4), "far")
    house.do(device, MarkRead(LOBBY, 2), "near")
    house.turns.run_all()
    answers = {asked: answer for _, asked, answer in house.outlet.answered if asked in ("far", "near")}
    assert answers == {"far": ReadUpTo(LOBBY, 4), "near": ReadUpTo(LOBBY, 4)}
    again = house.restarted()
    assert _counts(again, again.back("Bob")) == [("lobby", 1)]


def test_what_is_not_kept_is_not_read() -> None:
    def journal(turns: Turns, seed: int) -> UnrulyJournal:
        return UnrulyJournal(turns, seed, fail=0.0, foreign=0.0)

    house = House(make_journal=journal)
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, Publish("x"))
    house.done(alice, Publish("y"))
    assert isinstance(house.journal, UnrulyJournal)
    house.journal._fail = 1.0
    refusal = house.done(bob, MarkRead(LOBBY, 2))
    assert isinstance(refusal, Refusal)
    assert refusal.code is Code.READ_ONLY
    house.journal._fail = 0.0
    assert _counts(house, bob) == [("lobby", 2)]
    assert house.done(bob, MarkRead(LOBBY, 1)) == ReadUpTo(LOBBY, 1)


@pytest.mark.parametrize("account", [True, False])
def test_ones_own_words_behind_the_cursor_are_read(account: bool) -> None:
    house = House()
    alice = house.register("Alice") if account else house.enter("Alice")
    bob = house.enter("Bob")
    for _ in range(150):
        house.do(alice, Publish("mine"))
    house.turns.run_all()
    assert _counts(house, alice) == [], "nobody else has spoken"
    house.done(bob, Publish("his"))
    house.done(alice, Publish("mine"))
    (view,) = _unread(house, alice)
    assert (view.read, view.offset, view.unread) == (150, 152, 1)
    assert house.done(alice, MarkRead(LOBBY, 151)) == ReadUpTo(LOBBY, 151)
    assert _counts(house, alice) == []
    if account:
        again = house.restarted()
        assert _counts(again, again.back("Alice")) == []


def test_messages_of_others_are_unread_and_nothing_else() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    for session, words in ((alice, "1"), (bob, "2"), (alice, "3"), (alice, "4"), (bob, "5")):
        house.done(session, Publish(words))
    house.done(alice, Edit("first", LOBBY, 1))
    house.done(alice, React("+1", LOBBY, 2))
    house.done(alice, SetTopic("words", "lobby"))
    house.done(alice, Delete(LOBBY, 4))
    (view,) = _unread(house, bob)
    assert (view.read, view.offset, view.unread) == (0, 9, 2), "1 and 3"
    assert house.done(bob, MarkRead(LOBBY, 1)) == ReadUpTo(LOBBY, 1)
    assert _counts(house, bob) == [("lobby", 1)]
    house.done(bob, MarkRead(LOBBY, 3))
    assert _counts(house, bob) == [], "a sign, a topic: nothing to read"
    assert _shown(house, bob)[0] == ("lobby", 9, 0, False)
    house.done(alice, React("+2", LOBBY, 2))
    assert _counts(house, bob) == []
    house.done(alice, Publish("new"))
    assert _counts(house, bob) == [("lobby", 1)]
    talk = _said(house.done(alice, Whisper("Bob", "psst"))).stream
    house.done(alice, Edit("psst!", talk, 1))
    assert _counts(house, bob) == [("lobby", 1), ("Alice", 1)]


def test_what_lies_far_behind_is_counted_by_its_entries() -> None:
    """A look costs no more than the limit, however much somebody has not read."""
    house = House(CoreSettings(rooms=RoomSettings(unread_entries=10)))
    alice, bob = house.register("Alice"), house.register("Bob")
    talk = _said(house.done(alice, Whisper("Bob", "psst"))).stream
    house.done(alice, React("+1", talk, 1))
    house.done(alice, Publish("x"))
    for number in range(19):
        house.done(alice, Edit(f"x{number}", LOBBY, 1))
    read = _reads(house)
    # What has the least behind it is counted first: 2 of the 10 entries are the talk's. Of the room's 20, 8
    # are looked at, one of them a message, and the other 12 count as they are.
    assert _counts(house, bob) == [("lobby", 13), ("Alice", 1)]
    assert read() <= 10
    house.done(bob, MarkRead(LOBBY, 1))
    # What is passed over is bounded like what is counted, and gone on with the next time.
    assert _counts(house, bob) == [("lobby", 11), ("Alice", 1)]
    assert _counts(house, bob) == [("lobby", 3), ("Alice", 1)]
    assert _counts(house, bob) == [("Alice", 1)]
    assert read() <= 4 * 10


def test_nor_does_it_cost_more_where_nothing_is_said_for_long() -> None:
    """Somebody puts a sign and takes it back, again and again: whoever comes back would pay for that."""
    house = House(CoreSettings(rooms=RoomSettings(unread_entries=200)))
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, Publish("x"))
    house.done(bob, MarkRead(LOBBY, 1))
    for number in range(450):
        house.do(alice, React("+1", LOBBY, 1, remove=number % 2 == 1))
    house.turns.run_all()
    appended: list[object] = []
    append = house.journal.append

    def counting(entries: Sequence[Entry], changes: Sequence[Change] = ()) -> int:
        appended.append(changes)
        return append(entries, changes)

    house.journal.append = counting  # type: ignore[method-assign]
    read = _reads(house)
    assert [(one.read, one.unread) for one in _unread(house, bob)] == [(201, 250)], "what is too far counts"
    assert (read(), len(appended)) == (200, 1)
    assert [(one.read, one.unread) for one in _unread(house, bob)] == [(401, 50)]
    assert _counts(house, bob) == []
    assert (read(), len(appended)) == (450, 3)


def test_nor_does_it_cost_more_where_messages_are_long() -> None:
    house = House(CoreSettings(rooms=RoomSettings(unread_bytes=1_000)))
    alice, bob = house.register("Alice"), house.register("Bob")
    for _ in range(70):
        house.do(alice, Publish("x" * 1_000))
    house.turns.run_all()
    house.done(alice, React("+1", LOBBY, 1))
    read = _reads(house)
    assert _counts(house, bob) == [("lobby", 71)], "the sign is not looked at"
    assert read() <= 64


def test_what_is_no_longer_kept_is_not_unread() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    for _ in range(5):
        house.done(alice, Publish("x"))
    house.service.ledger.note([Trim(LOBBY, 4)])
    assert _counts(house, bob) == [("lobby", 2)]
    house.service.ledger.note([Trim(LOBBY, 6)])
    assert _counts(house, bob) == []


def test_talks_wait_for_those_who_are_away() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.service.disconnected(bob)
    house.done(alice, Whisper("Bob", "psst"))
    talk = _said(house.done(alice, Whisper("Bob", "psst"))).stream
    again = house.restarted()
    bob = again.back("Bob")
    assert [(one.stream, one.with_, one.unread) for one in _unread(again, bob)] == [(talk, "Alice", 2)]
    assert again.done(bob, MarkRead(talk, 2)) == ReadUpTo(talk, 2)
    assert _unread(again, bob) == []
    assert _unread(again, again.back("Alice")) == []


def test_mentions_are_counted_where_they_were_said() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, Publish("@Bob look"))
    house.done(alice, Publish("really"))
    house.done(alice, Publish("@Bob !"))
    house.done(alice, CreateRoom("den"))
    house.done(alice, Invite("Bob", "den"))
    lobby, notices = _unread(house, bob)
    assert (lobby.room, lobby.unread, lobby.mentions) == ("lobby", 3, 2)
    assert bob.user is not None
    assert (notices.stream, notices.room, notices.with_) == (f"notice:{bob.user.id:x}", None, None)
    assert notices.unread == 3
    house.done(bob, MarkRead(notices.stream, 1))
    lobby, notices = _unread(house, bob)
    assert (lobby.mentions, notices.unread) == (1, 2)


def test_only_what_one_may_read_has_a_cursor() -> None:
    house = House()
    alice, bob, guest = house.register("Alice"), house.register("Bob"), house.enter("Guest")
    made = house.done(alice, CreateRoom("den", private=True))
    assert isinstance(made, RoomJoined)
    house.done(alice, Publish("secret", "den"))
    talk = _said(house.done(alice, Whisper("Alice", "note"))).stream
    assert alice.user is not None
    for session in (bob, guest):
        for stream in (made.stream, talk, f"notice:{alice.user.id:x}", "room:77", "talk:1:2", ""):
            refusal = house.do(session, MarkRead(stream, 1))
            assert isinstance(refusal, Refusal)
            assert (refusal.code, refusal.field) == (Code.NOT_FOUND, "stream")
        assert _counts(house, session) == []


def test_who_comes_again_begins_anew() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, CreateRoom("den"))
    house.done(bob, JoinRoom("den"))
    house.done(bob, LeaveRoom("den"))
    house.done(alice, Publish("x", "den"))
    assert _counts(house, bob) == []
    house.done(bob, JoinRoom("den"))
    assert _counts(house, bob) == []
    house.done(alice, Publish("y", "den"))
    assert _counts(house, bob) == [("den", 1)]
    again = house.restarted()
    assert _counts(again, again.back("Bob")) == [("den", 1)]


def test_a_guests_cursors_are_of_his_session() -> None:
    house = House()
    alice = house.enter("Alice")
    house.done(alice, Publish("before"))
    guest = house.enter("Guest")
    assert _counts(house, guest) == []
    house.done(alice, Publish("1"))
    house.done(alice, Publish("2"))
    house.done(alice, Whisper("Guest", "psst"))
    assert _counts(house, guest) == [("lobby", 2), ("Alice", 1)]
    assert house.do(guest, MarkRead(LOBBY, 2)) == ReadUpTo(LOBBY, 2)
    assert _counts(house, guest) == [("lobby", 1), ("Alice", 1)]
    assert not list(house.journal.look(lambda reader: list(reader.scan("cursor/"))))


# -- all that one has


def test_all_rooms_and_talks_are_shown_with_their_cursors_and_their_time() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, CreateRoom("den"))
    house.done(alice, Publish("x", "den"))
    house.done(bob, Whisper("Alice", "psst"))
    house.now += 60
    last = _said(house.done(alice, Whisper("Bob", "yes?")))
    house.service.disconnected(alice)
    alice = house.back("Alice")
    house.done(bob, Publish("hello"))
    assert _counts(house, alice) == [("lobby", 1), ("Bob", 1)]
    house.done(alice, MarkRead(last.stream, 2))
    assert _counts(house, alice) == [("lobby", 1)]
    seen = _all(house, alice)
    notices = f"notice:{alice.user.id:x}" if alice.user is not None else ""
    assert _shown(house, alice) == [
        ("den", 1, 0, False),
        ("lobby", 0, 1, False),
        (None, 0, 0, False),
        ("Bob", 2, 0, False),
    ]
    talk = seen[-1]
    assert (talk.stream, talk.epoch, talk.offset, talk.at) == (last.stream, last.epoch, 2, last.at)
    assert seen[2].stream == notices
    assert seen[2].at is None, "nothing is there"
    again = house.restarted()
    assert _shown(again, again.back("Alice"))[1:] == _shown(house, alice)[1:]
    assert all(one.at is None and not one.gone for one in _unread(house, alice)), "not read for this"


def test_the_talk_in_which_something_was_said_last_is_in_front() -> None:
    house = House()
    alice = house.register("Alice")
    for name in ("Bob", "Carol", "Dave"):
        house.register(name)
        house.done(alice, Whisper(name, "hi"))
    house.done(alice, Whisper("Bob", "hi"))

    def talks() -> list[str | None]:
        return [one.with_ for one in _all(house, alice) if one.with_ is not None]

    assert talks() == ["Bob", "Dave", "Carol"]
    house.done(house.back("Carol"), Whisper("Alice", "hi"))
    assert talks() == ["Carol", "Bob", "Dave"]


def test_no_more_than_so_many_are_shown_and_none_that_has_something_new_is_left_out_for_them() -> None:
    house = House(CoreSettings(rooms=RoomSettings(unread_listed=4)))
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(bob, Whisper("Alice", "new"))
    for name in ("Carol", "Dave", "Erin"):
        house.register(name)
        house.done(alice, Whisper(name, "hi"))
    assert _counts(house, alice) == [("Bob", 1)]
    assert [one.with_ or one.room for one in _all(house, alice)] == ["lobby", None, "Erin", "Bob"]


def test_a_guest_who_is_gone_is_shown_by_the_name_it_had() -> None:
    house = House()
    alice, guest = house.register("Alice"), house.enter("Guest")
    talk = _said(house.done(guest, Whisper("Alice", "psst"))).stream
    house.done(alice, Whisper("Guest", "yes?"))
    house.done(alice, MarkRead(talk, 2))
    assert _shown(house, alice)[-1] == ("Guest", 2, 0, False)
    house.service.disconnected(guest)
    assert _shown(house, alice)[-1] == ("Guest", 2, 0, True)
    house.done(alice, Delete(talk, 2))
    assert _shown(house, alice)[-1][::3] == ("Guest", True), "the entry before it has the name"
    other = house.enter("Guest")
    house.done(other, Whisper("Alice", "I am another one"))
    talks = [one[::3] for one in _shown(house, alice) if one[0] == "Guest"]
    assert talks == [("Guest", False), ("Guest", True)]
    assert [one.with_ for one in _unread(house, alice)] == ["Guest"]
    house.service.disconnected(other)
    assert [one.with_ for one in _unread(house, alice)] == [None], "no name by which to answer"


def test_what_others_have_is_in_nobodys_list() -> None:
    house = House()
    alice, bob, guest = house.register("Alice"), house.register("Bob"), house.enter("Guest")
    house.done(alice, CreateRoom("den", private=True))
    house.done(alice, Publish("secret", "den"))
    house.done(alice, Whisper("Bob", "psst"))
    assert [one.stream for one in _all(house, guest)] == [LOBBY]
    assert [one.with_ or one.room for one in _all(house, bob)] == ["lobby", None, "Alice"]
