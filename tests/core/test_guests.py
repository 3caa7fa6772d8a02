"""Guests and their tokens: after a dropped line, after a restart, and when they may not come back."""

from __future__ import annotations

import pytest

from core.account_house import AccountHouse
from hubbub.core.answers import LoggedIn, LoggedOut
from hubbub.core.commands import Login, Logout, Whisper
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import WhisperPosted
from hubbub.core.settings import GuestSettings


def _code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Refusal) else None


def test_after_a_restart_a_guest_takes_id_and_name_back() -> None:
    house = AccountHouse()
    _, before = house.guest("Zoë-小明")
    later = house.again(5)
    back = later.do(later.session(), Login(token=before.token))
    assert isinstance(back, LoggedIn)
    assert (back.user_id, back.username) == (before.user_id, "Zoë-小明")
    third = later.again(5)
    for token in (before.token, back.token):
        answer = third.do(third.session(), Login(token=token))
        assert isinstance(answer, LoggedIn)
        assert answer.user_id == before.user_id


def test_for_as_long_as_after_a_dropped_line() -> None:
    house = AccountHouse(guests=GuestSettings(keep_seconds=60))
    _, before = house.guest("Alice")
    later = house.again(86_400)
    later.now += 60
    assert isinstance(later.do(later.session(), Login(token=before.token)), LoggedIn)
    latest = house.again(86_400)
    latest.now += 61
    assert _code(latest.do(latest.session(), Login(token=before.token))) is Code.BAD_CREDENTIALS


def test_who_came_back_and_dropped_again_has_the_usual_time() -> None:
    house = AccountHouse(guests=GuestSettings(keep_seconds=60))
    _, before = house.guest("Alice")
    later = house.again()
    session = later.session()
    later.do(session, Login(token=before.token))
    later.now += 600
    later.service.disconnected(session)
    later.now += 60
    session = later.session()
    assert isinstance(later.do(session, Login(token=before.token)), LoggedIn)
    later.service.disconnected(session)
    later.now += 61
    assert _code(later.do(later.session(), Login(token=before.token))) is Code.BAD_CREDENTIALS


def test_a_guest_who_logged_out_comes_back_by_no_token() -> None:
    house = AccountHouse(flaky=True)
    session, before = house.guest("Alice")
    house.flaky.failing = True
    assert _code(house.done(session, Logout())) is Code.READ_ONLY
    assert session.user is not None
    house.flaky.failing = False
    assert house.done(session, Logout()) == LoggedOut()
    assert session.user is None
    assert _code(house.do(house.session(), Login(token=before.token))) is Code.BAD_CREDENTIALS
    _, other = house.guest("Alice")
    assert other.user_id != before.user_id
    for later in (house.again(), house.again()):
        answer = later.do(later.session(), Login("Alice2", token=before.token))
        assert _code(answer) is Code.BAD_CREDENTIALS


def test_those_who_logged_out_are_remembered_in_a_bounded_memory() -> None:
    house = AccountHouse(guests=GuestSettings(max_kept=3))
    tokens = []
    for number in range(10):
        session, answer = house.guest(f"u{number}x")
        tokens.append(answer.token)
        assert house.done(session, Logout()) == LoggedOut()
    assert len(house.records("left/")) == 3
    assert not any(house.service.people.returning(token) for token in tokens)
    later = house.again()
    assert [later.service.people.returning(token) is None for token in tokens] == [False] * 7 + [True] * 3


def test_a_token_that_somebody_wrote_is_none() -> None:
    house = AccountHouse()
    session, alice = house.guest("Alice")
    house.service.disconnected(session)
    parts = alice.token.split(".")
    forged = [
        ".".join([*parts[:1], f"{alice.user_id + 1:x}", *parts[2:]]),
        ".".join([*parts[:3], "Qm9i", parts[4]]),
        ".".join(parts[:4]),
        alice.token + "0",
        alice.token[:-1],
        "g.",
        "g....",
        "g." + "é" * 20,
        "g." + "1" * 100_000,
    ]
    for token in forged:
        assert _code(house.do(house.session(), Login(token=token))) is Code.BAD_CREDENTIALS, token
    assert isinstance(house.do(house.session(), Login(token=alice.token)), LoggedIn)
    elsewhere = AccountHouse(now=2_000_000.0)
    elsewhere.service.people.guests._secret = b"another server's"
    assert _code(elsewhere.do(elsewhere.session(), Login(token=alice.token))) is Code.BAD_CREDENTIALS


def test_who_comes_back_after_a_restart_goes_on_with_his_talks() -> None:
    house = AccountHouse()
    alice, before = house.guest("Alice")
    house.guest("Bob")
    house.done(alice, Whisper("Bob", "before"))
    (first,) = house.outlet.of(alice, WhisperPosted)
    later = house.again()
    bob = later.session()
    answer = house.service.people.find("Bob")
    assert answer is not None
    later.do(bob, Login(token=house.service.people.token(answer)))
    alice = later.session()
    later.do(alice, Login(token=before.token))
    later.done(alice, Whisper("Bob", "after"))
    (second,) = later.outlet.of(bob, WhisperPosted)
    assert (second.stream, second.offset) == (first.stream, first.offset + 1)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_token_lets_nobody_in_where_guests_are_not(allowed: bool) -> None:
    house = AccountHouse(guests=GuestSettings(allow=allowed or None))
    session, before = house.guest("Alice")
    house.service.disconnected(session)
    answer = house.do(house.far(), Login(token=before.token))
    assert _code(answer) is (None if allowed else Code.FORBIDDEN)
