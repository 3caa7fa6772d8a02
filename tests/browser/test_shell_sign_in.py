"""Coming in and going out: every way, every refusal where it belongs, in two languages, by keyboard alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.visiting import Visit, check_axe, log_in, own_menu, register, visiting
from serving import Server, serving

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        register(started, "Zoe", PASSWORD)
        yield started


def test_the_form_of_a_demo_is_filled_and_one_click_is_enough(browser: Browser) -> None:
    with serving("--demo") as server, visiting(browser, server) as visit:
        page = visit()
        expect(page.get_by_label("Your name")).to_have_value("alice")
        expect(page.get_by_label("Password", exact=True)).to_have_value("alice")
        for way in ("As a guest", "Register"):  # that account is nobody else's name
            page.get_by_role("tab", name=way).click()
            expect(page.get_by_label("Your name")).to_have_value("")
        expect(page.get_by_label("Password", exact=True)).to_have_value("")
        page.get_by_role("tab", name="Log in").click()
        expect(page.get_by_label("Your name")).to_have_value("alice")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("button", name="You: alice Online")).to_be_visible()
        page.reload()
        expect(page.get_by_role("button", name="You: alice Online")).to_be_visible()


def test_a_wrong_password_is_told_under_it(visit: Visit) -> None:
    page = visit()
    page.get_by_label("Your name").fill("Zoe")
    password = page.get_by_label("Password", exact=True)
    password.fill("wrong")
    page.keyboard.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description("The user name or the password is wrong.")
    expect(password).to_be_focused()
    check_axe(page, "a refusal")
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation")).to_be_visible()


def test_what_is_missing_is_told_where_it_is_missing(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="Log in").click()
    name = page.get_by_label("Your name")
    expect(name).to_have_accessible_description("Enter a name.")
    expect(name).to_be_focused()
    expect(page.get_by_label("Password", exact=True)).to_have_accessible_description("Enter a password.")


def test_a_guest_needs_a_name_that_is_nobodys(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="As a guest").click()
    expect(page.get_by_label("Password", exact=True)).to_have_count(0)
    name = page.get_by_label("Your name")
    name.fill("Zoe")
    page.keyboard.press("Enter")
    expect(name).to_have_accessible_description(
        "This name belongs to an account. Log in with its password, or take another name."
    )
    name.fill("no such name!")
    page.keyboard.press("Enter")
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Yann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You: Yann Online")).to_be_visible()


def test_registering_says_what_a_password_must_be(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Register").click()
    page.get_by_label("Your name").fill("Xenia")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_have_accessible_description("8 characters or more; the longer, the better.")
    expect(password).to_have_attribute("autocomplete", "new-password")
    password.fill("short")
    page.keyboard.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You: Xenia Online")).to_be_visible()
    own_menu(page, "Sign out")
    log_in(page, "Xenia", PASSWORD)


def test_a_password_can_be_looked_at(visit: Visit) -> None:
    page = visit()
    password = page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("type", "password")
    expect(password).to_have_attribute("autocomplete", "current-password")
    expect(page.get_by_label("Your name")).to_have_attribute("autocomplete", "username")
    password.fill("secret")
    page.get_by_role("button", name="Show the password").click()
    expect(password).to_have_attribute("type", "text")
    expect(password).to_have_value("secret")
    page.get_by_role("button", name="Hide the password").click()
    expect(password).to_have_attribute("type", "password")


def test_ways_that_are_closed_are_not_shown(browser: Browser) -> None:
    closed = serving(HUBBUB_GUESTS_ALLOW="false", HUBBUB_ACCOUNTS_REGISTER="false")
    with closed as server, visiting(browser, server) as visit:
        page = visit()
        expect(page.get_by_label("Your name")).to_be_visible()
        expect(page.get_by_role("tab")).to_have_count(0)
        check_axe(page, "one way in")


def test_signing_out_is_for_good(visit: Visit) -> None:
    page = log_in(visit(), "Zoe", PASSWORD)
    own_menu(page, "Sign out")
    expect(page.get_by_label("Your name")).to_be_visible()
    assert page.context.cookies() == []
    page.reload()
    expect(page.get_by_label("Your name")).to_be_visible()


def test_what_was_open_is_not_there_for_whoever_comes_next(visit: Visit) -> None:
    page = log_in(visit(), "Zoe", PASSWORD)
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.evaluate("new BroadcastChannel('hubbub').postMessage({kind: 'signed-out'})")  # in another tab
    log_in(page, "Wanda")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_whoever_has_unsent_messages_is_asked_before_signing_out(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Zoe", PASSWORD)
    server.signal(signal.SIGSTOP)
    try:
        page.get_by_role("textbox", name="Message to").fill("not sent yet")
        page.keyboard.press("Enter")
        own_menu(page, "Sign out")
        dialog = page.get_by_role("dialog", name="Sign out")
        expect(dialog.get_by_text("One message is not sent yet.")).to_be_visible()
        expect(dialog.get_by_role("button", name="Keep this name")).to_have_count(0)
    finally:
        server.signal(signal.SIGCONT)
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("article").filter(has_text="not sent yet")).to_be_visible()
    expect(page.get_by_text("Sending…")).to_have_count(0)
    own_menu(page, "Sign out")  # all is sent: nobody is asked
    expect(page.get_by_label("Your name")).to_be_visible()


def test_a_guest_is_asked_before_the_name_is_given_away(visit: Visit) -> None:
    page = log_in(visit(), "Wim")
    own_menu(page, "Sign out")
    dialog = page.get_by_role("dialog", name="Sign out")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    own_menu(page, "Sign out")
    page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your name")).to_be_visible()


def test_the_language_is_another_at_once_and_stays(visit: Visit) -> None:
    page = visit()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("tab", name="注册")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_browser_in_chinese_gets_chinese(visit: Visit) -> None:
    page = visit(locale="zh-CN")
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    log_in(page, "薇", None)
    expect(page.get_by_role("button", name="你： 薇 在线")).to_be_visible()


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("tab", name="Log in")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="As a guest")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Register")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.type("Zoe")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You: Zoe Online")).to_be_visible()


def test_no_line_is_told_in_the_form(browser: Browser, server: Server) -> None:
    with visiting(browser, server, "ERR_INTERNET_DISCONNECTED") as visit:
        page = visit()
        expect(page.get_by_label("Your name")).to_be_visible()
        page.context.set_offline(True)
        page.get_by_label("Your name").fill("Zoe")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        told = page.get_by_role("alert")
        expect(told).to_have_text("The server cannot be reached. Is the network up?")
        page.context.set_offline(False)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("navigation")).to_be_visible()


def test_no_script_sees_what_signs_in(visit: Visit) -> None:
    page = log_in(visit(), "Zoe", PASSWORD)
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    value = cookie["value"]
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify(Object.entries(localStorage)) + JSON.stringify(history.state)")
    assert value not in kept
    assert value not in page.content()
