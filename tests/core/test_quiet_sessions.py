"""Quiet sessions beside lines, and logins that last: what a browser's cookie and single requests need."""

from __future__ import annotations

from core.account_house import PASSWORD, AccountHouse
from core.house import Outlet
from hubbub.core.answers import Accepted, LoggedIn, LoggedOut, SessionList
from hubbub.core.commands import CreateRoom, ListSessions, Login, Logout, Publish, Refresh, Register, Whisper
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import FileOffered, Joined, Left, WhisperPosted
from hubbub.core.file_commands import OfferFile
from hubbub.core.model import Session
from hubbub.core.settings import AccountSettings

DAY = 86_400.0
MONTH = AccountSettings().refresh_seconds


def _in(answer: object) -> LoggedIn:
    assert isinstance(answer, LoggedIn), answer
    return answer


def _code(answer: object) -> Code | None:
    return answer.code if isinstance(answer, Refusal) else None


def _quiet(house: AccountHouse) -> Session:
    session = Session(exclusive=False, local=True, quiet=True)
    house.service.connected(session)
    return session


def _moves(outlet: Outlet, watcher: Session) -> list[Joined | Left]:
    return [*outlet.of(watcher, Joined), *outlet.of(watcher, Left)]


# -- logins that last


def test_a_lasting_login_has_one_token_and_nothing_to_refresh_it_by() -> None:
    house = AccountHouse()
    house.registered("Alice")
    made = _in(house.done(house.session(), Login("Alice", PASSWORD, lasting=True)))
    assert (made.refresh_token, made.expires_in) == (None, MONTH)
    house.now += MONTH - 1
    assert _in(house.done(house.session(), Login(token=made.token))).username == "Alice"
    assert _code(house.done(house.session(), Refresh(made.token))) is Code.BAD_CREDENTIALS


def test_whoever_does_not_use_it_is_out_when_its_time_has_come() -> None:
    house = AccountHouse()
    made = _in(house.done(house.session(), Register("Alice", PASSWORD, lasting=True)))
    house.now += MONTH + 1
    assert _code(house.done(house.session(), Login(token=made.token))) is Code.BAD_CREDENTIALS
    assert house.service.entrance.bearer(made.token) is None


def test_whoever_uses_it_stays_in_also_over_a_restart() -> None:
    house = AccountHouse()
    made = _in(house.done(house.session(), Register("Alice", PASSWORD, lasting=True)))
    for _ in range(4):
        house.now += MONTH / 2
        assert house.service.entrance.bearer(made.token) is not None
    later = house.again(MONTH - 1)
    assert _in(later.done(later.session(), Login(token=made.token))).username == "Alice"


def test_its_end_is_written_down_once_a_day_and_no_oftener() -> None:
    house = AccountHouse()
    made = _in(house.done(house.session(), Register("Alice", PASSWORD, lasting=True)))
    kept = []
    for _ in range(5):
        house.now += DAY / 4
        assert house.service.entrance.bearer(made.token) is not None
        house.turns.run_all()
        kept.append(_in(house.done(house.session(), Login(token=made.token))).expires_in)
    month = int(MONTH)
    assert kept == [month - 21_600, month - 43_200, month - 64_800, month, month - 21_600]


def test_by_the_token_of_a_cookie_no_token_is_told() -> None:
    house = AccountHouse()
    made = _in(house.done(house.session(), Register("Alice", PASSWORD, lasting=True)))
    assert _in(house.done(house.session(), Login(token=made.token, lasting=True))).token == ""
    _, guest = house.guest("Bob")
    assert _in(house.done(house.session(), Login(token=guest.token, lasting=True))).token == ""


# -- quiet sessions


