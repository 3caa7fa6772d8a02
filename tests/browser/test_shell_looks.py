"""What the shell shows, by axe in both themes and both languages, and that nothing sticks out on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.visiting import PHONE, Visit, check_axe, check_width, log_in, register
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse"
LONG_ROOM = "operations-and-incident-response-team-for-all-of-europe-west-202"
LONG_NAME = "Maximiliane-Neunundneunzigsilbig"
LOOKS = [("light", "en-GB"), ("dark", "en-GB"), ("light", "zh-CN"), ("dark", "zh-CN")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """With people, rooms, and something unread."""
    # Those who are here say nothing for as long as all of this takes.
    with serving(HUBBUB_TIMERS_PING="1800", HUBBUB_TIMERS_IDLE="3600") as started:
        for name in ("Alice", "Bob"):
            register(started, name, PASSWORD)
        alice = started.websocket()
        assert alice.ask("login", username="Alice", password=PASSWORD)["type"] == "response"
        alice.ask("create", room="secret", private=True)
        alice.ask("join", room=LONG_ROOM)
        bob = started.websocket()
        assert bob.ask("login", username="Bob", password=PASSWORD)["type"] == "response"
        bob.ask("create", room="tea", private=True)
        bob.ask("invite", to="Alice", room="tea")
        bob.ask("join", room=LONG_ROOM)
        bob.ask("topic", room=LONG_ROOM, topic="All that does not belong anywhere else " * 8)
        bob.ask("publish", id="m1", room=LONG_ROOM, content="@Alice come")
        for number, status in enumerate(("online", "away", "busy")):
            other = started.websocket(f"{LONG_NAME[:-1]}{number}")
            other.ask("whisper", id=f"w{number}", to="Alice", content="psst")
            other.ask("presence", status=status)
        yield started


def by_icon(page: Page, path: str) -> None:
    """Click what is there in each language."""
    page.locator(path).first.click()


DIALOGS: dict[str, Callable[[Page], None]] = {
    "switcher": lambda page: page.keyboard.press("Control+k"),
    "keys": lambda page: page.keyboard.press("Control+/"),
    "browse": lambda page: by_icon(page, "#section-rooms + button"),
    "new room": lambda page: by_icon(page, "#section-rooms + button + button"),
    "new talk": lambda page: by_icon(page, "#section-talks + button"),
    "room": lambda page: by_icon(page, "main section > header > button:last-child"),
    **{
        name: lambda page, name=name: page.evaluate(f"location.hash = '#/{name}'")  # type: ignore[misc]
        for name in ("profile", "password", "sessions", "settings", "notifications")
    },
}


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_ways_in(visit: Visit, theme: str, language: str) -> None:
    page = visit(color_scheme=theme, locale=language)
    for number in range(3):
        page.get_by_role("tab").nth(number).click()
        check_axe(page, f"way in {number}")


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_shell_and_all_that_lies_over_it(visit: Visit, theme: str, language: str) -> None:
    page = log_in(visit(color_scheme=theme, locale=language), "Alice", PASSWORD)
    expect(page.get_by_role("navigation").get_by_text(LONG_ROOM)).to_be_visible()
    check_axe(page, "the shell")
    page.get_by_role("navigation").locator("[aria-haspopup=menu]").click()
    check_axe(page, "a menu")
    page.keyboard.press("Escape")
    for name, opens in DIALOGS.items():
        opens(page)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        expect(dialog.locator(".skeleton")).to_have_count(0)
        check_axe(page, name)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


@pytest.mark.parametrize(("theme", "language"), LOOKS)
def test_the_members_and_who_they_are(visit: Visit, theme: str, language: str) -> None:
    page = log_in(visit(color_scheme=theme, locale=language), "Alice", PASSWORD)
    by_icon(page, "main header button[aria-pressed]")
    members = page.get_by_role("complementary")
    bob = members.get_by_role("button", name="Bob").first
    expect(bob).to_be_visible()
    check_axe(page, "the members")
    members.locator("[aria-haspopup=menu]").first.click()
    expect(page.get_by_role("menu")).to_be_visible()
    check_axe(page, "the menu of a member")
    page.keyboard.press("Escape")
    bob.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page, "a person")


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_nothing_sticks_out(visit: Visit, width: int) -> None:
    page = log_in(
        visit(viewport={**PHONE, "width": width}, has_touch=True, is_mobile=True), "Alice", PASSWORD
    )
    expect(page.get_by_role("navigation").get_by_text(LONG_ROOM)).to_be_visible()
    check_width(page, "the list")
    check_axe(page, "the list on a phone")
    for name, opens in DIALOGS.items():
        if name == "room":
            page.get_by_role("navigation").get_by_role("link").nth(1).click()
        opens(page)
        expect(page.get_by_role("dialog")).to_be_visible()
        check_width(page, name)
        box = page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= width, name
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_whoever_wants_no_motion_sees_none(visit: Visit) -> None:
    page = log_in(visit(reduced_motion="reduce"), "Alice", PASSWORD)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    longest = page.evaluate("""Math.max(0, ...document.getAnimations({subtree: true})
        .map((one) => one.effect.getComputedTiming().activeDuration))""")
    assert longest <= 1
