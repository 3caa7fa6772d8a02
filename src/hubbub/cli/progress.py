"""Progress bars on stderr, for what takes long; nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def progress(what: str, unit: str = "bytes") -> Iterator[Callable[[int, int], None]]:
    """A bar for a block of code. Yields what is to be told how much is done, and how much there is in all."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    # Only now: it takes a while to import.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = ("{task.description}", BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


class Bar:
    """A bar with the rate and the time that is left, for bytes on their way. It goes when it is closed."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._bars: Progress | None = None
        self._task: TaskID | None = None

    def show(self, done: int) -> None:
        """So much is done."""
        if not sys.stderr.isatty():
            return
        if self._bars is None:
            self._begin(done)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done)

    def _begin(self, done: int) -> None:
        # Only now: it takes a while to import.
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bars = Progress("{task.description}", *columns, console=Console(stderr=True), transient=True)
        self._task = self._bars.add_task(escape(self._what), total=self._total, completed=done)
        self._bars.start()

    def close(self) -> None:
        """Take it away."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
