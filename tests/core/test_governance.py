"""Private rooms, invitations, roles, settings: who may, and what it changes."""

from __future__ import annotations

import pytest

from core.house import House
from hubbub.core.answers import (
    Accepted,
    Answer,
    Invited,
    MemberList,
    RoleSet,
    RoomJoined,
    RoomLeft,
    RoomList,
    RoomSettingsShown,
)
from hubbub.core.commands import (
    CreateRoom,
    GetHistory,
    GetRoom,
    Invite,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    Publish,
    RoomRole,
    Send,
    SetRole,
    SetRoom,
    SetTopic,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Left, MessagePosted, RoleChanged, RoomChanged, RoomInvitation
from hubbub.core.model import Session


def _refused(answer: Answer | None) -> Refusal:
    assert isinstance(answer, Refusal), answer
    return answer


def _rooms(house: House, session: Session) -> list[str]:
    answer = house.do(session, ListRooms())
    assert isinstance(answer, RoomList)
    return [room.room for room in answer.rooms]


def _private(house: House, name: str = "den") -> Session:
    owner = house.register("Olga")
    assert isinstance(house.done(owner, CreateRoom(name, private=True)), RoomJoined)
    return owner


def _admin(house: House) -> Session:
    session = house.register("Root")
    assert session.user is not None
    session.user.role = "admin"
    return session


def test_a_private_room_is_not_there_for_those_outside() -> None:
    house = House()
    owner = _private(house)
    mallory, guest = house.register("Mallory"), house.enter("Guest")
    for session in (mallory, guest):
        assert _rooms(house, session) == ["lobby"]
        nobodys = _refused(house.done(session, Publish("x", "nothing")))
        for command in (Publish("x", "den"), ListMembers("den"), GetRoom("den"), GetHistory("den")):
            refusal = _refused(house.done(session, command))
            assert (refusal.code, refusal.message) == (
                nobodys.code,
                nobodys.message.replace("nothing", "den"),
            )
        assert _refused(house.done(session, Send("den", "x"))).code is Code.NOT_FOUND
        assert _refused(house.done(session, Send("#den", "x"))).code is Code.NOT_FOUND
        assert _refused(house.done(session, JoinRoom("den"))).code is Code.NAME_TAKEN
        assert _refused(house.done(session, CreateRoom("DEN"))).code is Code.NAME_TAKEN
    answer = house.do(owner, ListRooms())
    assert isinstance(answer, RoomList)
    assert [(room.room, room.private) for room in answer.rooms] == [("den", True), ("lobby", False)]


def test_a_private_room_is_for_accounts() -> None:
    house = House()
    guest = house.enter("Guest")
    assert _refused(house.do(guest, CreateRoom("den", private=True))).code is Code.FORBIDDEN
    owner = _private(house)
    refusal = _refused(house.done(owner, Invite("Guest", "den")))
    assert refusal.code is Code.FORBIDDEN
    assert "is a guest" in refusal.message
    assert _refused(house.done(owner, Invite("Nobody", "den"))).code is Code.NOT_FOUND


def test_who_is_invited_may_come_in_also_after_a_restart() -> None:
    house = House()
    owner, bob = _private(house), house.register("Bob")
    device = house.back("Bob")
    request = object()
    assert house.do(owner, Invite("bob", "den"), request) is None
    assert not house.outlet.of(bob, RoomInvitation)
    house.turns.run_all()
    assert [answer for _, asked, answer in house.outlet.answered if asked is request] == [
        Invited("den", "Bob")
    ]
    for session in (bob, device):
        (event,) = house.outlet.of(session, RoomInvitation)
        assert (event.sender, event.room, event.offset) == ("Olga", "den", 1)
        assert bob.user is not None
        assert event.stream == f"notice:{bob.user.id:x}"
    (role,) = house.outlet.of(owner, RoleChanged)
    assert (role.username, role.role, role.offset) == ("Bob", "member", 1)
    assert house.do(owner, Invite("Bob", "den")) == Invited("den", "Bob"), "once is enough"
    again = house.restarted()
    bob = again.back("Bob")
    assert [room.name for room in bob.rooms] == ["lobby"], "invited is not joined"
    listed = again.do(again.back("Olga"), ListMembers("den"))
    assert isinstance(listed, MemberList)
    assert [user.username for user in listed.users] == ["Olga"]
    assert isinstance(again.done(bob, JoinRoom("den")), RoomJoined)
    assert [room.name for room in again.restarted().back("Bob").rooms] == ["lobby", "den"]


def test_a_list_of_members_tells_what_each_may_do_there() -> None:
    house = House()
    olga, bob, carol = (house.register(name) for name in ("Olga", "Bob", "Carol"))
    guest = house.enter("Guest")
    house.done(olga, CreateRoom("den"))
    for session in (bob, carol, guest):
        house.done(session, JoinRoom("den"))
    house.done(olga, SetRole("Bob", "moderator", "den"))
    house.service.disconnected(carol)

    def listed(room: str) -> dict[str, RoomRole | None]:
        answer = house.do(guest, ListMembers(room))
        assert isinstance(answer, MemberList)
        return {user.username: user.role for user in answer.users}

    assert listed("den") == {"Bob": "moderator", "Guest": None, "Olga": "owner", "Carol": "member"}
    assert set(listed("lobby").values()) == {None}, "nobody was given one there"
    house.done(olga, SetRole("Bob", "member", "den"))
    assert listed("den")["Bob"] == "member"


def test_an_invitation_can_be_declined() -> None:
    house = House()
    owner, bob = _private(house), house.register("Bob")
    house.done(owner, Invite("Bob", "den"))
    assert house.done(bob, LeaveRoom("den")) == RoomLeft("den")
    assert _rooms(house, bob) == ["lobby"]


def test_an_invitation_to_a_public_room_only_tells() -> None:
    house = House()
    guest, bob = house.enter("Guest"), house.register("Bob")
    house.do(guest, JoinRoom("den"))
    assert house.done(guest, Invite("Bob", "den")) == Invited("den", "Bob")
    assert [event.room for event in house.outlet.of(bob, RoomInvitation)] == ["den"]
    assert not house.outlet.of(guest, RoleChanged)
    assert _refused(house.done(bob, Invite("Guest", "den"))).code is Code.FORBIDDEN, "not in it himself"


def test_only_owners_and_moderators_let_people_in() -> None:
    house = House()
    owner, bob, _ = _private(house), house.register("Bob"), house.register("Carol")
    house.done(owner, Invite("Bob", "den"))
    house.done(bob, JoinRoom("den"))
    assert _refused(house.done(bob, Invite("Carol", "den"))).code is Code.FORBIDDEN
    assert house.done(owner, SetRole("Bob", "moderator", "den")) == RoleSet("den", "Bob", "moderator")
    assert house.done(bob, Invite("Carol", "den")) == Invited("den", "Carol")


def test_who_is_taken_out_hears_that_and_nothing_more() -> None:
    house = House()
    owner, bob = _private(house), house.register("Bob")
    text = house.back("Bob", exclusive=True)
    house.done(owner, Invite("Bob", "den"))
    house.done(bob, JoinRoom("den"))
    house.done(text, JoinRoom("den"))
    house.do(owner, Publish("before", "den"))
    house.do(owner, SetRole("Bob", "none", "den"), "r")
    house.do(owner, Publish("after", "den"))
    assert len(bob.rooms) == 2, "not before it is kept"
    house.turns.run_all()
    for session in (bob, text):
        assert [room.name for room in session.rooms] == ["lobby"]
        assert [event.content for event in house.outlet.of(session, MessagePosted)] == ["before"]
        assert [event.role for event in house.outlet.of(session, RoleChanged)] == ["none"]
    assert [event.room for event in house.outlet.of(owner, Left)] == ["den"]
    assert _refused(house.done(bob, JoinRoom("den"))).code is Code.NAME_TAKEN
    assert [room.name for room in house.restarted().back("Bob").rooms] == ["lobby"]


def test_a_guest_can_be_taken_out_of_a_public_room() -> None:
    house = House()
    owner, guest = house.register("Olga"), house.enter("Guest")
    house.done(owner, CreateRoom("den"))
    house.do(guest, JoinRoom("den"))
    assert house.done(owner, SetRole("Guest", "none", "den")) == RoleSet("den", "Guest", "none")
    assert [room.name for room in guest.rooms] == ["lobby"]
    assert _refused(house.done(owner, SetRole("Guest", "none", "den"))).code is Code.NOT_FOUND
    assert _refused(house.done(owner, SetRole("Guest", "member", "den"))).code is Code.FORBIDDEN


@pytest.mark.parametrize(
    ("role", "target", "allowed"),
    [
        ("none", "Member", True),
        ("none", "Moderator", False),
        ("none", "Olga", False),
        ("moderator", "Member", False),
        ("owner", "Moderator", False),
    ],
)
def test_what_a_moderator_may(role: RoomRole, target: str, allowed: bool) -> None:
    house = House()
    owner = house.register("Olga")
    house.done(owner, CreateRoom("den"))
    for name in ("Member", "Moderator", "Other"):
        house.done(house.register(name), JoinRoom("den"))
    for name in ("Moderator", "Other"):
        house.done(owner, SetRole(name, "moderator", "den"))
    moderator = house.back("Other")
    answer = house.done(moderator, SetRole(target, role, "den"))
    assert isinstance(answer, RoleSet) == allowed, answer
    assert _refused(house.done(moderator, SetRoom("den", private=True))).code is Code.FORBIDDEN
    member = house.back("Member")
    if not allowed:
        assert _refused(house.done(member, SetRole("Other", "none", "den"))).code is Code.FORBIDDEN


def test_roles_last_and_a_room_is_not_left_without_an_owner() -> None:
    house = House()
    owner, bob = house.register("Olga"), house.register("Bob")
    house.done(owner, CreateRoom("den"))
    assert _refused(house.done(owner, SetRole("Bob", "owner", "den"))).code is Code.NOT_FOUND
    house.done(bob, JoinRoom("den"))
    assert _refused(house.done(owner, LeaveRoom("den"))).code is Code.FORBIDDEN
    assert _refused(house.done(owner, SetRole("Olga", "member", "den"))).code is Code.FORBIDDEN
    house.done(owner, SetRole("Bob", "owner", "den"))
    assert house.done(owner, LeaveRoom("den")) == RoomLeft("den")
    again = house.restarted()
    bob = again.back("Bob")
    assert again.do(bob, GetRoom("den")) == RoomSettingsShown("den", False, 0.0, owner="Bob", role="owner")
    assert again.done(bob, LeaveRoom("den")) == RoomLeft("den"), "alone, he may"
    assert "den" in _rooms(again, bob), "a public room stays, with what was said there"


def test_a_private_room_ends_with_its_last_member() -> None:
    house = House()
    owner = _private(house)
    said = house.done(owner, Publish("secret", "den"))
    assert isinstance(said, Accepted)
    house.done(owner, LeaveRoom("den"))
    house.turns.run_all()
    assert house.journal.look(lambda reader: reader.entries(said.stream, 1, 9)) == []
    assert not house.journal.look(lambda reader: [key for key, _ in reader.scan("room/")])
    mallory = house.register("Mallory")
    made = house.done(mallory, JoinRoom("den"))
    assert isinstance(made, RoomJoined)
    assert (made.created, made.offset) == (True, 0)


def test_a_private_room_goes_on_for_who_was_let_in_at_the_last_moment() -> None:
    house = House()
    owner = _private(house)
    device, _ = house.back("Olga"), house.register("Bob")
    house.done(owner, SetTopic("foxes", "den"))
    house.do(device, Invite("Bob", "den"))
    house.do(owner, LeaveRoom("den"))
    house.turns.run_all()
    assert [room.name for room in device.rooms] == ["lobby"]
    again = house.restarted()
    joined = again.done(again.back("Bob"), JoinRoom("den"))
    assert isinstance(joined, RoomJoined)
    assert (joined.created, joined.topic) == (False, "foxes")


def test_settings_are_kept_before_they_hold_and_last() -> None:
    house = House()
    owner, guest = house.register("Olga"), house.enter("Guest")
    house.done(owner, CreateRoom("den"))
    house.do(guest, JoinRoom("den"))
    house.do(owner, SetRoom("den", private=True, retain_days=1.5), "r")
    assert "den" in _rooms(house, guest)
    house.turns.run_all()
    shown = RoomSettingsShown("den", True, 1.5, owner="Olga", role="owner")
    assert [answer for _, asked, answer in house.outlet.answered if asked == "r"] == [shown]
    for session in (owner, guest):
        (event,) = house.outlet.of(session, RoomChanged)
        assert (event.private, event.retain_days, event.offset) == (True, 1.5, 1)
    assert [room.name for room in guest.rooms] == ["lobby"], "guests leave a room that turns private"
    again = house.restarted()
    owner = again.back("Olga")
    assert again.do(owner, GetRoom("den")) == shown
    (stream,) = [room.stream for room in owner.rooms if room.name == "den"]
    assert list(again.service.rooms.retention()) == [(stream, 1.5)]
    assert again.done(owner, SetRoom("den", private=False)) == RoomSettingsShown(
        "den", False, 1.5, owner="Olga", role="owner"
    )
    assert "den" in _rooms(again, again.enter("Guest"))


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf"), 1e9])
def test_settings_that_cannot_be(days: float) -> None:
    house = House()
    owner = house.register("Olga")
    house.done(owner, CreateRoom("den"))
    assert _refused(house.done(owner, SetRoom("den", retain_days=days))).field == "retain_days"


def test_an_admin_governs_everywhere() -> None:
    house = House()
    owner = _private(house)
    admin = _admin(house)
    assert house.done(admin, SetRoom("den", retain_days=7.0)) == RoomSettingsShown(
        "den", True, 7.0, owner="Olga", role="owner"
    )
    assert _refused(house.done(admin, SetRoom("lobby", private=True))).field == "private"
    assert isinstance(house.done(admin, SetRoom(retain_days=30.0)), RoomSettingsShown)
    assert house.done(admin, SetRole("Olga", "moderator")) == RoleSet("lobby", "Olga", "moderator")
    assert _refused(house.done(owner, SetRoom(retain_days=1.0))).code is Code.FORBIDDEN
    again = house.restarted()
    lobby = again.service.rooms.default
    assert lobby.retain_days == 30.0
    user = again.back("Olga").user
    assert user is not None
    assert again.service.rooms.role(user, lobby) == "moderator"
