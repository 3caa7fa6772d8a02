"""Rooms that last, and who is in them while away."""

from __future__ import annotations

import pytest

from contracts.journals import Turns, UnrulyJournal
from core.house import House
from hubbub.core.answers import (
    Accepted,
    Answer,
    LoggedIn,
    MemberList,
    RoomJoined,
    RoomLeft,
    RoomList,
    TopicSet,
)
from hubbub.core.commands import (
    CreateRoom,
    GetTopic,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    Login,
    Publish,
    Register,
    SetTopic,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Joined, Left, MessagePosted
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, RoomSettings


def _rooms(house: House, session: Session) -> dict[str, int]:
    answer = house.do(session, ListRooms())
    assert isinstance(answer, RoomList)
    return {room.room: room.members for room in answer.rooms}


def _members(house: House, session: Session, room: str | None = None) -> list[tuple[str, str]]:
    answer = house.do(session, ListMembers(room))
    assert isinstance(answer, MemberList)
    assert answer.count == len(answer.users)
    return [(user.username, user.status) for user in answer.users]


def _code(answer: Answer | None) -> Code:
    assert isinstance(answer, Refusal), answer
    return answer.code


def _joined(answer: Answer | None) -> RoomJoined:
    assert isinstance(answer, RoomJoined), answer
    return answer


def test_an_account_is_in_a_room_only_when_that_is_kept() -> None:
    house = House()
    alice = house.register("Alice")
    assert house.do(alice, JoinRoom("den"), "r") is None
    assert [room.name for room in alice.rooms] == ["lobby"]
    house.turns.run_all()
    assert [room.name for room in alice.rooms] == ["lobby", "den"]
    ((_, _, answer),) = [one for one in house.outlet.answered if one[1] == "r"]
    assert (_joined(answer).created, _joined(answer).members) == (True, 1)


def test_an_accounts_room_and_its_members_last_over_a_restart() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    made = _joined(house.done(alice, CreateRoom("Den")))
    house.done(bob, JoinRoom("den"))
    house.done(alice, SetTopic("foxes", "Den"))
    house.service.disconnected(bob)
    assert _members(house, alice, "Den") == [("Alice", "online"), ("Bob", "offline")]
    again = house.restarted()
    session = again.session()
    welcome = again.done(session, Login(username="Bob", password="password of Bob"))
    assert isinstance(welcome, LoggedIn)
    assert [place.room for place in welcome.rooms] == ["lobby", "Den"]
    assert (welcome.rooms[1].stream, welcome.rooms[1].offset) == (made.stream, 1)
    assert again.do(session, GetTopic("Den")) == TopicSet("Den", "foxes")
    assert _rooms(again, session) == {"Den": 2, "lobby": 1}
    assert _members(again, session, "Den") == [("Bob", "online"), ("Alice", "offline")]
    assert _joined(again.done(session, CreateRoom("DEN"))).stream == made.stream


def test_a_guests_room_lasts_with_the_first_thing_said_and_not_before() -> None:
    house = House()
    guest = house.enter("Guest")
    silent = _joined(house.do(guest, JoinRoom("silent")))
    house.do(guest, JoinRoom("topical"))
    house.do(guest, JoinRoom("spoken"))
    house.done(guest, SetTopic("t", "topical"))
    house.done(guest, Publish("hi", "spoken"))
    house.service.disconnected(guest)
    house.turns.run_all()
    again = house.restarted()
    other = again.enter("Other")
    assert _rooms(again, other) == {"lobby": 1, "spoken": 0, "topical": 0}
    assert _joined(again.do(other, JoinRoom("spoken"))).offset == 1
    assert again.do(other, GetTopic("spoken")) == TopicSet("spoken", "")
    assert _joined(again.do(other, JoinRoom("silent"))).stream != silent.stream


def test_what_a_guest_said_while_leaving_keeps_the_room() -> None:
    house = House()
    guest = house.enter("Guest")
    made = _joined(house.do(guest, JoinRoom("den")))
    house.do(guest, Publish("last words", "den"))
    house.service.disconnected(guest)
    other = house.enter("Other")
    assert _joined(house.do(other, JoinRoom("den"))).stream == made.stream, "nobody else takes the name"
    house.service.disconnected(other)
    house.turns.run_all()
    assert "den" in _rooms(house, house.enter("Third"))
    assert "den" in _rooms(house, house.restarted().enter("Fourth"))


@pytest.mark.parametrize("seed", range(20))
def test_a_room_whose_first_words_are_lost_is_gone(seed: int) -> None:
    def failing(turns: Turns, seed: int) -> UnrulyJournal:
        return UnrulyJournal(turns, seed, fail=0.5, foreign=0.0)

    house = House(make_journal=failing, seed=seed)
    guest = house.enter("Guest")
    house.do(guest, JoinRoom("den"))
    asked = [object() for _ in range(3)]
    for request in asked:
        house.do(guest, Publish("hi", "den"), request)
    house.service.disconnected(guest)
    house.turns.run_all()
    kept = any(
        isinstance(answer, Accepted) for _, request, answer in house.outlet.answered if request in asked
    )
    assert ("den" in _rooms(house, house.enter("Other"))) == kept
    again = house.restarted()
    assert ("den" in _rooms(again, again.enter("Other"))) == kept


def test_an_account_that_is_not_let_in_by_the_disk_is_not_in() -> None:
    def failing(turns: Turns, seed: int) -> UnrulyJournal:
        return UnrulyJournal(turns, seed, fail=0.0, foreign=0.0)

    house = House(make_journal=failing)
    alice = house.register("Alice")
    assert isinstance(house.journal, UnrulyJournal)
    house.journal._fail = 1.0
    assert _code(house.done(alice, CreateRoom("den"))) is Code.READ_ONLY
    house.turns.run_all()
    assert _rooms(house, alice) == {"lobby": 1}
    house.journal._fail = 0.0
    assert _joined(house.done(alice, CreateRoom("den"))).created
    house.journal._fail = 1.0
    assert _code(house.done(alice, LeaveRoom("den"))) is Code.READ_ONLY
    assert [room.name for room in alice.rooms] == ["lobby", "den"], "still in it"


def test_what_was_left_is_not_joined_again() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, JoinRoom("den"))
    house.done(bob, JoinRoom("den"))
    request = object()
    assert house.do(bob, LeaveRoom("den"), request) is None
    assert len(bob.rooms) == 2, "not before it is kept"
    house.turns.run_all()
    assert [answer for _, asked, answer in house.outlet.answered if asked is request] == [RoomLeft("den")]
    assert _members(house, alice, "den") == [("Alice", "online")]
    assert [event.room for event in house.outlet.of(alice, Left)] == ["den"]
    again = house.restarted()
    assert [room.name for room in again.back("Bob").rooms] == ["lobby"]


