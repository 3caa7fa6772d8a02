"""The dashboard in a real browser, against a started server with its log on disk."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import PHONE, Visit, browsing, check_axe, check_width, visiting
from serving import Server, TextClient, serving

pytestmark = pytest.mark.browser

CHARTS = 12
LONG = 20_000.0
"""Milliseconds until something must show that takes some seconds of the server's life."""


class House(NamedTuple):
    """A server, and the password of its admin."""

    server: Server
    password: str


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with browsing(chromium) as started:
        yield started


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    with serving("--data", str(data)) as server:
        yield House(server, (data / "admin-password").read_text().strip())


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    with visiting(browser, house.server) as open_page:
        yield open_page


def origin_of(page: Page) -> str:
    return re.sub(r"(//[^/]+).*", r"\1", page.url)


def signed_in(page: Page, name: str, password: str | None) -> None:
    """Sign the page's browser in, by a cookie."""
    origin = origin_of(page)
    way = "register" if password == "correct horse" else "login"
    body = {"username": name, "password": password, "cookie": True}
    answer = page.request.post(f"{origin}/api/v1/{way}", data=body, headers={"Origin": origin})
    assert answer.ok, answer.text()
    page.goto(f"{origin}/dashboard")


def opened(visit: Visit, house: House, **options: object) -> Page:
    """The dashboard, as the admin sees it."""
    page = visit("/health", **options)
    signed_in(page, "admin", house.password)
    expect(state(page)).to_have_class(re.compile(r"\blive\b"))
    expect(page.locator("figure canvas").first).to_be_visible()
    return page


def state(page: Page) -> Locator:
    return page.locator("#feed-state")


def tile(page: Page, name: str) -> Locator:
    return page.locator(f"[data-tile={name}]")


def figures(tile: Locator) -> Locator:
    return tile.locator(".value")


def chart(page: Page, name: str) -> Locator:
    return page.locator(f"figure[data-chart={name}]")


def part(page: Page) -> Locator:
    """Which part of the hour is shown, where it is not the newest."""
    return page.locator(".tools .part")


def cursors(page: Page) -> list[str]:
    """The heads of the columns beside the charts' lines: a time, where the cursor is on one."""
    return page.locator("figure table thead th:nth-child(2)").all_inner_texts()


def seconds_pass(page: Page, count: int) -> None:
    """So many times the page has told for how long the server runs."""
    page.evaluate(
        """(count) => new Promise((done) => {
            let seen = 0;
            new MutationObserver(() => ++seen >= count && done()).observe(
                document.querySelector(".bar .title p"),
                {characterData: true, childList: true, subtree: true},
            );
        })""",
        count,
    )


