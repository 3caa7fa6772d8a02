"""Decisions that overlap: what is on its way to the journal when somebody else decides on the same."""

from __future__ import annotations

import pytest

from core.account_house import PASSWORD, AccountHouse
from core.asking import refused
from core.house import House
from hubbub.core.answers import Accepted, Answer, History, LoggedIn, RoleSet, RoomJoined, RoomLeft
from hubbub.core.commands import (
    Command,
    CreateRoom,
    GetHistory,
    Invite,
    JoinRoom,
    LeaveRoom,
    Login,
    Publish,
    RoomRole,
    SetRole,
    SetRoom,
)
from hubbub.core.errors import Code
from hubbub.core.model import Room, Session
from hubbub.core.settings import AccountSettings


def _at_once(house: House, *asked: tuple[Session, Command]) -> list[Answer]:
    """The answers to requests of which none is kept when the last one is decided."""
    given: dict[int, Answer] = {}
    for number, (session, command) in enumerate(asked):
        answer = house.do(session, command, ("at once", number))
        if answer is not None:
            given[number] = answer
    house.turns.run_all()
    for _, request, answer in house.outlet.answered:
        if isinstance(request, tuple) and request[0] == "at once":
            given[request[1]] = answer
    house.outlet.answered.clear()
    return [given[number] for number in range(len(asked))]


def _den(house: House, **roles: RoomRole) -> tuple[Session, ...]:
    """A private room of Olga's, and in it whoever has these roles."""
    owner = house.register("Olga")
    assert isinstance(house.done(owner, CreateRoom("den", private=True)), RoomJoined)
    others = [house.register(name) for name in roles]
    for other, (name, role) in zip(others, roles.items(), strict=True):
        house.done(owner, Invite(name, "den"))
        assert isinstance(house.done(other, JoinRoom("den")), RoomJoined)
        assert isinstance(house.done(owner, SetRole(name, role, "den")), RoleSet)
    return owner, *others


def _room(house: House) -> Room:
    room = house.service.rooms.named("den")
    assert room is not None
    return room


def _roles(house: House) -> dict[str, RoomRole]:
    people = house.service.people
    return {str(people.name_of(id)): member.role for id, member in _room(house).held.items()}


def test_who_is_taken_out_reads_nothing_that_was_said_afterwards() -> None:
    house = House()
    olga, mallory = _den(house, Mallory="member")
    answers = _at_once(
        house,
        (olga, SetRole("Mallory", "none", "den")),
        (olga, Publish("at last without Mallory", "den")),
        (mallory, GetHistory("den")),
    )
    assert isinstance(answers[1], Accepted)
    assert not isinstance(answers[2], History)


def test_who_is_taken_out_does_not_slip_in_again_meanwhile() -> None:
    house = House()
    (olga,) = _den(house)
    mallory = house.register("Mallory")
    house.done(olga, Invite("Mallory", "den"))
    out, back = _at_once(house, (olga, SetRole("Mallory", "none", "den")), (mallory, JoinRoom("den")))
    assert isinstance(out, RoleSet)
    assert refused(back, Code.RATE_LIMITED).retry_after == 1.0
    refused(house.done(mallory, JoinRoom("den")), Code.NAME_TAKEN)
    assert _roles(house) == _roles(house.restarted()) == {"Olga": "owner"}


def test_nobody_slips_into_a_room_that_turns_private() -> None:
    house = House()
    olga, mallory = house.register("Olga"), house.register("Mallory")
    house.done(olga, CreateRoom("den"))
    _, late = _at_once(house, (olga, SetRoom("den", private=True)), (mallory, JoinRoom("den")))
    assert refused(late, Code.RATE_LIMITED).retry_after == 1.0
    assert _room(house).private
    assert _roles(house) == {"Olga": "owner"}


@pytest.mark.parametrize("ways", ["demote", "leave", "both"])
def test_two_owners_at_once_do_not_leave_a_room_without_one(ways: str) -> None:
    house = House()
    olga, oscar, _ = _den(house, Oscar="owner", Mia="member")
    first: Command = LeaveRoom("den") if ways == "leave" else SetRole("Oscar", "member", "den")
    second: Command = SetRole("Olga", "member", "den") if ways == "demote" else LeaveRoom("den")
    answers = _at_once(house, (olga, first), (oscar, second))
    assert isinstance(answers[0], RoleSet | RoomLeft)
    assert "owner" in _roles(house).values()
    assert "owner" in _roles(house.restarted()).values()


def test_a_moderator_who_is_taken_out_lets_nobody_in_meanwhile() -> None:
    house = House()
    olga, mallory = _den(house, Mallory="moderator")
    house.register("Friend")
    _at_once(house, (olga, SetRole("Mallory", "none", "den")), (mallory, Invite("Friend", "den")))
    assert _roles(house) == {"Olga": "owner"}


def test_who_leaves_keeps_no_role() -> None:
    house = House()
    olga, mia = _den(house, Mia="member")
    left, _ = _at_once(house, (mia, LeaveRoom("den")), (olga, SetRole("Mia", "moderator", "den")))
    assert isinstance(left, RoomLeft)
    assert _roles(house) == {"Olga": "owner"}


def test_what_is_not_kept_holds_nobody_up() -> None:
    house = AccountHouse(flaky=True)
    olga, mia = _den(house, Mia="member")
    changes = house.service.membership.changes
    for session, command in (
        (olga, SetRole("Mia", "moderator", "den")),
        (olga, SetRoom("den", private=False)),
        (mia, LeaveRoom("den")),
    ):
        house.flaky.failing = True
        assert getattr(_at_once(house, (session, command))[0], "code", None) is Code.READ_ONLY
        house.flaky.failing, house.flaky.refusing = False, True
        assert getattr(_at_once(house, (session, command))[0], "code", None) is Code.READ_ONLY
        house.flaky.refusing = False
        assert len(changes) == 0
        assert getattr(_at_once(house, (session, command))[0], "code", None) is None
    assert len(changes) == 0


def test_one_address_does_not_keep_others_from_logging_in() -> None:
    house = AccountHouse(AccountSettings(max_hashing=8))
    house.registered("Ann")
    login = Login("Ann", PASSWORD)
    for _ in range(2):  # also when the first ones are through
        storm = [(house.far("192.0.2.1"), login) for _ in range(8)]
        *many, other = _at_once(house, *storm, (house.far("192.0.2.2"), login))
        assert isinstance(other, LoggedIn)
        assert [type(answer) for answer in many[:2]] == [LoggedIn, LoggedIn]
        assert {refused(answer, Code.RATE_LIMITED).limit for answer in many[2:]} == {"accounts.max_hashing"}
