"""The benches of the log, briefly: everything runs, and what it brings becomes a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.drive import HERE, missing_compiler
from bench.durable import Size, lines, report, run
from bench.found import Found

PEERS = ("rocksdb", "lmdb", "sqlite")


def _needed() -> None:
    for module in ("lmdb", "rocksdict", "uvloop"):
        pytest.importorskip(module)


@pytest.mark.long
def test_every_durable_scenario_runs_and_loses_nothing(tmp_path: Path) -> None:
    _needed()
    if tool := missing_compiler():
        pytest.skip(f"{tool} is missing")
    size = Size(rounds=1, messages=2_000, seconds=0.2, reads=10)
    found = run(size, tmp_path / "durable")
    assert found.faults == 0
    assert all(figures and min(figures) > 0 for name, figures in found.figures.items() if "work" not in name)
    table = report(found, size)
    assert table.count("\n| ") == len(lines(found)) + 1
    assert not (tmp_path / "durable").exists()


def test_the_storage_bench_runs(tmp_path: Path) -> None:
    _needed()
    command = [sys.executable, str(HERE / "storage.py"), "--quick", "--where", str(tmp_path / "storage")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for what in ("commit of 64", "point get", "last 50, sealed", "last 50, tail", "after kill -9"):
        assert f"| {what}" in done.stdout


@pytest.mark.parametrize(("slower", "met"), [(1.0, True), (3.0, False)])
def test_a_target_is_met_or_missed_by_the_median_of_the_rounds(slower: float, met: bool) -> None:
    found = Found()
    for _ in range(3):
        for what, figure in (
            ("publish disk", 90 / slower),
            ("publish memory", 100),
            ("publish disk cpu", 90 / slower),
            ("publish memory cpu", 100),
            ("lone", 0.5 + slower),
            ("sync", 0.5),
            ("ready full", 1.1 * slower),
            ("ready young", 1.1 * slower),
            ("ready empty", 0.7),
            ("history wire", 150 * slower),
            ("history engine", 100),
            ("beside busy", 90 / slower),
            ("beside calm", 100),
            ("beside at work", 2),
            *((f"group {engine}", 100) for engine in ("hubbub", *PEERS)),
        ):
            found.add(what, figure)
    assert [line.met for line in lines(found)] == [met] * 6 + [None] * 3
    assert "(6 of 6 jobs outlasted it)" in report(found, Size())
    assert report(found, Size()).count("**missed**") == (0 if met else 6)
