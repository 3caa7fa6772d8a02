"""`hubbub doctor` as a person and a script run it; and its page held to its code."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from hubbub.cli.doctor import CODES
from hubbub.server.doctor import certificates, clock, disk, system, udp
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.examination import ALONE, CHECKS, TOGETHER, Check, examine
from hubbub.server.doctor.report import LEVELS, Notes, Report, printable
from hubbub.server.settings import load
from serving import PATIENCE, serving

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
FAULTLESS = Deployment(load({"--data": ":memory:"}, {}, Path("/nonexistent"), Path("/dev/null")))


def _doctor(*arguments: str | Path, cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hubbub", "doctor", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
    )


def test_as_a_person_runs_it(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        flags = ("--data", tmp_path / "data", "--listen", f"127.0.0.1:{server.port}")
        done = _doctor(*flags)
        assert done.stderr == ""
        rows = [line for line in done.stdout.splitlines() if line and not line.startswith(" ")]
        assert list(dict.fromkeys(row.split()[0] for row in rows))[: len(CHECKS)] == [
            check.name for check in CHECKS
        ]
        assert re.fullmatch(
            r"websocket    ok       http://127.0.0.1:\d+/ws: a WebSocket opens.*", _row(rows, "websocket")
        )
        assert rows[-1].endswith(("s).", "behind each >."))
        report = msgspec.json.decode(_doctor(*flags, "--json").stdout, type=Report)
        assert report.url == f"http://127.0.0.1:{server.port}"
        assert [one for one in report.findings if one.level == "failed"] == []


def _row(rows: list[str], check: str) -> str:
    return next(row for row in rows if row.startswith(f"{check} "))


def test_on_a_terminal_it_has_colours_and_keeps_to_the_width() -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "hubbub", "doctor", "--data", ":memory:"],
        stdout=follower,
        env=environment,
        cwd="/",
    )
    os.close(follower)
    shown = b""
    while select.select([leader], [], [], PATIENCE)[0]:
        try:
            shown += os.read(leader, 65_536)
        except OSError:  # closed at the other end
            break
    os.close(leader)
    process.wait()
    assert b"\x1b[32mok" in shown
    lines = re.sub(rb"\x1b\[[0-9;]*m", b"", shown).decode().splitlines()
    assert max(map(len, lines)) <= 60


def test_exit_codes() -> None:
    assert CODES == {"ok": 0, "note": 0, "warning": 3, "failed": 1}
    done = _doctor("--data", ":memory:", "--url", "http://127.0.0.1:9", "--json")  # discard: nobody is there
    assert done.returncode == 1
    assert msgspec.json.decode(done.stdout, type=Report).level == "failed"
    reading, writing = os.pipe()
    os.close(reading)  # nobody reads a word: the code stays what it is
    command = [sys.executable, "-m", "hubbub", "doctor", "--data", ":memory:", "--url", "http://127.0.0.1:9"]
    unread = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False, cwd="/")
    os.close(writing)
    assert (unread.returncode, unread.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--url", "chat.example.org"), "is not a URL"),
        (("--url", "https://alice:secret@chat.example.org"), "password"),
        (("--config", "/nonexistent/hubbub.toml"), "there is no such file"),
        (("--verbose",), "unrecognized"),
    ],
)
def test_asked_wrongly(arguments: tuple[str, ...], part: str) -> None:
    done = _doctor(*arguments)
    assert done.returncode == 2
    assert part in done.stderr
    assert "secret" not in done.stderr or "--verbose" in arguments
    assert done.stdout == ""


def test_faulty_settings_are_a_finding_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "hubbub.toml"
    config.write_text(
        '[server]\nlisten = ["nowhere"]\ndata = ":memory:"\n[limits]\nmax_line = "long"\n[wbe]\n'
    )
    done = _doctor("--config", config, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    report = msgspec.json.decode(done.stdout, type=Report)
    faults = [one.found for one in report.findings if one.check == "settings"]
    assert len(faults) == 3
    assert any("limits.max_line" in fault for fault in faults)
    assert {one.check for one in report.findings} == {check.name for check in CHECKS}


def test_a_setting_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HUBBUB_SERVRE_NAME=x\n")
    done = _doctor("--data", ":memory:", "--json", cwd=tmp_path)
    found = msgspec.json.decode(done.stdout, type=Report).findings
    assert next(one.level for one in found if one.check == "settings") == "warning"


# -- how checks run


def test_a_check_that_hangs_and_one_that_breaks_stop_no_other() -> None:
    forever = threading.Event()

    def hangs(deployment: Deployment, notes: Notes) -> None:
        notes.ok("The first half.")
        forever.wait()

    def breaks(deployment: Deployment, notes: Notes) -> None:
        raise ZeroDivisionError("by\x1bnothing")

    def works(deployment: Deployment, notes: Notes) -> None:
        notes.ok("It works.", number=1)

    checks = [
        Check("alone", hangs, alone=True),
        Check("hangs", hangs),
        Check("awaited", hangs, awaited=True),
        Check("breaks", breaks),
        Check("works", works),
    ]
    report = examine(FAULTLESS, checks, alone=0.01, together=2.0)
    told = [(one.check, one.level, one.found) for one in report.findings]
    assert told == [
        ("alone", "ok", "The first half."),
        ("alone", "warning", "This check was not done in time."),
        ("hangs", "ok", "The first half."),
        ("hangs", "warning", "This check was not done in time."),
        ("awaited", "ok", "The first half."),
        ("awaited", "failed", "This check was not done in time."),
        ("breaks", "failed", "This check itself failed: ZeroDivisionError: by?nothing."),
        ("works", "ok", "It works."),
    ]
    assert report.level == "failed"
    assert report.counts == {"ok": 4, "note": 0, "warning": 2, "failed": 2}
    forever.set()


def test_what_a_hanging_check_finds_later_is_not_told() -> None:
    """The report is what it was, when it was made."""
    go_on, done = threading.Event(), threading.Event()

    def late(deployment: Deployment, notes: Notes) -> None:
        go_on.wait()
        notes.ok("Too late.")
        done.set()

    report = examine(FAULTLESS, [Check("late", late)], together=0.01)
    go_on.set()
    assert done.wait(PATIENCE)
    assert [one.found for one in report.findings] == ["This check was not done in time."]


def test_all_in_all_a_person_waits_less_than_five_seconds() -> None:
    assert ALONE * sum(check.alone for check in CHECKS) + TOGETHER < 5


def test_checks_that_measure_run_by_themselves() -> None:
    """And before the others, which run side by side."""
    running: list[str] = []
    together = threading.Barrier(2)

    def measures(deployment: Deployment, notes: Notes) -> None:
        running.append("begins")
        running.append("ends")
        notes.ok("Measured.")

    def meets(deployment: Deployment, notes: Notes) -> None:
        together.wait(PATIENCE)
        running.append("met")
        notes.ok("Met.")

    checks = [Check("one", meets), Check("two", meets), Check("three", measures, alone=True)]
    report = examine(FAULTLESS, checks, alone=PATIENCE, together=PATIENCE)
    assert running == ["begins", "ends", "met", "met"]
    assert [one.check for one in report.findings] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1b[2J\nb\x9b", "a?[2J?b?"), ("好 é", "好 é"), ("\udc80", "?")]
)
def test_only_what_can_be_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


# -- the page


def _table(heading: str) -> dict[str, list[str]]:
    """Rows of a section's table, by their first cell."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in section.splitlines()
        if row.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_page_has_each_check() -> None:
    assert list(_table("Checks")) == [check.name for check in CHECKS]