def test_several_devices_are_one_person() -> None:
    house = House()
    alice, bob = house.register("Alice"), house.register("Bob")
    house.done(alice, JoinRoom("den"))
    house.done(bob, JoinRoom("den"))
    house.outlet.heard.clear()
    second, text = house.back("Bob"), house.back("Bob", exclusive=True)
    assert not house.outlet.of(alice, Joined)
    assert [room.name for room in second.rooms] == ["lobby", "den"]
    assert [room.name for room in text.rooms] == ["lobby"], "whoever types is in one room"
    assert _members(house, alice, "den") == [("Alice", "online"), ("Bob", "online")]
    assert _rooms(house, alice) == {"den": 2, "lobby": 2}
    assert isinstance(house.done(text, JoinRoom("den")), RoomJoined)
    for session in (bob, second):
        house.service.disconnected(session)
    assert [event.room for event in house.outlet.of(alice, Left)] == ["lobby"], "the text one is in the den"
    house.service.disconnected(text)
    assert [event.room for event in house.outlet.of(alice, Left)] == ["lobby", None]
    assert _members(house, alice, "den") == [("Alice", "online"), ("Bob", "offline")]


def test_where_one_device_goes_the_others_go_too() -> None:
    house = House()
    first = house.register("Alice")
    second, text = house.back("Alice"), house.back("Alice", exclusive=True)
    house.done(first, JoinRoom("den"))
    assert [room.name for room in second.rooms] == ["lobby", "den"]
    assert [room.name for room in text.rooms] == ["lobby"]
    assert [event.room for event in house.outlet.of(second, Joined)] == ["den"]
    assert not house.outlet.of(first, Joined)
    house.done(text, JoinRoom("den"))
    house.done(second, Publish("hi", "den"))
    for session in (first, second, text):
        assert [event.content for event in house.outlet.of(session, MessagePosted)] == ["hi"]
    house.done(second, LeaveRoom("den"))
    assert [[room.name for room in one.rooms] for one in (first, second, text)] == [["lobby"]] * 3
    assert [event.room for event in house.outlet.of(first, Left)] == ["den"]
    assert not [event for event in house.outlet.of(second, Left) if event.room == "den"]


