"""What the kernel sees, on the dashboard: in a real browser, with probes that are attached, and without."""

from __future__ import annotations

import ctypes
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import PHONE, Visit, check_axe, check_width, visiting
from browser.watching import LONG, House, chart, opened, origin_of
from hubbub.observe.kernel.facts import FACTS
from hubbub.observe.kernel.verdict import RULES
from hubbub.server import probing
from kernel.conftest import why_no_probes
from serving import Server, TextClient, serving

browsing = pytest.mark.browser

WEB = Path(__file__).parents[2] / "web" / "src"
DESKTOP = {"width": 1280, "height": 900}
TIME = r"\d\d:\d\d:\d\d"
_PR_CAPBSET_DROP = 24  # linux/prctl.h


class Stage(NamedTuple):
    """A house in which Alice talks, and Sleeper reads nothing."""

    house: House


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if why := why_no_probes():
        pytest.skip(why)
    data = tmp_path_factory.mktemp("data")
    flags = ("--data", str(data), "--limits", "off")
    with serving(*flags, HUBBUB_PROBES_MODE="auto", HUBBUB_PROBES_EVERYTHING="true") as server:
        house = House(server, (data / "admin-password").read_text().strip())
        alice = server.text("Alice")
        with talking(alice), _sleeping(server):
            yield Stage(house)


@contextmanager
def _sleeping(server: Server) -> Iterator[None]:
    """Somebody with a small window, who logs in and reads nothing."""
    with socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # before it connects: tcp(7)
        sleeper.connect(("127.0.0.1", server.port))
        sleeper.sendall(b"Sleeper\n")
        yield


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house where nobody looks into the kernel."""
    data = tmp_path_factory.mktemp("data")
    with serving("--data", str(data)) as server:
        yield House(server, (data / "admin-password").read_text().strip())


class talking:  # noqa: N801 (it reads as a word)
    """Let somebody say a lot, and read all that comes, meanwhile."""

    def __init__(self, client: TextClient) -> None:
        self._client = client
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._say), threading.Thread(target=self._read)]

    def _say(self) -> None:
        while not self._over.wait(0.05):
            self._client.send(b"x" * 1_000 + b"\n")

    def _read(self) -> None:
        while not self._over.is_set():
            try:
                self._client.sock.recv(1 << 20)
            except TimeoutError:
                continue

    def __enter__(self) -> None:
        self._client.sock.settimeout(0.5)
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def visit(browser: Browser, stage: Stage) -> Iterator[Visit]:
    with visiting(browser, stage.house.server) as open_page:
        yield open_page


def panel(page: Page, name: str) -> Locator:
    return page.locator(f"[data-panel={name}]")


def seen(visit: Visit, house: House, **options: object) -> Page:
    """The dashboard, once figures of the kernel are there."""
    page = opened(visit, house, **{"viewport": DESKTOP, **options})
    expect(panel(page, "worst").locator("tbody tr").first).to_be_visible(timeout=LONG)
    return page


def row_of(page: Page, name: str) -> Locator:
    return panel(page, "worst").locator("tbody tr").filter(has=page.locator("button.open", has_text=name))


def evidence(page: Page, name: str) -> Locator:
    """Open what is known of somebody's connection, by the keyboard: the table is drawn anew each second."""
    expect(row_of(page, name)).to_have_count(1, timeout=LONG)
    row_of(page, name).locator("button.open").press("Enter")
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    return dialog


# -- with probes


@browsing
def test_where_the_figures_come_from_is_told(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house)
    kernel = page.get_by_role("region", name="What the kernel sees")
    expect(kernel).to_contain_text(re.compile(r"Kernel probes: \d+ are attached; each call is timed"))
    kernel.get_by_text("Details").click()
    expect(kernel.get_by_text(re.compile(r"sock_send_length, .*sys_enter"))).to_be_visible()
    expect(kernel.get_by_text(re.compile(r"\d+ % of \d+ cores?"))).to_be_visible()
    for name in ("run-queue", "kernel-disk", "sends", "send-bytes", "rtt"):
        largest = chart(page, name).locator("tbody td:last-child").first
        chart(page, name).scroll_into_view_if_needed()
        expect(largest).to_have_text(re.compile(r"^[1-9]"), timeout=LONG)