def test_the_page_has_the_levels_and_their_codes() -> None:
    table = _table("Levels and exit codes")
    assert list(table) == list(LEVELS)
    assert {level: int(row[1][0]) for level, row in table.items()} == dict(CODES)
    parser = _doctor("--help").stdout
    for code in sorted(set(CODES.values()) | {2}):
        assert re.search(rf"^  {code}    \w", parser, re.MULTILINE)


def test_the_page_has_each_figure(tmp_path: Path) -> None:
    """Of a whole examination; other tests look at what has to go wrong first."""
    known = {name: set(re.findall(r"`(\w+)`", row[-1])) for name, row in _table("Checks").items()}
    with serving("--data", str(tmp_path / "data")) as server:
        flags = {"--data": str(tmp_path / "data"), "--listen": [f"127.0.0.1:{server.port}"]}
        report = examine(Deployment(load(flags, {}, Path("/nonexistent"), Path("/dev/null"))))
    told = {(one.check, figure) for one in report.findings for figure in one.figures}
    assert len(told) > 20
    assert {(check, figure) for check, figure in told if figure not in known[check]} == set()
    source = "".join(path.read_text() for path in Path(clock.__file__).parent.glob("*.py"))
    for figures in known.values():
        for figure in figures:
            assert re.search(rf'\b{figure}=|"{figure}":', source), figure


def test_the_page_has_the_thresholds() -> None:
    words = {
        "SPARE_DESCRIPTORS": f"{system.SPARE_DESCRIPTORS:,}",
        "NEARLY_ALL": f"{system.NEARLY_ALL} of the soft limit",
        "BASE_MEMORY": system.mebibytes(system.BASE_MEMORY),
        "CONNECTION_MEMORY": f"{system.CONNECTION_MEMORY // 1024} KiB",
        "SKEW": f"{clock.SKEW:g} s",
        "LEAST_FREE": f"{disk.LEAST_FREE // 2**30} GiB",
        "LEAST_FILES": f"{disk.LEAST_FILES:,}",
        "SLOW_P99": f"{disk.SLOW_P99 * 1000:g} ms",
        "VERY_SLOW_P99": f"{disk.VERY_SLOW_P99 * 1000:g} ms",
        "TOO_FAST_P50": f"{disk.TOO_FAST_P50 * 1000:g} ms",
        "SOON": f"{certificates.SOON.days} days",
        "LEAST_RSA": f"{certificates.LEAST_RSA:,} bits",
        "BUFFER": system.mebibytes(udp.BUFFER),
    }
    assert {name: row[0] for name, row in _table("Thresholds").items()} == words
    assert f"after {TOGETHER} s ({ALONE} s for `latency`" in PAGE
    assert f"{disk.WRITES} of them or as many as {disk.TIME_FOR_WRITES} s allow" in PAGE


def test_the_example_on_the_page_is_a_report() -> None:
    example = PAGE.split("```json\n")[1].split("```")[0]
    report = msgspec.json.decode(example, type=Report, strict=True)
    assert set(msgspec.json.decode(example)) == {field.name for field in msgspec.structs.fields(Report)}
    assert report.findings[0].check in {check.name for check in CHECKS}
