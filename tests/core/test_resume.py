"""What a resume tells: exactly what was missed, in order, or a gap."""

from __future__ import annotations

import pytest

from core.house import House
from hubbub.core.answers import Accepted, Answer, LoggedIn, Resumed, RoomJoined
from hubbub.core.commands import (
    CreateRoom,
    Delete,
    Edit,
    Invite,
    JoinRoom,
    LeaveRoom,
    Login,
    Place,
    Publish,
    React,
    Resume,
    SetRole,
    SetRoom,
    SetTopic,
    Whisper,
)
from hubbub.core.entries import Erase, Trim
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import (
    Event,
    Gap,
    Joined,
    Left,
    Mentioned,
    MessageErased,
    MessagePosted,
    WhisperPosted,
)
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, RoomSettings

LOBBY = "room:1"


def _said(house: House, session: Session) -> list[tuple[int, str]]:
    return [(event.offset, event.content) for event in house.outlet.of(session, MessagePosted)]


def _durable(house: House, session: Session, stream: str) -> list[Event]:
    return [
        event
        for who, event in house.outlet.heard
        if who is session and getattr(event, "stream", "") == stream
    ]


def _place(answer: Answer | None) -> Place:
    assert isinstance(answer, Accepted), answer
    return Place(answer.epoch, answer.offset)


def _resumed(answer: Answer | None) -> dict[str, Place]:
    assert isinstance(answer, Resumed), answer
    return answer.positions


def test_what_was_missed_is_told_in_order_and_then_it_is_live() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    last = _place(house.done(alice, Publish("1")))
    house.service.disconnected(bob)
    for content in "234":
        house.done(alice, Publish(content))
    bob = house.enter("Bob")
    request = object()
    assert house.do(bob, Resume({LOBBY: last}), request) is None
    house.do(alice, Publish("5"))  # on its way while the journal is read
    house.turns.run_all()
    house.done(alice, Publish("6"))
    assert _said(house, bob) == [(2, "2"), (3, "3"), (4, "4"), (5, "5"), (6, "6")]
    (answer,) = [answer for _, asked, answer in house.outlet.answered if asked is request]
    assert _resumed(answer)[LOBBY].offset in (4, 5)


def test_what_was_heard_already_is_not_told_again() -> None:
    house = House()
    alice = house.enter("Alice")
    last = _place(house.done(alice, Publish("1")))
    house.done(alice, Publish("2"))
    bob = house.enter("Bob")
    house.done(alice, Publish("3"))
    assert _resumed(house.done(bob, Resume({LOBBY: last}))) == {LOBBY: Place(last.epoch, 3)}
    assert _said(house, bob) == [(3, "3"), (2, "2")], "the older one comes later"
    house.done(bob, Resume({LOBBY: Place(last.epoch, 3)}))
    assert len(_said(house, bob)) == 2


@pytest.mark.parametrize("offset", [-1, 3, 2**60])
def test_a_position_that_never_was_is_a_gap(offset: int) -> None:
    house = House()
    alice = house.enter("Alice")
    epoch = _place(house.done(alice, Publish("1"))).epoch
    house.done(alice, Publish("2"))
    assert _resumed(house.done(alice, Resume({LOBBY: Place(epoch, offset)}))) == {LOBBY: Place(epoch, 2)}
    assert house.outlet.of(alice, Gap) == [Gap(LOBBY, epoch, 2)]
    house.done(alice, Publish("3"))
    assert _said(house, alice)[-1] == (3, "3"), "and live events go on"


def test_a_position_of_another_epoch_is_a_gap() -> None:
    house = House()
    alice = house.enter("Alice")
    epoch = _place(house.done(alice, Publish("1"))).epoch
    house.done(alice, Resume({LOBBY: Place("other", 0)}))
    assert house.outlet.of(alice, Gap) == [Gap(LOBBY, epoch, 1)]


def test_what_is_no_longer_kept_is_a_gap_and_what_was_erased_is_not() -> None:
    house = House()
    alice = house.enter("Alice")
    places = [_place(house.done(alice, Publish(content))) for content in "1234"]
    epoch = places[0].epoch
    house.service.ledger.note([Erase(LOBBY, 4), Trim(LOBBY, 3)])
    house.turns.run_all()
    bob = house.enter("Bob")
    house.done(bob, Resume({LOBBY: Place(epoch, 1)}))
    assert house.outlet.of(bob, Gap) == [Gap(LOBBY, epoch, 4)]
    assert not _said(house, bob)
    carol = house.enter("Carol")
    house.done(carol, Resume({LOBBY: Place(epoch, 2)}))
    assert not house.outlet.of(carol, Gap)
    assert _said(house, carol) == [(3, "3")]
    assert house.outlet.of(carol, MessageErased) == [MessageErased(LOBBY, epoch, 4)]


