"""What somebody may put wherever others see it: names, topics, files, quotes, search. It is shown as text.

(Messages alone, mark by mark: test_chat_marks.py. Files that are opened: test_uploaded_pages.py.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.visiting import DESKTOP, PHONE, Visit, check_axe, check_width, entry, log_in
from serving import Server, WebSocketClient, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

WATCH = """
window.refused = [];
addEventListener("securitypolicyviolation", (event) =>
    window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
window.alert = window.ran = () => { window.hasRun = true; };
"""
MARKUP = (
    "<img src=//example.org/x onerror=ran()><script>ran()</script><svg/onload=ran()>\"' onmouseover=ran() x='"
)
LINKS = "[a](javascript:ran()) javascript:ran() [b](data:text/html,<script>ran()</script>) //example.org/x"
TOWER = "Z" + "\u0351\u0327\u0489" * 60
FAMILY = "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇨🇳🏴󠁧󠁢󠁳󠁣󠁴󠁿"
RTL = "مرحبا بالعالم (123) abc"
OVERRIDE = "invoice\u202efdp.exe"
SAID = {
    "markup": MARKUP,
    "links": LINKS,
    "tower": f"{TOWER} tower",
    "emoji": f"a {FAMILY} b",
    "rtl": RTL,
    "override": f"{OVERRIDE} end",
    "invisible": "a\u200b\u200c\u2060\ufeffb \u00ad\u034f hidden",
    "lines": "top" + "\n" * 10_000 + "bottom",
    "one word": "w" * 65_536,
    "wide word": "漢" * 21_845,
    "tags": "\U000e0041\U000e0042 tags",
    "private use": "\ue000\U0010fffd private",
}
FILES = [
    f"{MARKUP.replace('/', '_')[:80]}.png",
    "invoice\u202egnp.exe",
    f"{'long ' * 40}.txt",
    f"{FAMILY}.bin",
    "مرحبا.txt",
]
INSIDE = """() => {
    const { left, right } = document.querySelector('main').getBoundingClientRect();
    const cut = (one) => !one.matches('main, [role=log]')
        && (getComputedStyle(one).overflowX !== 'visible' || cut(one.parentElement));
    return [...document.querySelectorAll('main article *, main header *')].filter((one) => {
        if (one.closest('.hidden-text, svg') !== null) return false;
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.right > right + 1 || box.left < left - 1) && !cut(one);
    }).map((one) => one.outerHTML.slice(0, 80));
}"""
"""What sticks out of the conversation at its sides, and is not cut off there."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@pytest.fixture
def mallory(server: Server) -> WebSocketClient:
    line = server.websocket()
    assert line.ask("register", username="mallory", password="correct horse")["type"] == "response"
    return line


def reader(visit: Visit, size: dict[str, int]) -> Page:
    """Somebody who sees it, on a page that notes what runs, and what its policy refuses."""
    phone = {"has_touch": True, "is_mobile": True} if size is PHONE else {}
    page = visit(viewport=size, **phone)
    page.context.add_init_script(WATCH)
    page.reload()
    log_in(page, "alice")
    return page


def is_unharmed(page: Page, what: str) -> None:
    assert page.evaluate("[window.hasRun ?? false, window.refused]") == [False, []], what
    assert page.locator("img[src*=example], main script, main svg[onload], iframe, object").count() == 0, what
    for link in page.locator("main a[href]").all():
        assert (link.get_attribute("href") or "").startswith(("#", "https://", "http://", "/blobs/")), what
    check_width(page, what)
    assert page.evaluate(INSIDE) == [], what


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_is_said_and_answered(mallory: WebSocketClient, visit: Visit, size: dict[str, int]) -> None:
    page = reader(visit, size)
    entry(page, "lobby").click()
    expect(page.get_by_role("heading", name="lobby")).to_be_visible()
    for what, words in SAID.items():
        said = mallory.ask("publish", id=what, room="lobby", content=words)
        assert said["type"] == "response", said
        offset = said["data"]["offset"]
        own = page.locator(f"article[data-offset='{offset}']")
        expect(own).to_be_in_viewport()
        mallory.ask("publish", id=f"{what}!", room="lobby", content="see above", reply_to=offset)
        expect(page.locator(f"article[data-offset='{offset + 1}'] .quote")).to_be_visible()
        is_unharmed(page, what)
    shown = page.get_by_role("log")
    expect(shown).to_be_visible()
    page.keyboard.press("Control+f")
    page.get_by_role("searchbox", name="Words to look for").fill("tower")
    expect(page.get_by_role("region", name="Search", exact=True).get_by_role("listitem")).not_to_have_count(0)
    is_unharmed(page, "search")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_topics_rooms_and_names(
    server: Server, mallory: WebSocketClient, visit: Visit, size: dict[str, int]
) -> None:
    long_name = "x" * 32
    server.websocket(long_name).ask("publish", id="1", room="lobby", content="a long name")
    server.websocket("مرحبا").ask("publish", id="1", room="lobby", content="@" + long_name)
    room = "r" * 64
    assert mallory.ask("join", room=room)["type"] == "response"
    page = reader(visit, size)
    entry(page, "lobby").click()
    expect(page.get_by_role("log").get_by_text("a long name")).to_be_visible()
    for topic in (MARKUP, LINKS, TOWER, FAMILY, RTL, OVERRIDE, "w" * 1_000, "a\nb\tc"):
        told = mallory.ask("topic", id="t", room="lobby", topic=topic)
        if told["type"] != "response":
            assert told["error"]["code"] == "bad_request", told  # with controls in it
            continue
        button = page.locator("main header button.topic")
        expect(button).to_have_attribute("title", f"{topic}\n(Change the topic)")
        is_unharmed(page, topic[:20])
    page.get_by_role("button", name="Members").click()
    expect(page.get_by_role("button", name=f"{long_name} , Online")).to_be_visible()
    check_axe(page, "members")
    check_width(page, "members")
    page.get_by_role("button", name="Hide the members").click()
    page.keyboard.press("Control+k")
    page.keyboard.type("xxx")
    expect(page.get_by_role("option", name=long_name)).to_be_visible()
    check_width(page, "switcher")
    page.keyboard.press("Escape")
    for name in ("<img src=x onerror=ran()>", "bob\u202e", "a\u200bb", "a b", "javascript:ran()", FAMILY):
        assert server.websocket(name).login.get("code") == "name_invalid", name


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_names_of_files(visit: Visit, size: dict[str, int], tmp_path: Path) -> None:
    page = reader(visit, size)
    entry(page, "lobby").click()
    for name in FILES:
        path = {"name": name, "mimeType": "application/octet-stream", "buffer": name.encode()}
        page.locator("main input[type=file]").first.set_input_files(path)  # type: ignore[arg-type]
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("listitem")).to_have_count(1)
        check_width(page, f"to be sent: {name}")
        page.get_by_role("button", name="Send one file").click()
        expect(dialog).to_have_count(0)
    cards = page.get_by_role("log").locator("a.card")
    expect(cards).to_have_count(len(FILES) - 1)
    expect(page.get_by_text("a file of this name cannot be sent")).to_be_visible()  # the turned one
    is_unharmed(page, "files")
    assert not any("\u202e" in text for text in cards.all_inner_texts())
    check_axe(page, "files")
