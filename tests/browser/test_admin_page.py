"""The page for admins, in a real browser on a real data directory: people, rooms, limits, storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import (
    Visit,
    add_account,
    ask,
    check_axe,
    check_width,
    register,
    visiting,
)
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse"
PAGE = 50
"""Accounts in one page of the list."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    with serving("--data", str(data)) as started:
        add_account(data, "root", PASSWORD, "admin")
        yield started


def enter(page: Page, tab: str, name: str = "root") -> Page:
    """By the sign-in form, on the page for admins itself."""
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").click()
    page.get_by_role("tab", name=tab).click()
    return page


def row(page: Page, name: str) -> Locator:
    """Of the table."""
    return page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def choose(page: Page, name: str, item: str) -> None:
    row(page, name).get_by_role("button", name=f"More about {name}").click()
    page.get_by_role("menuitem", name=item).click()


def token_of(server: Server, name: str, password: str = PASSWORD) -> str | None:
    status, told = ask(server, "POST", "/api/v1/login", {"username": name, "password": password})
    return str(told["token"]) if status == 200 else None


def test_an_account_from_its_making_to_its_end(visit: Visit, server: Server) -> None:
    page = enter(visit("/admin"), "People")
    expect(row(page, "root")).to_contain_text("(you)")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog", name="Add a person")
    name = dialog.get_by_label("Name")
    expect(name).to_be_focused()
    dialog.get_by_role("button", name="Add a person").click()
    expect(name).to_have_accessible_description("Enter a name.")
    name.fill("root")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Add a person").click()
    expect(name).to_have_attribute("aria-invalid", "true")  # taken
    name.fill("Zoe")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(page, "Zoe")).to_contain_text("Member")
    assert token_of(server, "Zoe") is not None

    choose(page, "Zoe", "Make admin")
    expect(row(page, "Zoe")).to_contain_text("Admin")
    choose(page, "Zoe", "Make member")
    expect(row(page, "Zoe")).to_contain_text("Member")

    line = server.websocket()
    assert line.ask("login", username="Zoe", password=PASSWORD)["type"] == "response"
    choose(page, "Zoe", "Log out everywhere")
    assert line.get("going_away")["data"]["reason"] == "policy"

    choose(page, "Zoe", "Set a new password")
    page.get_by_role("dialog").get_by_label("New password").fill("battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Zoe has a new password.")).to_be_visible()
    assert token_of(server, "Zoe") is None
    assert token_of(server, "Zoe", "battery staple") is not None

    choose(page, "Zoe", "Disable")
    page.get_by_role("dialog", name="Disable Zoe?").get_by_role("button", name="Disable").click()
    expect(row(page, "Zoe")).to_contain_text("Disabled")
    assert token_of(server, "Zoe", "battery staple") is None
    choose(page, "Zoe", "Enable")
    expect(row(page, "Zoe")).not_to_contain_text("Disabled")
    assert token_of(server, "Zoe", "battery staple") is not None


def test_the_last_admin_stays_one(visit: Visit, server: Server) -> None:
    status, told = ask(server, "GET", "/api/v1/admin/users", token=token_of(server, "root"))
    assert status == 200
    for user in told["users"]:  # the account of the first start is an admin too
        if user["username"] != "root":
            path = f"/api/v1/admin/users/{user['username']}"
            assert ask(server, "PATCH", path, {"role": "member"}, token_of(server, "root"))[0] == 200
    page = enter(visit("/admin"), "People")
    choose(page, "root", "Make member")
    expect(page.get_by_role("status").get_by_text("'root' is the only admin.")).to_be_visible()
    expect(row(page, "root")).to_contain_text("Admin")


def test_many_people_are_searched_and_shown_page_by_page(visit: Visit, server: Server) -> None:
    token = token_of(server, "root")
    for number in range(PAGE + 2):
        body = {"username": f"p{number:03}", "password": PASSWORD}
        assert ask(server, "POST", "/api/v1/admin/users", body, token)[0] == 201
    page = enter(visit("/admin"), "People")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(PAGE + 1)  # with that of the headings
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(PAGE + 2 + 2 + 1)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    page.get_by_role("searchbox", name="Search by name").fill("P05")
    expect(rows).to_have_count(2 + 1)
    page.get_by_role("searchbox", name="Search by name").fill("nobody at all")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


