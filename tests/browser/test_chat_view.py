"""The list of messages in a real browser: where it opens, that it stays there, and what of it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser.talking import GAP, LOG, NODES, TOPS, Talker, anchor, message, rest, scroll, wait_at_end, where
from browser.visiting import Visit, ask, log_in, register
from serving import Server, serving, until

pytestmark = pytest.mark.browser

LIT = """[...document.querySelectorAll('article')]
    .filter((row) => getComputedStyle(row).backgroundColor !== 'rgba(0, 0, 0, 0)').length"""
"""Messages that are shown as pointed at."""

HIDE = """(on) => {
    const tell = (name, value) => Object.defineProperty(document, name, {value, configurable: true});
    tell('visibilityState', on ? 'hidden' : 'visible');
    tell('hidden', on);
    document.dispatchEvent(new Event('visibilitychange'));
}"""
WRITE_THEN = """() => {
    const log = document.querySelector('[role=log]');
    const box = document.querySelector('main textarea');
    window.written = new Promise((done) => {
        const write = () => {
            box.value = 'three\\nlines\\nlong';
            box.dispatchEvent(new Event('input', {bubbles: true}));
            done();
        };
        new MutationObserver((_, rows) => {
            rows.disconnect();
            const sizes = new ResizeObserver(() => {
                sizes.disconnect();
                setTimeout(write);
            });
            sizes.observe([...log.querySelectorAll('article')].at(-1));
        }).observe(log, {childList: true, subtree: true});
    });
}"""
"""Write several lines between the frame that first shows the next message and the frame after it."""
MEASURED = """
const supports = CSS.supports.bind(CSS);
CSS.supports = (...what) => what[0] !== 'field-sizing' && supports(...what);
document.addEventListener('DOMContentLoaded', () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('textarea { field-sizing: fixed !important; }');
    document.adoptedStyleSheets = [sheet];
});"""
"""Make a browser one of those whose boxes do not grow by themselves."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


def read_up_to(server: Server, name: str, password: str) -> int:
    """How far an account has read in the only room."""
    _, told = ask(server, "POST", "/api/v1/login", {"username": name, "password": password})
    _, unread = ask(server, "POST", "/api/v1/unread", {"all": True}, told["token"])
    return int(unread["streams"][0]["read"])


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


def test_the_end_stays_where_the_view_shrinks_right_after_a_message(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(60)
    page = log_in(visit(), "alice")
    wait_at_end(page)
    before = page.evaluate(f"{LOG}.clientHeight")
    # The last row but one is shorter now. The scroll event that tells of it comes when the box has grown.
    page.evaluate(WRITE_THEN)
    talker.say()
    page.evaluate("window.written")
    wait_at_end(page)
    assert page.evaluate(f"{LOG}.clientHeight") < before - 20
    talker.say()
    expect(message(page, 62)).to_be_in_viewport()


def test_the_end_stays_while_the_box_is_measured(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    talker.say(60)
    page = visit()
    page.context.add_init_script(MEASURED)
    page.reload()
    log_in(page, "alice")
    wait_at_end(page)
    before = page.evaluate(f"{LOG}.clientHeight")
    page.get_by_role("textbox", name="Message to lobby").fill("three\nlines\nlong")
    wait_at_end(page)
    assert page.evaluate(f"{LOG}.clientHeight") < before - 20
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and more")
    rest(page)
    assert page.evaluate(GAP) <= 1
    talker.say()
    expect(message(page, 61)).to_be_in_viewport()


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
    assert page.evaluate(LIT) <= 1  # the rows have passed below a pointer at rest


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


def test_many_messages_a_second_are_all_there(server: Server, visit: Visit) -> None:
    talker = Talker(server)
    page = log_in(visit(), "alice")
    expect(page.get_by_text("Nothing was said here yet")).to_be_visible()
    talker.say(1500)
    expect(message(page, 1500)).to_be_in_viewport()
    wait_at_end(page)
    assert page.evaluate(NODES) <= 150


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
