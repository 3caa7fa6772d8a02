"""What people write as it is shown in a real browser: marks, links, code, and whatever somebody may try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.visiting import PHONE, Visit, check_axe, check_width, log_in
from serving import Server, WebSocketClient, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

LOG = "document.querySelector('[role=log]')"
HOSTILE = {
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script><b>bold?</b>&lt;i&gt;",
    "attribute": "\" onmouseover=\"alert(1) ' onfocus='alert(1) autofocus",
    "link": "[click](javascript:alert(1)) [data](data:text/html,<script>alert(1)</script>) javascript:1",
    "image": "![x](https://example.org/x.png) <svg onload=alert(1)>",
    "template": "{{constructor.constructor('alert(1)')()}} ${alert(1)} {@html '<b>'}",
    "override": "left \u202e right \u202d back \u2066 isolate",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff",
    "controls": "bell\u0007 escape\u001b[31m null\u0000 end",
    "combining": "Z" + "\u0351\u0327\u0489" * 400 + " zalgo",
    "one word": "w" * 65_000,
    "wide": "﷽" * 300,
    "stars": "*" * 30_000 + "[" * 30_000,
    "quotes": "> " * 20_000 + "deep",
    "lists": "\n".join("  " * depth + "- item" for depth in range(60)),
    "lines": "line\n" * 5_000,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇨🇳" * 40,
    "rtl": "مرحبا بالعالم (123) abc",
    "fence": "```" + "x" * 5_000 + "\n" + "y" * 5_000 + "\n```",
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


@pytest.fixture
def bob(server: Server) -> WebSocketClient:
    return server.websocket("bob")


def said(bob: WebSocketClient, content: str) -> dict[str, Any]:
    answer = bob.ask("publish", id=f"{hash(content)}", content=content, room="lobby")
    assert answer["type"] == "response", answer
    data: dict[str, Any] = answer["data"]
    return data


def last(page: Page, bob: WebSocketClient, content: str) -> Locator:
    """Say it, and give what is shown of it."""
    offset = said(bob, content)["offset"]
    row = page.locator(f"article[data-offset='{offset}']")
    expect(row).to_be_visible()
    return row.locator(".content")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_whatever_somebody_sends_is_shown_as_text(bob: WebSocketClient, visit: Visit, size: str) -> None:
    options = {} if size == "desktop" else {"viewport": PHONE, "has_touch": True, "is_mobile": True}
    page = log_in(visit(**options), "alice")
    if size == "phone":
        page.get_by_role("navigation").get_by_role("link", name="lobby").tap()
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    for what, content in HOSTILE.items():
        shown = last(page, bob, content)
        assert shown.locator("script, img, svg:not(figcaption svg), iframe, b, i").count() == 0, what
        links = shown.locator("a").evaluate_all("(all) => all.map((one) => one.protocol)")
        assert set(links) <= {"https:", "http:"}, what
        check_width(page, what)
        width = page.evaluate(f"{LOG}.scrollWidth - {LOG}.clientWidth")
        assert width <= 0, what
        box = page.get_by_role("log").locator("article").last.bounding_box()
        assert box is not None
        assert box["height"] < 1_200, what  # what is longer is cut
    shown = last(page, bob, HOSTILE["html"] + "!")
    expect(shown).to_have_text(HOSTILE["html"] + "!")


def test_an_override_turns_nothing_but_its_own_words(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shown = last(page, bob, "abc \u202e def")
    expect(shown).to_have_text("abc \u202e def")
    times = page.locator("article").last.locator("time")
    assert times.inner_text().strip().replace("\u202f", " ")[0].isdigit()
    isolated = shown.locator("p").evaluate("(one) => getComputedStyle(one).unicodeBidi")
    assert isolated == "isolate"


def test_marks_become_elements(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shown = last(page, bob, "**bold** *slanted* ~~gone~~ `code`\n> quoted\n\n1. one\n2. two\n- dot")
    expect(shown.locator("strong")).to_have_text("bold")
    expect(shown.locator("em")).to_have_text("slanted")
    expect(shown.locator("del")).to_have_text("gone")
    expect(shown.locator("p code")).to_have_text("code")
    expect(shown.locator("blockquote")).to_have_text("quoted")
    expect(shown.locator("ol li")).to_have_text(["one", "two"])
    expect(shown.locator("ul li")).to_have_text("dot")
    assert (
        shown.locator("p").first.evaluate("(one) => getComputedStyle(one).whiteSpaceCollapse") == "preserve"
    )
    expect(shown.locator("p").first).to_have_text("bold slanted gone code")


def test_links_lead_outside_without_a_trace(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shown = last(
        page, bob, "看https://example.org/a_(b)。and [here](https://example.org/), mailto:bob@example.org."
    )
    links = shown.locator("a")
    expect(links).to_have_text(["https://example.org/a_(b)", "here", "mailto:bob@example.org"])
    for link in links.all():
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        expect(link).to_have_attribute("target", "_blank")
    expect(links.nth(1)).to_have_attribute("title", "https://example.org/")


def test_names_are_marked_and_rooms_are_not_joined_by_a_slip(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shown = last(page, bob, "@alice meet @bob in #nowhere or #lobby")
    own = shown.locator("a.mention", has_text="@alice")
    expect(own).to_have_class(re.compile(r"\bme\b"))
    expect(page.locator("article.mention")).to_have_count(1)
    shown.get_by_role("link", name="#nowhere").click()
    expect(page.get_by_text("You are not in #nowhere")).to_be_visible()
    expect(page.get_by_role("heading", name="lobby")).to_be_visible()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="nowhere")).to_be_visible()


def test_a_block_of_code_is_copied_as_it_is(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = "def f():\n    return *args  # **not bold**"
    shown = last(page, bob, f"```python\n{code}\n```")
    expect(shown.locator("figcaption")).to_contain_text("python")
    expect(shown.locator("pre")).to_have_text(code)
    shown.get_by_role("button", name="Copy code").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
    check_axe(page, "code")


def test_a_long_message_is_shown_in_part_until_all_is_wanted(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shown = last(page, bob, "\n".join(f"line {n}" for n in range(1, 201)))
    expect(shown).not_to_contain_text("line 150")
    page.get_by_role("button", name="Show all").click()
    expect(shown).to_contain_text("line 200")
    expect(shown.get_by_text("line 1", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Show less").click()
    expect(shown).not_to_contain_text("line 150")


def test_emoji_alone_are_larger(bob: WebSocketClient, visit: Visit) -> None:
    page = log_in(visit(), "alice")
    expect(last(page, bob, "🎉👍🏽")).to_have_class(re.compile(r"\blarge\b"))
    expect(last(page, bob, "🎉 yes")).not_to_have_class(re.compile(r"\blarge\b"))


def test_times_tell_the_whole_date_in_the_language_of_the_reader(bob: WebSocketClient, visit: Visit) -> None:
    said(bob, "hello")
    page = log_in(visit(locale="zh-CN"), "alice")
    time = page.locator("article time")
    expect(time).to_have_attribute("title", re.compile(r"\d{4}年\d+月\d+日"))
    expect(page.get_by_text("今天", exact=True)).to_be_visible()
    expect(page.get_by_role("log")).to_have_attribute("aria-label", "lobby 中的消息")
