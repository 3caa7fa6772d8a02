"""The list of messages in a real browser: where it opens, that it stays there, and all ways through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.visiting import PHONE, Visit, ask, check_axe, check_width, log_in, register
from serving import PATIENCE, Server, WebSocketClient, serving, until

pytestmark = pytest.mark.browser

LOG = "document.querySelector('[role=log]')"
GAP = f"{LOG}.scrollHeight - {LOG}.clientHeight - {LOG}.scrollTop"
"""Pixels below the view."""
NODES = "document.querySelectorAll('article').length"
TOPS = """() => Object.fromEntries([...document.querySelectorAll('article')].map(
    (row) => [row.dataset.offset, row.getBoundingClientRect().top]))"""
HIDE = """(on) => {
    const tell = (name, value) => Object.defineProperty(document, name, {value, configurable: true});
    tell('visibilityState', on ? 'hidden' : 'visible');
    tell('hidden', on);
    document.dispatchEvent(new Event('visibilitychange'));
}"""
AT_END = f"{LOG} && {GAP} <= 1 && {LOG}.matches('.ready')"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


class Talker:
    """Somebody who says many things in a room."""

    def __init__(self, server: Server, name: str = "bob") -> None:
        self._line: WebSocketClient = server.websocket(name)
        self.said = 0

    def say(self, count: int = 1, content: str = "message {n}", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for _ in range(count):
            self.said += 1
            words = content.format(n=self.said) + " and more words" * (self.said % 9)
            answer = self._line.ask("publish", id=f"m{self.said}", content=words, room="lobby", **more)
        data: dict[str, Any] = answer["data"]
        return data

    def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        return self._line.ask(action, **payload)


def messages(page: Page) -> Locator:
    return page.get_by_role("log").get_by_role("article")


def message(page: Page, number: int) -> Locator:
    """What the talker said, by its number; it is in the view or near."""
    return messages(page).filter(has_text=re.compile(rf"\bmessage {number}\b"))


def wait_for(page: Page, condition: str) -> None:
    """Wait within the page: the policy keeps Playwright's own way, which is `eval`, from it."""
    page.evaluate(
        f"""() => new Promise((done, failed) => {{
            const deadline = performance.now() + {PATIENCE * 1000};
            const look = () => {{
                if ({condition}) done();
                else if (performance.now() > deadline) failed(new Error({condition!r}));
                else requestAnimationFrame(look);
            }};
            look();
        }})"""
    )


def wait_at_end(page: Page) -> None:
    wait_for(page, AT_END)


def scroll(page: Page, pixels: int) -> None:
    """By the wheel, until it has moved and rests."""
    page.get_by_role("log").hover(position={"x": 300, "y": 200})
    before = page.evaluate(f"{LOG}.scrollTop")
    page.mouse.wheel(0, pixels)
    wait_for(page, f"{LOG}.scrollTop !== {before}")
    rest(page)


def rest(page: Page) -> None:
    """Until nothing moves for some frames, and nothing is loaded."""
    page.evaluate(
        f"""async () => {{
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            for (let still = 0, last = -1; still < 20; last = {LOG}.scrollTop) {{
                await frame();
                still = {LOG}.scrollTop === last && !document.querySelector('.pill .spinner') ? still + 1 : 0;
            }}
        }}"""
    )


def read_up_to(server: Server, name: str, password: str) -> int:
    """How far an account has read in the only room."""
    _, told = ask(server, "POST", "/api/v1/login", {"username": name, "password": password})
    _, unread = ask(server, "POST", "/api/v1/unread", {"all": True}, told["token"])
    return int(unread["streams"][0]["read"])


def anchor(page: Page) -> tuple[str, float]:
    """A message in the middle of the view, and where it is."""
    tops: dict[str, float] = page.evaluate(TOPS)
    return min(tops.items(), key=lambda one: abs(one[1] - 300))


def where(page: Page, offset: str) -> float:
    top: float = page.evaluate(TOPS)[offset]
    return top


