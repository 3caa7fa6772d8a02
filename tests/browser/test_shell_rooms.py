"""Rooms and the people in them: made, found, joined, left, governed; who one talks to."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.visiting import Visit, entry, log_in, register, say
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        for name in ("Alice", "Bob"):
            register(started, name, PASSWORD)
        yield started


def make_room(page: Page, name: str, *, private: bool = False) -> None:
    page.get_by_role("button", name="New room").click()
    dialog = page.get_by_role("dialog", name="New room")
    dialog.get_by_label("Name of the room").fill(name)
    if private:
        dialog.get_by_role("switch", name="Private").click()
    dialog.get_by_role("button", name="Create room").click()
    expect(dialog).to_have_count(0)
    expect(entry(page, name)).to_have_attribute("aria-current", "page")


def test_a_private_room_from_its_making_to_its_end(server: Server, visit: Visit) -> None:
    alice, bob = log_in(visit(), "Alice", PASSWORD), visit()
    asked_for: list[str] = []
    bob.on("websocket", lambda line: line.on("framesent", lambda told: asked_for.append(str(told))))
    log_in(bob, "Bob", PASSWORD)
    make_room(alice, "secret", private=True)
    expect(entry(alice, "secret")).to_have_accessible_name("secret , private")
    say(alice, "only for us")

    # Bob does not see it, is invited, and comes in.
    bob.get_by_role("button", name="Browse rooms").click()
    expect(bob.get_by_role("button", name="Open: lobby")).to_be_visible()
    expect(bob.get_by_role("dialog").get_by_text("secret")).to_have_count(0)
    bob.keyboard.press("Escape")
    alice.get_by_role("button", name="Members").click()
    members = alice.get_by_role("complementary", name="Members")
    members.get_by_role("button", name="Invite").click()
    alice.get_by_role("dialog").get_by_role("button", name="Bob").click()
    alice.get_by_role("dialog").get_by_role("button", name="Invite", exact=True).click()
    expect(alice.get_by_text("Bob is invited to #secret.")).to_be_visible()
    bob.get_by_role("button", name="Join: secret").click()
    expect(entry(bob, "secret")).to_have_attribute("aria-current", "page")
    expect(bob.get_by_role("log")).to_contain_text("only for us")
    expect(bob.get_by_role("region", name="Invitations")).to_have_count(0)

    # A moderator, and then nobody any more.
    expect(members.get_by_role("button", name="Bob , Online")).to_be_visible()
    expect(members.get_by_role("button", name="Alice Owner")).to_contain_text("Owner")
    bob.get_by_role("button", name="Members").click()
    theirs = bob.get_by_role("complementary", name="Members")
    expect(theirs.get_by_role("button", name="Bob , Online")).to_be_visible()
    members.get_by_role("button", name="More about Bob").click()
    alice.get_by_role("menuitem", name="Make moderator").click()
    expect(alice.get_by_text("Bob is moderator now.")).to_be_visible()
    expect(members.get_by_role("button", name="Bob Moderator")).to_be_visible()
    expect(theirs.get_by_role("button", name="Bob Moderator")).to_be_visible()
    assert sum('"members"' in one for one in asked_for) <= 5  # when something has changed, not over and over
    bob.get_by_role("button", name="Room settings").click()
    expect(bob.get_by_role("dialog")).to_contain_text("Your roleModerator")
    bob.keyboard.press("Escape")
    members.get_by_role("button", name="More about Bob").click()
    alice.get_by_role("menuitem", name="Remove from the room").click()
    asked = alice.get_by_role("dialog", name="Remove Bob from #secret?")
    asked.get_by_role("button", name="Cancel").click()
    expect(members.get_by_role("button", name="Bob Moderator")).to_be_visible()
    server.signal(signal.SIGSTOP)
    entry(alice, "lobby").click()
    expect(members.get_by_role("button", name="Bob Moderator")).to_have_count(0)  # not of the other room
    server.signal(signal.SIGCONT)
    entry(alice, "secret").click()
    members.get_by_role("button", name="More about Bob").click()
    alice.get_by_role("menuitem", name="Remove from the room").click()
    asked.get_by_role("button", name="Remove from the room").click()
    expect(members.get_by_role("button", name="Bob , Online")).to_have_count(0)
    expect(entry(bob, "secret")).to_have_count(0)
    expect(bob.get_by_text("You were removed from #secret.")).to_be_visible()


def test_an_invitation_can_be_put_away(visit: Visit) -> None:
    alice, bob = log_in(visit(), "Alice", PASSWORD), log_in(visit(), "Bob", PASSWORD)
    make_room(alice, "secret", private=True)
    alice.get_by_role("button", name="New talk").click()
    alice.get_by_role("dialog").get_by_role("button", name="Bob").click()
    alice.get_by_role("button", name="Bob", exact=True).click()
    alice.get_by_role("dialog", name="Profile").get_by_role("button", name="Invite to").click()
    alice.get_by_role("menuitem", name="secret").click()
    expect(bob.get_by_role("region", name="Invitations")).to_contain_text("Alice invites you")
    bob.get_by_role("button", name="Dismiss: secret").click()
    expect(bob.get_by_role("region", name="Invitations")).to_have_count(0)
    bob.reload()
    expect(entry(bob, "lobby")).to_be_visible()
    expect(bob.get_by_role("region", name="Invitations")).to_have_count(0)


def test_a_room_is_found_and_joined_and_left(visit: Visit, server: Server) -> None:
    for room, topic in (("tea", "Tea at five"), ("den", "")):
        guest = server.websocket(f"of-{room}")
        guest.ask("join", room=room)
        if topic:
            guest.ask("topic", room=room, topic=topic)
    page = log_in(visit(), "Alice", PASSWORD)
    page.get_by_role("button", name="Browse rooms").click()
    dialog = page.get_by_role("dialog", name="Browse rooms")
    expect(dialog.get_by_text("Tea at five")).to_be_visible()
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("te")
    expect(dialog.get_by_role("button", name="Join: den")).to_have_count(0)
    dialog.get_by_role("button", name="Join: tea").click()
    expect(entry(page, "tea")).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Room settings").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    page.get_by_role("dialog", name="Leave #tea?").get_by_role("button", name="Leave").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(entry(page, "tea")).to_have_count(0)


def test_a_name_that_is_none_is_told_at_its_field(visit: Visit) -> None:
    page = log_in(visit(), "Alice", PASSWORD)
    page.get_by_role("button", name="New room").click()
    field = page.get_by_label("Name of the room")
    expect(field).to_be_focused()
    page.keyboard.type("a b!")
    page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="New room")).to_be_focused()


def test_the_owner_says_what_a_room_is(visit: Visit, server: Server) -> None:
    page = log_in(visit(), "Alice", PASSWORD)
    make_room(page, "den")
    page.get_by_role("button", name="Room settings").click()
    dialog = page.get_by_role("dialog", name="About #den")
    dialog.get_by_label("Topic").fill("Tea at five")
    days = dialog.get_by_label("Days that messages are kept")
    days.fill("soon")
    dialog.get_by_role("button", name="Save").click()
    expect(days).to_have_accessible_description("A number of days, 0 or more.")
    days.fill("30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("banner").or_(page.get_by_role("main"))).to_contain_text("Tea at five")
    page.get_by_role("button", name="Room settings").click()
    expect(page.get_by_label("Days that messages are kept")).to_have_value("30")
    page.keyboard.press("Escape")
    # Who is no owner looks at the same, and changes nothing.
    bob = log_in(visit(), "Bob", PASSWORD)
    bob.get_by_role("button", name="Browse rooms").click()
    bob.get_by_role("button", name="Join: den").click()
    bob.get_by_role("button", name="Room settings").click()
    expect(bob.get_by_role("switch", name="Private")).to_be_disabled()
    expect(bob.get_by_label("Days that messages are kept")).to_be_disabled()


def test_a_guest_makes_no_private_room(visit: Visit) -> None:
    page = log_in(visit(), "Zoe")
    page.get_by_role("button", name="New room").click()
    expect(page.get_by_role("switch", name="Private")).to_be_disabled()
    expect(page.get_by_role("dialog")).to_contain_text("Private rooms need an account")


def test_somebody_who_is_away_is_written_to_by_name(visit: Visit) -> None:
    alice = log_in(visit(), "Alice", PASSWORD)
    alice.get_by_role("button", name="New talk").click()
    alice.get_by_label("To whom").fill("Bob")
    alice.keyboard.press("Enter")
    expect(entry(alice, "Bob")).to_have_attribute("aria-current", "page")
    say(alice, "read this later")
    bob = log_in(visit(), "Bob", PASSWORD)
    expect(entry(bob, "Alice")).to_have_accessible_name("Alice , Online one unread")
    entry(bob, "Alice").click()
    expect(bob.get_by_role("log")).to_contain_text("read this later")