def test_the_figures_are_those_of_the_server(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    names = ["Reader-1", "Reader-2", "Reader-3"]
    readers = [house.server.text(name) for name in names]
    expect(tile(page, "connections")).to_contain_text("Text 3", timeout=LONG)
    expect(figures(tile(page, "people"))).to_have_text("4", timeout=LONG)
    readers[0].send(b"hello\n" * 30)
    readers[0].settle()
    worth = re.compile(r"^\s*[1-9][\d,.]*(µs|ms|s|/s|\s)*")
    largest = chart(page, "messages").locator("tbody td:last-child")
    expect(largest).to_have_text(re.compile(r"^[1-9]\d*(\.\d)?/s$"), timeout=LONG)
    for name in ("delivery", "commit", "lag", "memory", "log"):
        expect(figures(tile(page, name))).to_have_text(worth)
    assert page.locator("figure").count() == CHARTS
    for one in readers:
        one.close()
    expect(tile(page, "connections")).not_to_contain_text("Text", timeout=LONG)


def test_the_past_is_there_at_once(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    before = chart(page, "cpu").get_by_role("button", name="Table: Processor")
    before.click()
    rows = chart(page, "cpu").locator(".values tbody tr")
    expect(rows.nth(3)).to_be_visible(timeout=LONG)
    again = opened(visit, house)
    again.get_by_role("button", name="Table: Processor").click()
    expect(chart(again, "cpu").locator(".values tbody tr").nth(3)).to_be_visible()


def test_one_cursor_and_one_zoom_for_all_charts(visit: Visit, house: House) -> None:
    page = opened(visit, house, viewport={"width": 1300, "height": 1900})
    page.get_by_role("button", name="5 min", exact=True).click()
    expect(chart(page, "refusals").locator("canvas")).to_be_visible()
    over = chart(page, "messages").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 40)
    expect(chart(page, "refusals").locator("thead th").nth(1)).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    assert len(set(cursors(page))) == 1
    page.mouse.move(5, 5)
    expect(chart(page, "refusals").locator("thead th").nth(1)).to_have_text("Last")

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(part(page)).to_have_text(re.compile(r"^\d\d:\d\d:\d\d – \d\d:\d\d:\d\d$"))
    expect(page.get_by_role("button", name="5 min", exact=True)).to_have_attribute("aria-pressed", "false")
    chart(page, "lag").locator(".u-over").dblclick()
    expect(part(page)).to_have_count(0)


def test_the_charts_by_the_keyboard(visit: Visit, house: House) -> None:
    page = opened(visit, house, viewport={"width": 1300, "height": 1900})
    page.get_by_role("button", name="5 min", exact=True).click()
    plot = chart(page, "lag").get_by_role("group", name="Event-loop lag")
    plot.focus()
    page.keyboard.press("ArrowLeft")
    spoken = chart(page, "lag").locator("[aria-live]")
    expect(spoken).to_have_text(re.compile(r"^At \d\d:\d\d:\d\d: p99 .+, Largest .+$"), timeout=LONG)
    told = spoken.inner_text()
    assert re.findall(r"\d\d:\d\d:\d\d", told) == cursors(page)[:1]
    page.keyboard.press("+")
    zoomed = part(page).inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    expect(part(page)).not_to_have_text(zoomed)
    page.keyboard.press("0")
    expect(part(page)).to_have_count(0)
    page.keyboard.press("Space")
    expect(part(page)).to_have_text(re.compile(r"^Paused at \d\d:\d\d:\d\d$"))
    expect(page.get_by_role("button", name="Resume").first).to_be_visible()
    page.keyboard.press("Space")
    expect(part(page)).to_have_count(0)


def test_paused_charts_stand_still_and_what_comes_is_not_lost(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    page.get_by_role("button", name="Table: Processor").click()
    newest = chart(page, "cpu").locator(".values tbody th").first
    page.get_by_role("button", name="Pause").first.click()
    held = newest.inner_text()
    seconds_pass(page, 2)
    assert newest.inner_text() == held
    page.get_by_role("button", name="Resume").first.click()
    expect(newest).not_to_have_text(held)


def test_connections_are_listed_sorted_and_cut_off(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    reader = house.server.text("Reader")
    other = house.server.json("Other")
    table = page.get_by_role("region", name="Open connections")
    table.scroll_into_view_if_needed()
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(3, timeout=LONG)
    expect(table.get_by_text("3 of 3")).to_be_visible()
    queue = table.get_by_role("columnheader", name="Queue")
    expect(queue).to_have_attribute("aria-sort", "descending")
    table.get_by_role("button", name="Since").click()
    expect(queue).to_have_attribute("aria-sort", "none")
    expect(rows.locator("th")).to_have_text(["admin", "Reader", "Other"], timeout=LONG)
    table.get_by_label("Filter").fill("reader text")
    expect(rows).to_have_count(1)
    table.get_by_label("Filter").fill("nobody is called so")
    expect(table.get_by_text("No connection has that")).to_be_visible()
    table.get_by_label("Filter").fill("")

    table.get_by_role("button", name="Disconnect Reader").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Reader at 127.0.0.1")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    table.get_by_role("button", name="Disconnect Reader").click()
    dialog.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Reader is disconnected")).to_be_visible()
    expect(rows.locator("th")).to_have_text(["admin", "Other"], timeout=LONG)
    _read_to_the_end(reader)
    other.close()


def _read_to_the_end(client: TextClient) -> None:
    """Until the server has closed it, which is waited for."""
    with contextlib.suppress(EOFError):
        while client.line():
            pass
    assert client.at_end()


def test_the_list_is_asked_for_only_while_it_is_seen(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lines = page.get_by_role("region", name="Server log").get_by_role("log").locator("p")
    expect(lines.first).to_be_attached()
    house.server.text("Somebody").settle()
    expect(figures(tile(page, "people"))).to_have_text("2", timeout=LONG)
    seconds_pass(page, 5)
    assert asked == []
    page.get_by_role("region", name="Open connections").scroll_into_view_if_needed()
    expect(page.get_by_role("region", name="Open connections").locator("tbody tr")).to_have_count(
        2, timeout=LONG
    )
    assert all("/api/v1/admin/connections?" in url for url in asked)
    house.server.clients[-1].close()


def test_a_page_that_nobody_sees_draws_nothing(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    expect(figures(tile(page, "people"))).to_have_text("1", timeout=LONG)
    page.evaluate(hide, True)
    page.evaluate(
        """() => {
            window.drawn = 0;
            new MutationObserver(() => window.drawn++).observe(
                document.querySelector("main"),
                {subtree: true, childList: true, characterData: true, attributes: true},
            );
        }"""
    )
    guest = house.server.text("Unseen")
    other = opened(visit, house)  # sees it: so the first page was told of it too
    expect(figures(tile(other, "people"))).to_have_text("2", timeout=LONG)
    assert page.evaluate("window.drawn") == 0
    page.evaluate(hide, False)
    expect(figures(tile(page, "people"))).to_have_text("2", timeout=LONG)
    guest.close()


def test_the_log_is_told_and_filtered(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    log = page.get_by_role("region", name="Server log")
    log.scroll_into_view_if_needed()
    lines = log.get_by_role("log").locator("p")
    guest = house.server.text("Lister")
    log.get_by_label("Filter").fill("user=Lister")
    expect(lines).to_have_count(1, timeout=LONG)
    log.get_by_role("button", name="Pause").click()
    guest.close()
    another = house.server.text("Another")
    expect(log.get_by_role("button", name=re.compile(r"Resume \(\d+ new\)"))).to_be_visible(timeout=LONG)
    log.get_by_label("Filter").fill("user=Another")
    expect(lines).to_have_text(["No line has that"])
    log.get_by_role("button", name=re.compile("Resume")).click()
    expect(lines).to_have_count(1, timeout=LONG)
    expect(lines).to_contain_text("user=Another")
    log.get_by_label("Filter").fill("")
    log.get_by_label("Level").select_option("error")
    expect(lines).to_have_text(["No line has that"])
    another.close()


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


def test_a_server_that_is_gone_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path))
    server = Server(*flags)
    port = server.port
    house = House(server, (tmp_path / "admin-password").read_text().strip())
    with visiting(browser, server, "ERR_", "WebSocket connection", "502") as visit:
        page = opened(visit, house)
        expect(figures(tile(page, "memory"))).to_have_text(re.compile("MiB"))
        shown = figures(tile(page, "memory")).inner_text()
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_it_is_accessible(visit: Visit, house: House, scheme: str, phone: bool) -> None:
    options: dict[str, object] = {"viewport": PHONE, "has_touch": True} if phone else {}
    page = opened(visit, house, color_scheme=scheme, **options)
    check_axe(page, "dashboard")
    check_width(page, "dashboard")
    page.get_by_role("button", name="Table: Messages").click()
    table = page.get_by_role("region", name="Open connections")
    table.scroll_into_view_if_needed()
    expect(table.locator("tbody tr").first).to_be_visible(timeout=LONG)
    check_axe(page, "dashboard, connections")
    check_width(page, "dashboard, connections")
    table.get_by_role("button", name="Disconnect admin").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page, "dashboard, disconnect")


def test_another_theme_is_drawn_anew(visit: Visit, house: House) -> None:
    page = opened(visit, house, color_scheme="light")
    page.get_by_role("button", name="Pause").first.click()
    chart(page, "memory").scroll_into_view_if_needed()
    brightness = """(dark) => {
        const canvas = document.querySelector("[data-chart=memory] canvas");
        const {data} = canvas.getContext("2d").getImageData(0, 0, 60, canvas.height);
        const words = [];
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) words.push(data[at + 1]);
        const mean = words.reduce((sum, one) => sum + one, 0) / words.length;
        return words.length > 20 && mean > 128 === dark;
    }"""
    page.wait_for_function(brightness, arg=False)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(brightness, arg=True)


def test_chinese(visit: Visit, house: House) -> None:
    page = opened(visit, house, locale="zh-CN")
    expect(page.get_by_role("heading", name="仪表盘")).to_be_visible()
    expect(state(page)).to_have_text("实时")
    expect(tile(page, "memory")).to_contain_text("内存")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    left = page.locator("main").evaluate(
        """(main) => [...main.querySelectorAll("h2, h3, dt, th, button, label")]
            .map((one) => one.textContent.trim()).filter((text) => /^[A-Z][a-z]+( [a-z]+)+$/.test(text))"""
    )
    assert left == []
    check_axe(page, "Chinese")
