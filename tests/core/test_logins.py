"""Logins and their tokens: what they are good for, how they follow one another, and how they end."""

from __future__ import annotations

import msgspec
import pytest

from core.account_house import PASSWORD, AccountHouse
from hubbub.core.answers import LoggedIn, LoggedOut, PasswordSet, SessionEnded, SessionList
from hubbub.core.commands import (
    ChangePassword,
    EndSession,
    ListSessions,
    ListUsers,
    Login,
    Logout,
    Publish,
    Refresh,
)
from hubbub.core.entries import Put
from hubbub.core.errors import Code, Refusal
from hubbub.core.model import Session
from hubbub.core.settings import AccountSettings

NEW = "battery staple"


def _refused(answer: object, code: Code) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code, answer
    return answer


def _welcomed(answer: object) -> LoggedIn:
    assert isinstance(answer, LoggedIn), answer
    return answer


def _refresh(house: AccountHouse, token: str | None, session: Session | None = None) -> object:
    assert token is not None
    return house.done(session or house.session(), Refresh(token))


def _good(house: AccountHouse, token: str) -> bool:
    session = house.session()
    answer = house.done(session, Login(token=token))
    house.service.disconnected(session)
    return isinstance(answer, LoggedIn)


def test_a_token_logs_in_without_a_password_and_stays_as_it_is() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    house.now += 600
    house.passwords.started.clear()
    answer = _welcomed(house.do(house.session(), Login(token=made.token)))
    assert (answer.user_id, answer.token, answer.refresh_token) == (made.user_id, made.token, None)
    assert (answer.expires_in, answer.role) == (3000, "member")
    assert [place.room for place in answer.rooms] == ["lobby"]
    assert house.passwords.started == []
    later = house.again(600)
    assert _welcomed(later.do(later.session(), Login(token=made.token))).expires_in == 2400
    assert isinstance(later.do(later.session(), Login("alice", token=made.token)), LoggedIn)
    later.registered("Bob")
    for name in ("Bob", "Nobody"):
        _refused(later.do(later.session(), Login(name, token=made.token)), Code.BAD_CREDENTIALS)


def test_a_token_is_good_for_an_hour_and_its_refresh_token_for_a_month() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    house.now += 3600
    assert not _good(house, made.token)
    house.now += 29 * 86_400
    session = house.session()
    again = _welcomed(_refresh(house, made.refresh_token, session))
    assert session.user is not None, "and it logs in"
    assert _good(house, again.token)
    house.now += 30 * 86_400
    _refused(_refresh(house, again.refresh_token), Code.BAD_CREDENTIALS)