def test_more_than_the_limits_is_a_gap_and_what_fits_is_told_whole() -> None:
    house = House(CoreSettings(rooms=RoomSettings(resume_entries=5, resume_bytes=3_000)))
    alice = house.enter("Alice")
    house.do(alice, JoinRoom("few"))
    for number in range(6):
        house.done(alice, Publish(f"{number}"))
    places = [_place(house.done(alice, Publish(f"{number}", "few"))) for number in range(4)]
    epoch = places[0].epoch
    (few,) = [room.stream for room in alice.rooms if room.name == "few"]
    lobby = house.journal.head(LOBBY).epoch
    bob = house.enter("Bob")
    house.do(bob, JoinRoom("few"))
    house.done(bob, Resume({LOBBY: Place(lobby, 0), few: Place(epoch, 0)}))
    assert house.outlet.of(bob, Gap) == [Gap(LOBBY, lobby, 6)]
    assert [offset for offset, _ in _said(house, bob)] == [1, 2, 3, 4]
    house.done(alice, Publish("x" * 2_500, "few"))
    carol = house.enter("Carol")
    house.do(carol, JoinRoom("few"))
    house.done(carol, Resume({few: Place(epoch, 0), LOBBY: Place(lobby, 4)}))
    assert house.outlet.of(carol, Gap) == [Gap(few, epoch, 5)], "too many bytes"
    assert [offset for offset, _ in _said(house, carol)] == [5, 6]


def test_the_streams_that_one_may_name_are_bounded() -> None:
    house = House(CoreSettings(rooms=RoomSettings(resume_streams=1)))
    alice = house.enter("Alice")
    refusal = house.do(alice, Resume({LOBBY: Place("e", 1), "room:2": Place("e", 1)}))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.limit) == (Code.TOO_LARGE, "rooms.resume_streams")


def test_what_one_may_not_read_is_as_if_it_were_not_there() -> None:
    house = House()
    owner, bob = house.register("Olga"), house.register("Bob")
    made = house.done(owner, CreateRoom("den", private=True))
    assert isinstance(made, RoomJoined)
    house.done(owner, Publish("secret", "den"))
    talk = house.done(owner, Whisper("Olga", "note"))
    assert isinstance(talk, Accepted)
    assert owner.user is not None
    names = [made.stream, talk.stream, f"notice:{owner.user.id:x}", "room:77", "talk:1:2", "", "cursor"]
    answer = house.done(bob, Resume({name: Place(made.epoch, 0) for name in names}))
    assert _resumed(answer) == {}
    assert house.outlet.of(bob, Gap) == [Gap(name, "", 0) for name in names]
    assert not house.outlet.of(bob, MessagePosted)


def test_talks_and_notices_are_resumed_like_rooms_by_each_device() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    first = house.done(alice, Whisper("Bob", "1"))
    assert isinstance(first, Accepted)
    assert bob.user is not None
    notices = f"notice:{bob.user.id:x}"
    house.service.disconnected(bob)
    house.done(alice, Whisper("Bob", "2"))
    house.done(alice, Publish("hello @Bob"))
    notice_epoch = house.journal.head(notices).epoch
    again = house.restarted()
    alice, bob, other = again.back("Alice"), again.back("Bob"), again.back("Bob")
    named = {first.stream: Place(first.epoch, 1), notices: Place(notice_epoch, 0)}
    again.do(bob, Resume(named), "resume")
    again.do(alice, Whisper("Bob", "3"))
    again.turns.run_all()
    again.done(bob, Whisper("Alice", "4"))
    assert [event.content for event in again.outlet.of(bob, WhisperPosted)] == ["2", "3", "4"]
    assert [event.content for event in again.outlet.of(other, WhisperPosted)] == ["3", "4"]
    assert [event.offset for event in again.outlet.of(bob, Mentioned)] == [1]
    again.done(other, Resume(named))
    assert [event.content for event in again.outlet.of(other, WhisperPosted)] == ["3", "4", "2"]


