"""What whoever runs the server does with accounts, and how fast it takes effect."""

from __future__ import annotations

from core.account_house import PASSWORD, AccountHouse
from hubbub.core.administration import AccountView
from hubbub.core.answers import LoggedIn
from hubbub.core.commands import ListUsers, Login, Refresh, Register
from hubbub.core.credentials import digest
from hubbub.core.errors import Code, Refusal
from hubbub.core.settings import AccountSettings


def _refused(answer: object, code: Code) -> Refusal:
    assert isinstance(answer, Refusal), answer
    assert answer.code is code, answer
    return answer


def _view(answer: AccountView | Refusal) -> AccountView:
    assert isinstance(answer, AccountView), answer
    return answer


def test_accounts_are_made_and_listed() -> None:
    house = AccountHouse()
    view = _view(house.added("bob", password="bob"))
    assert (view.username, view.role, view.disabled, view.online, view.logins) == (
        "bob",
        "member",
        False,
        False,
        0,
    )
    assert view.created == "1970-01-12T13:46:40.000Z"
    _view(house.added("Alice", "admin"))
    session, answer = house.logged_in("bob", "bob")
    assert answer.user_id == view.user_id
    assert [(one.username, one.online, one.logins) for one in house.admin.all()] == [
        ("Alice", False, 0),
        ("bob", True, 1),
    ]
    house.service.disconnected(session)
    later = house.again()
    assert [one.role for one in later.admin.all()] == ["admin", "member"]


def test_a_name_that_cannot_be_is_refused() -> None:
    house = AccountHouse(AccountSettings(max_accounts=1))
    _refused(house.added("a b"), Code.NAME_INVALID)
    _view(house.added("Alice"))
    _refused(house.added("ALICE"), Code.NAME_TAKEN)
    assert _refused(house.added("Bob"), Code.FORBIDDEN).limit == "accounts.max_accounts"
    house.passwords.full = True
    assert _refused(house.added("Carol"), Code.RATE_LIMITED).limit == "accounts.max_hashing"
    _refused(house.told(house.admin.set_password, "Alice", digest("x")), Code.RATE_LIMITED)


def test_a_name_registered_under_a_guests_feet_is_settled_without_two_of_the_same() -> None:
    house = AccountHouse()
    guest, before = house.guest("Alice")
    other, _ = house.guest("Bob")
    told: list[AccountView | Refusal] = []
    house.admin.add("ALICE", digest(PASSWORD), "member", told.append)
    while not told:
        assert not (guest.user is not None and house.records("account/")), "first the one, then the other"
        assert house.turns.run()
    made = _view(told[0])
    assert house.outlet.dismissed == [(guest, "policy")]
    assert other.user is not None
    assert made.user_id != before.user_id, "and he inherits nothing"
    _refused(house.do(house.session(), Login(token=before.token)), Code.NAME_REGISTERED)
    _refused(house.do(house.session(), Login("Alice")), Code.NAME_REGISTERED)
    house.logged_in("Alice")


def test_a_guest_who_is_registering_himself_keeps_his_name() -> None:
    house = AccountHouse()
    guest, before = house.guest("Alice")
    house.do(guest, Register(password=PASSWORD), "r")
    _refused(house.added("Alice"), Code.NAME_TAKEN)
    assert house.outlet.dismissed == []
    assert [one.user_id for one in house.admin.all()] == [before.user_id]


def test_an_account_that_is_not_kept_is_none() -> None:
    house = AccountHouse(flaky=True)
    house.flaky.failing = True
    _refused(house.added("Alice"), Code.READ_ONLY)
    house.flaky.failing = False
    house.guest("Alice")


