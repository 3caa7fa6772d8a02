"""Who sees the dashboard, and what becomes of it when the server goes: in a real browser."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.visiting import Visit, check_axe, visiting
from browser.watching import LONG, House, figures, opened, origin_of, signed_in, state, tile
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    with serving("--data", str(data)) as server:
        yield House(server, (data / "admin-password").read_text().strip())


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    with visiting(browser, house.server) as open_page:
        yield open_page


def test_it_is_for_admins(visit: Visit, house: House) -> None:
    stranger = visit("/dashboard")
    expect(stranger.locator("input[name=username]")).to_be_visible()
    member = visit("/health")
    signed_in(member, "Member", "correct horse")
    expect(member.get_by_role("heading", name="The dashboard is for administrators")).to_be_visible()
    check_axe(member, "forbidden")
    member.get_by_role("link", name="Back to the chat").click()
    expect(member).to_have_url(re.compile(r"/(#.*)?$"))


def test_whose_login_ends_sees_no_more(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    origin = origin_of(page)
    answer = page.request.post(f"{origin}/api/v1/logout", data={}, headers={"Origin": origin})
    assert answer.ok, answer.text()
    expect(page.locator("figure")).to_have_count(0, timeout=LONG)


def test_too_many_watchers_are_told_so(browser: Browser, tmp_path: Path) -> None:
    with serving("--data", str(tmp_path), HUBBUB_METRICS_MAX_WATCHERS="1") as server:
        house = House(server, (tmp_path / "admin-password").read_text().strip())
        with visiting(browser, server, "status of 429", "status of 503") as visit:
            first = opened(visit, house)
            second = visit("/health")
            signed_in(second, "admin", house.password)
            expect(second.get_by_role("heading", name="Too many dashboards are open already")).to_be_visible()
            check_axe(second, "full")
            first.close()
            second.get_by_role("button", name="Try now").click()
            expect(state(second)).to_have_class(re.compile(r"\blive\b"), timeout=LONG)


LISTEN = """() => {
    const line = document.querySelector('#app > [role=status]');
    window.told = '';
    const note = () => (window.told += line.textContent);
    new MutationObserver(note).observe(line, {childList: true, subtree: true});
}"""
"""From now on, keep what is told of the chat's line."""


def test_a_server_that_is_gone_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path))
    server = Server(*flags)
    port = server.port
    house = House(server, (tmp_path / "admin-password").read_text().strip())
    with visiting(browser, server, "ERR_", "WebSocket connection", "502") as visit:
        page = opened(visit, house)
        expect(figures(tile(page, "memory"))).to_have_text(re.compile("MiB"))
        shown = figures(tile(page, "memory")).inner_text()
        page.evaluate(LISTEN)
        server.signal(signal.SIGKILL)
        server.process.wait()
        notice = page.locator("main").get_by_role("alert")
        expect(notice).to_contain_text(re.compile(r"these figures are of \d\d:\d\d:\d\d"), timeout=LONG)
        expect(state(page)).to_have_text("Connection lost")
        expect(tile(page, "memory")).to_be_visible()
        assert "MiB" in shown
        check_axe(page, "lost")
        again = Server(*flags, listen=(f"127.0.0.1:{port}",))
        notice.get_by_role("button", name="Try now").click()
        expect(state(page)).to_have_text("Live", timeout=LONG)
        assert page.evaluate("window.told") == ""  # the chat's own line is none of the dashboard's
        expect(page.get_by_text(re.compile(r"The server was started anew at \d\d:\d\d:\d\d"))).to_be_visible()
        check_axe(page, "started anew")
    server.stop()
    assert again.stop() == 0, again.log


def test_a_browser_whose_language_is_none(visit: Visit, house: House) -> None:
    page = visit("/health")
    page.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'language', {get: () => 'en-US@posix'})"
    )
    signed_in(page, "admin", house.password)
    expect(page.locator("figure canvas").first).to_be_visible()
    assert page.evaluate("navigator.language") == "en-US@posix"


def test_the_chat_does_not_load_it(visit: Visit, house: House) -> None:
    page = visit("/health")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page.url.replace("/health", "/"))
    expect(page.locator("input[name=username]")).to_be_visible()
    assert [url for url in asked if re.search(r"dashboard|uplot|playground", url, re.IGNORECASE)] == []
    signed_in(page, "admin", house.password)
    expect(page.locator("figure canvas").first).to_be_visible()
    assert [url for url in asked if re.search(r"uplot.*\.js", url, re.IGNORECASE)] != []
