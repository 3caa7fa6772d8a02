"""Uploads from the page over bad lines: each goes on where it stopped, and becomes one message in the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from browser.sending import card, fetched, file, moving, names, noise, panel, send, under_way, unfinished
from browser.visiting import Visit, log_in, register, visiting
from impaired import Impaired, Plan
from serving import Server, serving, until

pytestmark = pytest.mark.browser

SIZE = 40_000_000
"""Bytes; the buffers between the browser and the server take up to 16 MB of them at once."""
SLOW = Plan(rate=3_000_000)
HALF = 0.42
BREAKS = ("net::", "WebSocket", "status of 423")
"""What the browser writes down of a line that is cut."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@contextmanager
def slowly(browser: Browser, server: Server) -> Iterator[tuple[Impaired, Visit]]:
    """Over a slow line."""
    with Impaired(server.port, 1, SLOW) as line, visiting(browser, cast("Server", line), *BREAKS) as visit:
        yield line, visit


def large(tmp_path: Path, name: str, size: int = SIZE) -> Path:
    path = tmp_path / name
    path.write_bytes(noise(size))
    return path


def member(server: Server, page: Page) -> Page:
    register(server, "alice", "correct horse")
    return log_in(page, "alice", "correct horse")


def whole(server: Server, line: Impaired, page: Page, name: str, size: int = SIZE) -> None:
    """It is a message, once, and not much of it went over the line twice."""
    expect(card(page, name)).to_be_visible(timeout=60_000)
    expect(card(page, name)).to_have_count(1)
    assert names(server) == [name]
    assert line.counts.up < size * 1.5, "it went on where it stopped"


@pytest.mark.long
def test_progress_is_shown_and_a_cancelled_file_is_kept_nowhere(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    with slowly(browser, server) as (_, visit):
        page = log_in(visit(), "alice")
        send(page, large(tmp_path, "gone.bin"))
        send(page, file("next.txt", b"next"))
        under_way(page, "gone.bin")
        expect(moving(page, "gone.bin")).to_contain_text("MiB/s")
        page.set_viewport_size({"width": 240, "height": 600})  # as little as the seconds left would leave
        words = moving(page, "gone.bin").locator("small").last
        assert words.evaluate("one => one.scrollWidth <= one.clientWidth"), words.inner_text()
        expect(moving(page, "next.txt")).to_contain_text("Waits")
        assert unfinished(tmp_path / "data")
        page.get_by_role("button", name="Cancel gone.bin").click()
        expect(moving(page, "gone.bin")).to_have_count(0)
        expect(card(page, "next.txt")).to_be_visible()
        until(lambda: not unfinished(tmp_path / "data"))
        assert names(server) == ["next.txt"]


@pytest.mark.long
def test_it_goes_on_when_the_line_is_back(browser: Browser, server: Server, tmp_path: Path) -> None:
    with slowly(browser, server) as (line, visit):
        page = log_in(visit(), "alice")
        send(page, large(tmp_path, "cut.bin"))
        for least in (HALF, 0.6):
            under_way(page, "cut.bin", least)
            line.cut()
        whole(server, line, page, "cut.bin")
        assert fetched(page, "cut.bin") == noise(SIZE)


def test_it_goes_on_after_the_server_was_killed(browser: Browser, tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path / "data"), "--limits", "off")
    server = Server(*flags)
    with slowly(browser, server) as (line, visit):
        page = member(server, visit())
        send(page, large(tmp_path, "killed.bin"))
        under_way(page, "killed.bin", HALF)
        server.signal(signal.SIGKILL)
        server.process.communicate()
        expect(moving(page, "killed.bin")).to_contain_text("Interrupted. It goes on by itself.")
        with serving(*flags, listen=(f"127.0.0.1:{server.port}",)) as again:
            whole(again, line, page, "killed.bin")
            assert fetched(page, "killed.bin") == noise(SIZE)
            for context in browser.contexts:
                context.close()


@pytest.mark.long
def test_an_answer_that_is_lost_at_the_end_makes_no_second_message(browser: Browser, server: Server) -> None:
    with visiting(browser, server, "net::") as visit:
        page = log_in(visit(), "alice")
        devtools = page.context.new_cdp_session(page)
        lost: list[str] = []

        def lose(event: dict[str, Any]) -> None:
            if event["request"]["method"] == "PATCH" and not lost:
                lost.append(event["requestId"])
                failed = {"requestId": event["requestId"], "errorReason": "ConnectionReset"}
                devtools.send("Fetch.failRequest", failed)
            else:
                devtools.send("Fetch.continueRequest", {"requestId": event["requestId"]})

        devtools.on("Fetch.requestPaused", lose)
        at_the_answer = [{"urlPattern": "*/files*", "requestStage": "Response"}]
        devtools.send("Fetch.enable", {"patterns": at_the_answer})
        send(page, file("once.bin", noise(100_000)), file("after.txt", b"after"))
        expect(card(page, "after.txt")).to_be_visible()
        expect(panel(page)).to_have_count(0)
        assert lost
        assert names(server) == ["once.bin", "after.txt"]


