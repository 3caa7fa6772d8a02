"""The dashboard as the admin of a server sees it: for the tests of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from playwright.sync_api import Locator, Page, expect

from browser.visiting import Visit
from serving import Server

LONG = 20_000.0
"""Milliseconds until something must show that takes some seconds of the server's life."""


class House(NamedTuple):
    """A server, and the password of its admin."""

    server: Server
    password: str


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