@browsing
def test_the_heat_map_shows_what_calls_took(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house)
    heat = panel(page, "heat")
    heat.scroll_into_view_if_needed()
    count = heat.locator("footer dd").first
    expect(count).to_have_text(re.compile(r"^[1-9][\d,]*$"), timeout=LONG)
    first = int(count.inner_text().replace(",", ""))
    expect(heat.locator("footer dd").nth(1)).to_have_text(re.compile("(ns|µs|ms|s)$"))
    hot = """() => {
        const canvas = document.querySelector("[data-panel=heat] canvas");
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height - 40);
        let hot = 0;
        for (let at = 0; at < data.length; at += 4) {
            hot += data[at + 3] > 250 && data[at + 2] - data[at + 1] > 60;
        }
        return hot;
    }"""
    assert page.evaluate(hot) > 50, "no cell is drawn"
    page.wait_for_function(
        """(first) => {
            const count = document.querySelector("[data-panel=heat] footer dd").innerText;
            return Number(count.replaceAll(",", "")) > first;
        }""",
        arg=first,
    )
    heat.get_by_role("button", name="Sizes of sends").click()
    expect(heat.get_by_role("heading", name="How large sends were")).to_be_visible()
    expect(heat.locator("footer dd").nth(3)).to_have_text(re.compile("[KM]iB$"))
    heat.get_by_role("button", name="Disk sync").click()
    heat.get_by_role("button", name="Table: How long it took").click()
    rows = heat.locator(".values tbody tr")
    expect(rows.first).to_be_visible()
    expect(rows.first.locator("th")).to_have_text(re.compile(f"^{TIME}$"))
    expect(rows.first.locator("td").last).to_have_text(re.compile("(µs|ms|s)$"))


@pytest.mark.long
@browsing
def test_the_heat_map_has_the_cursor_and_the_zoom_of_the_charts(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house, viewport={"width": 1280, "height": 1600})
    page.get_by_role("button", name="5 min", exact=True).click()
    heat = panel(page, "heat")
    heat.scroll_into_view_if_needed()
    expect(heat.locator("footer dd").first).to_have_text(re.compile(r"^[1-9]"), timeout=LONG)
    box = heat.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] * 0.7)
    expect(heat.locator(".tip")).to_contain_text(re.compile(f"{TIME} – {TIME}.*of", re.DOTALL))
    expect(chart(page, "sends").locator("thead th").nth(1)).to_have_text(re.compile(f"^{TIME}$"))
    page.mouse.move(5, 5)
    expect(heat.locator(".tip")).to_have_count(0)

    plot = heat.get_by_role("group", name=re.compile("^How long it took. Left and right"))
    plot.focus()
    page.keyboard.press("ArrowLeft")
    spoken = heat.locator("[aria-live]")
    expect(spoken).to_have_text(re.compile(f"^{TIME} – {TIME}, .*: (none|[\\d,]+) of [\\d,]+"), timeout=LONG)
    before = spoken.inner_text()
    page.keyboard.press("ArrowUp")
    expect(spoken).not_to_have_text(before)
    page.keyboard.press("+")
    expect(page.locator(".tools .part")).to_have_text(re.compile(f"^{TIME} – {TIME}$"))
    page.keyboard.press("0")
    expect(page.locator(".tools .part")).to_have_count(0)

    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page.locator(".tools .part")).to_have_text(re.compile(f"^{TIME} – {TIME}$"))