@pytest.mark.parametrize(
    "token", ["", ".", "a", "a..", "r.x.y", "a." + "0" * 16 + ".x", "é", "g.1.2.3.4", "a." + "x" * 10_000]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    house = AccountHouse()
    house.registered("Alice")
    _refused(house.do(house.session(), Login(token=token)), Code.BAD_CREDENTIALS)
    _refused(house.do(house.session(), Refresh(token)), Code.BAD_CREDENTIALS)


def test_one_kind_of_token_is_not_the_other() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    assert made.refresh_token is not None
    assert not _good(house, made.refresh_token)
    _refused(_refresh(house, made.token), Code.BAD_CREDENTIALS)
    assert not _good(house, "a" + made.refresh_token[1:])
    _refused(_refresh(house, "r" + made.token[1:]), Code.BAD_CREDENTIALS)
    assert _good(house, made.token), "and nothing has ended by that"


@pytest.mark.parametrize("flaky", [False, True])
def test_a_refresh_changes_both_tokens(flaky: bool) -> None:
    house = AccountHouse(flaky=flaky)
    session, made = house.registered("Alice")
    again = _welcomed(_refresh(house, made.refresh_token, session))
    assert len({made.token, again.token, made.refresh_token, again.refresh_token}) == 4
    assert not _good(house, made.token)
    assert _good(house, again.token)
    assert house.outlet.dismissed == [], "who is here stays"
    assert len(house.records("login/")) == 1


def test_an_old_refresh_token_ends_the_login_everywhere() -> None:
    house = AccountHouse()
    phone, made = house.registered("Alice")
    other, elsewhere = house.logged_in("Alice")
    tablet = house.session()
    house.do(tablet, Login(token=made.token))
    second = _welcomed(_refresh(house, made.refresh_token, phone))
    third = _welcomed(_refresh(house, second.refresh_token, phone))
    _refused(_refresh(house, made.refresh_token), Code.BAD_CREDENTIALS)
    assert {id(session) for session, _ in house.outlet.dismissed} == {id(phone), id(tablet)}
    assert {reason for _, reason in house.outlet.dismissed} == {"policy"}
    assert not _good(house, third.token)
    _refused(_refresh(house, third.refresh_token), Code.BAD_CREDENTIALS)
    assert _good(house, elsewhere.token), "the other login goes on"
    assert not other.gone
    house.turns.run_all()
    assert len(house.records("login/")) == 1
    later = house.again()
    _refused(_refresh(later, third.refresh_token), Code.BAD_CREDENTIALS)


def test_an_old_refresh_token_is_known_after_a_restart_and_the_memory_is_bounded() -> None:
    house = AccountHouse()
    session, made = house.registered("Alice")
    answer = made
    for _ in range(60):
        answer = _welcomed(_refresh(house, answer.refresh_token, session))
    (record,) = house.records("login/").values()
    assert len(record) < 50 * 32 + 300
    later = house.again()
    _refused(_refresh(later, made.refresh_token), Code.BAD_CREDENTIALS)
    assert _good(later, answer.token), "that one is too old to be recognised"


def test_a_refresh_token_is_exchanged_once_at_a_time() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    assert made.refresh_token is not None
    first, second = house.session(), house.session()
    assert house.do(first, Refresh(made.refresh_token), "first") is None
    assert _refused(house.do(second, Refresh(made.refresh_token)), Code.RATE_LIMITED).retry_after == 1
    house.turns.run_all()
    assert first.user is not None
    assert house.outlet.dismissed == []


def test_a_refresh_that_is_not_kept_leaves_the_old_tokens_good() -> None:
    house = AccountHouse(flaky=True)
    _, made = house.registered("Alice")
    house.flaky.failing = True
    _refused(_refresh(house, made.refresh_token), Code.READ_ONLY)
    assert _good(house, made.token)
    house.flaky.failing = False
    assert _good(house, _welcomed(_refresh(house, made.refresh_token)).token)


def test_a_login_that_ends_while_it_is_refreshed_stays_ended() -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Alice")
    second = _welcomed(_refresh(house, made.refresh_token, session))
    assert second.refresh_token is not None
    assert made.refresh_token is not None
    waiting = house.session()
    assert house.do(waiting, Refresh(second.refresh_token), "refresh") is None
    _refused(house.do(house.session(), Refresh(made.refresh_token)), Code.BAD_CREDENTIALS)
    house.turns.run_all()
    (answer,) = [answer for _, request, answer in house.outlet.answered if request == "refresh"]
    _refused(answer, Code.BAD_CREDENTIALS)
    assert waiting.user is None
    assert house.records("login/") == {}


def test_to_refresh_somebody_elses_login_is_refused() -> None:
    house = AccountHouse()
    _, alice = house.registered("Alice")
    bob, _ = house.registered("Bob")
    guest, _ = house.guest("Guest")
    for session in (bob, guest):
        _refused(_refresh(house, alice.refresh_token, session), Code.BAD_REQUEST)
    assert _good(house, alice.token)


# -- logging out


@pytest.mark.parametrize("flaky", [False, True])
def test_who_logs_out_is_nobody_and_the_tokens_are_worth_nothing(flaky: bool) -> None:
    house = AccountHouse(flaky=flaky)
    session, made = house.registered("Alice")
    tablet = house.session()
    house.do(tablet, Login(token=made.token))
    request = object()
    assert house.do(session, Logout(), request) is None
    assert session.user is not None, "not before it is kept"
    house.turns.run_all()
    assert (session, request, LoggedOut()) in house.outlet.answered
    assert session.user is None
    assert house.outlet.dismissed == [(tablet, "policy")]
    assert house.service.people.find("Alice") is None
    _refused(house.do(session, ListUsers()), Code.UNAUTHENTICATED)
    assert not _good(house, made.token)
    _refused(_refresh(house, made.refresh_token), Code.BAD_CREDENTIALS)
    assert isinstance(house.done(session, Login("Alice", PASSWORD)), LoggedIn), "and may come in again"


@pytest.mark.parametrize("account", [True, False])
def test_a_login_that_another_takes_the_place_of_ends_as_by_a_logout(account: bool) -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Alice")
    token = made.token
    if not account:
        session = house.session()
        token = _welcomed(house.done(session, Login("Guest"))).token
    told: list[str] = []
    house.service.entrance.own_account.superseded(token, lambda: told.append("a"))
    house.service.entrance.own_account.superseded(token, lambda: told.append("b"))
    assert (told, house.outlet.dismissed) == ([], []), "not before it is kept"
    house.turns.run_all()
    assert (told, house.outlet.dismissed) == (["a", "b"], [(session, "policy")])
    assert not _good(house, token)
    assert not _good(house.again(), token)
    for nobodys in (token, "", "a.1.x", "g.1.2.3.4"):
        house.service.entrance.own_account.superseded(nobodys, lambda: told.append("c"))
    assert told[2:] == ["c"] * 4, "at once"


@pytest.mark.parametrize("how", ["failing", "refusing"])
def test_where_its_end_is_not_kept_it_stays(how: str) -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Alice")
    told: list[str] = []
    setattr(house.journal, how, True)
    house.service.entrance.own_account.superseded(made.token, lambda: told.append("told"))
    house.turns.run_all()
    setattr(house.journal, how, False)
    assert told == ["told"]
    assert session.user is not None
    assert _good(house, made.token)


def test_a_logout_that_is_not_kept_is_none() -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Alice")
    house.flaky.failing = True
    _refused(house.done(session, Logout()), Code.READ_ONLY)
    assert session.user is not None
    assert _good(house, made.token)
    house.flaky.failing = False
    assert house.done(session, Logout()) == LoggedOut()


# -- lists of logins


def _sessions(house: AccountHouse, session: Session) -> SessionList:
    answer = house.done(session, ListSessions())
    assert isinstance(answer, SessionList)
    return answer


def test_logins_are_listed_and_ended_one_by_one() -> None:
    house = AccountHouse()
    phone, _ = house.registered("Alice")
    house.now += 10
    desk, at_desk = house.logged_in("Alice")
    desk_too = house.session()
    house.do(desk_too, Login(token=at_desk.token))
    listed = _sessions(house, phone).sessions
    assert [one.current for one in listed] == [False, True], "the newest first"
    assert listed[0].since == "1970-01-12T13:46:50.000Z"
    answer = house.done(phone, EndSession(listed[0].id))
    assert answer == SessionEnded(listed[0].id)
    assert {id(session) for session, _ in house.outlet.dismissed} == {id(desk), id(desk_too)}
    assert not _good(house, at_desk.token)
    assert [one.current for one in _sessions(house, phone).sessions] == [True]
    assert house.done(phone, EndSession(listed[1].id)) == LoggedOut()
    assert phone.user is None


def test_nobody_ends_the_login_of_somebody_else() -> None:
    house = AccountHouse()
    alice, _ = house.registered("Alice")
    bob, _ = house.registered("Bob")
    id = _sessions(house, alice).sessions[0].id
    assert _refused(house.done(bob, EndSession(id)), Code.NOT_FOUND).field == "session"
    assert not alice.gone
    guest, _ = house.guest("Guest")
    for command in (ListSessions(), EndSession(id), ChangePassword(PASSWORD, NEW)):
        _refused(house.done(guest, command), Code.FORBIDDEN)


def test_when_a_login_was_last_used_is_seldom_written_down() -> None:
    house = AccountHouse()
    session, made = house.registered("Alice")
    house.now += 59
    assert _good(house, made.token)
    assert _sessions(house, session).sessions[0].seen == "1970-01-12T13:46:40.000Z"
    house.now += 1
    assert _good(house, made.token)
    assert _sessions(house, session).sessions[0].seen == "1970-01-12T13:47:40.000Z"
    again = house.again()
    _, back = again.logged_in("Alice")
    assert [one.seen for one in _sessions(again, again.logged_in("Alice")[0]).sessions][-1].endswith(
        ":40.000Z"
    )
    assert back.role == "member"


def test_the_login_that_rested_longest_ends_for_one_too_many() -> None:
    house = AccountHouse(AccountSettings(max_logins=3))
    rested, first = house.registered("Alice")
    house.service.disconnected(rested)
    tokens = [first]
    for _ in range(2):
        house.now += 100
        session, answer = house.logged_in("Alice")
        house.service.disconnected(session)
        tokens.append(answer)
    house.now += 100
    assert _good(house, first.token)
    house.now += 100
    house.logged_in("Alice")
    assert [_good(house, answer.token) for answer in tokens] == [True, False, True]
    assert len(house.records("login/")) == 3
    one = AccountHouse(AccountSettings(max_logins=1))
    old, _ = one.registered("Alice")
    one.logged_in("Alice")
    assert one.outlet.dismissed == [(old, "policy")]


def test_logins_that_have_expired_are_dropped() -> None:
    house = AccountHouse(AccountSettings(refresh_seconds=1000.0))
    gone, _ = house.registered("Alice")
    house.service.disconnected(gone)
    here, _ = house.logged_in("Alice")
    house.now += 1000
    assert len(_sessions(house, here).sessions) == 1, "one is here by the other, and stays"
    fresh, _ = house.logged_in("Alice")
    assert len(house.records("login/")) == 2
    assert not here.gone
    house.service.disconnected(fresh)
    later = house.again(1000)
    assert later.records("login/") == {}
    later.logged_in("Alice")


def test_records_of_a_later_version_are_read() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    for prefix in ("account/", "login/"):
        ((key, value),) = house.records(prefix).items()
        more = msgspec.msgpack.encode({**msgspec.msgpack.decode(value), "new": 1})
        house.service.ledger.note([Put(key, more)])
    later = house.again()
    assert _good(later, made.token)


# -- the password


def test_another_password_ends_every_other_login() -> None:
    house = AccountHouse()
    phone, on_phone = house.registered("Alice")
    desk, at_desk = house.logged_in("Alice")
    request = object()
    assert house.do(phone, ChangePassword(PASSWORD, NEW), request) is None
    house.turns.run_all()
    assert (phone, request, PasswordSet()) in house.outlet.answered
    assert house.outlet.dismissed == [(desk, "policy")]
    assert not _good(house, at_desk.token)
    _refused(_refresh(house, at_desk.refresh_token), Code.BAD_CREDENTIALS)
    assert _good(house, on_phone.token)
    _refused(house.done(house.session(), Login("Alice", PASSWORD)), Code.BAD_CREDENTIALS)
    later = house.again()
    _refused(later.done(later.session(), Login("Alice", PASSWORD)), Code.BAD_CREDENTIALS)
    later.logged_in("Alice", NEW)


def test_who_does_not_know_the_old_password_sets_no_other() -> None:
    house = AccountHouse()
    session, _ = house.registered("Alice")
    refusal = _refused(house.done(session, ChangePassword("wrong horse", NEW)), Code.BAD_CREDENTIALS)
    assert refusal.field == "old"
    assert _refused(house.done(session, ChangePassword(None, NEW)), Code.BAD_REQUEST).field == "old"
    assert _refused(house.done(session, ChangePassword(PASSWORD)), Code.BAD_REQUEST).field == "new"
    short = _refused(house.done(session, ChangePassword(PASSWORD, "short")), Code.BAD_REQUEST)
    assert short.limit == "accounts.min_password"
    for _ in range(9):
        house.done(session, ChangePassword("wrong horse", NEW))
    _refused(house.done(session, ChangePassword(PASSWORD, NEW)), Code.RATE_LIMITED)


def test_a_password_that_is_not_kept_is_not_the_password() -> None:
    house = AccountHouse(flaky=True)
    session, _ = house.registered("Alice")
    other, elsewhere = house.logged_in("Alice")
    house.flaky.failing = True
    _refused(house.done(session, ChangePassword(PASSWORD, NEW)), Code.READ_ONLY)
    assert house.outlet.dismissed == []
    house.flaky.failing = False
    assert _good(house, elsewhere.token)
    assert not other.gone
    house.logged_in("Alice")
    assert house.done(session, ChangePassword(PASSWORD, NEW)) == PasswordSet()


def test_no_login_by_the_old_password_slips_through() -> None:
    for wait in range(6):  # turns between the change and the login
        house = AccountHouse(flaky=True)
        session, _ = house.registered("Alice")
        house.do(session, ChangePassword(PASSWORD, NEW), "change")
        for _ in range(wait):
            house.turns.run()
        late = house.session()
        answer = house.done(late, Login("Alice", PASSWORD))
        if isinstance(answer, LoggedIn):
            assert late.gone, "it ended with the others"
            assert not _good(house, answer.token)
        house.turns.run_all()
        people = house.service.people.find("Alice")
        assert people is not None
        assert people.sessions == [session]
        assert len(house.records("login/")) == 1
        assert house.service.people.accounts.changing == set()


def test_a_change_of_which_nobody_is_left_to_hear_is_not_made() -> None:
    house = AccountHouse()
    session, _ = house.registered("Alice")
    house.do(session, ChangePassword(PASSWORD, NEW), "change")
    house.service.disconnected(session)
    house.turns.run_all()
    assert [request for _, request, _ in house.outlet.answered].count("change") == 1
    house.logged_in("Alice")


def test_who_is_here_can_go_on_when_the_token_is_over() -> None:
    house = AccountHouse()
    session, _ = house.registered("Alice")
    house.now += 7200
    assert not isinstance(house.done(session, Publish("still here")), Refusal)
