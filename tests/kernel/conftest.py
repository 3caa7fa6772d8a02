"""What tests of the kernel's side share: probes that are closed again, and a process to observe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hubbub.observe.kernel.probes import OBJECT, Probes
from kernel.subject import PAIR, Subject

PROBES = Path(__file__).parents[2] / "probes"


def why_no_probes() -> str:
    """What this machine lacks for probes, in words for who runs the tests; empty: nothing."""
    if not sys.platform.startswith("linux"):
        return "probes (Linux alone has them)"
    if os.geteuid():
        return "probes (attaching them needs root)"
    return "" if OBJECT.exists() else "probes (make probes: clang was missing)"


@pytest.fixture
def observe() -> Iterator[Callable[..., Probes]]:
    """As `Probes.open`; closed with the test."""
    if why := why_no_probes():
        pytest.skip(why)
    opened: list[Probes] = []

    def open_(pid: int, **how: object) -> Probes:
        opened.append(Probes.open(pid, **how))  # type: ignore[arg-type] # as the test gives it
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def subject() -> Iterator[Subject]:
    """A process with a connection to itself (`PAIR`)."""
    if why := why_no_probes():
        pytest.skip(why)
    with Subject() as one:
        one(PAIR)
        yield one


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Path]:
    """Compile the probes with changes of their text, each (before, after), into a file of the test's own."""

    def compile_(*changes: tuple[str, str]) -> Path:
        texts = {path.name: path.read_text() for path in PROBES.iterdir() if path.suffix in (".c", ".h")}
        for before, after in changes:
            name = next(name for name, text in texts.items() if before in text)
            texts[name] = texts[name].replace(before, after, 1)
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        source = tmp_path / "hubbub.bpf.c"
        made = source.with_suffix(".o")
        command = ["clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Werror"]
        subprocess.run([*command, "-c", str(source), "-o", str(made)], check=True)
        return made

    return compile_
