"""What every test shares: the account of what this machine could not run.

A test that lacks a program skips itself with a reason. The reasons are named at the end, and where
HUBBUB_REQUIRE_ALL is set (as `.ci/run` does), leaving anything out is a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:  # most tests need no browser
    from playwright.sync_api import Browser

    from browser.visiting import Visit
    from serving import Server

# Where the environment forbids it, each of the many servers that start would compile all of Hubbub anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Whether an example takes 200 ms depends on what else the machine does; pytest-timeout ends what hangs.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class LeftOut:
    """Counts the skipped tests by reason."""

    def __init__(self) -> None:
        self.reasons = Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._count(report)

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self.reasons[reason.removeprefix("Skipped: ")] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.reasons and session.exitstatus == pytest.ExitCode.OK and _all_required():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for reason, count in sorted(self.reasons.items()):
            tests = "test" if count == 1 else "tests"
            terminalreporter.write_line(f"left out: {reason} ({count} {tests})", yellow=True)
        if self.reasons and _all_required():
            terminalreporter.write_line("HUBBUB_REQUIRE_ALL is set: nothing may be left out", red=True)


def _all_required() -> bool:
    return os.environ.get("HUBBUB_REQUIRE_ALL", "") not in ("", "0")


def find_chromium() -> Path | None:
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return None if found is None else Path(found)


def pytest_configure(config: pytest.Config) -> None:
    # Where a server keeps its data unless it is told: never in the home of whoever runs the tests.
    home = tempfile.TemporaryDirectory(prefix="hubbub-tests-")
    config.add_cleanup(home.cleanup)
    os.environ["XDG_DATA_HOME"] = home.name
    config.pluginmanager.register(LeftOut(), "left-out")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="browser (Chromium not found)"))


@pytest.fixture(scope="session")
def chromium() -> Path:
    found = find_chromium()
    assert found is not None  # else the marker `browser` has left the test out
    return found


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """One for a module's tests."""
    from browser.visiting import browsing

    with browsing(chromium) as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Open a page of the module's own `server`."""
    from browser.visiting import visiting

    with visiting(browser, server) as opened:
        yield opened