def test_a_text_connection_moves_and_stays_a_member() -> None:
    house = House()
    alice = house.register("Alice", exclusive=True)
    house.done(alice, JoinRoom("den"))
    house.done(alice, JoinRoom("attic"))
    assert [room.name for room in alice.rooms] == ["attic"]
    assert _rooms(house, alice) == {"attic": 1, "den": 1, "lobby": 0}
    assert [room.name for room in house.back("Alice").rooms] == ["lobby", "den", "attic"]
    left = house.done(alice, LeaveRoom())
    assert left == RoomLeft("attic", current="lobby", members=1)
    assert [room.name for room in house.back("Alice").rooms] == ["lobby", "den"]


def test_a_guest_who_registers_keeps_his_rooms() -> None:
    house = House()
    guest = house.enter("Alice")
    house.do(guest, JoinRoom("den"))
    assert isinstance(house.done(guest, Register(password="password of Alice")), LoggedIn)
    house.turns.run_all()
    house.service.disconnected(guest)
    again = house.restarted()
    assert [room.name for room in again.back("Alice").rooms] == ["lobby", "den"]


def test_rooms_of_an_account_are_bounded_whatever_it_is_connected_by() -> None:
    house = House(CoreSettings(rooms=RoomSettings(max_rooms_per_user=3)))
    text = house.register("Alice", exclusive=True)
    house.done(text, JoinRoom("a1"))
    house.done(text, JoinRoom("a2"))
    refusal = house.done(text, JoinRoom("a3"))
    assert isinstance(refusal, Refusal)
    assert refusal.limit == "rooms.max_rooms_per_user"
    assert isinstance(house.done(text, JoinRoom("a1")), RoomJoined), "a member already"


def test_the_default_room_takes_its_name_from_a_room_that_has_it() -> None:
    house = House()
    alice = house.register("Alice")
    made = _joined(house.done(alice, CreateRoom("hall")))
    house.settings = CoreSettings(rooms=RoomSettings(default="hall"))
    again = house.restarted()
    assert [(room.name, room.stream) for room in again.back("Alice").rooms] == [
        ("hall", "room:1"),
        ("hall-2", made.stream),
    ]


def test_a_thousand_who_join_are_counted_right() -> None:
    house = House()
    sessions = [house.enter(f"g{number}x") for number in range(1_000)]
    for number, session in enumerate(sessions):
        assert _joined(house.do(session, JoinRoom("den"))).members == number + 1
    for session in sessions[1:]:
        house.do(session, LeaveRoom("den"))
    assert _rooms(house, sessions[0]) == {"den": 1, "lobby": 1_000}


def test_guests_cannot_take_all_rooms_from_those_with_an_account() -> None:
    house = House(CoreSettings(rooms=RoomSettings(max_unowned=3)))
    guest, account = house.enter("Guest"), house.register("Ann")
    for name in ("one", "two"):
        house.done(guest, JoinRoom(name))
        house.done(guest, Publish("mine now", name))
    refusal = house.done(guest, JoinRoom("three"))
    assert isinstance(refusal, Refusal)
    assert refusal.limit == "rooms.max_unowned"
    for name in ("three", "four", "five"):
        assert isinstance(house.done(account, JoinRoom(name)), RoomJoined)
