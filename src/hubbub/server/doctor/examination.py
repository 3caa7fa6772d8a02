"""The table of checks, and how they run: each in a thread of its own, until its deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hubbub import __version__
from hubbub.server.doctor import (
    browsers,
    certificates,
    clock,
    disk,
    keeping,
    ports,
    probes,
    proxies,
    software,
    system,
    udp,
)
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import LEVELS, Notes, Report, worst

ALONE: Final = 1.2
"""Seconds for a check that measures, and so runs before the others."""
TOGETHER: Final = 3.4
"""Seconds for all others, side by side. With ALONE less than five, which a person waits for."""

Examine = Callable[[Deployment, Notes], None]


class Check(NamedTuple):
    """One row. `name` is for programs and for people, `alone`: others would disturb it.

    `awaited`: what it asks, people wait for as well. So it has failed where it is not done in time.
    """

    name: str
    examine: Examine
    alone: bool = False
    awaited: bool = False


CHECKS: Final = (
    Check("settings", software.settings),
    Check("software", software.software),
    Check("descriptors", system.descriptors),
    Check("backlog", system.backlog),
    Check("memory", system.memory),
    Check("clock", clock.clock),
    Check("directory", keeping.directory),
    Check("space", disk.space),
    Check("latency", disk.latency, alone=True),
    Check("log", keeping.log),
    Check("ports", ports.ports),
    Check("certificate", certificates.certificate),
    Check("url", browsers.url, awaited=True),
    Check("shown", certificates.shown),
    Check("origin", browsers.origin),
    Check("websocket", browsers.websocket),
    Check("arrival", proxies.arrival),
    Check("uploads", proxies.uploads),
    Check("udp", udp.udp),
    Check("probes", probes.probes),
)


def examine(
    deployment: Deployment,
    checks: Sequence[Check] = CHECKS,
    *,
    alone: float = ALONE,
    together: float = TOGETHER,
) -> Report:
    """Run all checks; never raises for what one of them does, nor waits for one that hangs."""
    began = time.monotonic()
    running = {check.name: _Running(check, deployment) for check in checks}
    for check in checks:
        if check.alone:
            running[check.name].start()
            running[check.name].wait(time.monotonic() + alone)
    side_by_side = [running[check.name] for check in checks if not check.alone]
    for one in side_by_side:
        one.start()
    end = time.monotonic() + together
    for one in side_by_side:
        one.wait(end)
    findings = tuple(finding for check in checks for finding in running[check.name].notes.findings)
    levels = [finding.level for finding in findings]
    counts = {level: levels.count(level) for level in LEVELS}
    url = deployment.url.url if deployment.url is not None else None
    return Report(__version__, url, worst(findings), counts, findings, round(time.monotonic() - began, 3))


class _Running:
    """A check in a thread that does not keep the process: what hangs in the kernel ends with it."""

    def __init__(self, check: Check, deployment: Deployment) -> None:
        self.notes = Notes(check.name)
        self._written = Notes(check.name)
        self._check = check
        self._deployment = deployment
        self._thread = threading.Thread(target=self._run, name=f"doctor {check.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        try:
            self._check.examine(self._deployment, self._written)
        except Exception as error:  # noqa: BLE001 (one check's fault is told, and stops no other)
            self._written.fail(
                f"This check itself failed: {type(error).__name__}: {error}.",
                "That is a fault of Hubbub's, or a system that it does not know: please report it.",
            )

    def wait(self, end: float) -> None:
        """Until it is done, or until then; take what it has found."""
        self._thread.join(max(0.0, end - time.monotonic()))
        late = self._thread.is_alive()
        self.notes.findings += list(self._written.findings)
        if not late and not self.notes.findings:
            self.notes.note("There was nothing to look at.")
        if late:
            tell = self.notes.fail if self._check.awaited else self.notes.warn
            tell(
                "This check was not done in time.",
                "Something that it asked hangs: a disk, a resolver, or a server that is slow to answer.",
            )
