"""What a journal tells whoever runs the server."""

from __future__ import annotations

from typing import Protocol


class JournalNews(Protocol):
    """Who is told what an operator should know: the server's log."""

    def journal_read_only(self, reason: str) -> None:
        """Nothing can be kept any more."""
        ...

    def journal_writable(self) -> None:
        """It can again."""
        ...

    def commit_slow(self, seconds: float, appends: int) -> None:
        """The disk took this long."""
        ...

    def failed(self, doing: str, error: BaseException) -> None:
        """Damage, with its file and offset, or our own fault."""
        ...