def test_a_line_takes_a_guest_over_from_requests_and_nobody_sees_it() -> None:
    house = AccountHouse()
    watcher, _ = house.guest("Watcher")
    quiet = _quiet(house)
    made = _in(house.done(quiet, Login("Alice")))
    house.done(quiet, CreateRoom("den"))
    house.done(watcher, CreateRoom("den"))
    house.outlet.heard.clear()
    line = house.session()
    back = _in(house.done(line, Login(token=made.token)))
    assert (back.user_id, {place.room for place in back.rooms}) == (made.user_id, {"lobby", "den"})
    assert _moves(house.outlet, watcher) == []
    assert (quiet.gone, quiet.user) == (True, None)
    house.done(line, Publish("still here"))
    house.service.disconnected(line)
    assert [event.username for event in house.outlet.of(watcher, Left)] == ["Alice"]


def test_a_request_does_not_throw_a_guest_off_the_line() -> None:
    house = AccountHouse()
    line, made = house.guest("Alice")
    quiet = _quiet(house)
    assert _code(house.done(quiet, Login(token=made.token))) is Code.NAME_TAKEN
    assert (line.gone, quiet.user) == (False, None)
    assert isinstance(house.done(line, Publish("still here")), Accepted)


def test_a_guest_becomes_an_account_beside_the_line() -> None:
    house = AccountHouse()
    watcher, _ = house.guest("Watcher")
    line, made = house.guest("Alice")
    house.done(line, CreateRoom("den"))
    house.outlet.heard.clear()
    quiet = _quiet(house)
    assert house.service.entrance.beside(quiet, made.token) is None
    became = _in(house.done(quiet, Register(password=PASSWORD, lasting=True)))
    assert (became.user_id, became.username, became.role) == (made.user_id, "Alice", "member")
    assert line.user is quiet.user
    listed = house.done(line, ListSessions())
    assert isinstance(listed, SessionList)
    assert [one.current for one in listed.sessions] == [True]
    assert _moves(house.outlet, watcher) == []
    den = house.service.rooms.find("den", None)
    assert den is not None
    assert den.belongs(made.user_id)  # what it was in on the line, it stays in
    assert isinstance(house.done(quiet, Logout()), LoggedOut)
    assert line.gone


def test_where_registering_fails_beside_the_line_all_is_as_before() -> None:
    house = AccountHouse()
    line, made = house.guest("Alice")
    quiet = _quiet(house)
    house.service.entrance.beside(quiet, made.token)
    assert _code(house.done(quiet, Register(password="short"))) is Code.BAD_REQUEST
    house.service.disconnected(quiet)
    assert (line.gone, line.user is not None, line.login) == (False, True, None)
    assert isinstance(house.done(line, Logout()), LoggedOut)


def test_a_guest_logs_out_beside_the_line() -> None:
    house = AccountHouse()
    line, made = house.guest("Alice")
    quiet = _quiet(house)
    house.service.entrance.beside(quiet, made.token)
    assert isinstance(house.done(quiet, Logout()), LoggedOut)
    assert line.gone
    assert _code(house.done(house.session(), Login(token=made.token))) is Code.BAD_CREDENTIALS


def test_nobody_asks_beside_somebody_who_is_not_here() -> None:
    house = AccountHouse()
    line, made = house.guest("Alice")
    house.service.disconnected(line)
    for token in (made.token, "g.garbage", "a.1.2", ""):
        refusal = house.service.entrance.beside(_quiet(house), token)
        assert _code(refusal) is Code.BAD_CREDENTIALS


def test_a_file_for_somebody_who_only_asks_is_kept() -> None:
    house = AccountHouse()
    sender, _ = house.registered("Bob")
    made = _in(house.done(house.session(), Register("Alice", PASSWORD)))
    alice = house.service.people.by_id(made.user_id)
    assert alice is not None
    for one in list(alice.sessions):
        house.service.disconnected(one)
    quiet = _quiet(house)
    house.done(quiet, Login(token=made.token))
    house.do(sender, OfferFile("cat.png", 5, to="Alice"), object())
    house.done(sender, Whisper("Alice", "hi"))
    assert len(house.outlet.of(quiet, WhisperPosted)) == 1
    assert house.outlet.of(quiet, FileOffered) == []  # it could not take it