def test_who_is_disabled_ends_at_once_everywhere() -> None:
    for flaky in (False, True):
        house = AccountHouse(flaky=flaky)
        phone, on_phone = house.registered("Alice")
        desk, at_desk = house.logged_in("Alice")
        tablet = house.session()
        house.do(tablet, Login(token=at_desk.token))
        bob, _ = house.guest("Bob")
        view = _view(house.told(house.admin.disable, "alice"))
        assert (view.disabled, view.online, view.logins) == (True, False, 0)
        assert {id(session) for session, _ in house.outlet.dismissed} == {id(phone), id(desk), id(tablet)}
        assert {reason for _, reason in house.outlet.dismissed} == {"disabled"}
        for token in (on_phone.token, at_desk.token):
            _refused(house.do(house.session(), Login(token=token)), Code.BAD_CREDENTIALS)
        assert at_desk.refresh_token is not None
        _refused(house.do(house.session(), Refresh(at_desk.refresh_token)), Code.BAD_CREDENTIALS)
        _refused(house.done(house.session(), Login("Alice", "wrong horse")), Code.BAD_CREDENTIALS)
        _refused(house.done(house.session(), Login("Alice", PASSWORD)), Code.FORBIDDEN)
        _refused(house.do(house.session(), Login("Alice")), Code.NAME_REGISTERED)
        assert house.records("login/") == {}
        assert not isinstance(house.do(bob, ListUsers()), Refusal)
        view = _view(house.told(house.admin.enable, "Alice"))
        assert not view.disabled
        _refused(house.do(house.session(), Login(token=on_phone.token)), Code.BAD_CREDENTIALS)
        house.logged_in("Alice")


def test_nobody_slips_in_while_an_account_is_disabled() -> None:
    for wait in range(8):
        house = AccountHouse(flaky=True)
        first, made = house.registered("Alice")
        assert made.refresh_token is not None
        late, refreshing = house.session(), house.session()
        told: list[AccountView | Refusal] = []
        house.do(late, Login("Alice", PASSWORD), "late")
        house.do(refreshing, Refresh(made.refresh_token), "refreshing")
        for _ in range(wait):
            house.turns.run()
        house.admin.disable("Alice", told.append)
        house.turns.run_all()
        _view(told[0])
        assert house.service.people.find("Alice") is None
        assert first.gone
        assert late.user is None
        assert refreshing.user is None
        assert house.records("login/") == {}
        assert len(house.outlet.answered) == 3, "each is answered once, whatever happens"


def test_what_comes_behind_the_end_of_a_login_does_not_bring_it_back() -> None:
    house = AccountHouse(flaky=True)
    _, made = house.registered("Alice")
    assert made.refresh_token is not None
    house.now += 60
    told: list[AccountView | Refusal] = []
    house.admin.disable("Alice", told.append)
    token, refreshing = house.session(), house.session()
    assert isinstance(house.do(token, Login(token=made.token)), LoggedIn)
    _refused(house.do(refreshing, Refresh(made.refresh_token)), Code.RATE_LIMITED)
    house.turns.run_all()
    assert token.gone
    assert house.records("login/") == {}


def test_what_is_not_kept_changes_nothing() -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Alice")
    house.flaky.failing = True
    _refused(house.told(house.admin.disable, "Alice"), Code.READ_ONLY)
    _refused(house.told(house.admin.set_role, "Alice", "admin"), Code.READ_ONLY)
    house.flaky.failing = False
    assert session.user is not None
    assert session.user.role == "member"
    assert isinstance(house.do(house.session(), Login(token=made.token)), LoggedIn)
    _view(house.told(house.admin.disable, "Alice"))


def test_one_change_of_an_account_at_a_time() -> None:
    house = AccountHouse()
    house.registered("Alice")
    told: list[AccountView | Refusal] = []
    house.admin.disable("Alice", told.append)
    house.admin.set_role("Alice", "admin", told.append)
    assert _refused(told[0], Code.RATE_LIMITED).retry_after == 1
    house.turns.run_all()
    assert _view(told[1]).disabled


def test_a_role_holds_at_once_and_after_a_restart() -> None:
    house = AccountHouse()
    session, _ = house.registered("Alice")
    _view(house.told(house.admin.set_role, "Alice", "admin"))
    assert session.user is not None
    assert session.user.role == "admin"
    assert not session.gone
    later = house.again()
    _, answer = later.logged_in("Alice")
    assert answer.role == "admin"


def test_another_password_from_outside_ends_every_login() -> None:
    house = AccountHouse()
    session, made = house.registered("Alice")
    _view(house.told(house.admin.set_password, "Alice", digest("new")))
    assert house.outlet.dismissed == [(session, "policy")]
    _refused(house.do(house.session(), Login(token=made.token)), Code.BAD_CREDENTIALS)
    _refused(house.done(house.session(), Login("Alice", PASSWORD)), Code.BAD_CREDENTIALS)
    house.logged_in("Alice", "new")


