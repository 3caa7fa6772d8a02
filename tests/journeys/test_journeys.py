"""The main journeys, in both browsers, against a started server with its log on disk.

Each is walked twice: in Chromium and in Firefox, in English and in Chinese, at a desk and with a phone.
"""

from __future__ import annotations

import hashlib
import json
import random
import struct
import time
import zlib
from pathlib import Path

import pytest

from journeys.browsers import DESKTOP, PHONE
from journeys.company import PASSWORD, Company, House, walked
from journeys.company import chromium_driven as chromium_driven
from journeys.company import company as company
from journeys.company import firefox_at_desk as firefox_at_desk
from journeys.company import firefox_in_hand as firefox_in_hand
from journeys.company import house as house
from journeys.company import pictures as pictures
from journeys.person import LONG, Person

pytestmark = pytest.mark.browser


@walked(("chromium", "zh", PHONE), ("firefox", "en", DESKTOP))
def test_two_guests_talk(company: Company) -> None:
    alice = company.meet("alice")
    t = alice.words
    alice.goes_to("lobby")
    alice.sees("text", t("chat.emptyRoom"))
    alice.looks("empty room")
    alice.says("lobby", "good morning")
    bob = company.meet("bob")
    bob.goes_to("lobby")
    bob.reads_message("good morning")
    alice.to_list()
    alice.clicks("button", t("shell.newRoom"))
    alice.fills(t("panes.roomName"), "den")
    alice.clicks("button", t("panes.createRoom"))
    alice.sees("heading", "den", within="main")
    alice.to_list()
    bob.says("lobby", "@alice and to you")
    alice.sees("link", has=t("shell.mentionsCount", n=1), within="nav")
    alice.looks("mention")
    alice.goes_to("lobby")
    alice.reads_message("@alice and to you")
    alice.lacks("button", t("chat.jumpToEnd"))  # all of it is in view
    alice.acts("and to you", "reply")
    alice.sees("text", t("chat.replyingTo", name="bob"))
    alice.says("lobby", "slept wel?")
    bob.reads_message("slept wel?")
    bob.sees("button", has="and to you", within="article")  # the quote
    alice.acts("slept wel?", "edit")
    alice.fills(t("chat.write", name="lobby"), "slept well?")
    alice.tab.press("Enter")
    bob.reads_message("slept well?")
    bob.sees("text", f"({t('chat.edited')})")
    bob.acts("slept well?", "react")
    bob.fills(t("deeds.emojiSearch"), "tada")
    bob.tab.press("Enter")
    alice.sees("button", t("chat.reactionBy", emoji="🎉", n=1, names="bob"))
    bob.says("lobby", "oops")
    bob.acts("oops", "delete")
    bob.sees("text", t("deeds.deleteTitle"))
    bob.clicks("button", t("deeds.deleteNow"))
    alice.sees("article", has=t("chat.deleted"))
    alice.looks("conversation")
    alice.own_menu(t("shell.signOut"))
    alice.sees("dialog", t("account.signOut"))  # a guest is asked
    alice.looks("leaving")
    alice.clicks("button", t("account.signOut"))
    alice.sees("textbox", t("entrance.yourName"))


@walked(("firefox", "zh", PHONE), ("chromium", "en", DESKTOP))
def test_an_account_a_private_room_and_who_is_invited(company: Company) -> None:
    alice, bob = company.meet("alice", PASSWORD), company.meet("bob", PASSWORD)
    t = alice.words
    alice.to_list()
    alice.clicks("button", t("shell.newRoom"))
    alice.fills(t("panes.roomName"), "attic")
    alice.fills(t("panes.topicOptional"), "what is up there")
    alice.clicks("switch", t("panes.privateRoom"))
    alice.looks("new room")
    alice.clicks("button", t("panes.createRoom"))
    alice.sees("heading", "attic", within="main")
    alice.sees("text", "what is up there")
    alice.clicks("button", t("chat.members"))
    alice.sees("button", has="alice", within="aside")
    alice.clicks("button", t("panes.invite"), within="aside")
    alice.fills(t("panes.name"), "bob", within="dialog")
    alice.clicks("button", t("panes.invite"), within="dialog")
    alice.sees("text", t("panes.invited", name="bob", room="attic"))
    bob.to_list()
    bob.sees("text", t("shell.invitedBy", name="alice"))
    bob.looks("invited")
    bob.clicks("button", f"{t('shell.join')}: attic")
    bob.sees("heading", "attic", within="main")
    bob.says("attic", "it is dusty")
    alice.clicks("button", t("panes.moreAbout", name="bob"), within="aside")
    alice.clicks("menuitem", t("panes.makeModerator"))
    alice.sees("text", t("panes.isModeratorNow", name="bob"))
    alice.looks("members")
    alice.clicks("button", t("panes.hideMembers"))
    alice.reads_message("it is dusty")