def test_a_room_is_changed_and_ended(visit: Visit, server: Server) -> None:
    register(server, "Zoe", PASSWORD)
    line = server.websocket()
    line.ask("login", username="Zoe", password=PASSWORD)
    line.ask("create", room="den", private=True)
    page = enter(visit("/admin"), "Rooms")
    expect(row(page, "den")).to_contain_text("Zoe")
    choose(page, "den", "Change")
    dialog = page.get_by_role("dialog", name="Change #den")
    dialog.get_by_label("Topic").fill("<b>Tea</b> at five")
    dialog.get_by_role("switch", name="Private").click()
    dialog.get_by_label("Days kept").fill("-1")
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Days kept")).to_have_accessible_description("A number of days, 0 or more.")
    dialog.get_by_label("Days kept").fill("7")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(page, "den")).to_contain_text("<b>Tea</b> at five")
    expect(row(page, "den")).to_contain_text("7 days")
    assert line.ask("room_settings", room="den")["data"]["private"] is False

    choose(page, "den", "End the room")
    dialog = page.get_by_role("dialog", name="End #den?")
    ends = dialog.get_by_role("button", name="End the room")
    expect(ends).to_be_disabled()
    dialog.get_by_label("Type den to go on").fill("dan")
    expect(ends).to_be_disabled()
    dialog.get_by_label("Type den to go on").fill("den")
    page.keyboard.press("Enter")
    expect(row(page, "den")).to_have_count(0)
    assert line.ask("history", room="den")["type"] == "error"
    row(page, "lobby").get_by_role("button", name="More about lobby").click()
    expect(page.get_by_role("menuitem", name="End the room")).to_be_disabled()  # the default room


def test_the_limits_are_those_of_the_server(browser: Browser, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data), HUBBUB_ROOMS_MAX_ROOMS="77") as server:
        add_account(data, "root", PASSWORD, "admin")
        with visiting(browser, server) as visit:
            page = enter(visit("/admin"), "Limits")
            changed = row(page, "rooms.max_rooms")
            expect(changed.get_by_role("cell")).to_have_text(
                ["77", "10,000", "Rooms in all: a bound on memory."]
            )
            expect(row(page, "guests.allow").get_by_role("cell").first).to_have_text("on loopback only")


def test_the_storage_is_shown_compacted_and_collected(visit: Visit, server: Server) -> None:
    line = server.websocket("Bob")
    for number in range(20):
        line.ask("publish", id=f"m{number}", room="lobby", content="x" * 1000)
    page = enter(visit("/admin"), "Storage")
    log = page.get_by_role("region", name="Log")
    expect(log.get_by_text("Size")).to_be_visible()
    expect(page.get_by_role("meter", name="are free")).to_be_visible()
    expect(page.get_by_role("region", name="Search")).to_contain_text("Ready")
    log.get_by_role("button", name="Compact now").click()
    expect(log.get_by_text("Last asked for on")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Collect what nobody needs").click()
    expect(page.get_by_text("0 blobs and 0 uploads are gone: 0 B.")).to_be_visible()


def test_who_is_no_admin_is_refused_and_led_back(browser: Browser) -> None:
    with serving("--demo") as server, visiting(browser, server) as visit:
        page = visit("/admin")
        expect(page.locator("input[name=password]")).not_to_have_value("")  # the demo's account stands there
        for field in ("username", "password"):
            page.locator(f"input[name={field}]").fill("bob")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="This is for admins")).to_be_visible()
        check_axe(page, "a refusal")
        page.get_by_role("button", name="To the chat").click()
        expect(page.get_by_role("navigation")).to_be_visible()


def test_who_is_no_admin_any_more_is_refused(visit: Visit, server: Server) -> None:
    page = enter(visit("/admin"), "People")
    expect(row(page, "root")).to_be_visible()
    path = "/api/v1/admin/users/root"
    assert ask(server, "PATCH", path, {"role": "member"}, token_of(server, "root"))[0] == 200
    page.get_by_role("tab", name="Rooms").click()
    expect(page.get_by_role("heading", name="This could not be loaded")).to_be_visible()
    expect(page.get_by_text("That is for admins.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_all_of_it_by_axe_and_on_a_phone(visit: Visit, theme: str, language: str) -> None:
    page = visit("/admin", color_scheme=theme, locale=language)
    page.locator("input[name=username]").fill("root")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").click()
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(4)
    for number in range(4):
        tabs.nth(number).click()
        expect(page.locator(".skeleton")).to_have_count(0)
        check_axe(page, f"tab {number}")
    tabs.nth(0).click()
    page.get_by_role("tabpanel").locator("button").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page, "a new account")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    for number in range(4):
        tabs.nth(number).click()
        expect(page.locator(".skeleton")).to_have_count(0)
        check_width(page, f"tab {number}")