def test_every_kind_of_entry_is_told_as_it_was_told_live() -> None:
    house = House()
    olga, bob = house.register("Olga"), house.register("Bob")
    made = house.done(olga, CreateRoom("den", private=True))
    assert isinstance(made, RoomJoined)
    house.done(olga, Invite("Bob", "den"))
    house.done(bob, JoinRoom("den"))
    said = house.done(olga, Publish("hi @Bob", "den"))
    assert isinstance(said, Accepted)
    house.done(bob, React("👍", said.stream, said.offset))
    house.done(olga, Edit("hello @Bob", said.stream, said.offset))
    house.done(olga, SetTopic("foxes", "den"))
    house.done(olga, SetRole("Bob", "moderator", "den"))
    house.done(olga, SetRoom("den", retain_days=3.0))
    taken_back = house.done(bob, Publish("oops", "den", reply_to=said.offset))
    assert isinstance(taken_back, Accepted)
    live = _durable(house, olga, made.stream)
    assert [type(event).__name__ for event in live] == [
        "RoleChanged",
        "MessagePosted",
        "ReactionChanged",
        "MessageEdited",
        "TopicChanged",
        "RoleChanged",
        "RoomChanged",
        "MessagePosted",
    ]
    session = house.back("Olga")
    house.done(session, Resume({made.stream: Place(made.epoch, 0)}))
    assert _durable(house, session, made.stream) == live
    house.done(bob, Delete(said.stream, taken_back.offset))
    last = house.back("Olga")
    house.done(last, Resume({made.stream: Place(made.epoch, taken_back.offset - 1)}))
    told = _durable(house, last, made.stream)
    assert [type(event).__name__ for event in told] == ["MessageErased", "MessageDeleted"]


def test_who_loses_the_room_or_the_line_while_it_is_read_is_told_nothing() -> None:
    house = House()
    olga, bob = house.register("Olga"), house.register("Bob")
    device = house.back("Bob")
    made = house.done(olga, CreateRoom("den"))
    assert isinstance(made, RoomJoined)
    house.done(bob, JoinRoom("den"))
    house.done(olga, Publish("secret", "den"))
    house.done(bob, Publish("x"))
    house.outlet.heard.clear()
    lobby = house.journal.head(LOBBY).epoch
    late = house.back("Bob")
    house.do(bob, LeaveRoom("den"))
    house.do(late, Resume({made.stream: Place(made.epoch, 0), LOBBY: Place(lobby, 0)}), "late")
    house.do(device, Resume({LOBBY: Place(lobby, 0)}), "gone")
    house.service.disconnected(device)
    house.turns.run_all()
    assert house.outlet.of(late, Gap) == [Gap(made.stream, "", 0)]
    assert [event.content for event in house.outlet.of(late, MessagePosted)] == ["x"]
    answers = {asked: answer for _, asked, answer in house.outlet.answered if asked in ("late", "gone")}
    assert _resumed(answers["late"]) == {LOBBY: Place(lobby, 1)}
    assert isinstance(answers["gone"], Refusal)
    assert not house.outlet.of(device, MessagePosted)
    assert all(device not in sessions for sessions in house.outlet.subscribed.values())
    assert house.outlet.subscribed[LOBBY].count(late) == 1
    assert late not in house.outlet.subscribed[made.stream]


def test_two_resumes_at_once_are_one_too_many() -> None:
    house = House()
    alice = house.enter("Alice")
    assert house.do(alice, Resume({LOBBY: Place("e", 0)})) is None
    refusal = house.do(alice, Resume({LOBBY: Place("e", 0)}))
    assert isinstance(refusal, Refusal)
    house.turns.run_all()
    assert isinstance(house.done(alice, Resume({})), Resumed)


def test_a_login_says_where_live_events_begin() -> None:
    house = House()
    alice = house.enter("Alice")
    for content in "123":
        house.do(alice, Publish(content))
    session = house.session()
    answer = house.do(session, Login(username="Bob"))
    assert isinstance(answer, LoggedIn)
    assert [(place.stream, place.offset) for place in answer.rooms] == [(LOBBY, 0)]
    house.turns.run_all()
    assert [offset for offset, _ in _said(house, session)] == [1, 2, 3]
    assert not house.outlet.of(session, Joined)
    assert not house.outlet.of(session, Left)