@browsing
def test_who_stands_out_is_told_with_the_evidence_and_why(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house)
    row = row_of(page, "Sleeper")
    expect(row).to_contain_text(re.compile(r"Text · lobby"), timeout=LONG)
    expect(row).to_contain_text(re.compile(r"[\d.]+ (KiB|MiB)"), timeout=LONG)
    unsent = panel(page, "worst").get_by_role("columnheader", name="Unsent")
    unsent.get_by_role("button").click()
    expect(unsent).to_have_attribute("aria-sort", "descending")
    expect(panel(page, "worst").locator("tbody tr").first).to_contain_text("Sleeper")

    dialog = evidence(page, "Sleeper")
    expect(dialog.get_by_text(re.compile(r"^Round-trip time, \d+ s"))).to_be_visible(timeout=LONG)
    dialog.get_by_text("All figures").click()
    expect(dialog.get_by_text("Would take")).to_be_visible()
    expect(dialog.get_by_text("State of TCP")).to_be_visible()
    dialog.get_by_role("button", name="Why is it slow?").click()
    answer = dialog.get_by_role("region", name="Sleeper, over all connections")
    expect(answer).to_be_visible(timeout=LONG)
    verdict = page.request.get(f"{origin_of(page)}/api/v1/admin/why?name=Sleeper").json()["verdict"]
    expect(answer.locator("li")).to_have_count(1)
    words = next(rule.words for rule in RULES if rule.name == verdict["rule"])
    expect(answer).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row_of(page, "Sleeper").locator("button.open")).to_be_focused()


@pytest.mark.long
@browsing
def test_who_stands_out_is_cut_off(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house)
    stage.house.server.text("Victim")
    dialog = evidence(page, "Victim")
    address = row_of(page, "Victim").locator(".address").inner_text()
    dialog.get_by_role("button", name="Disconnect").click()
    question = page.get_by_role("dialog", name="Disconnect this connection?")
    expect(question).to_contain_text(f"Victim at {address}")
    question.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Victim is disconnected")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row_of(page, "Victim")).to_have_count(0, timeout=LONG)
    happened = panel(page, "happenings").get_by_role("log").locator("p")
    expect(happened.filter(has_text="Victim").filter(has_text="closed").first).to_be_attached(timeout=LONG)


@pytest.mark.long
@browsing
def test_happenings_come_and_are_filtered_by_kind(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house)
    happenings = panel(page, "happenings")
    lines = happenings.get_by_role("log").locator("p")
    comer = stage.house.server.text("Comer")
    expect(lines.filter(has_text="Comer").filter(has_text="opened")).to_have_count(1, timeout=LONG)
    comer.close()
    expect(lines.filter(has_text="Comer").filter(has_text="closed").first).to_be_attached(timeout=LONG)
    kinds = happenings.get_by_role("group", name="Kinds that are shown").get_by_role("button")
    for index in range(kinds.count()):
        kinds.nth(index).press("Enter")
    expect(lines).to_have_text(["Nothing of that kind"])
    happenings.get_by_role("button", name=re.compile("^opened")).press("Enter")
    expect(lines.first).to_contain_text("opened")
    expect(lines.filter(has_text=re.compile(f"^{TIME}\\s*closed"))).to_have_count(0)


@pytest.mark.long
@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, pytest.param(True, marks=pytest.mark.long)])
def test_it_is_accessible_with_probes(visit: Visit, stage: Stage, scheme: str, phone: bool) -> None:
    options: dict[str, object] = {"viewport": PHONE, "has_touch": True} if phone else {}
    page = seen(visit, stage.house, color_scheme=scheme, **options)
    for name in ("heat", "worst", "paths", "happenings"):
        panel(page, name).scroll_into_view_if_needed()
    expect(panel(page, "paths").locator("[data-stage=committed]")).to_be_visible(timeout=LONG)
    check_axe(page, "the kernel")
    check_width(page, "the kernel")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "the bar may scroll away"
    panel(page, "heat").get_by_role("button", name="Table: How long it took").click()
    evidence(page, "Sleeper").get_by_text("All figures").click()
    page.get_by_role("dialog").get_by_role("button", name="Why is it slow?").click()
    expect(page.get_by_role("dialog").locator("li")).to_have_count(1, timeout=LONG)
    check_axe(page, "the evidence")
    check_width(page, "the evidence")