def test_who_is_not_there_cannot_be_changed() -> None:
    house = AccountHouse()
    house.guest("Guest")
    for name in ("Nobody", "Guest", "a b"):
        for ask in (house.admin.disable, house.admin.enable):
            _refused(house.told(ask, name), Code.NOT_FOUND)
        _refused(
            house.told(house.admin.set_password, name, digest("x")),
            Code.NOT_FOUND,
        )


# -- what admins do to each other (governed)


def _changed(house: AccountHouse, name: str, **wanted: object) -> AccountView | Refusal:
    told: list[AccountView | Refusal] = []
    house.admin.change(name, told.append, **wanted)  # type: ignore[arg-type] # by name
    house.turns.run_all()
    (answer,) = told
    return answer


def test_the_last_admin_stays_one_who_can_come_in() -> None:
    house = AccountHouse()
    for name in ("Alice", "Bob", "Carol"):
        _view(house.added(name, "admin"))
    _view(house.told(house.admin.disable, "Carol"))
    _view(_changed(house, "Bob", role="member"))
    assert _refused(_changed(house, "alice", role="member"), Code.FORBIDDEN).field == "role"
    assert _refused(_changed(house, "Alice", disabled=True), Code.FORBIDDEN).field == "disabled"
    _refused(_changed(house, "Alice", role="member", digest=digest("x")), Code.FORBIDDEN)
    house.logged_in("Alice")
    _view(_changed(house, "Alice", digest=digest("another")))
    _view(_changed(house, "Carol", disabled=False, role="admin"))
    view = _view(_changed(house, "Alice", role="member", disabled=True))
    assert (view.role, view.disabled) == ("member", True)
    _view(_changed(house, "Alice", role="admin"))
    assert house.admin.role(view.user_id) is None, "disabled"
    _refused(_changed(house, "Carol", disabled=True), Code.FORBIDDEN)  # Alice cannot come in
    _refused(_changed(house, "Nobody", disabled=True), Code.NOT_FOUND)
    _refused(_changed(house, "Nobody", digest=digest("x")), Code.NOT_FOUND)


def test_two_admins_cannot_take_the_role_from_each_other() -> None:
    house = AccountHouse()
    for name in ("Alice", "Bob"):
        _view(house.added(name, "admin"))
    told: list[AccountView | Refusal] = []
    house.admin.change("Alice", told.append, role="member")
    house.admin.change("Bob", told.append, disabled=True)
    house.turns.run_all()
    _refused(told[0], Code.FORBIDDEN)
    assert _view(told[1]).role == "member"


def test_all_of_a_change_is_kept_or_none() -> None:
    house = AccountHouse(flaky=True)
    session, made = house.registered("Bob")
    house.flaky.failing = True
    _refused(_changed(house, "Bob", role="admin", digest=digest("new")), Code.READ_ONLY)
    house.flaky.failing = False
    assert not session.gone
    house.logged_in("Bob")
    view = _view(_changed(house, "Bob", role="admin", digest=digest("new")))
    assert (view.role, view.logins) == ("admin", 0)
    assert session.gone
    _refused(house.do(house.session(), Login(token=made.token)), Code.BAD_CREDENTIALS)
    house.logged_in("Bob", "new")
    house.passwords.full = True
    _refused(_changed(house, "Bob", digest=digest("newer")), Code.RATE_LIMITED)


def test_somebody_is_logged_out_everywhere_and_may_come_back() -> None:
    house = AccountHouse()
    session, made = house.registered("Bob")
    house.logged_in("Bob")
    view = _view(house.told(house.admin.log_out, "bob"))
    assert (view.online, view.logins, view.disabled) == (False, 0, False)
    assert session.gone
    _refused(house.do(house.session(), Login(token=made.token)), Code.BAD_CREDENTIALS)
    house.logged_in("Bob")


def test_accounts_are_listed_some_at_a_time() -> None:
    house = AccountHouse()
    for name in ("bob", "Alice", "Bobby", "carol"):
        _view(house.added(name))

    def names(after: str, most: int, query: str) -> tuple[list[str], bool]:
        views, more = house.admin.page(after, most, query)
        return [one.username for one in views], more

    assert names("", 2, "") == (["Alice", "Bobby"], True)
    assert names("Bobby", 2, "") == (["bob", "carol"], False)
    assert names("", 9, "BOB") == (["Bobby", "bob"], False)
    assert names("zzz", 9, "") == ([], False)
