"""`python bench/web.py`: the web client in Chromium: its first load, a large room, messages that pour in.

What and how: bench/README.md. Writes the table there with `--write`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, Error, Page

from bench.asking import options, read, tell
from bench.browsing import (
    COMPOSER,
    NAME,
    TYPING,
    Busy,
    Visitor,
    chromium,
    empty_frames,
    nearest,
    open_room,
    scroll_up,
    traced_scroll,
)
from bench.chatter import Flood, fill
from bench.drive import HERE
from bench.ends import NotMeasuredError
from bench.found import Found, Line, table
from bench.kept import store
from bench.machine import facts, raise_file_limit
from bench.report import write_block
from bench.servers import hubbub_on, running

BEGIN = "<!-- web figures: written by `python bench/web.py --write` -->"
END = "<!-- end of web figures -->"

FIRST_LOAD = 70_000
SLOWER = 4
"""Times that the browser's processor is slowed down while a page starts."""
LONG_FRAME = 50.5
"""Milliseconds: over three refreshes, which the browser's clock shows as 50.1."""
HOLDS = 2500
"""Messages that are looked through after a flood: less than a page keeps of what came to it."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int = 3
    messages: int = 100_000
    scrolled: int = 10_000
    rate: int = 500
    seconds: float = 30.0
    empty: float = 10.0


QUICK = Size(rounds=1, messages=2_000, scrolled=500, rate=200, seconds=3.0, empty=1.0)


class Bench:
    """One run, on one server with a full room."""

    def __init__(self, size: Size, browser: Browser, port: int, found: Found) -> None:
        self.size = size
        self.browser = browser
        self.port = port
        self.found = found
        self.end = fill(port, size.messages)
        tell(f"the lobby has {self.end:,} messages")

    def _add(self, what: str, figure: float) -> None:
        self.found.add(what, figure)
        tell(f"{what}: {figure:,.3f}")

    @contextmanager
    def _measuring(self, what: str) -> Iterator[None]:
        """What goes wrong is named, and the rest goes on."""
        try:
            yield
        except (NotMeasuredError, Error) as error:
            self.found.skip(f"{what}: {str(error).splitlines()[0]}")
            tell(f"not measured: {what}: {error}")

    @contextmanager
    def _visitor(self, name: str | None) -> Iterator[Visitor]:
        visitor = Visitor(self.browser, self.port)
        try:
            if name is not None:
                visitor.register(name)
                visitor.ask("create", room=f"quiet-{name}")
                stream = visitor.ask("join", room="lobby")["stream"]
                visitor.ask("read", stream=stream, offset=self.end)
            yield visitor
        finally:
            visitor.close()

    def starts(self, number: int) -> None:
        """How soon a page can be used."""
        with self._measuring("a first visit"), self._visitor(None) as visitor:
            self._add("sign-in", visitor.interactive(NAME, SLOWER, before=False).seconds)
        with self._measuring("a start"), self._visitor(f"Starter{number}") as visitor:
            start = visitor.interactive(COMPOSER, SLOWER, before=False)
            if start.coded != {"gzip"}:
                raise NotMeasuredError(f"scripts came coded as {start.coded}")
            self._add("first load", start.at_first)
            self._add("first load and more", visitor.by_itself(COMPOSER))
            self._add("first", start.seconds)
            self._add("reload", visitor.interactive(COMPOSER, SLOWER, before=True).seconds)
            self._add("reload unthrottled", visitor.interactive(COMPOSER, 1, before=True).seconds)

    def room(self, number: int) -> None:
        """The large room: opened, and scrolled through."""
        with self._measuring("the large room"), self._visitor(f"Reader{number}") as visitor:
            page = visitor.open(f"/#/room/quiet-Reader{number}")
            page.wait_for_load_state("networkidle")
            self._add("opening", open_room(page, "lobby", self.end))
            frames = empty_frames(self.browser, self.size.empty)
            self._add("empty p99", nearest(frames, 0.99))
            self._add("empty slowest", max(frames))
            page.bring_to_front()
            scrolled = traced_scroll(self.browser, page, self.size.scrolled)
            if scrolled.passed < self.size.scrolled or scrolled.holes > 0:
                raise NotMeasuredError(f"{scrolled.passed} messages went by, {scrolled.holes} were missing")
            self._add("scrolling p99", nearest(scrolled.frames, 0.99))
            self._add("scrolling slowest", max(scrolled.frames))
            self._add("scrolling long", sum(frame > LONG_FRAME for frame in scrolled.frames))
            self._add("scrolling frames", len(scrolled.frames))
            self._add("scrolling rate", scrolled.passed / scrolled.seconds)
            self._add("scrolling worked", scrolled.worked)
            self._add("nodes", scrolled.nodes)

    def flood(self, number: int) -> None:
        """Messages pour into the room that is looked at, while somebody writes there."""
        with self._measuring("the flood"), self._visitor(f"Writer{number}") as visitor:
            page = visitor.open("/#/room/lobby")
            page.wait_for_selector("[role=log].ready article")
            page.evaluate(TYPING)
            page.locator(COMPOSER).focus()
            flood = Flood(self.port, f"Flood{number}", self.size.rate, self.size.seconds)
            busy, working = Busy(page, "timeTicks"), Busy(page, "threadTicks")
            flood.start()
            while flood.is_alive():
                page.keyboard.press("x")
                page.wait_for_timeout(150)
            self._add("busy", busy.share())
            self._add("working", working.share())
            flood.join()
            if flood.error is not None:
                raise NotMeasuredError(str(flood.error))
            self.end = flood.head
            self._see_all(page, flood.said)
            keys = page.evaluate("window.keys")
            self._add("typing p99", nearest(keys["painted"], 0.99))
            self._add("typing slowest", max(keys["painted"]))
            self._add("event timing slowest", max(keys["timing"], default=16.0))

    def _see_all(self, page: Page, said: int) -> None:
        """The view ends where the room ends, and lacks nothing of what came to it."""
        last = "() => Number([...document.querySelectorAll('article')].at(-1)?.dataset.offset)"
        page.wait_for_function(f"(end) => ({last})() === end", arg=self.end)
        scrolled = scroll_up(page, min(HOLDS, said))
        self._add("lost", scrolled.holes)

    def round(self, number: int) -> None:
        """All of it."""
        self.starts(number)
        self.room(number)
        self.flood(number)


def lines(found: Found, size: Size) -> list[Line]:
    """The targets, and what was measured."""
    rows = _Rows(found)
    slower = f"with a processor {SLOWER} times slower"
    messages, flood = f"{size.messages:,} messages", f"{size.rate} messages a second for {size.seconds:g} s"
    return [
        rows.line(
            "JavaScript of the chat's first load, gzip",
            "first load",
            FIRST_LOAD,
            "{:,.0f} bytes",
            "≤ 70,000 bytes",
        ),
        rows.line(
            "the same, with all that comes behind it while nobody does anything",
            "first load and more",
            FIRST_LOAD,
            "{:,.0f} bytes",
            "≤ 70,000 bytes",
        ),
        rows.line(
            f"signed in, nothing cached, {slower}: the composer shows a key", "first", 1, "{:.2f} s", "≤ 1 s"
        ),
        rows.line("the same on a reload", "reload", 1, "{:.2f} s", "≤ 1 s"),
        rows.line("the same on a reload, not slowed", "reload unthrottled", None, "{:.2f} s"),
        rows.line(
            f"not signed in, nothing cached, {slower}: the form shows a key",
            "sign-in",
            1,
            "{:.2f} s",
            "≤ 1 s",
        ),
        rows.line(
            f"a room of {messages}, from a click to its last message", "opening", 300, "{:.0f} ms", "≤ 300 ms"
        ),
        rows.line("message nodes while it is scrolled through, at most", "nodes", 150, "{:.0f}", "≤ 150"),
        rows.line(
            f"scrolling past {size.scrolled:,} of them: the slowest frame",
            "scrolling slowest",
            LONG_FRAME,
            "{:.0f} ms",
            "≤ 50 ms",
        ),
        rows.line(
            "the same: the longest task, by its own processor time",
            "scrolling worked",
            50,
            "{:.0f} ms",
            "≤ 50 ms",
        ),
        rows.several(
            "its frames: p99; over 50 ms; in all; messages a second",
            "{:.1f} ms; {:.0f}; {:,.0f}; {:,.0f}",
            *("scrolling p99", "scrolling long", "scrolling frames", "scrolling rate"),
        ),
        rows.several(
            "an empty page beside it: frames p99; slowest",
            "{:.1f} ms; {:.0f} ms",
            "empty p99",
            "empty slowest",
        ),
        rows.line(f"{flood}: the main thread is busy", "busy", 0.5, "{:.0%}", "≤ 50 %"),
        rows.line("the same, by its own processor time", "working", 0.5, "{:.0%}", "≤ 50 %"),
        rows.line("the same: messages that the view lacks at the end", "lost", 0, "{:.0f}", "0"),
        rows.line("the same: a key until it is painted, p99", "typing p99", 50, "{:.0f} ms", "≤ 50 ms"),
        rows.several(
            "the same: the slowest; by the browser's event timing",
            "{:.0f} ms; {:.0f} ms",
            *("typing slowest", "event timing slowest"),
        ),
    ]


class _Rows:
    """Makes lines of medians."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def line(self, what: str, name: str, at_most: float | None, shown: str, target: str = "") -> Line:
        if not self._found.has(name):
            return Line(what, target, "not measured", None)
        figure = self._found.median(name)
        return Line(what, target, shown.format(figure), None if at_most is None else figure <= at_most)

    def several(self, what: str, shown: str, *names: str) -> Line:
        if not self._found.has(*names):
            return Line(what, "", "not measured", None)
        return Line(what, "", shown.format(*map(self._found.median, names)), None)