@pytest.mark.long
@browsing
def test_chinese_with_probes(visit: Visit, stage: Stage) -> None:
    page = seen(visit, stage.house, locale="zh-CN")
    expect(page.get_by_role("region", name="内核视角")).to_contain_text("每次调用都计时")
    dialog = evidence(page, "Sleeper")
    dialog.get_by_role("button", name="为什么慢？").click()
    expect(dialog.locator("li")).to_have_count(1, timeout=LONG)
    words = page.locator("[data-slot=kernel], dialog").evaluate_all(
        """(parts) => parts
            .flatMap((part) => [...part.querySelectorAll("h3, dt, dd, th, td, button, p, summary")])
            .map((one) => one.innerText.trim()).filter((text) => /[a-z]+ [a-z]+ [a-z]+/.test(text))"""
    )
    assert words == []


# -- without


@browsing
def test_without_probes_it_says_what_one_would_see(browser: Browser, plain: House) -> None:
    with visiting(browser, plain.server) as visit:
        page = opened(visit, plain, viewport=DESKTOP)
        kernel = page.get_by_role("region", name="What the kernel sees")
        kernel.scroll_into_view_if_needed()
        expect(kernel).to_contain_text("Without kernel probes. Why: they are switched off.")
        expect(kernel.get_by_text("hubbub serve --probes auto")).to_be_visible()
        for name in ("heat", "worst", "happenings"):
            expect(panel(page, name)).to_have_count(0)
        expect(panel(page, "paths")).to_contain_text("No message has come yet", timeout=LONG)
        check_axe(page, "without probes")
        chinese = opened(visit, plain, locale="zh-CN")
        expect(chinese.get_by_role("region", name="内核视角")).to_contain_text(
            "没有内核探针。 原因：探针已关闭。"
        )


@browsing
def test_the_path_of_a_message_is_a_waterfall(browser: Browser, plain: House) -> None:
    with visiting(browser, plain.server) as visit:
        page = opened(visit, plain, viewport=DESKTOP)
        paths = panel(page, "paths")
        paths.scroll_into_view_if_needed()
        teller, hearer = plain.server.text("Teller"), plain.server.json("Hearer")
        teller.say("once upon a time")
        rows = paths.locator("tbody tr")
        expect(rows).to_have_count(1, timeout=LONG)
        stages = paths.locator("[data-stage]")
        names = ("decided", "committed", "encoded", "written")
        for index, name in enumerate(names):
            expect(stages.nth(index)).to_have_attribute("data-stage", name)
            expect(stages.nth(index).locator(".took")).to_have_text(re.compile(r"^[\d.]+ (µs|ms|s)$"))
        heard = paths.locator("[data-stage=acknowledged]").filter(has_text="Hearer")
        expect(heard.locator(".took")).to_have_text(re.compile(r"^[\d.]+ (µs|ms|s)$"), timeout=LONG)
        (told,) = page.request.get(f"{origin_of(page)}/api/v1/admin/paths").json()["paths"]
        ends = [0, *(told[name] for name in names)]
        whole = told["written"]
        for index in range(len(names)):
            style = stages.nth(index).locator(".bar").get_attribute("style")
            found = [float(number) for number in re.findall(r"([\d.]+)%", style or "")]
            wanted = [100 * ends[index] / whole, 100 * (ends[index + 1] - ends[index]) / whole]
            assert found == pytest.approx(wanted, abs=0.01), style

        first = rows.first.get_by_role("button")
        first.press("Enter")
        said = 0
        while rows.count() < 2:  # one message a second is followed
            said += 1
            teller.say(f"and then {said}")
            teller.settle()
        expect(rows.last.get_by_role("button")).to_have_attribute("aria-pressed", "true")
        paths.get_by_role("button", name="Follow the newest").click()
        expect(rows.first.get_by_role("button")).to_have_attribute("aria-pressed", "true")
        assert "once upon" not in paths.inner_text()
        hearer.close()
        teller.close()