def climbs(person: Person, until: str) -> None:
    """By the wheel into the past."""
    there = f"[...document.querySelectorAll('.begin')].some((one) => one.innerText === {json.dumps(until)})"
    person.tab.hover("document.querySelector('[role=log]')")
    deadline = time.monotonic() + LONG
    while not person.tab.run(f"{there} && document.querySelector('[role=log]').scrollTop === 0"):
        assert time.monotonic() < deadline, "the beginning was not reached"
        person.tab.wheel(-1_500)
        person.tab.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@walked(("chromium", "zh", DESKTOP), ("firefox", "en", PHONE))
@pytest.mark.long
def test_the_past_both_ways_and_what_was_said_there(company: Company) -> None:
    bob = company.house.server.websocket("bob")
    for number in range(1, 261):
        rare = " about a pangolin" if number == 100 else ""
        bob.ask("publish", id=f"m{number}", room="lobby", content=f"message {number}{rare}")
    alice = company.meet("alice")
    t = alice.words
    alice.goes_to("lobby")
    alice.reads_message("message 260")
    climbs(alice, t("chat.beginRoom", name="lobby"))
    alice.sees("article", has="message 1")
    alice.clicks("button", t("chat.search"), within="main")
    alice.fills(t("deeds.searchFor"), "pangolin")
    alice.sees("text", t("deeds.searchFound", n=1))
    alice.looks("search")
    alice.clicks("button", has="pangolin", within=".results")
    alice.sees("article", has="message 100 about a pangolin")
    alice.waits("document.querySelector('article.lit')?.innerText.includes('pangolin')")
    bob.ask("publish", id="last", room="lobby", content="and the last")
    alice.clicks("button", has=t("chat.jumpToEndNew", n=1))
    alice.sees("article", has="and the last")
    alice.waits(
        "(({scrollHeight: a, scrollTop: b, clientHeight: c}) => a - b - c <= 1)"
        "(document.querySelector('[role=log]'))"
    )


