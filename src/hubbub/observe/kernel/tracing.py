"""Each call of the observed process, record by record, while somebody watches: `Probes.trace` begins it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Self

from hubbub.observe.kernel.libbpf import Libbpf, Map, Ring
from hubbub.observe.kernel.records import TracedCall, behind_unix_time, traced_call

TRACED: Final = 100_000
"""Records of calls that are fetched at once, at most."""
_EVERYTHING: Final = 1 << 30


class Trace:
    """A record of each call of the process, from `Probes.trace` on until it is closed."""

    def __init__(self, library: Libbpf, of: Map, lost: Callable[[], int], end: Callable[[], None]) -> None:
        """Use `Probes.trace`."""
        self._ring = Ring(library, of)
        self._lost = lost
        self._lost_before = lost()
        self._lost_now = 0
        self._end = end
        self._closed = False
        self._ring.drain(_EVERYTHING)  # what was left of a trace before

    def calls(self) -> list[TracedCall]:
        """Return those since the last time, oldest first, without waiting; at most `TRACED`."""
        if self._closed:
            return []
        behind = behind_unix_time()
        return [traced_call(record, behind) for record in self._ring.drain(TRACED)]

    @property
    def lost(self) -> int:
        """Records for which there was no room, since it began."""
        if not self._closed:
            self._lost_now = self._lost() - self._lost_before
        return self._lost_now

    def close(self) -> None:
        """Record no longer. Again: nothing."""
        if not self._closed:
            _ = self.lost
            self._end()
            self._closed = True
            self._ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
