"""Two real browsers behind one small interface: Chromium by Playwright, Debian's Firefox by WebDriver BiDi.

What a journey asks of a page goes through `Tab`. To find things is the same script in both (`find.js`), so
that a journey is described once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, ElementHandle, Page, sync_playwright

from browser.starting import FLAGS

DRIVE = Path(__file__).resolve().parents[1] / "firefox" / "drive.mjs"


@dataclass(frozen=True, slots=True)
class Size:
    """What somebody holds, or sits in front of."""

    width: int
    height: int
    touch: bool


DESKTOP = Size(1200, 760, touch=False)
PHONE = Size(390, 844, touch=True)


class Tab(Protocol):
    """One page, in a browser of its own as far as cookies and storage go.

    `source` is a script that gives a value, or (where something is to be touched) an element; a promise of
    it is waited for. What fails there is an error here.
    """

    def goto(self, url: str) -> None: ...
    def reload(self) -> None: ...
    def run(self, source: str) -> Any: ...
    def click(self, source: str) -> None: ...
    def tap(self, source: str) -> None: ...
    def hover(self, source: str) -> None: ...
    def hold(self, source: str, until: str) -> None:
        """Keep a finger on it until a script is done."""

    def wheel(self, pixels: int) -> None: ...
    def type(self, text: str) -> None: ...
    def press(self, keys: str) -> None:
        """Keys together, as `Control+k`."""

    def files(self, source: str, paths: Sequence[Path]) -> None:
        """Choose files, at the input for them."""

    def picture(self, path: Path) -> None: ...
    def front(self) -> None: ...
    def seen(self) -> tuple[list[str], set[str]]:
        """Errors on its console, and the origins that it asked something of."""


class Driven(Protocol):
    """A browser that was started."""

    def open(self, url: str, size: Size) -> Tab: ...
    def close_tabs(self) -> None: ...


class ChromiumTab:
    """A `Tab` of Playwright."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._faults: list[str] = []
        self._asked: set[str] = set()
        page.on("console", self._told)
        page.on("pageerror", lambda error: self._faults.append(f"{error}\n{error.stack}"))
        page.on("request", self._asks)

    def _told(self, message: Any) -> None:
        if message.type == "error":
            self._faults.append(message.text)

    def _asks(self, request: Any) -> None:
        self._asked.add("/".join(request.url.removeprefix("blob:").split("/")[:3]))

    def _element(self, source: str) -> ElementHandle:
        found = self.page.evaluate_handle(source).as_element()
        assert found is not None, source[-200:]
        return found

    def goto(self, url: str) -> None:
        self.page.goto(url)

    def reload(self) -> None:
        self.page.reload()

    def run(self, source: str) -> Any:
        return self.page.evaluate(source)

    def click(self, source: str) -> None:
        self._element(source).click()

    def tap(self, source: str) -> None:
        self._element(source).tap()

    def hover(self, source: str) -> None:
        self._element(source).hover()

    def hold(self, source: str, until: str) -> None:
        found = self._element(source)
        found.scroll_into_view_if_needed()
        box = found.bounding_box()
        assert box is not None
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        finger = self.page.context.new_cdp_session(self.page)
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        self.page.evaluate(until)
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def wheel(self, pixels: int) -> None:
        self.page.mouse.wheel(0, pixels)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def files(self, source: str, paths: Sequence[Path]) -> None:
        self._element(source).set_input_files(list(paths))

    def picture(self, path: Path) -> None:
        self.page.screenshot(path=path)

    def front(self) -> None:
        self.page.bring_to_front()

    def seen(self) -> tuple[list[str], set[str]]:
        return self._faults, self._asked


class Chromium:
    """Playwright's, with the Chromium of the machine."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def open(self, url: str, size: Size) -> ChromiumTab:
        context = self.browser.new_context(
            viewport={"width": size.width, "height": size.height},
            has_touch=size.touch,
            is_mobile=size.touch,
            locale="en-GB",
        )
        tab = ChromiumTab(context.new_page())
        tab.goto(url)
        return tab

    def close_tabs(self) -> None:
        for context in self.browser.contexts:
            context.close()


class FirefoxTab:
    """A `Tab` that is told what to do line by line."""

    def __init__(self, firefox: Firefox, name: str) -> None:
        self._firefox = firefox
        self._name = name

    def _ask(self, do: str, **more: object) -> Any:
        return self._firefox.ask(do, page=self._name, **more)

    def goto(self, url: str) -> None:
        self._ask("goto", url=url)

    def reload(self) -> None:
        self._ask("reload")

    def run(self, source: str) -> Any:
        return self._ask("run", source=source)

    def click(self, source: str) -> None:
        self._ask("click", source=source)

    def tap(self, source: str) -> None:
        self._ask("tap", source=source)

    def hover(self, source: str) -> None:
        self._ask("hover", source=source)

    def hold(self, source: str, until: str) -> None:
        self._ask("hold", source=source, until=until)

    def wheel(self, pixels: int) -> None:
        self._ask("wheel", pixels=pixels)

    def type(self, text: str) -> None:
        self._ask("type", text=text)

    def press(self, keys: str) -> None:
        self._ask("press", keys=keys)

    def files(self, source: str, paths: Sequence[Path]) -> None:
        self._ask("files", source=source, paths=[str(path) for path in paths])

    def picture(self, path: Path) -> None:
        self._ask("picture", path=str(path))

    def front(self) -> None:
        self._ask("front")

    def hide(self) -> None:
        """Behind another tab; until it is in front again."""
        self._ask("hide")

    def seen(self) -> tuple[list[str], set[str]]:
        told = self._ask("seen")
        return told["faults"], set(told["asked"])

    def close(self) -> None:
        self._ask("close")


class Firefox:
    """Debian's, by the Node program that speaks BiDi with it."""

    def __init__(self, executable: str, downloads: Path, *, touch: bool) -> None:
        self._process = subprocess.Popen(
            ["node", str(DRIVE), executable, str(downloads), "touch" if touch else "mouse"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tabs: list[FirefoxTab] = []
        self._opened = 0
        self.version = str(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"Firefox's driver has ended: {self._process.poll()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def ask(self, do: str, **more: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def open(self, url: str, size: Size) -> FirefoxTab:
        self._opened += 1
        tab = FirefoxTab(self, f"tab {self._opened}")
        self._tabs.append(tab)
        shape = {"width": size.width, "height": size.height, "touch": size.touch}
        self.ask("open", page=f"tab {self._opened}", url=url, **shape)
        return tab

    def close_tabs(self) -> None:
        for tab in self._tabs:
            tab.close()
        self._tabs.clear()

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def firefox_is_here() -> bool:
    """Whether the browser is, and what drives it (`npm ci` in tests/firefox)."""
    return None not in map(shutil.which, ("node", "firefox-esr")) and (DRIVE.parent / "node_modules").is_dir()


@contextmanager
def chromium_started(executable: Path) -> Iterator[Chromium]:
    """For some tests."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield Chromium(started)
        started.close()


@contextmanager
def firefox_started(downloads: Path, *, touch: bool) -> Iterator[Firefox]:
    """For some tests. Whether there is a finger or a mouse holds for all of it."""
    executable = shutil.which("firefox-esr")
    assert executable is not None
    firefox = Firefox(executable, downloads, touch=touch)
    try:
        yield firefox
    finally:
        firefox.end()
