"""Files from person to person, from page to page and to whoever speaks another dialect."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.sending import choose, file, moving, names, noise, panel, under_way
from browser.visiting import Visit, check_axe, log_in, visiting
from impaired import Impaired, Plan
from serving import PATIENCE, Server, serving, until

pytestmark = pytest.mark.browser

LARGE = 96 << 20
"""Bytes: over what a page takes a digest of, and far over what may be on its way."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server, "net::", "WebSocket") as visit:
        yield visit


def talk(page: Page, name: str) -> None:
    page.evaluate("(name) => (location.hash = `#/talk/${name}`)", name)
    expect(page.get_by_role("textbox", name=f"Message to {name}")).to_be_visible()


def offer(page: Page, to: str, *files: object) -> None:
    """By the dialog, in the talk that is open."""
    dialog = choose(page, *files)
    dialog.get_by_role("switch", name=f"Straight to {to}").click()
    expect(dialog.get_by_text("Both pages must stay open.")).to_be_visible()
    dialog.get_by_role("button", name="Send one file").click()


def accept(page: Page, name: str) -> Path:
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=f"Accept: {name}").click()
    return Path(download.value.path())


def test_an_offer_is_told_accepted_and_saved(server: Server, visit: Visit) -> None:
    alice, bob = log_in(visit(), "alice"), log_in(visit(), "bob")
    talk(alice, "bob")
    offer(alice, "bob", file("../notes.txt", b"not this name"))
    expect(alice.get_by_text("This is not a name for a file")).to_be_visible()
    offer(alice, "bob", file("notes.txt", noise(700_000)))
    expect(moving(alice, "notes.txt")).to_contain_text("Waits for bob")
    expect(moving(bob, "notes.txt")).to_contain_text("alice offers you a file")
    expect(
        bob.get_by_role("status").filter(has_text="alice offers you a file: notes.txt, 684 KiB")
    ).to_be_attached()
    check_axe(bob, "offered")
    assert accept(bob, "notes.txt").read_bytes() == noise(700_000)
    expect(moving(alice, "notes.txt")).to_contain_text("Sent")
    expect(moving(bob, "notes.txt")).to_contain_text("Saved")
    expect(bob.get_by_role("status").filter(has_text="Saved: notes.txt")).to_be_attached()
    assert names(server) == [], "it is kept nowhere"
    bob.get_by_role("button", name="Remove notes.txt from the list").click()
    expect(panel(bob)).to_have_count(0)


def test_an_offer_is_declined(server: Server, visit: Visit) -> None:
    alice, bob = log_in(visit(), "alice"), log_in(visit(locale="zh-CN"), "bob")
    talk(alice, "bob")
    offer(alice, "bob", file("no.txt", b"no"))
    bob.get_by_role("button", name="拒绝: no.txt").click()
    expect(panel(bob)).to_have_count(0)
    expect(moving(alice, "no.txt")).to_contain_text("bob declined")
    alice.get_by_role("button", name="Clear what is over").click()
    expect(panel(alice)).to_have_count(0)


