"""The dashboard in a real browser, against a started server with its log on disk."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import PHONE, Visit, check_axe, check_width, visiting
from browser.watching import LONG, House, chart, figures, opened, seconds_pass, state, tile
from serving import TextClient, serving

pytestmark = pytest.mark.browser

CHARTS = 12


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    with serving("--data", str(data)) as server:
        yield House(server, (data / "admin-password").read_text().strip())


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    with visiting(browser, house.server) as open_page:
        yield open_page


def part(page: Page) -> Locator:
    """Which part of the hour is shown, where it is not the newest."""
    return page.locator(".tools .part")


def cursors(page: Page) -> list[str]:
    """The heads of the columns beside the charts' lines: a time, where the cursor is on one."""
    return page.locator("figure table thead th:nth-child(2)").all_inner_texts()


def test_the_figures_are_those_of_the_server(visit: Visit, house: House) -> None:
    page = opened(visit, house)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    names = ["Reader-1", "Reader-2", "Reader-3"]
    readers = [house.server.text(name) for name in names]
    expect(tile(page, "connections")).to_contain_text("Text 3", timeout=LONG)
    expect(figures(tile(page, "people"))).to_have_text("4", timeout=LONG)
    readers[0].send(b"hello\n" * 30)
    readers[0].settle()
    worth = re.compile(r"^\s*(noteworthy:\s*)?[1-9][\d,.]*(µs|ms|s|/s|\s)*")
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
    page.set_viewport_size({"width": 1000, "height": 500})
    expect(page.locator("canvas").first).to_be_visible(timeout=LONG)  # the charts have their height
    expect(page.get_by_role("region", name="Open connections")).not_to_be_in_viewport(timeout=LONG)
    seconds_pass(page, 1)
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
    asked = [url for url in asked if "/api/v1/admin/paths" not in url]  # they stand above
    assert asked != []
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


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, pytest.param(True, marks=pytest.mark.long)])
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
