"""Sending files in a real browser: chosen, dropped, pasted, looked at once more, refused, with every name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.sending import (
    DROP,
    PASTE,
    PIXEL,
    card,
    choose,
    fetched,
    file,
    kept,
    moving,
    names,
    noise,
    panel,
    send,
)
from browser.visiting import PHONE, Visit, check_axe, check_width, log_in, visiting
from server.test_disk_full import PretendedDisk
from serving import Server, serving, until

pytestmark = [pytest.mark.browser, pytest.mark.long]

REFUSALS = (
    ("en-GB", "large.bin", "it is larger than what this server keeps."),
    ("en-GB", "more.bin", "there is no space left for your files. Delete some first."),
    ("zh-CN", "large.bin", "文件超出了服务器允许的大小。"),
    ("zh-CN", "more.bin", "你的存储空间已满，请先删除一些文件。"),
)

REFUSED_NAMES = {
    "../../x.txt": "../../x.txt",
    "photo\u202egnp.exe": "photo\ufffdgnp.exe",
    "line\nbreak\u200b.txt": "line\ufffdbreak\ufffd.txt",
    "a" * 300 + ".txt": "a" * 300 + ".txt",
    "CON.txt": "CON.txt",
}
TAKEN_NAMES = (
    "<img src=x onerror=document.title=1>",
    "b" * 250 + ".txt",
    "名字 ' & 100%.txt",
    "&lt;b&gt;{@html 1}.txt",
    "**bold** @bob #den.txt",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server, "status of 413", "status of 503") as visit:
        yield visit


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message to")


def test_files_are_chosen_and_become_messages_in_that_order(server: Server, visit: Visit) -> None:
    alice, bob = log_in(visit(), "alice"), log_in(visit(), "bob")
    sent = {
        "first.txt": b"one\n",
        "empty.bin": b"",
        "page.html": b"<script>document.title = 'no'</script>",
        "large.bin": noise(1_500_000),
    }
    given = [file(name, data) for name, data in sent.items()]
    dialog = choose(alice, *given)
    expect(dialog.get_by_role("listitem")).to_have_count(4)
    expect(dialog).to_contain_text("1.43 MiB")
    caption = dialog.get_by_role("textbox")
    expect(caption).to_be_focused()
    alice.keyboard.type("all of *them*")
    alice.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(box(alice)).to_be_focused()
    for page in (alice, bob):
        links = page.get_by_role("log").get_by_role("link", name=re.compile("^Download "))
        expect(links).to_have_count(4)
    for name, data in sent.items():
        assert fetched(bob, name) == data
    assert names(server) == list(sent)
    assert [one["content"] for one in kept(server)] == ["all of *them*", *list(sent)[1:]]
    expect(bob.get_by_role("log").locator("em")).to_have_text("them")
    expect(panel(alice)).to_have_count(0)  # what is done leaves by itself


def test_a_file_is_taken_out_again_and_others_are_added(server: Server, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    dialog = choose(page, file("one.txt", b"1"), file("two.txt", b"2"))
    dialog.get_by_role("button", name="Take one.txt out").click()
    dialog.locator("input[type=file]").set_input_files([file("three.txt", b"3")])
    expect(dialog.get_by_role("listitem")).to_have_text([re.compile("two"), re.compile("three")])
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    dialog = choose(page, file("two.txt", b"2"))
    dialog.get_by_role("button", name="Take two.txt out").click()
    expect(dialog).to_have_count(0)
    send(page, file("three.txt", b"3"))
    expect(card(page, "three.txt")).to_be_visible()
    assert names(server) == ["three.txt"]


def test_more_than_the_limit_is_not_sent(visit: Visit) -> None:
    page = log_in(visit(), "alice")
    dialog = choose(page, *(file(f"{number}.txt", b"") for number in range(51)))
    expect(dialog.get_by_role("alert")).to_have_text("At most 50 files at once.")
    expect(dialog.get_by_role("button", name="Send 51 files")).to_be_disabled()
    dialog.get_by_role("button", name="Take 7.txt out").click()
    expect(dialog.get_by_role("button", name="Send 50 files")).to_be_enabled()


def test_dropped_and_pasted(server: Server, visit: Visit) -> None:
    alice, bob = log_in(visit(), "alice"), log_in(visit(), "bob")
    alice.evaluate(DROP, [["a.txt", "b.txt"], True])
    expect(alice.get_by_text("Drop")).to_be_visible()
    alice.evaluate(DROP, [["a.txt", "b.txt"], False])
    expect(alice.get_by_text("Drop")).to_have_count(0)
    alice.get_by_role("button", name="Send 2 files").click()
    assert fetched(bob, "b.txt") == b"bytes of b.txt"
    expect(box(alice)).to_be_focused()
    alice.evaluate(PASTE, list(PIXEL))
    expect(alice.get_by_role("dialog").locator("img")).to_be_visible()
    alice.keyboard.press("Enter")
    expect(bob.get_by_role("button", name="View image.png")).to_be_visible()
    assert fetched(bob, "image.png") == PIXEL
    assert names(server) == ["a.txt", "b.txt", "image.png"]


def test_a_folder_is_not_sent_as_a_file(server: Server, visit: Visit, tmp_path: Path) -> None:
    page = log_in(visit(), "alice")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inside.txt").write_text("inside")
    (tmp_path / "beside.txt").write_text("beside")
    place = page.get_by_role("log").bounding_box()
    assert place is not None
    devtools = page.context.new_cdp_session(page)
    data = {
        "items": [],
        "files": [str(tmp_path / "folder"), str(tmp_path / "beside.txt")],
        "dragOperationsMask": 1,
    }
    where = {"x": place["x"] + 50, "y": place["y"] + 50}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})
    expect(page.get_by_text("A folder cannot be sent from here.")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_text([re.compile("beside.txt")])
    page.get_by_role("button", name="Send one file").click()
    assert fetched(page, "beside.txt") == b"beside"
    assert names(server) == ["beside.txt"]


def test_names_of_files_are_shown_harmlessly(server: Server, visit: Visit) -> None:
    page = log_in(visit(viewport=PHONE), "alice")
    page.get_by_role("navigation").get_by_role("link", name="lobby").click()
    for name, shown in REFUSED_NAMES.items():
        dialog = choose(page, file(name, b"bytes"))
        expect(dialog.locator("bdi")).to_have_text(shown)
        check_width(page, "dialog")
        page.keyboard.press("Enter")
        expect(moving(page, shown[:12])).to_contain_text("a file of this name cannot be sent")
    check_width(page, "panel")
    page.get_by_role("button", name="Clear what is over").click()
    expect(panel(page)).to_have_count(0)
    send(page, *(file(name, b"bytes") for name in TAKEN_NAMES))
    for name in TAKEN_NAMES:
        assert fetched(page, name) == b"bytes"
    check_width(page, "messages")
    assert names(server) == list(TAKEN_NAMES)
    assert page.title() != "1"


@pytest.mark.parametrize(("locale", "name", "why"), REFUSALS)
def test_what_is_refused_says_why_and_the_next_one_goes(
    browser: Browser, tmp_path: Path, locale: str, name: str, why: str
) -> None:
    limits = {"HUBBUB_FILES_MAX_SIZE": "5000", "HUBBUB_FILES_QUOTA_USER": "30000"}  # of a guest, 3,000
    with (
        serving("--data", str(tmp_path / "data"), "--limits", "off", **limits) as server,
        visiting(browser, server, "status of 413") as visit,
    ):
        page = log_in(visit(locale=locale), "alice")
        size = {"large.bin": 5_001, "more.bin": 3_001}[name]
        send(page, file(name, noise(size)), file("small.txt", b"small"))
        expect(moving(page, name)).to_contain_text(why)
        expect(page.get_by_role("log").get_by_role("link", name=re.compile("small.txt"))).to_be_visible()
        assert names(server) == ["small.txt"]
        expect(page.get_by_role("status").filter(has_text=why)).to_be_attached()  # those who hear it, too
        check_axe(page, f"refused {locale}")
        page.get_by_role("button", name=re.compile(f"^(Remove|从列表移除) {name}")).click()
        expect(moving(page, name)).to_have_count(0)


def test_a_full_disk_holds_a_file_up_until_there_is_space(browser: Browser, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a full disk (needs a C compiler on Linux)")
    library = tmp_path / "full_disk.so"
    source = Path(__file__).parents[1] / "server" / "full_disk.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    disk = PretendedDisk(tmp_path, library)
    with (
        serving("--data", str(tmp_path / "data"), "--limits", "off", **disk.env) as server,
        visiting(browser, server, "status of 503") as visit,
    ):
        page = log_in(visit(), "alice")
        disk.fill()
        send(page, file("held.bin", noise(3_000_000)))
        expect(moving(page, "held.bin")).to_contain_text("The server can keep nothing now")
        expect(moving(page, "held.bin")).to_contain_text("It goes on by itself.")
        disk.free()
        page.get_by_role("button", name="Try again: held.bin").click()
        assert fetched(page, "held.bin") == noise(3_000_000)
        until(lambda: names(server) == ["held.bin"])
