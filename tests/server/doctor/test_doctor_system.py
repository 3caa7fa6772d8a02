"""What the doctor says of the system: in processes and namespaces that are really confined."""

from __future__ import annotations

import ctypes
import socket
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from hubbub.server.doctor import clock, probes, system
from hubbub.server.doctor.report import Finding
from server.doctor.examining import answering, calm, command, deployment, look, of, said
from serving import serving

CONFINED = ("sh", "-c", 'ulimit -n 1000 && exec "$@"', "sh")


def test_too_few_descriptors() -> None:
    """Hard limits that root may not raise either: the capability is dropped."""
    within = ("setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource", *CONFINED)
    _, report = command("--data", ":memory:", within=within)
    found = said(of(report, "descriptors"), "warning", "1,000 files and sockets")
    assert found.figures == {"soft": 1000, "hard": 1000, "wanted": 21_024}
    assert "LimitNOFILE" in found.advice


def test_enough_descriptors() -> None:
    calm(look("descriptors", deployment("--data", ":memory:", HUBBUB_LIMITS_MAX_CONNECTIONS="100")))


def test_descriptors_of_the_server_that_runs(tmp_path: Path) -> None:
    """It has its own limit, whatever the doctor's is."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving("--data", str(tmp_path / "data"), HUBBUB_LIMITS_MAX_CONNECTIONS="50") as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (60, 60))
        at = deployment("--data", str(tmp_path / "data"), HUBBUB_LIMITS_MAX_CONNECTIONS="50")
        found = said(look("descriptors", at), "warning", f"(process {server.process.pid}) may have 60")
        assert found.figures["hard"] == 60
        used = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used, 60))
        said(look("descriptors", at), "warning", f"{used} of {used} descriptors are in use")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (60, 60))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before  # trying has changed nothing here


def test_somaxconn_of_a_network_of_its_own() -> None:
    within = ("unshare", "-n", "sh", "-c", 'echo 128 > /proc/sys/net/core/somaxconn && exec "$@"', "sh")
    _, report = command("--data", ":memory:", within=within)
    found = said(of(report, "backlog"), "warning", "128 connections may wait")
    assert found.figures == {"somaxconn": 128, "wanted": 4096}


def test_udp_without_a_network() -> None:
    """In a network of its own whose loopback is down, nothing arrives."""
    _, report = command("--data", ":memory:", within=("unshare", "-n"))
    said(of(report, "udp"), "warning", "127.0.0.1")
    calm(look("udp", deployment("--data", ":memory:")))


def test_memory_of_a_small_group() -> None:
    """Against what is there, and against a setting that needs more than any machine has."""
    at = deployment("--data", ":memory:", HUBBUB_LIMITS_MAX_CONNECTIONS=str(10**12))
    said(look("memory", at), "warning", "idle connections need about")
    at = deployment("--data", ":memory:", HUBBUB_LIMITS_MAX_INPUT=str(10**18))
    said(look("memory", at), "note", "under attack")


@pytest.mark.parametrize(
    ("cgroups", "files", "expected"),
    [
        ("0::/a/b\n", {"a/memory.max": "500", "a/b/memory.max": "900"}, 500),
        ("0::/a/b\n", {"a/b/memory.max": "max"}, None),
        ("0::/../../x\n", {"memory.max": "700", "x/memory.max": "max"}, 700),  # from within a container
        ("3:cpu:/a\n4:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "600"}, 600),
        ("4:memory:/gone\n", {"memory/memory.limit_in_bytes": "800"}, 800),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("nonsense\n", {}, None),
    ],
)
def test_memory_limit(tmp_path: Path, cgroups: str, files: dict[str, str], expected: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert system.memory_limit(cgroups, tmp_path) == expected


def test_the_clock_is_asked_of_the_kernel() -> None:
    """Held against another way to ask: ntp_gettime, whose result is TIME_ERROR without a source."""

    class Times(ctypes.Structure):
        _fields_ = (("rest", ctypes.c_char * 256),)

    state = ctypes.CDLL(None).ntp_gettime(ctypes.byref(Times()))
    assert clock.unsynchronised() is (state == 5)


@pytest.mark.parametrize(
    ("ahead", "expected"), [(0, 0.0), (-1, 0.0), (-3, -2.0), (5, 4.5), (-3600, -3599.0), (3600, 3599.5)]
)
def test_how_far_clocks_are_apart(ahead: int, expected: float) -> None:
    now = 1_800_000_000.0
    assert clock.apart(formatdate(now + ahead, usegmt=True), now, now + 0.5) == pytest.approx(expected)


@pytest.mark.parametrize("date", ["", "soon", "Thu, 99 Jan 2026 00:00:00 GMT", "1"])
def test_no_date(date: str) -> None:
    assert clock.apart(date, 0.0, 1.0) is None


def _with_another_clock(body: str) -> tuple[Finding, ...]:
    """What the doctor says of the clock of who answers so, an hour behind."""

    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        date = formatdate(time.time() - 3600, usegmt=True)
        head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
        peer.sendall(head.encode() + body.encode())

    with answering(answer) as port:
        return look("clock", deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}"))


def test_the_clock_of_a_stranger_says_nothing() -> None:
    assert not [one for one in _with_another_clock("{}") if "difference" in one.figures]


def test_a_server_whose_clock_is_an_hour_behind() -> None:
    found = _with_another_clock('{"name": "hubbub", "version": "0.1.0"}')
    figures = said(found, "warning", "s behind this machine").figures
    assert isinstance(figures["difference"], float)
    assert -3602 < figures["difference"] < -3598


def test_probes_are_refused_without_privilege() -> None:
    code, report = command("--data", ":memory:", within=("setpriv", "--bounding-set=-all", "--inh-caps=-all"))
    found = said(of(report, "probes"), "note", "No probes:")
    assert found.figures["allowed"] is False
    assert "CAP_BPF" in found.advice
    assert code in (0, 3)  # they are an addition


def test_probes_that_are_demanded_and_refused() -> None:
    within = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    code, report = command("--data", ":memory:", "--probes", "on", within=within)
    said(of(report, "probes"), "failed", "The server does not start so")
    assert code == 1


def test_probes_attach_where_they_may() -> None:
    """As root, on a kernel that takes them; nothing of them stays."""
    found = look("probes", deployment("--data", ":memory:"))
    assert said(found, "ok", "Probes attach").figures["attached"]
    said(look("probes", deployment("--data", ":memory:", HUBBUB_PROBES_MODE="off")), "note", "switched off")


@pytest.mark.parametrize(
    ("modes", "expected"),
    [("none [integrity] confidentiality\n", "integrity"), ("[none] integrity\n", "none"), ("", None)],
)
def test_lockdown(modes: str, expected: str | None) -> None:
    assert probes.lockdown(modes) == expected


@pytest.mark.parametrize(
    ("mask", "expected"), [(1 << 21, True), (1 << 39, False), (1 << 39 | 1 << 38, True), (0, False)]
)
def test_capabilities(mask: int, expected: bool) -> None:
    assert probes.may_load(f"Name:\tx\nCapEff:\t{mask:016x}\n") is expected


def test_python_in_its_debug_mode() -> None:
    _, report = command("--data", ":memory:", environment={"PYTHONASYNCIODEBUG": "1"})
    said(of(report, "software"), "warning", "debug mode")
    _, report = command("--data", ":memory:")
    assert said(of(report, "software"), "ok", "Hubbub").figures.keys() == {
        "hubbub",
        "python",
        "uvloop",
        "system",
    }