@pytest.mark.long
@browsing
def test_without_privilege_verdicts_are_there_still(browser: Browser, tmp_path: Path) -> None:
    server = _powerless("--data", str(tmp_path))
    try:
        house = House(server, (tmp_path / "admin-password").read_text().strip())
        with visiting(browser, server) as visit:
            page = seen(visit, house)
            server.text("Guest")
            kernel = page.get_by_role("region", name="What the kernel sees")
            expect(kernel).to_contain_text("that takes root's rights, or CAP_BPF with CAP_PERFMON")
            expect(kernel).to_contain_text("TCP_INFO and /proc")
            expect(row_of(page, "Guest")).to_be_visible(timeout=LONG)
            chart(page, "rtt").scroll_into_view_if_needed()
            largest = chart(page, "rtt").locator("tbody td:last-child")
            expect(largest).to_have_text(re.compile(r"^[1-9]"), timeout=LONG)
            for name in ("heat", "happenings"):
                expect(panel(page, name)).to_have_count(0)
            for name in ("sends", "kernel-disk"):
                expect(chart(page, name)).to_have_count(0)
            check_axe(page, "without privilege")
    finally:
        server.stop()


@pytest.mark.long
@browsing
def test_calls_that_are_not_timed_are_said_to_be_so(browser: Browser, tmp_path: Path) -> None:
    if why := why_no_probes():
        pytest.skip(why)
    with serving("--data", str(tmp_path), HUBBUB_PROBES_MODE="auto") as server:
        house = House(server, (tmp_path / "admin-password").read_text().strip())
        with visiting(browser, server) as visit:
            page = seen(visit, house)
            expect(page.get_by_text("calls are counted, not timed")).to_be_visible()
            heat = panel(page, "heat")
            heat.scroll_into_view_if_needed()
            expect(heat.get_by_role("button", name="Wait for a processor")).to_have_attribute(
                "aria-pressed", "true"
            )
            expect(heat.locator("footer dd").first).to_have_text(re.compile(r"^[1-9]"), timeout=LONG)
            heat.get_by_role("button", name="Send", exact=True).click()
            expect(heat.get_by_role("note")).to_contain_text("Calls are not timed")
            check_axe(page, "not timed")


def _powerless(*flags: str) -> Server:
    """A server without any capability, though it may be root's."""

    def start() -> Server:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in range(41):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # of this thread, and of what it starts
        return Server(*flags, env={"HUBBUB_PROBES_MODE": "auto"})

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(start).result()


# -- words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_rule_and_every_fact_has_words(language: str) -> None:
    table = (WEB / "text" / language / "kernel.ts").read_text("utf-8")
    known = set(re.findall(r'^  "(rule|do|fact|cause) (.+?)":', table, re.MULTILINE))
    wanted = {("rule", rule.name) for rule in RULES} | {("do", rule.name) for rule in RULES}
    wanted |= {("cause", rule.cause) for rule in RULES} | {("fact", name) for name in FACTS}
    assert known == wanted


def test_english_rules_are_said_as_the_server_says_them() -> None:
    table = (WEB / "text" / "en" / "kernel.ts").read_text("utf-8")
    told = dict(re.findall(r'^  "rule (.+?)": "(.+)",$', table, re.MULTILINE))
    assert told == {rule.name: rule.words for rule in RULES}


def test_reasons_that_are_translated_are_those_of_the_server() -> None:
    words = (WEB / "dashboard" / "kernel" / "words.ts").read_text("utf-8")
    told = set(re.findall(r'^  "(.+)": "why\w+",$', words, re.MULTILINE))
    assert told == {probing._OFF, probing._NOT_HERE, probing._NO_RIGHT, probing._ENDED, probing._SILENT}