def test_it_opens_at_the_end_and_stays_there(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(300)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    expect(message(page, 300)).to_be_in_viewport()
    assert page.evaluate(NODES) <= 150
    for number in range(301, 321):
        talker.say()
        expect(message(page, number)).to_be_in_viewport()
        assert page.evaluate(GAP) <= 1
    talker.say(content="tall\n" * 12)
    wait_at_end(page)
    page.set_viewport_size({"width": 900, "height": 500})
    wait_at_end(page)


def test_the_view_stays_while_messages_come_at_both_ends(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(400)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    scroll(page, -700)
    offset, top = anchor(page)
    talker.say(30)
    jump = page.get_by_role("button", name="30 new messages: jump to the newest")
    expect(jump).to_be_visible()
    assert where(page, offset) == pytest.approx(top, abs=1)
    oldest = min(map(int, page.evaluate(TOPS)))
    for _ in range(3):  # into the past, while more arrives
        scroll(page, -1500)
        offset, top = anchor(page)
        talker.say(10)
        rest(page)
        assert where(page, offset) == pytest.approx(top, abs=1)
        assert page.evaluate(NODES) <= 150
    assert min(map(int, page.evaluate(TOPS))) < oldest - 60
    page.get_by_role("button", name="jump to the newest").click()
    expect(message(page, 460)).to_be_in_viewport()
    wait_at_end(page)
    expect(page.get_by_role("button", name="jump to the newest")).to_have_count(0)


def test_the_end_is_left_only_upwards(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(100)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    scroll(page, -60)  # a little is enough
    talker.say(5)
    expect(page.get_by_role("button", name="5 new messages")).to_be_visible()
    assert page.evaluate(GAP) > 60
    scroll(page, 2000)
    wait_at_end(page)
    expect(page.get_by_role("button", name="jump to the newest")).to_have_count(0)


def test_all_of_a_long_history_is_reached(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(250)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    begin = page.get_by_text("This is where lobby begins.")
    page.get_by_role("log").hover()
    most = 0
    for _ in range(200):
        page.mouse.wheel(0, -900)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        most = max(most, page.evaluate(NODES))
        if begin.count() and page.evaluate(f"{LOG}.scrollTop") == 0:
            break
    expect(begin).to_be_in_viewport()
    expect(message(page, 1)).to_be_in_viewport()
    assert most <= 150
    page.get_by_role("log").focus()


def test_it_opens_at_the_first_unread(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(5)
    page = log_in(visit(), "alice")
    expect(message(page, 5)).to_be_visible()
    page.evaluate("location.hash = '#/talk/bob'")
    expect(page.get_by_role("heading", name="bob", exact=True)).to_be_visible()
    talker.say(100)
    link = page.get_by_role("navigation").get_by_role("link", name="lobby")
    expect(link).to_contain_text("100")
    link.click()
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(message(page, 6)).to_be_in_viewport()
    expect(page.get_by_role("button", name="jump to the newest")).to_be_visible()
    page.get_by_role("button", name="jump to the newest").click()
    expect(message(page, 105)).to_be_in_viewport()
    expect(link).not_to_contain_text(re.compile(r"\d"))


def test_the_first_unread_is_reached_where_it_is_far(server: Server, visit: Visit) -> None:
    register(server, "alice", "correct horse")
    talker = Talker(server)
    talker.say(5)
    page = log_in(visit(), "alice", "correct horse")
    link = page.get_by_role("navigation").get_by_role("link", name="lobby")
    expect(message(page, 5)).to_be_visible()
    until(lambda: read_up_to(server, "alice", "correct horse") == 5)
    page.evaluate("location.hash = '#/talk/bob'")
    expect(page.get_by_role("heading", name="bob", exact=True)).to_be_visible()
    talker.say(300)
    expect(link).to_contain_text("300")
    page.reload()
    link.click()
    # All that is new does not fit into one page: the newest are shown, and the way to the first of them.
    page.get_by_role("button", name="Jump to the first unread").click()
    expect(page.get_by_text("New messages", exact=True)).to_be_in_viewport()
    expect(message(page, 6)).to_be_in_viewport()
    page.get_by_role("button", name="jump to the newest").click()
    expect(message(page, 305)).to_be_in_viewport()
    wait_at_end(page)


def test_what_is_below_the_view_is_not_read(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(100)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    link = page.get_by_role("navigation").get_by_role("link", name="lobby")
    scroll(page, -900)
    talker.say(3)
    expect(link).to_contain_text("3")
    rest(page)
    expect(link).to_contain_text("3")
    scroll(page, 5000)
    expect(link).not_to_contain_text("3")


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
    field.focus()
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(page.get_by_role("textbox", name="Message to lobby")).to_be_focused()


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


def test_many_messages_a_second_are_all_there(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    page = log_in(visit(), "alice")
    expect(page.get_by_text("Nothing was said here yet")).to_be_visible()
    talker.say(1500)
    expect(message(page, 1500)).to_be_in_viewport()
    wait_at_end(page)
    assert page.evaluate(NODES) <= 150


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


def test_a_hidden_page_reads_nothing(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(3)
    page = log_in(visit(), "alice")
    expect(message(page, 3)).to_be_visible()
    # A background page of headless Chromium is visible all the same: what it says of itself is replaced.
    page.evaluate(HIDE, True)
    talker.say(2)
    link = page.get_by_role("navigation").get_by_role("link", name="lobby")
    expect(link).to_contain_text("2")
    page.evaluate(HIDE, False)
    expect(link).not_to_contain_text("2")
    until(lambda: page.evaluate(GAP) <= 1)