@pytest.mark.long
def test_either_side_breaks_it_off(browser: Browser, server: Server, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "much.bin"
    path.write_bytes(noise(LARGE // 2))
    bob = log_in(visit(locale="zh-CN"), "bob")
    with (  # on an unhindered line it may be over before anybody can click
        Impaired(server.port, 1, Plan(rate=3_000_000)) as line,
        visiting(browser, cast("Server", line), "net::", "WebSocket") as visit_slowly,
    ):
        alice = log_in(visit_slowly(), "alice")
        talk(alice, "bob")
        for one, other, word in ((alice, bob, "alice 取消了传输。"), (bob, alice, "bob cancelled it.")):
            offer(alice, "bob", path)
            bob.get_by_role("button", name="接收: much.bin").click()
            under_way(one, "much.bin")
            one.get_by_role("button", name=re.compile("^(Cancel|取消) much.bin")).click()
            expect(moving(other, "much.bin")).to_contain_text(word)
            expect(panel(one)).to_have_count(0)
            other.get_by_role("button", name=re.compile("(Remove|移除) much.bin")).click()
            expect(panel(other)).to_have_count(0)


@pytest.mark.long
def test_the_sender_is_gone_and_back(browser: Browser, server: Server, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "much.bin"
    path.write_bytes(noise(LARGE // 2))
    bob = log_in(visit(), "bob")
    with (
        Impaired(server.port, 1, Plan(rate=10_000_000)) as line,
        visiting(browser, cast("Server", line), "net::", "WebSocket") as visit_slowly,
    ):
        alice = log_in(visit_slowly(), "alice")
        talk(alice, "bob")
        offer(alice, "bob", path)
        with bob.expect_download(timeout=60_000) as download:
            bob.get_by_role("button", name="Accept: much.bin").click()
            under_way(bob, "much.bin", 0.3)
            line.cut()
        assert Path(download.value.path()).read_bytes() == path.read_bytes()
        expect(moving(alice, "much.bin")).to_contain_text("Sent")
        assert line.counts.cut > 0
        assert line.counts.up < path.stat().st_size * 1.5, "it went on where it stopped"


def test_an_offer_to_somebody_on_another_dialect_and_from_one(server: Server, visit: Visit) -> None:
    bob = server.ndjson("bob")
    alice = log_in(visit(), "alice")
    talk(alice, "bob")
    data = noise(300_000)
    offer(alice, "bob", file("lines.bin", data))
    told = bob.get("file/offer")["payload"]
    assert (told["from"], told["filename"], told["size"]) == ("alice", "lines.bin", len(data))
    bob.say("file/accept", offer=told["offer"])
    got = b""
    while len(got) < len(data):
        got += base64.b64decode(bob.get("file/chunk")["payload"]["data"])
    assert got == data
    bob.get("file/done")
    expect(moving(alice, "lines.bin")).to_contain_text("Sent")

    answer = bob.ask("file/offer", filename="<b>back.bin", size=len(data), to="alice")
    id = answer["payload"]["offer"]
    expect(moving(alice, "<b>back.bin")).to_contain_text("bob offers you a file")
    with alice.expect_download(timeout=PATIENCE * 1000) as download:
        alice.get_by_role("button", name="Accept: <b>back.bin").click()
        bob.get("file/upload")
        for at in range(0, len(data), 30_000):
            chunk = base64.b64encode(data[at : at + 30_000]).decode()
            bob.say("file/chunk", offer=id, offset=at, data=chunk)
    assert Path(download.value.path()).read_bytes() == data


def resident(browser: Browser) -> int:
    """Bytes of memory of the largest of the browser's pages, its own and those of its libraries."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [one["id"] for one in processes if one["type"] == "renderer"]
    sizes = [re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{id}/status").read_text()) for id in pages]
    return max(int(size[1]) * 1024 for size in sizes if size is not None)


@pytest.mark.long
def test_a_large_file_takes_no_memory_of_the_page(
    browser: Browser, server: Server, visit: Visit, tmp_path: Path
) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(noise(LARGE))
    alice, bob = log_in(visit(), "alice"), log_in(visit(), "bob")
    talk(alice, "bob")
    before = resident(browser)
    offer(alice, "bob", path)
    sizes: list[int] = []

    def saved() -> bool:
        sizes.append(resident(browser))
        return "Saved" in moving(bob, "large.bin").inner_text()

    with bob.expect_download(timeout=120_000) as download:
        bob.get_by_role("button", name="Accept: large.bin").click()
        for page in (bob, alice):
            under_way(page, "large.bin")
        until(saved, 60)
    assert Path(download.value.path()).read_bytes() == path.read_bytes()
    later = sorted(sizes[len(sizes) // 2 :])  # by then a page that keeps it has most of it
    assert later[len(later) // 2] - before < LARGE // 2
