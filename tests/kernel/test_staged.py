"""Why is it slow? The verdict names the right cause, where each is staged for real, and nothing where nothing
is wrong: with probes attached, and without any privilege."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from hubbub.observe.kernel.verdict import Verdict
from kernel.slow_disk import slow_disk
from kernel.stage_people import House, flooding, house, reading, talking
from kernel.staging import Seen, Stage, eventually, why_no_stage

pytestmark = pytest.mark.skipif(bool(why_no_stage()), reason=why_no_stage())

HOGS = 32
"""Each has its 3 ms before it is the server's turn again: fewer are not felt (`LAG_STARVED`)."""
STEADY = 3
"""Answers in a row that say that nothing is wrong: one might come by chance."""


@pytest.fixture(scope="module", params=["with probes", "without"])
def seeing(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How much the server may see: what `house` is to be told."""
    if request.param == "with probes":
        return {"HUBBUB_PROBES_MODE": "on"}
    return {"HUBBUB_PROBES_MODE": "auto", "powerless": True}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def judged(home: House, name: str, cause: str, rule: str = "") -> Verdict:
    """The verdict, once it is that: of this cause, and by this rule if one is named."""
    told: list[Verdict] = []

    def found() -> bool:
        told.append(home.why(name).verdict)
        return told[-1].cause == cause and rule in ("", told[-1].rule)

    try:
        eventually(f"{name}: {cause}", found)
    except AssertionError as error:
        raise AssertionError(f"{error}; {told[-1].rule}: {told[-1].sentence}") from None
    return told[-1]


def nothing_wrong(home: House, name: str) -> None:
    judged(home, name, "nothing")
    for _ in range(STEADY):
        told = home.why(name).verdict
        assert told.cause == "nothing", told


def fact(told: Verdict, name: str) -> float:
    [value] = [one.value for one in told.facts if one.name == name]
    return value


# -- each on a line of their own, all on one server


@pytest.fixture(scope="module")
def home(seeing: dict[str, Any]) -> Iterator[House]:
    """A room in which alice talks to people each of whom has something else to suffer from."""
    with Stage() as stage, house(stage, **seeing) as home, ExitStack() as left:
        alice = home.near("alice")

        def far(name: str, receive_buffer: int = 0) -> Any:
            line = stage.line()
            return line, home.far(line.there, line.address, name, receive_buffer)

        lossy, bob = far("bob")
        thin, carol = far("carol")
        cut, _ = far("frank")
        far("erin", receive_buffer=4_096)
        _, heidi = far("heidi")
        late = stage.long_line(0.01)
        ivan = home.far(late.there, late.address, "ivan")
        long = stage.long_line(0.15)
        dave = home.far(long.there, long.address, "dave")
        grace = home.near("grace")
        lossy.lose(10)
        thin.throttle(8_000)
        cut.cut()
        left.enter_context(reading(alice, bob, carol, dave, heidi, ivan))
        left.enter_context(flooding([grace], "heartbeat"))
        left.enter_context(talking(alice, 1_000, 0.05))
        home.late, home.ivan = late, ivan
        yield home
        cut.mend()  # else the server's end would wait for it to take its last words


def test_it_says_where_the_figures_come_from(home: House, seeing: dict[str, Any]) -> None:
    told = home.why("alice")
    [line] = [one.line for one in told.connections]
    assert line is not None
    if "powerless" in seeing:
        assert "none" in told.source
        assert "TCP_INFO" in told.source
        assert line.sends is None
    else:
        assert "attached" in told.source
        assert line.sends


def test_nothing_is_wrong_on_the_servers_machine(home: House) -> None:
    nothing_wrong(home, "alice")


def test_nothing_is_wrong_on_a_good_line(home: House) -> None:
    nothing_wrong(home, "heidi")


def test_a_line_that_loses(home: House) -> None:
    told = judged(home, "bob", "network")
    assert fact(told, "retransmitted") >= 2


def test_a_line_that_is_late_loses_nothing(home: House) -> None:
    """What is acknowledged late was sent again by then, and the peer says that it had it."""
    late, ivan = home.late, home.ivan

    def seen() -> Seen:
        [found] = home.stage.here.sockets("dport", "=", f":{ivan.port}")
        return found

    def sent_again(enough: int) -> bool:
        return seen().retransmitted >= enough

    for _ in range(2):
        eventually("it is near again", lambda: 0 < seen().rtt < 40)
        enough = seen().retransmitted + 3
        late.stall()
        try:
            eventually("it is sent again", partial(sent_again, enough))
        finally:
            late.go_on()
        eventually("all of it was needless", lambda: seen().needless >= seen().retransmitted)
        told = home.why("ivan")
        assert told.verdict.rule != "loses", (told.verdict, seen())


def test_a_line_that_is_thin(home: House) -> None:
    told = judged(home, "carol", "network", "takes too little")
    assert fact(told, "unsent") > 0


def test_a_line_that_is_long(home: House) -> None:
    told = judged(home, "dave", "network", "far")
    assert fact(told, "rtt") >= 300_000
    assert fact(told, "others_rtt") < 150_000


def test_somebody_who_does_not_read(home: House) -> None:
    told = judged(home, "erin", "reader", "does not read")
    assert fact(told, "reader_limited") > 0


def test_somebody_who_vanished(home: House) -> None:
    told = judged(home, "frank", "unreachable")
    assert fact(told, "backoff") >= 3


def test_requests_that_are_held_back(home: House) -> None:
    told = judged(home, "grace", "limits")
    assert fact(told, "held_back") > 0


def test_the_command_says_so_too(home: House) -> None:
    told, code = asked(home, "dave")
    assert (told["verdict"]["cause"], code) == ("network", 1)
    told, code = asked(home, "alice")
    assert (told["verdict"]["cause"], code) == ("nothing", 0)


def asked(home: House, name: str) -> tuple[dict[str, Any], int]:
    """What `hubbub why` says, and its exit code."""
    words = [sys.executable, "-m", "hubbub", "why", name, "--json", "--data", str(home.data)]
    done = home.stage.here.run(lambda: subprocess.run(words, capture_output=True, timeout=30, check=False))
    return json.loads(done.stdout), done.returncode


# -- what everybody on a server suffers from


def test_a_loop_that_is_busy(stage: Stage, seeing: dict[str, Any]) -> None:
    with house(stage, "--limits", "off", **seeing) as home:
        crowd = [home.near(f"user{number}") for number in range(4)]
        line = stage.line()
        bob = home.far(line.there, line.address, "bob")
        nothing_wrong(home, "bob")
        with reading(bob), flooding(crowd, "heartbeat", at_once=20_000):
            judged(home, "bob", "loop")


def test_a_disk_that_is_slow(stage: Stage, seeing: dict[str, Any]) -> None:
    with slow_disk(stage.here) as disk, house(stage, disk=disk.path, **seeing) as home:
        line = stage.long_line(0.15)
        alice, bob, dave = home.near("alice"), home.near("bob"), home.far(line.there, line.address, "dave")
        with reading(alice, bob, dave), talking(alice, 100, 0.1):
            nothing_wrong(home, "bob")
            disk.take(0.3)
            judged(home, "bob", "disk")
            eventually("and how slow", lambda: how_slow(home) >= 300_000)
            judged(home, "dave", "network")  # what is his own is told first: it will outlast the disk
            disk.take(0)


def how_slow(home: House) -> float:
    """Microseconds that the disk takes, by a verdict; 0: it does not say."""
    return max((one.value for one in home.why("bob").verdict.facts if one.name == "sync_p99"), default=0)


def test_a_machine_that_has_no_time(stage: Stage, seeing: dict[str, Any]) -> None:
    core = max(os.sched_getaffinity(0))
    with house(stage, "--limits", "off", core=core, **seeing) as home:
        alice, carol = home.near("alice"), home.near("carol")
        with reading(alice), flooding([carol], "heartbeat"), stage.hogs(HOGS, core):
            told = judged(home, "alice", "machine")
        assert fact(told, "denied") >= 30


def test_a_machine_that_has_no_time_where_nobody_looks_into_the_kernel(stage: Stage) -> None:
    """The server knows of its own thread."""
    core = max(os.sched_getaffinity(0))
    with house(stage, "--limits", "off", core=core, HUBBUB_PROBES_MODE="off") as home:
        alice, carol = home.near("alice"), home.near("carol")
        with reading(alice), flooding([carol], "heartbeat"), stage.hogs(HOGS, core):
            told = judged(home, "alice", "machine")
        assert fact(told, "denied") >= 30
