"""How many bytes of files pass by HTTP, and how many requests carry them: for who watches the server."""

from __future__ import annotations


class Traffic:
    """Plain integers, raised with each piece (see `observe.counts`)."""

    __slots__ = ("downloaded", "running", "uploaded")

    def __init__(self) -> None:
        self.running = 0
        """Uploads and downloads under way."""
        self.uploaded = 0
        """Bytes."""
        self.downloaded = 0