def picture_file(path: Path, width: int, height: int) -> None:
    """A PNG of many colours."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(width) for part in (x % 256, y % 256, (x + y) % 256))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


MOVED = """(window.moved = 0, new MutationObserver(() => {
    if (document.querySelector('progress')) window.moved++;
}).observe(document.body, {childList: true, subtree: true}))"""
"""A short file is soon sent: that its progress was shown is noted where it is."""


@walked(("firefox", "zh", DESKTOP), ("chromium", "en", PHONE))
def test_files_are_kept_or_go_straight_to_somebody(company: Company, tmp_path: Path) -> None:
    picture, report = tmp_path / "sunset 日落.png", tmp_path / "report.bin"
    picture_file(picture, 640, 400)
    report.write_bytes(random.Random(7).randbytes(3_000_000))
    alice, bob = company.meet("alice", PASSWORD), company.meet("bob", PASSWORD)
    t = alice.words
    alice.goes_to("lobby")
    bob.goes_to("lobby")
    alice.tab.run(MOVED)
    alice.chooses_files(t("files.attach"), [picture, report])
    alice.sees("dialog", t("transfers.title", name="lobby"))
    alice.sees("text", "sunset 日落.png")
    alice.fills(t("transfers.caption"), "from the roof")
    alice.looks("files")
    alice.clicks("button", t("transfers.send", n=2))
    alice.sees("region", t("transfers.transfers"))
    alice.reads_message("from the roof")
    bob.sees("link", has=t("files.download", name="report.bin"), within="article")
    alice.waits("window.moved > 0")
    alice.looks("files sent")
    digest = bob.tab.run(
        "(async () => [...new Uint8Array(await crypto.subtle.digest('SHA-256', await (await fetch("
        "[...document.querySelectorAll('article a.card')].at(-1).href)).arrayBuffer()))]"
        ".map((one) => one.toString(16).padStart(2, '0')).join(''))()"
    )
    assert digest == hashlib.sha256(report.read_bytes()).hexdigest()
    bob.clicks("button", t("files.view", name="sunset 日落.png"))
    bob.sees("picture", t("files.picture", name="sunset 日落.png"), within="dialog")
    bob.waits("document.querySelector('dialog img').naturalWidth === 640")
    bob.looks("picture")
    bob.clicks("button", t("files.close"))
    bob.lacks("dialog")

    alice.to_list()
    alice.clicks("button", t("shell.newTalk"))
    alice.fills(t("panes.toWhom"), "bob")
    alice.clicks("button", t("panes.talk"), within="dialog footer")
    alice.says("bob", "take this")
    for answer, told in (("accept", "done"), ("decline", "declined")):
        alice.chooses_files(t("files.attach"), [report])
        alice.clicks("switch", t("transfers.sendLive", name="bob"))
        alice.clicks("button", t("transfers.send", n=1))
        alice.sees("text", t("transfers.offered", name="bob"))
        bob.sees("text", t("transfers.offers", name="alice"))
        bob.looks(f"offer {answer}")
        bob.clicks("button", has=t(f"transfers.{answer}"), within="section")
        bob.lacks("button", has=t("transfers.accept"))
        alice.lacks("text", t("transfers.offered", name="bob"))
        alice.sees("text", t(f"transfers.{told}", name="bob"))


@walked(("chromium", "zh", PHONE), ("firefox", "en", DESKTOP))
@pytest.mark.long
def test_the_own_account_and_the_server(company: Company) -> None:
    password = (company.house.folder / "admin-password").read_text().strip()
    admin = company.meet("admin", password, "login")
    again = company.meet("admin", password, "login")
    t = admin.words
    admin.own_menu(t("shell.busy"))
    admin.sees("button", has=t("shell.busy"), within="nav")
    for theme in ("light", "dark"):
        admin.prefers(theme)
        assert admin.tab.run("getComputedStyle(document.body).colorScheme") == theme
        admin.opens_settings()
        admin.looks(f"settings {theme}")
        admin.closes_dialog()
    other = "zh" if company.language == "en" else "en"
    admin.reads(other)
    admin.looks("other language")
    admin.reads(company.language)
    t = admin.words
    admin.own_menu(t("shell.profile"))
    admin.sees("heading", "admin", within="dialog")
    admin.clicks("tab", t("account.sessions"))
    admin.sees("text", t("account.thisSession"))
    admin.looks("sessions")
    admin.clicks("button", has=t("account.endOf", id=""), within="dialog")
    admin.sees("text", t("account.sessionEnded"))
    again.sees("text", t("entrance.endedPolicy"))
    admin.closes_dialog()

    admin.own_menu(t("shell.admin"))
    admin.sees("heading", t("admin.title"))
    admin.sees("text", "admin", within="main")
    admin.looks("admin")
    for page in ("rooms", "limits", "storage"):
        admin.clicks("tab", t(f"admin.{page}"))
        admin.looks(page)
    admin.tab.goto(company.house.url + "/dashboard")
    admin.sees("heading", t("dashboard.title"))
    admin.sees("text", t("dashboard.live"))
    admin.waits("document.querySelectorAll('canvas').length >= 6")
    admin.looks("dashboard")
    admin.tab.goto(company.house.url)
    admin.own_menu(t("shell.signOut"))
    admin.sees("textbox", t("entrance.yourName"))


@walked(("chromium", "en", DESKTOP), ("firefox", "zh", PHONE))
def test_a_server_that_is_killed_while_people_write(company: Company, house: House) -> None:
    alice, bob = company.meet("alice", PASSWORD), company.meet("bob")
    both = (alice, bob)
    for person in both:
        person.goes_to("lobby")
        person.clicks("textbox", person.words("chat.write", name="lobby"))
    for number in range(7):
        if number == 3:
            house.kill()
        if number == 5:
            alice.sees("button", alice.words("shell.tryNow"), patience=LONG)
            alice.looks("no line")
            house.start()
        for person in both:
            person.tab.type(f"{person.name} {number}")
            person.tab.press("Enter")
    for person in both:
        person.waits(
            "document.querySelectorAll('article.sent').length === 14"
            " && !document.querySelector('article:not(.sent)')",
            LONG,
        )
    on_server = house.history()
    for person in both:
        mine = [f"{person.name}: {person.name} {number}" for number in range(7)]
        assert [line for line in on_server if line.startswith(person.name)] == mine
        assert person.shown() == [line.split(": ")[1] for line in on_server]
    alice.looks("all is there")
