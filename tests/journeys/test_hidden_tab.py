"""A conversation that is opened behind another tab: Firefox gives it no frames, its timers go once a second.

It has its place within some frames of being seen; a page that waits there by timers fails this. Not shown is
what becomes of one that is placed while it is hidden: in a Firefox without a screen that came out right too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from journeys.browsers import DESKTOP, Firefox, FirefoxTab
from journeys.company import PASSWORD, House
from journeys.company import firefox_at_desk as firefox_at_desk
from journeys.company import house as house
from journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.long]

PLACE = """(() => {
    const log = document.querySelector('main [role=log].ready');
    const shown = (row) => getComputedStyle(row).visibility === 'visible';
    const rows = [...log?.querySelectorAll('.row') ?? []].filter(shown);
    const view = log?.getBoundingClientRect();
    const seen = rows.filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return bottom > view.top && top < view.bottom;
    });
    const gap = log === null ? null : Math.round(log.scrollHeight - log.clientHeight - log.scrollTop);
    return { hidden: document.hidden, seen: seen.length, gap };
})()"""

FRAMES = """document.addEventListener('visibilitychange', () => {
    window.frames_until = 0;
    requestAnimationFrame(function look() {
        window.frames_until++;
        if (document.querySelector('main [role=log].ready') === null) requestAnimationFrame(look);
    });
}, { once: true })"""
"""Counts those that pass from when the tab is seen until its messages are."""
SOON = 30


def test_it_is_at_its_end_as_soon_as_it_is_seen(
    firefox_at_desk: Firefox, house: House, tmp_path: Path
) -> None:
    alice = Person(firefox_at_desk, house.url + "/", DESKTOP, "alice", tmp_path)
    tab = alice.tab
    assert isinstance(tab, FirefoxTab)
    alice.comes_in(PASSWORD, "register")
    with house.server.websocket("bob") as bob:
        bob.ask("create", id="1", room="yard")
        for number in range(60):
            bob.ask("publish", id=f"a{number}", room="yard", content=f"line {number}")
        with house.server.websocket("carol") as carol:
            carol.ask("join", id="2", room="yard")
        tab.goto(house.url + "/#/room/lobby")
        tab.run(
            "fetch('/api/v1/join', {method: 'POST', body: JSON.stringify({room: 'yard'}),"
            " headers: {'Content-Type': 'application/json'}}).then((it) => it.status)"
        )
        tab.hide()
        alice.waits("document.hidden")
        tab.run("location.hash = '#/room/yard'")
        alice.waits("document.querySelectorAll('main [role=log] article').length > 5")
        bob.ask("publish", id="b", room="yard", content="while she looks elsewhere")
        alice.waits("/[1-9]/.test(document.querySelector('nav a[href$=yard] .count')?.textContent ?? '')")
        assert tab.run(PLACE)["hidden"]
        tab.run(f"void {FRAMES}")
        tab.front()
        alice.waits(f"(({{ hidden, seen, gap }}) => !hidden && seen > 5 && Math.abs(gap) <= 2)({PLACE})")
        alice.waits("document.querySelector('nav a[href$=yard] .count') === null")
        assert tab.run("frames_until") <= SOON
