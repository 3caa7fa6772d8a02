"""How long commits take, for whoever wants to know: a journal measures by group, never by append."""

from __future__ import annotations

from typing import Final, Protocol


class CommitTimes(Protocol):
    """Told by a journal. Its clock is `time.monotonic`."""

    taken: float
    """Set while a group is told: when the first of it was appended. Else 0."""

    def committed(self, seconds: float, appends: int) -> None:
        """A group of so many is kept, so long after the first of it was appended."""
        ...

    def synced(self, seconds: float) -> None:
        """The disk took so long."""
        ...


class _Nobody:
    taken = 0.0

    def committed(self, seconds: float, appends: int) -> None: ...

    def synced(self, seconds: float) -> None: ...


NOBODY: Final = _Nobody()
"""For a journal that nobody watches."""
