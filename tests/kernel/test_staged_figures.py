"""What is staged is so: by `ss`, `/proc` and the server's own figures, before any verdict rests on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.observe.kernel.verdict import RETRANSMITTED
from kernel.slow_disk import slow_disk
from kernel.stage_people import House, Person, flooding, house, reading, run_delay, talking
from kernel.staging import Seen, Stage, eventually, why_no_stage

pytestmark = pytest.mark.skipif(bool(why_no_stage()), reason=why_no_stage())


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def seen(home: House, person: Person) -> Seen:
    """The server's end of somebody's connection."""
    [row] = home.stage.here.sockets("dport", "=", f":{person.port}")
    return row


# -- lines, of people on one server


@pytest.fixture(scope="module")
def lines() -> Iterator[House]:
    """A room in which alice talks without end."""
    with Stage() as stage, house(stage, "--limits", "off") as home:
        alice = home.near("alice")
        with reading(alice), talking(alice, 2_000, 0.02):
            yield home
        assert seen(home, alice).retransmitted < RETRANSMITTED


def test_a_line_that_loses(lines: House) -> None:
    line = lines.stage.line()
    bob = lines.far(line.there, line.address, "bob")
    line.lose(20)
    with reading(bob):
        eventually("segments are sent again", lambda: seen(lines, bob).retransmitted > 10)
    bob.close()


def test_a_line_that_is_thin(lines: House) -> None:
    line = lines.stage.line()
    carol = lines.far(line.there, line.address, "carol")
    line.throttle(20_000)
    with reading(carol):
        eventually("bytes wait for it", lambda: seen(lines, carol).unsent > 50_000)
        eventually("its queue is felt", lambda: seen(lines, carol).rtt > 100)
    carol.close()


def test_a_line_that_is_long(lines: House) -> None:
    line = lines.stage.long_line(0.15)
    dave = lines.far(line.there, line.address, "dave")
    with reading(dave):
        eventually("its length is felt", lambda: seen(lines, dave).rtt >= 300)
    assert seen(lines, dave).retransmitted < RETRANSMITTED
    dave.close()


def test_somebody_who_does_not_read(lines: House) -> None:
    line = lines.stage.line()
    erin = lines.far(line.there, line.address, "erin", receive_buffer=4_096)
    before = eventually("the window is shut", lambda: seen(lines, erin).reader_limited)
    eventually("and stays so", lambda: seen(lines, erin).reader_limited > before + 500)
    assert seen(lines, erin).queued > 10_000
    erin.close()


def test_somebody_who_vanishes(lines: House) -> None:
    line = lines.stage.line()
    frank = lines.far(line.there, line.address, "frank")
    line.cut()
    eventually("the timer runs out again and again", lambda: seen(lines, frank).backoff >= 3)
    assert seen(lines, frank).retransmitted >= 3
    line.mend()
    frank.close()


def test_a_line_on_which_nothing_is_wrong(lines: House) -> None:
    line = lines.stage.line()
    heidi = lines.far(line.there, line.address, "heidi")
    for _ in range(20):
        heidi.get("message/new")
    found = seen(lines, heidi)
    assert (found.unsent, found.backoff, found.reader_limited) == (0, 0, 0)
    assert found.retransmitted < RETRANSMITTED  # a machine that is full may send one again
    heidi.close()


# -- what everybody suffers from


def test_a_processor_that_others_want(stage: Stage) -> None:
    core = max(os.sched_getaffinity(0))
    with house(stage, "--limits", "off", core=core) as home:
        alice, carol = home.near("alice"), home.near("carol")
        with stage.hogs(6, core), reading(alice), flooding([carol], "heartbeat"):
            began, before = time.monotonic(), run_delay(home.pid)
            eventually("it waits for its turn", lambda: run_delay(home.pid) - before > 2)
            passed = time.monotonic() - began
        assert run_delay(home.pid) - before > passed / 3


def test_a_disk_that_is_slow(stage: Stage) -> None:
    with slow_disk(stage.here) as disk, house(stage, disk=disk.path) as home:
        alice = home.near("alice")
        disk.take(0.3)
        syncs = home.metric("hubbub_sync_seconds_count")
        took = home.metric("hubbub_sync_seconds_sum")
        for number in range(3):
            assert alice.ask("message/send", f"m{number}", text="kept")["payload"]
        more = home.metric("hubbub_sync_seconds_count") - syncs
        assert more >= 3
        assert home.metric("hubbub_sync_seconds_sum") - took >= 0.3 * more
        disk.take(0)


def test_a_loop_that_is_busy(stage: Stage) -> None:
    with house(stage, "--limits", "off") as home:
        crowd = [home.near(f"user{number}") for number in range(4)]
        with flooding(crowd, "heartbeat", at_once=20_000):
            eventually("it comes late", lambda: lag_over(home, 0.25) >= 3)


def lag_over(home: House, least: float) -> float:
    """How often the loop was later than so many seconds."""
    return home.metric("hubbub_loop_lag_seconds_count") - home.metric(
        f'hubbub_loop_lag_seconds_bucket{{le="{least}"}}'
    )


def test_requests_that_are_held_back(stage: Stage) -> None:
    with house(stage) as home:
        carol = home.near("carol")
        with flooding([carol], "heartbeat"):
            eventually("they wait", lambda: home.metric("hubbub_requests_throttled_total") >= 1)


STAGED = """
import time
from hubbub.observe.kernel.verdict import RETRANSMITTED
from kernel.slow_disk import slow_disk
from kernel.stage_people import house
from kernel.staging import Stage

with Stage() as stage, slow_disk(stage.here) as disk, stage.hogs(1, 0):
    with house(stage, disk=disk.path):
        stage.long_line(0.1)
        stage.line()
        print("staged", flush=True)
        time.sleep(60)
"""


def test_a_stage_goes_with_a_test_that_is_killed() -> None:
    words = [sys.executable, "-c", STAGED]
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env=where)
    assert process.stdout is not None
    assert process.stdout.readline() == b"staged\n"
    started = children(process.pid)
    assert len(started) >= 5  # disk, hog, server, relay, leash
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    eventually("they are gone", lambda: not any(map(alive, started)))


def children(pid: int) -> list[int]:
    found: set[int] = set()
    for tasks in Path(f"/proc/{pid}/task").iterdir():
        found.update(map(int, (tasks / "children").read_text().split()))
    return sorted(found)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
