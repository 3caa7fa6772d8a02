"""What tests of the kernel's side share: probes that are closed again, and a process to observe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from hubbub.observe.kernel.probes import OBJECT, Probes
from kernel.subject import PAIR, Subject


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