@pytest.mark.long
def test_after_a_reload_the_same_file_goes_on(browser: Browser, server: Server, tmp_path: Path) -> None:
    path = large(tmp_path, "again.bin")
    with slowly(browser, server) as (line, visit):
        page = member(server, visit())
        warned: list[str] = []

        def leave(dialog: Dialog) -> None:
            warned.append(dialog.type)
            dialog.accept()

        page.on("dialog", leave)
        send(page, path)
        under_way(page, "again.bin", HALF)
        before = line.counts.up
        page.reload()
        assert warned == ["beforeunload"]
        expect(page.get_by_role("textbox", name="Message to")).to_be_visible()
        assert names(server) == []
        expect(moving(page, "again.bin")).to_contain_text("Choose the file again")
        chooser = moving(page, "again.bin").locator("input")
        chooser.set_input_files(file("again.bin", b"another one"))
        expect(page.get_by_text("This is not again.bin as it was")).to_be_visible()
        chooser.set_input_files(path)
        whole(server, line, page, "again.bin")
        assert line.counts.up - before < SIZE * 0.9
        assert fetched(page, "again.bin") == noise(SIZE)
        expect(panel(page)).to_have_count(0)
        page.reload()
        assert warned == ["beforeunload"], "nothing is on its way"


@pytest.mark.long
def test_other_words_make_another_message(browser: Browser, server: Server, tmp_path: Path) -> None:
    """What went with an unfinished one is not said with the next."""
    path = large(tmp_path, "words.bin")
    with slowly(browser, server) as (_, visit):
        page = member(server, visit())
        page.on("dialog", lambda dialog: dialog.accept())
        page.locator("form.composer input[type=file]").set_input_files(path)
        page.get_by_role("dialog").get_by_role("textbox").fill("not this")
        page.keyboard.press("Enter")
        under_way(page, "words.bin")
        page.reload()
        expect(page.get_by_role("textbox", name="Message to")).to_be_visible()
        send(page, path)
        expect(card(page, "words.bin")).to_be_visible(timeout=60_000)
        expect(page.get_by_text("not this")).to_have_count(0)
        page.reload()
        moving(page, "words.bin").get_by_role("button", name="Cancel words.bin").click()
        expect(panel(page)).to_have_count(0)
        page.reload()
        expect(card(page, "words.bin")).to_be_visible()
        expect(panel(page)).to_have_count(0)


@pytest.mark.long
def test_signed_out_in_the_middle_it_goes_on_as_the_same_person_only(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    register(server, "bob", "correct horse")
    with slowly(browser, server) as (line, visit):
        page = member(server, visit())
        send(page, large(tmp_path, "mine.bin"))
        under_way(page, "mine.bin", HALF)
        page.context.clear_cookies()
        line.cut()
        expect(page.get_by_role("tab").first).to_be_visible()  # the sign-in form
        log_in(page, "alice", "correct horse")
        whole(server, line, page, "mine.bin")

        send(page, large(tmp_path, "alices.bin"))
        under_way(page, "alices.bin", HALF)
        page.context.clear_cookies()
        line.cut()
        expect(page.get_by_role("tab").first).to_be_visible()
        log_in(page, "bob", "correct horse")
        expect(page.get_by_role("textbox", name="Message to")).to_be_visible()
        send(page, file("bobs.txt", b"bob"))
        expect(card(page, "bobs.txt")).to_be_visible()
        expect(panel(page)).to_have_count(0)
        assert names(server) == ["mine.bin", "bobs.txt"]


@pytest.mark.long
def test_two_tabs_send_the_same_file_and_do_not_disturb_each_other(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    path = large(tmp_path, "both.bin")
    with slowly(browser, server) as (line, visit):
        one = member(server, visit())
        other = one.context.new_page()
        other.goto(one.url)
        expect(other.get_by_role("textbox", name="Message to")).to_be_visible()
        for page in (one, other):
            send(page, path)
        until(lambda: len(unfinished(tmp_path / "data")) == 2)
        for page in (one, other):
            expect(card(page, "both.bin")).to_have_count(2, timeout=60_000)
        assert names(server) == ["both.bin"] * 2
        assert line.counts.up < SIZE * 2.4
