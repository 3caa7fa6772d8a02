"""The bench, briefly: the driver against every server that is here, and against some that fail on purpose."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.drive import HERE, OUT, DriverFailedError, Load, Result, compile_driver, drive, missing_compiler
from bench.machine import Cores, cpu_seconds
from bench.measure import measure, measure_idle, measure_startup
from bench.scenarios import Idle, Scenario, Startup
from bench.servers import HUBBUB, SERVERS, Server, find_program, running

BROKEN_CHAT = Path(__file__).with_name("broken_chat.py")
NOT_PINNED = Cores(None, None)


@pytest.fixture(scope="module")
def driver() -> Path:
    if tool := missing_compiler():
        pytest.skip(f"{tool} is missing")
    return compile_driver()


def _needed(server: Server) -> Server:
    if tool := server.missing():
        pytest.skip(f"{tool} is missing")
    return server


def _tiny(server: Server, driver: Path, load: Load) -> Result:
    scenario = Scenario("tiny", "tiny", load, ())
    return measure(driver, scenario, server, 0, NOT_PINNED).result


def assert_whole(result: Result, sent: int, deliveries: int) -> None:
    assert (result.sent, result.delivered_in_all) == (sent, deliveries)
    assert (result.lost, result.duplicates, result.out_of_order) == (0, 0, 0)
    assert (result.closed, result.refusal) == (0, "")


@pytest.mark.parametrize("name", SERVERS)
def test_a_room_gets_every_message_once_and_in_order(name: str, driver: Path) -> None:
    load = Load(members=5, publishers=1, in_flight=4, messages=20)
    assert_whole(_tiny(_needed(SERVERS[name]), driver, load), sent=20, deliveries=100)


@pytest.mark.parametrize("name", SERVERS)
def test_rooms_with_two_publishers_each_at_a_fixed_rate(name: str, driver: Path) -> None:
    load = Load(members=6, rooms=2, publishers=4, rate=500, messages=20)
    result = _tiny(_needed(SERVERS[name]), driver, load)
    assert_whole(result, sent=20, deliveries=60)
    assert result.latency_ms.samples == 60
    assert 0 < result.latency_ms.p50 <= result.latency_ms.p99 <= result.latency_ms.max


def test_by_time_the_measured_part_lies_between_the_marks(driver: Path) -> None:
    server = _needed(HUBBUB)
    marks: list[str] = []
    cpu: list[float] = []
    load = Load(members=5, in_flight=4, warmup=0.1, seconds=0.2)
    with running(server, None) as process:

        def on_mark(name: str) -> None:
            marks.append(name)
            cpu.append(cpu_seconds(process.pid))

        result = drive(driver, load, process.target, None, on_mark)
    assert marks == ["ready", "start", "stop"]
    assert cpu == sorted(cpu)
    assert 0 < result.deliveries < result.delivered_in_all
    assert result.delivered_in_all == result.sent * 5
    assert result.seconds >= 0.2


def _broken(fault: str) -> Server:
    command = [sys.executable, str(BROKEN_CHAT), fault]
    return Server(f"broken-{fault}", "chat", lambda port, _: [*command, str(port)], lambda: None)


@pytest.mark.parametrize(
    ("fault", "lost", "duplicates", "out_of_order", "closed"),
    [("none", 0, 0, 0, 0), ("lose", 1, 0, 0, 0), ("double", 0, 1, 0, 0), ("swap", 0, 0, 1, 0)],
)
def test_the_driver_sees_what_a_server_does_wrong(
    fault: str, lost: int, duplicates: int, out_of_order: int, closed: int, driver: Path
) -> None:
    load = Load(members=3, in_flight=20, messages=20, drain=0.5)
    result = _tiny(_broken(fault), driver, load)
    found = (result.lost, result.duplicates, result.out_of_order, result.closed)
    assert found == (lost, duplicates, out_of_order, closed)
    assert result.delivered_in_all == 60 - lost


def test_the_driver_sees_a_member_cut_off(driver: Path) -> None:
    load = Load(members=3, in_flight=20, messages=20, drain=0.5)
    result = _tiny(_broken("cut"), driver, load)
    assert result.closed == 1
    assert result.lost >= 13  # what was on its way to it when it was cut off may be lost as well


@pytest.mark.parametrize(("fault", "said"), [("refuse", "no upgrade"), ("mistake", "came to room 0")])
def test_the_driver_gives_no_result_where_there_is_none(fault: str, said: str, driver: Path) -> None:
    load = Load(members=2, rooms=2, publishers=2, in_flight=2, messages=4, drain=0.5)
    with pytest.raises(DriverFailedError, match=said):
        _tiny(_broken(fault), driver, load)


def test_idle_connections_are_opened_and_weighed(driver: Path) -> None:
    row = measure_idle(driver, Idle(connections=20, settle_seconds=0), _needed(HUBBUB), NOT_PINNED)
    assert row.connections == 20
    assert row.logins_seconds > 0
    assert row.rss_each >= 0
    assert abs(row.pss_each - row.rss_each) < 256 * 1024  # shared pages apart, they weigh the same


def test_start_up_is_timed() -> None:
    row = measure_startup(Startup(repeats=1))
    assert 0 < row.bare < row.help
    assert row.accept > 0


def test_profile_writes_a_flame_graph_of_the_server(driver: Path) -> None:
    if find_program("py-spy") is None:
        pytest.skip("py-spy is missing")
    command = [sys.executable, str(HERE / "profile.py"), "--scenario", "A", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ptrace is refused" in done.stderr and "ermission" in done.stderr:
        pytest.skip("py-spy may not trace here")
    assert done.returncode == 0, done.stderr
    graph = (OUT / "fanout.svg").read_text()
    assert "<svg" in graph
    assert "hubbub/server/" in graph
