"""What each command does, and each limit."""

from __future__ import annotations

import msgspec
import pytest

from core.house import House
from hubbub.core.answers import (
    Accepted,
    LoggedIn,
    MemberList,
    RoomJoined,
    RoomLeft,
    RoomList,
    TopicSet,
    UserList,
)
from hubbub.core.commands import (
    Announce,
    CountConnections,
    CreateRoom,
    GetTopic,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    Login,
    Publish,
    Send,
    SendTo,
    SetStatus,
    SetTopic,
    Typing,
    Whisper,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import (
    Joined,
    Left,
    MessagePosted,
    StatusChanged,
    TopicChanged,
    UserTyping,
    WhisperPosted,
)
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, GatewaySettings, GuestSettings, MessageSettings, RoomSettings


def _refused(answer: object) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def test_nothing_is_shown_or_acknowledged_before_it_is_kept() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    assert house.do(alice, Publish("hi"), "r1") is None
    assert house.outlet.of(bob, MessagePosted) == []
    assert house.outlet.answered == []
    house.turns.run_all()
    (event,) = house.outlet.of(bob, MessagePosted)
    assert (event.sender, event.content, event.offset) == ("Alice", "hi", 1)
    ((_, request, answer),) = house.outlet.answered
    assert request == "r1"
    assert isinstance(answer, Accepted)
    assert (answer.stream, answer.offset, answer.id) == (event.stream, 1, event.id)
    assert event.at == "1970-01-12T13:46:40.000Z"


def test_ids_are_never_given_twice_and_fit_a_javascript_number() -> None:
    house = House()
    ids = set()
    for number in range(300):
        session = house.session()
        answer = house.do(session, Login(username=f"u{number}x"))
        assert isinstance(answer, LoggedIn)
        assert 0 < answer.user_id < 2**53
        ids.add(answer.user_id)
        house.service.disconnected(session)
    assert len(ids) == 300


def test_who_takes_a_name_later_inherits_no_talk() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    first = house.done(alice, Whisper("Bob", "secret"))
    house.service.disconnected(bob)
    house.enter("Bob")
    second = house.done(alice, Whisper("Bob", "hello"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.stream != second.stream
    assert second.offset == 1


def test_a_login_needs_a_name_a_guest_may_have() -> None:
    house = House(CoreSettings(guests=GuestSettings(allow=False)))
    assert _refused(house.do(house.session(), Login(username="Alice"))).limit == "guests.allow"
    house = House()
    assert _refused(house.do(house.session(local=False), Login(username="Alice"))).code is Code.FORBIDDEN
    assert _refused(house.do(house.session(), Login())).field == "username"
    alice = house.enter("Alice")
    assert _refused(house.do(alice, Login(username="Alice2"))).code is Code.BAD_REQUEST


def test_a_dropped_session_comes_back_by_its_token_for_a_while() -> None:
    house = House(CoreSettings(guests=GuestSettings(keep_seconds=60)))
    session = house.session()
    first = house.do(session, Login(username="Alice"))
    assert isinstance(first, LoggedIn)
    house.service.disconnected(session)
    house.now += 59
    again = house.session()
    back = house.do(again, Login(token=first.token))
    assert isinstance(back, LoggedIn)
    assert (back.user_id, back.username) == (first.user_id, "Alice")
    house.service.disconnected(again)
    house.now += 61
    assert _refused(house.do(house.session(), Login(token=first.token))).code is Code.BAD_CREDENTIALS


def test_a_token_does_not_take_a_name_that_somebody_has_by_now() -> None:
    house = House()
    session = house.session()
    first = house.do(session, Login(username="Alice"))
    assert isinstance(first, LoggedIn)
    house.service.disconnected(session)
    house.enter("Alice")
    assert _refused(house.do(house.session(), Login(token=first.token))).code is Code.NAME_TAKEN
    other = house.do(house.session(), Login(username="Alice2", token=first.token))
    assert isinstance(other, LoggedIn)
    assert other.user_id == first.user_id


def test_a_name_that_is_refused_does_not_drop_the_half_open_session() -> None:
    house = House()
    session = house.session()
    first = house.do(session, Login(username="Alice"))
    assert isinstance(first, LoggedIn)
    answer = house.do(house.session(), Login(username="not a name", token=first.token))
    assert _refused(answer).code is Code.NAME_INVALID
    assert house.outlet.dismissed == []


def test_dropped_sessions_remembered_are_bounded() -> None:
    house = House(CoreSettings(guests=GuestSettings(max_kept=3)))
    tokens = []
    for number in range(10):
        session = house.session()
        answer = house.do(session, Login(username=f"u{number}x"))
        assert isinstance(answer, LoggedIn)
        tokens.append(answer.token)
        house.service.disconnected(session)
    known = [house.service.people.returning(token) is not None for token in tokens]
    assert known == [False] * 7 + [True] * 3


def test_rooms_come_and_go_with_their_people() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    made = house.do(alice, CreateRoom("Den"))
    assert isinstance(made, RoomJoined)
    assert (made.room, made.created, made.members, made.offset) == ("Den", True, 1, 0)
    joined = house.do(bob, CreateRoom("den"))
    assert isinstance(joined, RoomJoined)
    assert (joined.room, joined.created, joined.members) == ("Den", False, 2), "one that exists is joined"
    again = house.do(bob, JoinRoom("DEN"))
    assert isinstance(again, RoomJoined)
    assert again.members == 2
    assert [event.room for event in house.outlet.of(alice, Joined)] == [
        "lobby",
        "Den",
    ]
    house.do(alice, LeaveRoom("Den"))
    house.do(bob, LeaveRoom("Den"))
    rooms = house.do(alice, ListRooms())
    assert isinstance(rooms, RoomList)
    assert [room.room for room in rooms.rooms] == ["lobby"], "an empty room is gone"
    fresh = house.do(bob, JoinRoom("Den"))
    assert isinstance(fresh, RoomJoined)
    assert fresh.stream != made.stream, "and inherits nothing"


def test_saying_something_where_one_is_not() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.do(alice, JoinRoom("den"))
    assert _refused(house.do(bob, Publish("hi", "den"))).code is Code.FORBIDDEN
    assert _refused(house.do(bob, Publish("hi", "nowhere"))).code is Code.NOT_FOUND
    for command in (
        SetTopic("x", "den"),
        GetTopic("den"),
        ListMembers("den"),
        Typing("den"),
        LeaveRoom("den"),
    ):
        assert _refused(house.do(bob, command)).code is Code.FORBIDDEN


def test_a_person_who_types_is_in_exactly_one_room() -> None:
    house = House()
    alice = house.enter("Alice", exclusive=True)
    house.do(alice, JoinRoom("den"))
    assert [room.name for room in alice.rooms] == ["den"]
    left = house.do(alice, LeaveRoom())
    assert isinstance(left, RoomLeft)
    assert (left.room, left.current, left.members) == ("den", "lobby", 1)
    again = house.do(alice, LeaveRoom())
    assert isinstance(again, RoomLeft)
    assert again.current == "lobby", "nobody leaves the lobby for nowhere"


def test_limits_on_rooms() -> None:
    settings = RoomSettings(max_rooms=3, max_rooms_per_user=2)
    house = House(CoreSettings(rooms=settings))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.do(alice, JoinRoom("a1"))
    assert _refused(house.do(alice, JoinRoom("a2"))).limit == "rooms.max_rooms_per_user"
    house.do(bob, JoinRoom("b1"))
    carol = house.enter("Carol")
    assert _refused(house.do(carol, JoinRoom("c1"))).limit == "rooms.max_rooms"
    closed = House(CoreSettings(rooms=RoomSettings(create=False)))
    dave = closed.enter("Dave")
    assert _refused(closed.do(dave, JoinRoom("d1"))).limit == "rooms.create"
    assert _refused(house.do(carol, JoinRoom("not a name"))).code is Code.NAME_INVALID


def test_limits_on_what_is_said() -> None:
    house = House(CoreSettings(messages=MessageSettings(max_content=10, max_topic=4)))
    alice, _ = house.enter("Alice"), house.enter("Bob")
    for command in (Publish("é" * 6), Whisper("Bob", "x" * 11)):
        refusal = _refused(house.do(alice, command))
        assert (refusal.code, refusal.limit, refusal.field) == (
            Code.TOO_LARGE,
            "messages.max_content",
            "content",
        )
    assert isinstance(house.done(alice, Publish("é" * 5)), Accepted)
    assert _refused(house.do(alice, Publish(""))).field == "content"
    assert _refused(house.do(alice, SetTopic("12345"))).limit == "messages.max_topic"


def test_topics_are_kept_before_they_are_shown() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    assert house.do(alice, SetTopic("foxes")) is None
    asked = house.do(bob, GetTopic())
    assert asked == TopicSet("lobby", "")
    house.turns.run_all()
    assert house.do(bob, GetTopic()) == TopicSet("lobby", "foxes")
    (event,) = house.outlet.of(bob, TopicChanged)
    assert (event.sender, event.offset) == ("Alice", 1)


def test_target_is_a_person_or_a_room_and_never_a_guess() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.do(alice, JoinRoom("den"))
    assert isinstance(house.done(alice, Send("Bob", "p")), Accepted)
    assert isinstance(house.done(alice, Send("den", "r")), Accepted)
    assert [e.content for e in house.outlet.of(bob, WhisperPosted)] == ["p"]
    den = house.enter("den")
    refusal = _refused(house.do(alice, Send("den", "for the room")))
    assert refusal.field == "target_id"
    assert "'@den' or '#den'" in refusal.message
    assert isinstance(house.done(alice, Send("#den", "room")), Accepted)
    assert isinstance(house.done(alice, Send("@den", "person")), Accepted)
    assert [e.content for e in house.outlet.of(den, WhisperPosted)] == ["person"]
    assert _refused(house.do(alice, Send("nobody", "x"))).code is Code.NOT_FOUND


def test_a_whisper_to_oneself_is_heard_once() -> None:
    house = House()
    alice = house.enter("Alice")
    house.done(alice, Whisper("Alice", "note"))
    assert len(house.outlet.of(alice, WhisperPosted)) == 1


def test_leaving_is_told_once_to_each_neighbour() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    for room in ("r1", "r2"):
        house.do(alice, JoinRoom(room))
        house.do(bob, JoinRoom(room))
    house.service.disconnected(alice)
    house.service.disconnected(alice)
    assert house.outlet.of(bob, Left) == [Left("Alice", house.outlet.of(bob, Left)[0].user_id, None)]
    assert all(alice not in sessions for sessions in house.outlet.subscribed.values())


def test_large_rooms_tell_no_comings_and_goings() -> None:
    house = House(CoreSettings(rooms=RoomSettings(announce_up_to=2)))
    alice = house.enter("Alice")
    house.enter("Bob")
    carol = house.enter("Carol")
    assert len(house.outlet.of(alice, Joined)) == 1
    house.do(carol, SetStatus("busy"))
    house.do(carol, Typing())
    house.service.disconnected(carol)
    assert not house.outlet.of(alice, StatusChanged)
    assert not house.outlet.of(alice, UserTyping)
    assert not house.outlet.of(alice, Left)


def test_lists_are_sorted_cut_and_counted_right() -> None:
    house = House(CoreSettings(rooms=RoomSettings(members_listed=2)))
    sessions = [house.enter(name) for name in ("Cleo", "Abe", "Ben")]
    users = house.do(sessions[0], ListUsers())
    assert isinstance(users, UserList)
    assert [user.username for user in users.users] == ["Abe", "Ben"]
    members = house.do(sessions[0], ListMembers())
    assert isinstance(members, MemberList)
    assert (members.count, [user.username for user in members.users]) == (3, ["Abe", "Ben"])


def test_status_is_told_when_it_changes() -> None:
    house = House()
    alice, bob = house.enter("Alice"), house.enter("Bob")
    house.do(alice, SetStatus("online"))
    assert not house.outlet.of(bob, StatusChanged)
    house.do(alice, SetStatus("offline"))
    (event,) = house.outlet.of(bob, StatusChanged)
    assert event.status == "away"
    assert not house.outlet.of(alice, StatusChanged)


def test_the_gateway_is_for_those_on_this_machine_or_logged_in() -> None:
    house = House()
    far = house.session(local=False, id="far")
    raw = msgspec.Raw(b"{}")
    for command in (Announce(raw), SendTo(["far"], raw), CountConnections()):
        assert _refused(house.do(far, command)).code is Code.UNAUTHENTICATED
    opened = House(CoreSettings(gateway=GatewaySettings(open=True)))
    stranger = opened.session(local=False, id="far")
    assert not isinstance(opened.do(stranger, Announce(raw)), Refusal)


@pytest.mark.parametrize("rate", [5.0, 10.0])
def test_the_gateway_gives_a_seconds_worth_at_once_and_then_its_rate(rate: float) -> None:
    house = House(CoreSettings(gateway=GatewaySettings(rate=rate)))
    session = house.session(id="me")
    raw = msgspec.Raw(b"{}")

    def accepted(count: int) -> int:
        return sum(not isinstance(house.do(session, Announce(raw)), Refusal) for _ in range(count))

    assert accepted(100) == rate
    house.now += 1.0
    assert accepted(100) == rate
    house.now += 1 / rate
    assert accepted(100) == 1
    assert _refused(house.do(session, Announce(raw))).retry_after == pytest.approx(1 / rate, abs=0.01)


def test_limits_on_the_gateway() -> None:
    house = House(
        CoreSettings(
            messages=MessageSettings(max_payload=4), gateway=GatewaySettings(rate=0.0, max_targets=2)
        )
    )
    session = house.session(id="me")
    assert _refused(house.do(session, Announce(msgspec.Raw(b'"123"')))).limit == "messages.max_payload"
    small = msgspec.Raw(b"1")
    assert _refused(house.do(session, SendTo(["a", "b", "c"], small))).limit == "gateway.max_targets"
    assert _refused(house.do(session, SendTo(["nobody"], small))).code is Code.NOT_FOUND
    house.do(session, SendTo(["me", "me"], small))
    assert len(house.outlet.heard) == 1, "named twice, told once"


def _id(session: Session) -> int:
    assert session.user is not None
    return session.user.id


def test_a_whisper_that_says_whom_it_means_never_reaches_somebody_else_of_that_name() -> None:
    house = House()
    alice, gus = house.enter("Alice"), house.enter("Gus")
    meant = _id(gus)
    kept = house.done(alice, Whisper("Gus", "first", "w1", to_id=meant))
    assert isinstance(kept, Accepted)
    house.service.disconnected(gus)
    gone = _refused(house.done(alice, Whisper("Gus", "to nobody", "w2", to_id=meant)))
    assert (gone.code, gone.field) == (Code.NOT_FOUND, "to")
    stranger = house.enter("Gus")
    for command in (
        Whisper("Gus", "PIN", "w3", to_id=meant),
        Whisper("gus", "PIN", to_id=meant),
        Send("Gus", "PIN", "w4", to_id=meant),
        Send("@Gus", "PIN", "w5", to_id=meant),
    ):
        refusal = _refused(house.done(alice, command))
        assert (refusal.code, refusal.field) == (Code.NOT_FOUND, "to_id")
        assert "somebody else" in refusal.message
    assert house.outlet.of(stranger, WhisperPosted) == []
    assert [event.content for event in house.outlet.of(alice, WhisperPosted)] == ["first"]
    assert house.done(alice, Whisper("Gus", "first", "w1", to_id=meant)) == kept, (
        "a retry is told what became"
    )
    assert isinstance(house.done(alice, Whisper("Gus", "hello", to_id=_id(stranger))), Accepted)


def test_whom_a_message_means_is_a_person_and_no_room_of_that_name() -> None:
    house = House()
    alice, den = house.enter("Alice"), house.enter("den")
    house.done(alice, JoinRoom("den"))
    assert isinstance(house.done(alice, Send("den", "for you", to_id=_id(den))), Accepted)
    assert [event.content for event in house.outlet.of(den, WhisperPosted)] == ["for you"]
    refusal = _refused(house.done(alice, Send("#den", "for the room", to_id=_id(den))))
    assert (refusal.code, refusal.field) == (Code.BAD_REQUEST, "to_id")
