"""One's own account: status, password, logins, a guest's name, and how the page looks and tells of news."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.visiting import Visit, ask, entry, log_in, own_menu, register
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse"
NEXT = "battery staple"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        register(started, "Alice", PASSWORD)
        yield started


def account(page: Page, tab: str) -> Locator:
    """The page of that name."""
    page.get_by_role("navigation").get_by_role("button", name="Settings").click()
    page.get_by_role("tab", name=tab, exact=True).click()
    return page.get_by_role("tabpanel")


def test_others_see_the_status_that_one_chooses(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice", PASSWORD)
    bob = server.websocket("Bob")
    profile = account(page, "Profile")
    expect(profile.get_by_role("radio")).to_have_count(3)  # no "Offline": others would see "Away"
    profile.get_by_role("radio", name="Busy").check()
    told = bob.get("status")["data"]
    assert (told["username"], told["status"]) == ("Alice", "busy")
    expect(page.get_by_role("radio", name="Busy")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="You: Alice Busy")).to_be_visible()


def test_another_password_ends_the_other_logins(visit: Visit, server: Server) -> None:
    elsewhere = log_in(visit(), "Alice", PASSWORD)
    page = log_in(visit(), "Alice", PASSWORD)
    panel = account(page, "Password")
    old, new = panel.get_by_label("Password until now"), panel.get_by_label("New password")
    panel.get_by_role("button", name="Change the password").click()
    expect(old).to_have_accessible_description("Enter a password.")
    old.fill("wrong")
    new.fill(NEXT)
    page.keyboard.press("Enter")
    expect(old).to_have_attribute("aria-invalid", "true")
    old.fill(PASSWORD)
    new.fill("short")
    page.keyboard.press("Enter")
    expect(new).to_have_attribute("aria-invalid", "true")
    new.fill(NEXT)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The password is changed; other logins have ended.")).to_be_visible()
    expect(old).to_have_value("")
    expect(elsewhere.get_by_role("navigation")).to_have_count(0)
    assert ask(server, "POST", "/api/v1/login", {"username": "Alice", "password": NEXT})[0] == 200
    assert ask(server, "POST", "/api/v1/login", {"username": "Alice", "password": PASSWORD})[0] == 401


def test_a_login_elsewhere_is_listed_and_ended(visit: Visit) -> None:
    elsewhere = log_in(visit(), "Alice", PASSWORD)
    page = log_in(visit(), "Alice", PASSWORD)
    panel = account(page, "Logins")
    expect(panel.get_by_text("This one")).to_have_count(1)
    ends = panel.get_by_role("button", name="End login")
    others = panel.get_by_role("listitem").filter(has=page.get_by_role("button"))
    count = others.count()
    assert count >= 1
    for left in reversed(range(count)):
        ends.first.click()
        expect(ends).to_have_count(left)
    expect(elsewhere.get_by_role("navigation")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="You: Alice Online")).to_be_visible()


def test_a_guest_keeps_its_name(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Zoe")
    page.get_by_role("textbox", name="Message to").fill("I was here as a guest")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_contain_text("I was here as a guest")
    panel = account(page, "Profile")
    expect(page.get_by_role("tab", name="Password", exact=True)).to_have_count(0)
    panel.get_by_role("button", name="Keep this name").click()
    dialog = page.get_by_role("dialog", name="Keep this name")
    password = dialog.get_by_label("New password")
    expect(password).to_be_focused()
    password.fill("short")
    page.keyboard.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Zoe is an account now.")).to_be_visible()
    expect(page.get_by_role("navigation").get_by_text("Guest")).to_have_count(0)
    expect(page.get_by_role("log")).to_contain_text("I was here as a guest")
    status, me = ask(server, "POST", "/api/v1/login", {"username": "Zoe", "password": PASSWORD})
    assert (status, me["role"]) == (200, "member")
    page.reload()
    expect(page.get_by_role("button", name="You: Zoe Online")).to_be_visible()
    own_menu(page, "Profile")
    expect(page.get_by_role("tabpanel")).to_contain_text("Member")


def test_how_the_page_looks_is_another_at_once_and_stays(visit: Visit) -> None:
    page = log_in(visit(color_scheme="light"), "Alice", PASSWORD)
    ground = "getComputedStyle(document.body).backgroundColor"
    panel = account(page, "Appearance")
    light = page.evaluate(ground)
    panel.get_by_role("radio", name="Dark").check()
    dark = page.evaluate(ground)
    assert light != dark
    row = entry(page, "lobby")
    tall = row.evaluate("(one) => one.offsetHeight")
    panel.get_by_role("radio", name="Compact").check()
    assert row.evaluate("(one) => one.offsetHeight") < tall
    panel.get_by_role("radio", name="简体中文").check()
    expect(page.get_by_role("tab", name="外观")).to_be_visible()
    expect(page.get_by_role("dialog", name="账号与设置")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="房间", exact=True)).to_be_visible()
    assert page.evaluate(ground) == dark
    assert row.evaluate("(one) => one.offsetHeight") < tall
    page.get_by_role("navigation").get_by_role("button", name="设置").click()
    page.get_by_role("tab", name="外观").click()
    page.get_by_role("radio", name="跟随系统").check()
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) == dark


def test_a_setting_is_the_same_in_another_tab(visit: Visit) -> None:
    page = log_in(visit(color_scheme="light"), "Alice", PASSWORD)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("navigation")).to_be_visible()
    account(page, "Appearance").get_by_role("radio", name="Dark").check()
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")


def test_notifications_are_asked_for_when_they_are_wished(visit: Visit) -> None:
    page = visit()
    page.evaluate("""() => {
        window.asked = 0;
        let permission = "default";
        Object.defineProperty(Notification, "permission", {get: () => permission});
        Notification.requestPermission = async () => { window.asked++; return permission = "granted"; };
    }""")
    log_in(page, "Alice", PASSWORD)
    panel = account(page, "Notifications")
    assert page.evaluate("asked") == 0  # nobody is asked before they wish for it
    panel.get_by_role("button", name="Allow").click()
    expect(panel.get_by_text("The browser shows notifications of this page.")).to_be_visible()
    assert page.evaluate("asked") == 1
    panel.get_by_role("radio", name="Nothing").check()
    expect(panel.get_by_text("The browser shows notifications of this page.")).to_have_count(0)
    panel.get_by_role("switch", name="With a sound").click()
    expect(panel.get_by_role("switch", name="With a sound")).to_be_checked()


def test_where_the_browser_says_no_it_is_told_what_helps(visit: Visit) -> None:
    page = visit()
    page.evaluate("() => { Object.defineProperty(Notification, 'permission', {get: () => 'denied'}); }")
    log_in(page, "Alice", PASSWORD)
    panel = account(page, "Notifications")
    expect(panel.get_by_text("This browser was told not to show notifications")).to_be_visible()
