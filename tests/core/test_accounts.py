"""Registering and logging in: who gets which name, what is kept before it is told, and what is given back."""

from __future__ import annotations

import hashlib

import pytest

from core.account_house import PASSWORD, AccountHouse
from hubbub.core import names
from hubbub.core.administration import AccountView
from hubbub.core.answers import LoggedIn, LoggedOut, MemberList, PasswordSet, UserList
from hubbub.core.commands import (
    ChangePassword,
    ListMembers,
    ListUsers,
    Login,
    Logout,
    Publish,
    Refresh,
    Register,
    Whisper,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import MessagePosted, WhisperPosted
from hubbub.core.model import Session
from hubbub.core.settings import AccountSettings, GuestSettings


def _refused(answer: object, code: Code) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code, answer
    return answer


def _answers(house: AccountHouse) -> list[object]:
    return [answer for _, _, answer in house.outlet.answered]


@pytest.mark.parametrize("flaky", [False, True])
def test_a_registered_name_is_logged_into_with_its_password(flaky: bool) -> None:
    house = AccountHouse(flaky=flaky)
    _, made = house.registered("Alice")
    assert made.role == "member"
    assert made.expires_in == 3600
    assert made.refresh_token
    assert [place.room for place in made.rooms] == ["lobby"]
    for name in ("Alice", "alice", "ＡＬＩＣＥ"):
        _, back = house.logged_in(name)
        assert (back.username, back.user_id) == ("Alice", made.user_id)
        assert back.token != made.token
    assert 0 < made.user_id < 2**53


def test_an_account_is_there_after_a_restart() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    later = house.again()
    session, back = later.logged_in("Alice")
    assert back.user_id == made.user_id
    later.service.disconnected(session)
    assert not later.claims.claim("user:" + names.key("Alice"), 1), "its name is held, here or away"
    _refused(later.done(later.session(), Login("Alice")), Code.NAME_REGISTERED)


def test_a_password_and_its_sha256_are_the_same() -> None:
    house = AccountHouse()
    house.registered("Alice")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    for given in (digest, digest.upper()):
        answer = house.done(house.session(), Login("Alice", password_sha256=given))
        assert isinstance(answer, LoggedIn)
    answer = house.done(house.session(), Register("Bob", password_sha256=hashlib.sha256(b"bob").hexdigest()))
    assert isinstance(answer, LoggedIn), "how long it is, nobody can see"
    house.logged_in("Bob", "bob")
    for bad in ("", "abc", "g" * 64, digest + "0"):
        answer = house.done(house.session(), Login("Alice", password_sha256=bad))
        assert _refused(answer, Code.BAD_REQUEST).field == "password_sha256"


def test_nothing_of_a_password_or_a_token_is_kept_as_it_came() -> None:
    house = AccountHouse()
    _, made = house.registered("Alice")
    kept = b"".join(house.records("").values())
    assert made.refresh_token is not None
    for secret in (PASSWORD, made.token, made.refresh_token):
        assert secret.encode() not in kept
        assert secret.rpartition(".")[2].encode() not in kept


def test_wrong_and_unknown_get_the_same_answer_after_the_same_work() -> None:
    house = AccountHouse()
    house.registered("Alice")
    house.passwords.started.clear()
    wrong = house.done(house.session(), Login("Alice", "wrong horse"))
    unknown = house.done(house.session(), Login("Nobody", "wrong horse"))
    invalid = house.done(house.session(), Login("not a name", "wrong horse"))
    assert wrong == unknown == invalid
    assert _refused(wrong, Code.BAD_CREDENTIALS).message == "The user name or the password is wrong."
    assert house.passwords.started == ["verify", "verify nobody", "verify nobody"]


@pytest.mark.parametrize("flaky", [False, True])
def test_nothing_is_answered_before_it_is_kept(flaky: bool) -> None:
    house = AccountHouse(flaky=flaky)
    session = house.session()
    assert house.do(session, Register("Alice", PASSWORD), "r") is None
    assert session.user is None
    while not house.records("account/"):
        assert _answers(house) == []
        assert house.turns.run()
    house.turns.run_all()
    (answer,) = _answers(house)
    assert isinstance(answer, LoggedIn)
    assert len(house.records("login/")) == 1


def test_a_registration_that_is_not_kept_gives_the_name_back() -> None:
    house = AccountHouse(flaky=True)
    house.flaky.failing = True
    session = house.session()
    _refused(house.done(session, Register("Alice", PASSWORD)), Code.READ_ONLY)
    assert session.user is None
    house.flaky.failing = False
    guest, _ = house.guest("Alice")
    house.flaky.failing = True
    _refused(house.done(guest, Register(password=PASSWORD)), Code.READ_ONLY)
    assert guest.user is not None
    assert not guest.user.account, "a guest as before"
    _refused(house.done(house.session(), Login("Alice")), Code.NAME_TAKEN)
    house.service.disconnected(guest)
    house.flaky.failing = False
    house.registered("Alice")


def test_what_the_journal_does_not_take_is_given_back_at_once() -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Bob")
    house.flaky.refusing = True
    _refused(house.done(house.session(), Register("Alice", PASSWORD)), Code.READ_ONLY)
    _refused(house.done(house.session(), Login("Bob", PASSWORD)), Code.READ_ONLY)
    _refused(house.added("Carol"), Code.READ_ONLY)
    _refused(house.told(house.admin.disable, "Bob"), Code.READ_ONLY)
    assert made.refresh_token is not None
    _refused(house.done(house.session(), Refresh(made.refresh_token)), Code.READ_ONLY)
    _refused(house.done(session, Logout()), Code.READ_ONLY)
    _refused(house.done(session, ChangePassword(PASSWORD, PASSWORD)), Code.READ_ONLY)
    house.flaky.refusing = False
    assert [view.logins for view in house.admin.all()] == [1]
    house.registered("Alice")
    house.guest("Carol")
    assert isinstance(house.done(house.session(), Refresh(made.refresh_token)), LoggedIn)
    assert house.done(session, ChangePassword(PASSWORD, PASSWORD)) == PasswordSet()
    assert house.done(session, Logout()) == LoggedOut()


def test_a_login_that_is_not_kept_is_none() -> None:
    house = AccountHouse(flaky=True)
    house.registered("Alice")
    house.flaky.failing = True
    session = house.session()
    _refused(house.done(session, Login("Alice", PASSWORD)), Code.READ_ONLY)
    assert session.user is None
    house.flaky.failing = False
    _, back = house.logged_in("Alice")
    assert back.role == "member"
    assert len(house.records("login/")) == 2
    (view,) = house.admin.all()
    assert view.logins == 2


def test_no_room_for_hashes_gives_the_name_back() -> None:
    house = AccountHouse()
    house.passwords.full = True
    refusal = _refused(house.done(house.session(), Register("Alice", PASSWORD)), Code.RATE_LIMITED)
    assert (refusal.limit, refusal.retry_after) == ("accounts.max_hashing", 2.0)
    _refused(house.done(house.session(), Login("Alice", PASSWORD)), Code.RATE_LIMITED)
    house.passwords.full = False
    house.passwords.broken = True
    _refused(house.done(house.session(), Register("Alice", PASSWORD)), Code.INTERNAL)
    _refused(house.done(house.session(), Login("Alice", PASSWORD)), Code.INTERNAL)
    house.passwords.broken = False
    house.registered("Alice")


def test_never_two_of_the_same_while_one_is_on_its_way() -> None:
    house = AccountHouse()
    first = house.session()
    assert house.do(first, Register("Alice", PASSWORD), "first") is None
    told: list[AccountView | Refusal] = []
    for step in range(2):
        _refused(house.do(house.session(), Login("alice")), Code.NAME_TAKEN)
        _refused(house.do(house.session(), Register("ALICE", PASSWORD)), Code.NAME_TAKEN)
        house.admin.add("Аlice", "0" * 64, "member", told.append)  # Cyrillic А
        if step == 0:
            assert house.turns.run()  # hashed, and on its way to the journal
    house.turns.run_all()
    assert len(house.records("account/")) == 1
    assert [_refused(answer, Code.NAME_TAKEN).field for answer in told] == ["username"] * 2
    _refused(house.do(house.session(), Login("alice")), Code.NAME_REGISTERED)
    _refused(house.done(house.session(), Register("alice", PASSWORD)), Code.NAME_TAKEN)


def test_a_line_that_drops_on_the_way_gives_the_name_back_or_leaves_the_account() -> None:
    house = AccountHouse()
    early = house.session()
    house.do(early, Register("Early", PASSWORD), "early")
    house.service.disconnected(early)
    house.turns.run_all()
    assert early.user is None
    assert not house.records("account/")
    house.registered("Early")
    late = house.session()
    house.do(late, Register("Late", PASSWORD), "late")
    house.turns.run()  # hashed, and on its way to the journal
    house.service.disconnected(late)
    house.turns.run_all()
    assert late.user is None
    assert sum(request in ("early", "late") for _, request, _ in house.outlet.answered) == 2
    house.logged_in("Late")
    waiting = house.session()
    house.do(waiting, Login("Late", PASSWORD), "login")
    house.service.disconnected(waiting)
    house.turns.run_all()
    hashed = house.session()
    house.do(hashed, Login("Late", PASSWORD), "login")
    house.turns.run()
    house.service.disconnected(hashed)
    house.turns.run_all()
    assert len(house.records("login/")) == 2, "Early, and Late once: nobody has the tokens of the others"
    assert waiting.user is None
    assert [session.gone for session in house.service.people.find("Late").sessions] == [False]  # type: ignore[union-attr]


def test_a_guest_cannot_take_the_name_of_an_account() -> None:
    house = AccountHouse()
    house.registered("Alice")
    plain = house.session()
    refusal = _refused(house.done(plain, Login("ALICE")), Code.NAME_REGISTERED)
    assert refusal.message == "'Alice' is registered. Log in with its password."
    assert plain.wished is None


def test_in_plain_text_the_password_may_follow_the_name() -> None:
    house = AccountHouse()
    house.registered("Alice")
    session = house.session(exclusive=True)
    refusal = _refused(house.done(session, Login("alice")), Code.NAME_REGISTERED)
    assert refusal.message == "'Alice' is registered. Type /login PASSWORD"
    assert session.wished == "Alice"
    _refused(house.done(session, Login(password="wrong horse")), Code.BAD_CREDENTIALS)
    answer = house.done(session, Login(password=PASSWORD))
    assert isinstance(answer, LoggedIn)
    assert answer.username == "Alice"
    assert session.wished is None


def test_after_three_wrong_passwords_the_line_is_closed() -> None:
    house = AccountHouse()
    house.registered("Alice")
    session = house.session(exclusive=True)
    house.done(session, Login("alice"))
    for _ in range(3):
        assert house.outlet.dismissed == []
        _refused(house.done(session, Login(password="wrong horse")), Code.BAD_CREDENTIALS)
    assert house.outlet.dismissed == [(session, "policy")]


def test_where_a_password_can_be_read_on_the_way_nobody_is_asked_for_one() -> None:
    house = AccountHouse(AccountSettings(register=True), guests=GuestSettings(allow=True))
    house.registered("Alice")
    text = Session(exclusive=True, local=False, private=False, address="192.0.2.1")
    house.service.connected(text)
    refusal = _refused(house.done(text, Login("Alice")), Code.NAME_REGISTERED)
    assert "/login" not in refusal.message
    assert text.wished is None
    far = house.far(private=False)
    for command in (
        Login("Alice", PASSWORD),
        Login("Nobody", PASSWORD),
        Login("Alice", password_sha256="0" * 64),
        Register("Bob", PASSWORD),
    ):
        answer = house.done(far, command)
        assert _refused(answer, Code.FORBIDDEN).limit == "accounts.allow_plaintext_login"
    assert isinstance(house.done(house.far(), Login("Alice", PASSWORD)), LoggedIn), "by TLS"
    open_house = AccountHouse(AccountSettings(allow_plaintext_login=True))
    open_house.registered("Alice")
    assert isinstance(open_house.done(open_house.far(private=False), Login("Alice", PASSWORD)), LoggedIn)


def test_a_guest_who_registers_keeps_name_id_and_place() -> None:
    house = AccountHouse()
    guest, before = house.guest("Alice")
    bob, _ = house.guest("Bob")
    house.done(bob, Whisper("Alice", "for the guest"))
    answer = house.done(guest, Register(password=PASSWORD))
    assert isinstance(answer, LoggedIn)
    assert (answer.user_id, answer.username) == (before.user_id, "Alice")
    assert guest.user is not None
    assert (guest.user.role, guest.user.account) == ("member", True)
    house.done(bob, Publish("hello"))
    assert [event.content for event in house.outlet.of(guest, MessagePosted)] == ["hello"], "once"
    _refused(house.done(house.session(), Login(token=before.token)), Code.BAD_CREDENTIALS)
    house.service.disconnected(guest)
    _, back = house.logged_in("Alice")
    assert back.user_id == before.user_id, "and his talks are his"
    later = house.again()
    _refused(later.done(later.session(), Login(token=before.token)), Code.BAD_CREDENTIALS)


def test_only_who_holds_a_name_registers_it() -> None:
    house = AccountHouse()
    alice, _ = house.guest("Alice")
    _refused(house.done(house.session(), Register("alice", PASSWORD)), Code.NAME_TAKEN)
    bob, _ = house.guest("Bob")
    _refused(house.done(bob, Register("Alice", PASSWORD)), Code.BAD_REQUEST)
    _refused(house.done(bob, Register("Carol", PASSWORD)), Code.BAD_REQUEST)
    answer = house.done(alice, Register("ALICE", PASSWORD))
    assert isinstance(answer, LoggedIn)
    assert answer.username == "Alice", "as it is shown"
    _refused(house.done(alice, Register("Alice", PASSWORD)), Code.BAD_REQUEST)


def test_a_guest_whose_line_drops_while_he_registers_is_no_guest_any_more() -> None:
    house = AccountHouse(flaky=True)
    guest, before = house.guest("Alice")
    house.do(guest, Register(password=PASSWORD), "r")
    house.turns.run()
    second = house.session()
    assert _refused(house.do(second, Login(token=before.token)), Code.RATE_LIMITED).retry_after == 1
    house.service.disconnected(guest)
    _refused(house.do(house.session(), Login("Alice")), Code.NAME_TAKEN)
    house.turns.run_all()
    _refused(house.done(second, Login(token=before.token)), Code.BAD_CREDENTIALS)
    _, back = house.logged_in("Alice")
    assert back.user_id == before.user_id


def test_reserved_names_stay_reserved() -> None:
    house = AccountHouse()
    for name in ("Server", "lobby", "ѕerver"):
        _refused(house.done(house.session(), Register(name, PASSWORD)), Code.NAME_TAKEN)
        _refused(house.added(name), Code.NAME_TAKEN)


def test_who_takes_a_name_later_reads_nothing_of_its_former_holder() -> None:
    house = AccountHouse()
    bob, _ = house.guest("Bob")
    guest, before = house.guest("Alice")
    house.done(bob, Whisper("Alice", "for the guest"))
    house.service.disconnected(guest)
    alice, made = house.registered("Alice")
    assert made.user_id != before.user_id
    house.done(bob, Whisper("Alice", "for the account"))
    assert [event.content for event in house.outlet.of(alice, WhisperPosted)] == ["for the account"]
    streams = {event.stream for event in house.outlet.of(bob, WhisperPosted)}
    assert len(streams) == 2
    _refused(house.done(house.session(), Login(token=before.token)), Code.NAME_REGISTERED)


def test_several_devices_are_one_person_until_the_last_is_gone() -> None:
    house = AccountHouse()
    phone, _ = house.registered("Alice")
    desk, _ = house.logged_in("Alice")
    bob, _ = house.guest("Bob")
    users = house.do(bob, ListUsers())
    assert isinstance(users, UserList)
    assert [user.username for user in users.users] == ["Alice", "Bob"]
    house.done(bob, Whisper("Alice", "hi"))
    house.done(phone, Publish("there"))
    for session in (phone, desk):
        assert len(house.outlet.of(session, WhisperPosted)) == 1
        assert len(house.outlet.of(session, MessagePosted)) == 1
    house.service.disconnected(phone)
    house.service.disconnected(phone)
    assert house.service.people.find("Alice") is not None
    members = house.do(bob, ListMembers())
    assert isinstance(members, MemberList)
    assert members.count == 2
    house.service.disconnected(desk)
    assert house.service.people.find("Alice") is None
    _refused(house.done(house.session(), Login("Alice")), Code.NAME_REGISTERED)


def test_where_registering_is_switched_off_or_full() -> None:
    house = AccountHouse(AccountSettings(register=False))
    refusal = _refused(house.done(house.session(), Register("Alice", PASSWORD)), Code.FORBIDDEN)
    assert refusal.limit == "accounts.register"
    assert isinstance(house.added("Alice"), AccountView)
    house = AccountHouse()
    refusal = _refused(house.done(house.far(), Register("Alice", PASSWORD)), Code.FORBIDDEN)
    assert refusal.limit == "accounts.register", "beyond loopback, somebody has to allow it"
    house = AccountHouse(AccountSettings(max_accounts=1))
    house.registered("Alice")
    refusal = _refused(house.done(house.session(), Register("Bob", PASSWORD)), Code.FORBIDDEN)
    assert refusal.limit == "accounts.max_accounts"


def test_what_a_registration_needs() -> None:
    house = AccountHouse()
    session = house.session()
    assert _refused(house.done(session, Register(password=PASSWORD)), Code.BAD_REQUEST).field == "username"
    assert _refused(house.done(session, Register("Alice")), Code.BAD_REQUEST).field == "password"
    short = _refused(house.done(session, Register("Alice", "7 chars")), Code.BAD_REQUEST)
    assert (short.field, short.limit) == ("password", "accounts.min_password")
    _refused(house.done(session, Register("a b", PASSWORD)), Code.NAME_INVALID)
    assert _refused(house.done(session, Login(password=PASSWORD)), Code.BAD_REQUEST).field == "username"
    assert _refused(house.done(session, Login("Alice", "")), Code.BAD_REQUEST).field == "password"
    house.done(session, Register("Alice", "\ud800 eight"))


def test_accounts_made_from_one_address_are_limited() -> None:
    house = AccountHouse(AccountSettings(register=True, registrations=2))
    for name in ("One", "Two"):
        assert isinstance(house.done(house.far(), Register(name, PASSWORD)), LoggedIn)
    refusal = _refused(house.done(house.far(), Register("Three", PASSWORD)), Code.RATE_LIMITED)
    assert refusal.limit == "accounts.registrations"
    assert isinstance(house.done(house.far("192.0.2.2"), Register("Three", PASSWORD)), LoggedIn)
    house.registered("Four")


def test_a_password_without_an_account_means_nothing_where_that_was_said() -> None:
    house = AccountHouse()
    answer = house.done(house.session(), Login("Alice", PASSWORD, or_guest=True))
    assert isinstance(answer, LoggedIn)
    assert answer.role is None
    house.registered("Bob")
    answer = house.done(house.session(), Login("Bob", "wrong horse", or_guest=True))
    _refused(answer, Code.BAD_CREDENTIALS)


# -- failed logins


def _fail(house: AccountHouse, session: Session, name: str, times: int) -> list[Code]:
    answers = [house.done(session, Login(name, "wrong horse")) for _ in range(times)]
    return [answer.code for answer in answers if isinstance(answer, Refusal)]


def test_failures_are_limited_by_account_and_refused_before_any_work() -> None:
    house = AccountHouse()
    house.registered("Alice")
    assert _fail(house, house.session(), "Alice", 10) == [Code.BAD_CREDENTIALS] * 10
    house.passwords.started.clear()
    for name in ("Alice", "alice", "ａｌｉｃｅ"):
        refusal = _refused(house.done(house.far(), Login(name, PASSWORD)), Code.RATE_LIMITED)
        assert refusal.limit == "accounts.attempts"
        assert refusal.retry_after == pytest.approx(30, abs=0.2)
    assert house.passwords.started == []
    house.now += 31
    house.logged_in("Alice")
    assert _fail(house, house.session(), "Nobody", 11)[-1] is Code.RATE_LIMITED, "known or not"


def test_failures_are_limited_by_address_but_not_on_this_machine() -> None:
    house = AccountHouse()
    house.registered("Alice")
    for number in range(10):
        assert _fail(house, house.far(), f"guess{number}", 1) == [Code.BAD_CREDENTIALS]
    _refused(house.done(house.far(), Login("Alice", PASSWORD)), Code.RATE_LIMITED)
    assert isinstance(house.done(house.far("192.0.2.2"), Login("Alice", PASSWORD)), LoggedIn)
    for number in range(30):
        assert _fail(house, house.session(), f"guess{number + 10}", 1) == [Code.BAD_CREDENTIALS]
    house.logged_in("Alice")


def test_only_failures_count() -> None:
    house = AccountHouse()
    house.registered("Alice")
    for _ in range(30):
        assert isinstance(house.done(house.far(), Login("Alice", PASSWORD)), LoggedIn)
    house.passwords.broken = True
    for _ in range(30):
        _refused(house.done(house.far(), Login("Alice", PASSWORD)), Code.INTERNAL)
    house.passwords.broken = False
    assert isinstance(house.done(house.far(), Login("Alice", PASSWORD)), LoggedIn)


def test_tries_at_the_same_time_tell_no_more_than_one_after_another() -> None:
    house = AccountHouse()
    house.registered("Alice")
    for number in range(40):
        house.do(house.session(), Login("Alice", "wrong horse" if number else PASSWORD), number)
    house.do(house.session(), Login("Alice", PASSWORD), "last")
    house.turns.run_all()
    answers = {request: answer for _, request, answer in house.outlet.answered if request is not None}
    assert isinstance(answers[0], LoggedIn)
    codes = [answer.code for answer in answers.values() if isinstance(answer, Refusal)]
    assert codes.count(Code.BAD_CREDENTIALS) == 10
    assert isinstance(answers["last"], Refusal), "the right one, too late, looks like a wrong one"


def test_no_limits_where_none_are_wanted() -> None:
    house = AccountHouse(AccountSettings(attempts=0, registrations=0))
    assert set(_fail(house, house.far(), "Alice", 50)) == {Code.BAD_CREDENTIALS}


def test_logging_in_twice_on_one_line_is_refused() -> None:
    house = AccountHouse()
    session, _ = house.registered("Alice")
    _refused(house.done(session, Login("Alice", PASSWORD)), Code.BAD_REQUEST)
    house.done(session, Logout())
    assert isinstance(house.done(session, Login("Alice", PASSWORD)), LoggedIn)