def report(found: Found, size: Size) -> str:
    """The table, in Markdown, and what is not in it."""
    machine = ", ".join(f"{name} {value}" for name, value in facts().items())
    rounds = "1 round" if size.rounds == 1 else f"medians of {size.rounds} rounds"
    head = f"Machine: {machine}. Figures: {rounds}."
    skipped = [line for sentence in found.skipped for line in ("", f"Not measured: {sentence}")]
    return "\n".join([head, "", *table(lines(found, size)), *skipped, ""])


def run(size: Size, where: Path) -> Found:
    """All rounds on one server, whose log is on the disk."""
    found = Found()
    try:
        with chromium() as browser, running(hubbub_on(store(where / "data")), None) as server:
            bench = Bench(size, browser, server.target.port, found)
            for number in range(size.rounds):
                tell(f"round {number + 1} of {size.rounds}")
                bench.round(number)
    except NotMeasuredError as error:
        found.skip(str(error))
    finally:
        shutil.rmtree(where, ignore_errors=True)
    return found


def main(arguments: list[str]) -> int:
    """Run it; 0 also where a target was missed, since that is a finding and no failure."""
    asked = read(options("web", "Measure the web client in Chromium.", rounds=3), arguments)
    raise_file_limit()
    size = QUICK if asked.quick else replace(Size(), rounds=asked.rounds)
    text = report(run(size, asked.where), size)
    print(text)
    if asked.write:
        write_block(HERE / "README.md", text, BEGIN, END)
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(sys.argv[1:]))
