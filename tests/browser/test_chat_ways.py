"""All ways through the messages of a conversation: by a reply, a link, a search, keys, fingers and ears."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser.talking import Talker, message, messages, scroll, wait_at_end, wait_for
from browser.visiting import PHONE, Visit, check_axe, check_width, log_in
from serving import Server, serving

pytestmark = pytest.mark.browser

LATE_MEASURES = """{
    const Native = ResizeObserver;
    globalThis.ResizeObserver = class extends Native {
        constructor(told) {
            super((...given) => setTimeout(() => told(...given), 500));
        }
    };
}"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


def test_a_reply_leads_to_what_it_answers(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(1, "the question")
    first = talker.say(1, "second")["offset"]
    talker.say(300)
    talker.say(1, "the answer", reply_to=first - 1)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    quote = page.get_by_role("button", name="Go to the message that this answers")
    expect(quote).to_contain_text("the question")
    quote.click()
    question = messages(page).filter(has_text="the question")
    expect(question).to_be_in_viewport()
    expect(question).to_have_class(re.compile(r"\blit\b"))
    page.get_by_role("button", name="jump to the newest").click()
    expect(messages(page).filter(has_text="the answer")).to_be_in_viewport()
    wait_at_end(page)


def test_a_link_leads_to_its_message(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    target = talker.say(20)["offset"]
    talker.say(300)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    page.goto(f"http://127.0.0.1:{server.port}/?message={target}#/room/lobby")
    expect(message(page, 20)).to_be_in_viewport()
    expect(message(page, 20)).to_have_class(re.compile(r"\blit\b"))
    assert "message=" not in page.url


def test_what_is_searched_is_found_and_jumped_to(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(10)
    talker.say(1, "a rare <b>pangolin</b> was seen")
    talker.say(200)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    page.keyboard.press("Control+f")
    field = page.get_by_role("searchbox", name="Words to look for")
    expect(field).to_be_focused()
    field.fill("unheard")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    field.fill("pangolin seen")
    found = page.get_by_role("region", name="Search", exact=True).get_by_role("listitem")
    expect(found).to_have_count(1)
    expect(found.locator("mark")).to_have_text(["pangolin", "seen"])
    expect(found).to_contain_text("<b>pangolin</b>")
    check_axe(page, "search")
    found.get_by_role("button").click()
    expect(messages(page).filter(has_text="pangolin")).to_be_in_viewport()
    page.get_by_text("Everywhere").click()
    expect(found).to_contain_text("#lobby")
    field.fill("message")
    older = page.get_by_role("button", name="Older", exact=True)
    expect(older).to_be_visible()
    before = found.count()
    older.focus()
    page.keyboard.press("Enter")
    expect(found.nth(before).get_by_role("button")).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(page.get_by_role("textbox", name="Message to lobby")).to_be_focused()


def test_a_row_that_is_not_measured_yet_gets_the_focus_once_it_is(server: Server, visit: Visit) -> None:
    page = visit()
    page.add_init_script(LATE_MEASURES)
    page.reload()
    talker = Talker(server)
    talker.say(3)
    log_in(page, "alice")
    expect(page.get_by_role("textbox", name="Message to lobby")).to_be_focused()
    wait_for(page, "document.querySelectorAll('[role=log] article').length === 3")
    page.keyboard.press("ArrowUp")
    expect(message(page, 3)).to_be_focused()


def test_the_keyboard_goes_through_messages(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(100)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    box = page.get_by_role("textbox", name="Message to lobby")
    expect(box).to_be_focused()
    page.keyboard.press("ArrowUp")  # there is no message of one's own to edit
    expect(message(page, 100)).to_be_focused()
    for number in range(99, 59, -1):
        page.keyboard.press("ArrowUp")
        expect(message(page, number)).to_be_focused()
        expect(message(page, number)).to_be_in_viewport()
    talker.say(5)
    expect(page.get_by_role("button", name="5 new messages")).to_be_visible()
    expect(message(page, 60)).to_be_focused()
    assert page.evaluate("document.querySelectorAll('article[tabindex=\"0\"]').length") == 1
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add a reaction")).to_be_focused()
    page.keyboard.press("Escape")
    expect(message(page, 60)).to_be_focused()
    page.keyboard.press("End")
    expect(message(page, 105)).to_be_focused()
    page.keyboard.press("r")
    expect(box).to_be_focused()
    expect(page.get_by_text("Replying to bob")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Replying to bob")).to_have_count(0)


def test_only_what_arrives_is_read_out(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(120)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    told = page.locator("main [aria-live=polite]:not([role])")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
    scroll(page, -3000)
    assert told.inner_text() == ""
    talker.say(1, "good **news**")
    expect(told).to_contain_text("bob: good news")
    talker.say(20)
    expect(told).to_have_text(re.compile(r"^\d+ new messages$"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_conversation_is_accessible(server: Server, visit: Visit, theme: str) -> None:
    talker = Talker(server)
    first = talker.say(3)["offset"]
    talker.say(
        1, "**bold** `code` https://example.org @alice #lobby\n> quoted\n\n- one\n- two\n\n```ts\nx\n```\nend"
    )
    talker.say(1, "answer", reply_to=first)
    gone = talker.say(1, "gone")
    talker.ask("delete", stream=gone["stream"], offset=gone["offset"])
    talker.ask("react", stream=gone["stream"], offset=first, emoji="🎉")
    page = log_in(visit(color_scheme=theme), "alice")
    expect(page.get_by_role("button", name="🎉, 1: bob")).to_be_visible()
    messages(page).first.hover()
    check_axe(page, f"conversation, {theme}")
    page.get_by_role("button", name="Add a reaction").click()
    expect(page.get_by_role("dialog", name="Emoji")).to_be_visible()
    check_axe(page, f"emoji, {theme}")


def test_on_a_phone_a_long_press_opens_the_toolbar(server: Server, visit: Visit) -> None:
    Talker(server).say(60)
    page = log_in(visit(viewport=PHONE, has_touch=True, is_mobile=True), "alice")
    page.get_by_role("navigation").get_by_role("link", name="lobby").tap()
    wait_at_end(page)
    check_width(page, "conversation")
    expect(page.get_by_role("toolbar")).to_have_count(0)
    box = message(page, 58).bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 120, "y": box["y"] + 12}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(message(page, 58).get_by_role("toolbar")).to_be_visible()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.get_by_role("button", name="Reply").tap()
    expect(page.get_by_role("textbox", name="Message to lobby")).to_be_focused()
    # A stroke to the side does it too.
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": 120, "y": 400}]})
    for x in range(130, 220, 10):
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": 401}]})
    expect(page.get_by_role("toolbar")).to_be_visible()
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    check_axe(page, "conversation on a phone")
