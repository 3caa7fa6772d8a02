"""`scripts/probes.py`: compiled once, without clang one line, no path of the machine in what comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OBJECT = Path("src/hubbub/observe/kernel/hubbub.bpf.o")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the script needs of one."""
    for name in ("scripts", "probes"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / OBJECT).parent.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Run:
    def run_(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "scripts/probes.py", *arguments]
        environment = {**os.environ, "PATH": path}
        return subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=environment)

    return run_


def programs(tmp_path: Path, **scripts: str) -> str:
    """A PATH with these programs alone."""
    for name, text in scripts.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return str(tmp_path / "bin")


def test_it_is_compiled_once(checkout: Path, run: Run) -> None:
    first = run()
    assert (first.returncode, first.stderr) == (0, "")
    made = (checkout / OBJECT).stat()

    assert run().stdout.strip().endswith("as they were")
    assert (checkout / OBJECT).stat().st_mtime_ns == made.st_mtime_ns

    source = checkout / "probes" / "kernel_types.h"
    source.write_text(source.read_text() + "/* changed */\n")
    assert not run().stdout.strip().endswith("as they were")


def test_no_path_of_the_machine_is_in_it(checkout: Path, run: Run) -> None:
    run()
    content = (checkout / OBJECT).read_bytes()
    assert str(checkout).encode() not in content
    assert str(ROOT).encode() not in content


def test_it_is_compiled_without_a_warning(compiled: Callable[..., Path]) -> None:
    assert compiled().stat().st_size > 10_000


def test_without_clang_there_is_one_line_and_no_old_object(checkout: Path, run: Run, tmp_path: Path) -> None:
    (checkout / OBJECT).write_bytes(b"of other sources")

    told = run(path=programs(tmp_path, other=""))

    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr == (
        "probes: none: clang is missing (in Debian and Ubuntu: apt install clang libbpf-dev); "
        "everything else works\n"
    )
    assert not (checkout / OBJECT).exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "hubbub.bpf.c:13:10: fatal error: 'bpf/bpf_helpers.h' file not found",
            "libbpf's headers are missing, bpf/bpf_helpers.h among them "
            "(in Debian and Ubuntu: apt install clang libbpf-dev)",
        ),
        (
            "error: unable to create target: 'No available targets are compatible with triple \\\"bpf\\\"'",
            "this clang does not compile for BPF",
        ),
        ("x.c:1:1: error: something else", "clang refuses: error: something else"),
    ],
)
def test_what_clang_refuses_is_told_in_a_line(run: Run, tmp_path: Path, said: str, told: str) -> None:
    path = programs(tmp_path, clang=f'echo "{said}" >&2; exit 1')

    assert run(path=path).stderr == f"probes: none: {told}; everything else works\n"
