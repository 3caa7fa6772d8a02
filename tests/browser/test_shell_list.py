"""The list of rooms and talks, and the ways through it: counts, presence, filter, switcher, keys, phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from browser.visiting import (
    PHONE,
    Visit,
    check_width,
    entry,
    log_in,
    own_menu,
    register,
    say,
    visiting,
)
from serving import Server, serving, until

pytestmark = pytest.mark.browser


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def test_what_is_unread_is_counted_and_what_is_read_is_not(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    bob = server.websocket("Bob")
    den, talk = entry(page, "den"), entry(page, "Bob")
    assert bob.ask("join", room="den")["type"] == "response"
    page.get_by_role("button", name="New room").click()
    page.get_by_label("Name of the room").fill("den")
    page.get_by_role("button", name="Create room").click()
    expect(den).to_have_attribute("aria-current", "page")
    entry(page, "lobby").click()
    for text in ("one", "two", "three"):
        bob.ask("publish", id=text, room="den", content=text)
    expect(den).to_have_accessible_name("den 3 unread")
    expect(page).to_have_title("• Hubbub")
    bob.ask("publish", id="four", room="den", content="come here @Alice")
    expect(den).to_have_accessible_name("den one mention of you")
    bob.ask("whisper", id="five", to="Alice", content="psst")
    expect(talk).to_have_accessible_name("Bob , Online one unread")
    den.click()
    expect(page.get_by_role("log")).to_contain_text("come here @Alice")
    expect(den).to_have_accessible_name("den")
    talk.click()
    expect(talk).to_have_accessible_name("Bob , Online")
    expect(page).to_have_title("Hubbub")


def test_the_keys_lead_to_what_is_unread(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    bob = server.websocket("Bob")
    bob.ask("publish", id="m0", room="lobby", content="hello")
    expect(page.get_by_role("log")).to_contain_text("hello")
    expect(entry(page, "lobby")).to_have_accessible_name("lobby")  # read, after a moment
    for name in ("Zoe", "Yann"):
        server.websocket(name).ask("whisper", id=f"m{name}", to="Alice", content="psst")
        expect(entry(page, name)).to_have_accessible_name(f"{name} , Online one unread")
    unread = page.get_by_role("navigation").get_by_text("one unread")
    for left in (1, 0):
        page.keyboard.press("Alt+Shift+ArrowDown")
        expect(unread).to_have_count(left)
    entry(page, "lobby").click()
    server.websocket("Xenia").ask("whisper", id="mX", to="Alice", content="psst")
    expect(entry(page, "Xenia")).to_have_accessible_name("Xenia , Online one unread")
    page.keyboard.press("Alt+Shift+ArrowUp")
    expect(entry(page, "Xenia")).to_have_attribute("aria-current", "page")


def test_one_is_where_a_person_is_and_what_they_do(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    bob = server.websocket("Bob")
    bob.ask("whisper", id="m1", to="Alice", content="hi")
    talk = entry(page, "Bob")
    expect(talk).to_have_accessible_name("Bob , Online one unread")
    bob.ask("presence", status="busy")
    expect(talk).to_have_accessible_name("Bob , Busy one unread")
    bob.ask("typing", room="lobby")
    expect(entry(page, "lobby")).to_have_accessible_name("lobby Somebody is writing")
    bob.close()
    expect(talk).to_have_accessible_name("Bob , Offline one unread")


def test_the_filter_and_the_folded_part(visit: Visit, server: Server) -> None:
    register(server, "Alice", "correct horse")  # the server knows what an account has read
    page = log_in(visit(), "Alice", "correct horse")
    for name in ("Bob", "Zoe"):
        server.websocket(name).ask("whisper", id=f"m{name}", to="Alice", content="psst")
        expect(entry(page, name)).to_be_visible()
    filter_box = page.get_by_role("searchbox", name="Filter")
    filter_box.fill("zo")
    expect(entry(page, "Bob")).to_have_count(0)
    expect(entry(page, "lobby")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(entry(page, "Zoe")).to_have_attribute("aria-current", "page")
    expect(entry(page, "Zoe")).to_have_accessible_name("Zoe , Online")  # read
    filter_box.focus()
    page.keyboard.press("Escape")
    expect(filter_box).to_have_value("")
    expect(entry(page, "lobby")).to_be_visible()

    talks = page.get_by_role("button", name="Private talks")
    entry(page, "lobby").click()
    talks.click()
    expect(talks).to_have_attribute("aria-expanded", "false")
    expect(entry(page, "Zoe")).to_have_count(0)  # read
    expect(entry(page, "Bob")).to_be_visible()  # not read: it must not be missed
    page.reload()
    expect(page.get_by_role("button", name="Private talks")).to_have_attribute("aria-expanded", "false")
    expect(entry(page, "Zoe")).to_have_count(0)


def test_the_arrows_go_through_the_list(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    server.websocket("Bob").ask("whisper", id="m1", to="Alice", content="psst")
    expect(entry(page, "Bob")).to_be_visible()
    page.get_by_role("searchbox", name="Filter").focus()
    page.keyboard.press("ArrowDown")
    expect(entry(page, "lobby")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(entry(page, "Bob")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entry(page, "Bob")).to_have_attribute("aria-current", "page")


def test_the_switcher_finds_rooms_and_people_by_a_few_letters(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    server.websocket("Bartholomew")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Go to")
    expect(box).to_be_focused()
    expect(page.get_by_role("option", name="Bartholomew")).to_be_visible()
    page.keyboard.type("bmw")
    expect(page.get_by_role("option", name="Bartholomew")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_count(0)
    expect(entry(page, "Bartholomew")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.keyboard.type("lob")
    page.keyboard.press("Enter")
    expect(entry(page, "lobby")).to_have_attribute("aria-current", "page")
    page.keyboard.press("Control+k")
    expect(box).to_be_focused()
    page.keyboard.type("qqq")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_typed_before_the_switcher_is_there_is_meant_for_it(browser: Browser, server: Server) -> None:
    # Without the worker, which has all parts; and the browser of these tests has none to ask then.
    with visiting(browser, server, "reading 'waiting'") as visit:
        page = log_in(visit(service_workers="block"), "Alice")
        held: list[Route] = []
        page.route("**/assets/Switcher-*.js", lambda route: held.append(route))
        writing = page.get_by_role("textbox", name="Message to")
        writing.focus()
        page.keyboard.press("Control+k")
        page.keyboard.type("lobby")
        page.keyboard.press("Enter")
        until(lambda: page.evaluate("1") == 1 and held != [])
        held[0].continue_()
        expect(page.get_by_role("combobox", name="Go to")).to_have_value("lobby")
        page.keyboard.press("Escape")
        expect(writing).to_have_value("")
        expect(page.get_by_role("log").get_by_role("article")).to_have_count(0)


def test_the_help_for_keys_opens_outside_of_what_is_written(visit: Visit) -> None:
    page = log_in(visit(), "Alice")
    box = page.get_by_role("textbox", name="Message to")
    box.focus()
    page.keyboard.type("why?")
    expect(box).to_have_value("why?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(box).to_be_focused()  # the focus is where it was
    entry(page, "lobby").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    for what, keys in (
        ("Search in the conversation", "CtrlF"),
        ("Into the messages", "Alt↑"),
        ("Reply", "R"),
    ):
        line = page.get_by_role("dialog").locator("dl > div").filter(has_text=what)
        expect(line.get_by_role("definition")).to_have_text(keys)


def test_a_menu_by_keyboard(visit: Visit) -> None:
    page = log_in(visit(), "Alice")
    button = page.get_by_role("button", name="You: Alice Online")
    button.focus()
    page.keyboard.press("ArrowDown")
    item = page.get_by_role("menu").get_by_role("menuitemradio")
    expect(item).to_have_text(["Online", "Away", "Busy"])
    expect(item.nth(0)).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(item.nth(0)).to_be_focused()
    page.keyboard.type("b")
    expect(page.get_by_role("menuitemradio", name="Busy")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("aw")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="You: Alice Away")).to_be_focused()


def test_on_a_phone_the_list_and_the_conversation_are_two_pages(visit: Visit) -> None:
    page = log_in(visit(viewport=PHONE, has_touch=True, is_mobile=True), "Alice")
    expect(page.locator("main")).to_be_hidden()
    entry(page, "lobby").tap()
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("heading", name="lobby")).to_be_visible()
    say(page, "hello")
    check_width(page, "a conversation")
    page.get_by_role("link", name="Back").tap()
    expect(page.get_by_role("navigation")).to_be_visible()
    check_width(page, "the list")
    entry(page, "lobby").tap()
    expect(page.get_by_role("navigation")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("navigation")).to_be_visible()
    entry(page, "lobby").tap()
    page.get_by_role("button", name="Members").tap()
    members = page.get_by_role("complementary", name="Members")
    expect(members.get_by_role("button", name="Alice , Online")).to_be_visible()
    check_width(page, "the members")
    page.go_back()
    expect(members).to_have_count(0)
    expect(page.get_by_role("heading", name="lobby")).to_be_visible()
    page.get_by_role("button", name="Members").tap()
    members.get_by_role("button", name="Hide the members").tap()
    expect(members).to_have_count(0)
    expect(page.get_by_role("heading", name="lobby")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("navigation")).to_be_visible()


def test_an_address_leads_to_its_conversation(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    server.websocket("Bob").ask("whisper", id="m1", to="Alice", content="psst")
    entry(page, "Bob").click()
    expect(page).to_have_url(f"http://127.0.0.1:{server.port}/#/talk/Bob")
    page.reload()
    expect(entry(page, "Bob")).to_have_attribute("aria-current", "page")
    page.goto(f"http://127.0.0.1:{server.port}/#/settings")
    expect(page.get_by_role("tab", name="Appearance")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    entry(page, "lobby").click()
    own_menu(page, "Profile")
    expect(page.get_by_role("tab", name="Profile")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(entry(page, "lobby")).to_have_attribute("aria-current", "page")
    own_menu(page, "Profile")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(f"http://127.0.0.1:{server.port}/#/room/lobby")
    page.go_back()
    expect(entry(page, "Bob")).to_have_attribute("aria-current", "page")


def test_an_address_of_no_room_says_so(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice")
    told = page.get_by_text("There is no room nowhere, or it is private.")
    address = f"http://127.0.0.1:{server.port}/#/room/nowhere"
    page.goto(address)
    expect(told).to_be_visible()
    expect(page.get_by_text("Nothing is open")).to_be_visible()
    entry(page, "lobby").click()
    page.get_by_role("status").filter(has=told).get_by_role("button", name="Close").click()
    expect(told).to_have_count(0)
    page.goto(address)  # and again
    expect(told).to_be_visible()
    page = log_in(visit("/#/room/nowhere", viewport=PHONE), "Bob")  # there the list is all that is shown
    expect(page.get_by_text("There is no room nowhere, or it is private.")).to_be_visible()
