"""Handler: what a stream tells whoever speaks a protocol on it."""

from __future__ import annotations

from typing import Final, Protocol


class Handler(Protocol):
    """Whoever speaks on a stream. All calls come from the loop; none may block."""

    def on_data(self, data: bytes) -> None:
        """Bytes came. What is written meanwhile leaves in one piece afterwards (corked)."""
        ...

    def on_eof(self) -> None:
        """The peer sends no more; it may still read. Whoever has nothing left to say closes."""
        ...

    def on_close(self, error: Exception | None) -> None:
        """The stream takes no more, from now on. Called once, whoever closed it."""
        ...

    def on_pause(self) -> None:
        """The peer reads too slowly: from now on, writes are queued (`fd` is NO_FD)."""
        ...

    def on_resume(self) -> None:
        """The queue is empty again."""
        ...

    def on_overflow(self) -> None:
        """More than `max_backlog` bytes are queued. Called at each write beyond: close, or stop writing."""
        ...

    def on_broken(self) -> bool:
        """The peer has reset the line, a write found out. True: read on to the end of what it sent before.

        That is in the kernel still, and finite. What is written meanwhile is dropped. False: close at once.
        """
        return False


class _Nobody:
    def on_data(self, data: bytes) -> None: ...

    def on_eof(self) -> None: ...

    def on_close(self, error: Exception | None) -> None: ...

    def on_pause(self) -> None: ...

    def on_resume(self) -> None: ...

    def on_overflow(self) -> None: ...

    def on_broken(self) -> bool:
        return False


NOBODY: Final = _Nobody()
"""Who handles a stream that is gone: nothing comes any more."""
