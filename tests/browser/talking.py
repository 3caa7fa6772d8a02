"""A conversation in a browser: who says many things in it, and where its list stands. For the tests of it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page

from serving import PATIENCE, Server, WebSocketClient

LOG = "document.querySelector('[role=log]')"
GAP = f"{LOG}.scrollHeight - {LOG}.clientHeight - {LOG}.scrollTop"
"""Pixels below the view."""
NODES = "document.querySelectorAll('article').length"
TOPS = """() => Object.fromEntries([...document.querySelectorAll('article')].map(
    (row) => [row.dataset.offset, row.getBoundingClientRect().top]))"""
AT_END = f"{LOG} && {GAP} <= 1 && {LOG}.matches('.ready')"


class Talker:
    """Somebody who says many things in a room."""

    def __init__(self, server: Server, name: str = "bob") -> None:
        self._line: WebSocketClient = server.websocket(name)
        self.said = 0

    def say(self, count: int = 1, content: str = "message {n}", **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for _ in range(count):
            self.said += 1
            words = content.format(n=self.said) + " and more words" * (self.said % 9)
            answer = self._line.ask("publish", id=f"m{self.said}", content=words, room="lobby", **more)
        data: dict[str, Any] = answer["data"]
        return data

    def ask(self, action: str, **payload: Any) -> dict[str, Any]:
        return self._line.ask(action, **payload)


def messages(page: Page) -> Locator:
    return page.get_by_role("log").get_by_role("article")


def message(page: Page, number: int) -> Locator:
    """What the talker said, by its number; it is in the view or near."""
    return messages(page).filter(has_text=re.compile(rf"\bmessage {number}\b"))


def wait_for(page: Page, condition: str) -> None:
    """Wait within the page: the policy keeps Playwright's own way, which is `eval`, from it."""
    page.evaluate(
        f"""() => new Promise((done, failed) => {{
            const deadline = performance.now() + {PATIENCE * 1000};
            const look = () => {{
                if ({condition}) done();
                else if (performance.now() > deadline) failed(new Error({condition!r}));
                else requestAnimationFrame(look);
            }};
            look();
        }})"""
    )


def wait_at_end(page: Page) -> None:
    wait_for(page, AT_END)


def scroll(page: Page, pixels: int) -> None:
    """By the wheel, until it has moved and rests."""
    page.get_by_role("log").hover(position={"x": 300, "y": 200})
    before = page.evaluate(f"{LOG}.scrollTop")
    page.mouse.wheel(0, pixels)
    wait_for(page, f"{LOG}.scrollTop !== {before}")
    rest(page)


def rest(page: Page) -> None:
    """Until nothing moves for some frames, and nothing is loaded."""
    page.evaluate(
        f"""async () => {{
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            for (let still = 0, last = -1; still < 20; last = {LOG}.scrollTop) {{
                await frame();
                still = {LOG}.scrollTop === last && !document.querySelector('.pill .spinner') ? still + 1 : 0;
            }}
        }}"""
    )


def anchor(page: Page) -> tuple[str, float]:
    """A message in the middle of the view, and where it is."""
    tops: dict[str, float] = page.evaluate(TOPS)
    return min(tops.items(), key=lambda one: abs(one[1] - 300))


def where(page: Page, offset: str) -> float:
    top: float = page.evaluate(TOPS)[offset]
    return top
