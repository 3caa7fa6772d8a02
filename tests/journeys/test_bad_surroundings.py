"""Where things are not as they should be: storage, the clock, two tabs of one account, a server slow or gone.

(The same of the engine alone, without its markup: tests/browser/test_web_engine.py.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.visiting import entry, log_in, own_menu, register, say
from impaired import Impaired, Plan
from journeys.company import House
from journeys.company import house as house

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse"
HOUR = 3_600_000
LONG = 60_000.0
"""Milliseconds until a page has come back by itself: waits between tries grow to a quarter of a minute."""
DENIED = """
for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches']) {
    Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
}"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"


@pytest.fixture
def faults(browser: Browser) -> Iterator[list[str]]:
    """What fails in the pages: nothing may."""
    faults: list[str] = []
    yield faults
    for context in browser.contexts:
        context.close()
    assert faults == []


def opened(browser: Browser, url: str, faults: list[str], first: str = "", zone: str = "Asia/Tokyo") -> Page:
    context = browser.new_context(locale="en-GB", timezone_id=zone)
    context.add_init_script(first)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"{error}\n{error.stack}"))
    page.goto(url)
    return page


def is_there(page: Page, text: str) -> None:
    """It was said, and is kept."""
    expect(page.locator("article.sent").get_by_text(text, exact=True)).to_have_count(1, timeout=LONG)


@pytest.mark.parametrize("broken", [DENIED, FULL], ids=["denied", "full"])
def test_storage_that_is_denied_or_full(
    browser: Browser, house: House, faults: list[str], broken: str
) -> None:
    page = log_in(opened(browser, house.url, faults, broken), "alice")
    say(page, "without storage")
    is_there(page, "without storage")
    page.get_by_role("navigation").get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Dark").click()
    page.get_by_role("radio", name="简体中文").click()
    expect(page.get_by_role("tab", name="外观")).to_be_visible()
    page.get_by_role("radio", name="English").click()
    page.keyboard.press("Escape")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.get_by_role("textbox", name="Message to lobby").fill("half a word")
    page.reload()  # nothing was kept here, and who one is was not kept here
    expect(page.get_by_role("log").get_by_text("without storage")).to_be_visible()
    say(page, "and again")
    is_there(page, "and again")


def test_a_quota_that_is_used_up(browser: Browser, house: House, faults: list[str]) -> None:
    page = log_in(opened(browser, house.url, faults), "alice")
    page.evaluate(
        """() => { for (let size = 4_000_000; size > 0; size >>= 1) {
            try { for (let i = 0; ; i++) localStorage.setItem(`fill ${size} ${i}`, 'x'.repeat(size)); }
            catch { /* so much more does not fit */ }
        } }"""
    )
    box = page.get_by_role("textbox", name="Message to lobby")
    house.kill()
    box.fill("written on a full disk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log").get_by_text("written on a full disk")).to_be_visible()
    house.start()
    is_there(page, "written on a full disk")
    assert house.history() == ["alice: written on a full disk"]


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_wrong(browser: Browser, house: House, faults: list[str], hours: int) -> None:
    with house.server.websocket("bob") as bob:
        bob.ask("publish", id="1", room="lobby", content="from before")
        wrong = f"""{{
            const Right = Date, off = {hours * HOUR};
            window.Date = class extends Right {{
                constructor(...told) {{ super(...(told.length === 0 ? [Right.now() + off] : told)); }}
                static now() {{ return Right.now() + off; }}
            }};
        }}"""
        page = log_in(opened(browser, house.url, faults, wrong), "alice")
        for number in range(3):
            say(page, f"mine {number}")
            bob.ask("publish", id=f"b{number}", room="lobby", content=f"bob's {number}")
            expect(page.get_by_role("log").get_by_text(f"bob's {number}")).to_be_visible()
        contents = page.get_by_role("log").locator(".content")
        rows = ["from before"] + [f"{who} {number}" for number in range(3) for who in ("mine", "bob's")]
        expect(contents).to_have_text(rows)  # the server's order, whatever the clock says
        is_there(page, "mine 2")
        times = "[...document.querySelectorAll('article time')]"
        stamps = page.evaluate(f"{times}.map((one) => Date.parse(one.getAttribute('datetime')))")
        assert max(stamps) - min(stamps) < HOUR  # times are the server's, of one's own messages too
        bob.ask("typing", room="lobby")
        expect(page.get_by_text("bob is typing…")).to_be_visible()
        expect(page.get_by_text("bob is typing…")).to_have_count(0, timeout=LONG)


def test_two_tabs_of_one_account(browser: Browser, house: House, faults: list[str]) -> None:
    register(house.server, "alice", PASSWORD)
    page = log_in(opened(browser, house.url, faults), "alice", PASSWORD)
    second = page.context.new_page()
    second.on("pageerror", lambda error: faults.append(str(error)))
    second.goto(house.url)
    expect(second.get_by_role("navigation")).to_be_visible()
    say(page, "from the first")
    say(second, "from the second")
    for one in (page, second):
        is_there(one, "from the first")
        is_there(one, "from the second")
    with house.server.websocket("bob") as bob:
        bob.ask("whisper", id="1", to="alice", content="psst")
        for one in (page, second):
            expect(entry(one, "bob")).to_contain_text("1")
        entry(page, "bob").click()
        for one in (page, second):
            expect(entry(one, "bob")).not_to_contain_text(re.compile(r"\d"))
    second.get_by_role("navigation").get_by_role("button", name="Settings").click()
    second.get_by_role("radio", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    second.keyboard.press("Escape")
    own_menu(second, "Sign out")
    for one in (second, page):
        expect(one.get_by_label("Your name")).to_be_visible()


def test_a_server_that_is_slow(browser: Browser, house: House, faults: list[str]) -> None:
    """Half a second each way, and one that is silent for some seconds: told, and nothing twice."""
    with Impaired(house.port, 1, Plan(delay=0.4)) as line:
        page = opened(browser, f"http://127.0.0.1:{line.port}", faults)
        page.set_default_timeout(LONG)
        log_in(page, "alice")
        for number in range(5):
            page.get_by_role("textbox", name="Message to lobby").fill(f"slowly {number}")
            page.keyboard.press("Enter")
        is_there(page, "slowly 4")
    assert house.history() == [f"alice: slowly {number}" for number in range(5)]


def test_a_server_that_is_long_gone(browser: Browser, house: House, faults: list[str]) -> None:
    """What is written is kept over a reload without a server, and goes out once it is back."""
    register(house.server, "alice", PASSWORD)
    page = log_in(opened(browser, house.url, faults), "alice", PASSWORD)
    say(page, "before")
    is_there(page, "before")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    house.kill()
    told = page.get_by_role("status").filter(has_text="Trying again in")
    expect(told).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Try now").click()
    expect(told).to_be_visible(timeout=LONG)
    say(page, "into the void")
    house.start()
    page.get_by_role("button", name="Try now").click()
    is_there(page, "into the void")
    expect(told).to_have_count(0, timeout=LONG)
    assert house.history() == ["alice: before", "alice: into the void"]
