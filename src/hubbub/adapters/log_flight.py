"""A group of appends on its way from the journal to the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hubbub.core.entries import Entry, Group, Record
from hubbub.log import Batch, Written


class Flight:
    """What one commit carries. `written` is None until the log has it."""

    __slots__ = ("batches", "began", "entries", "first", "since", "written")

    def __init__(
        self,
        first: int,
        entries: list[Sequence[Entry]],
        batches: list[Batch],
        began: float,
        since: float,
    ) -> None:
        self.first = first
        """The ticket of the first append; the others follow."""
        self.entries = entries
        self.batches = batches
        self.began = began
        self.since = since
        """When the first append was taken, or one before it."""
        self.written: Written | None = None

    def groups(self, epoch: str) -> Iterator[Group]:
        """What has become of each append. Only of a flight that was written."""
        assert self.written is not None  # noqa: S101 (see above)
        records: Sequence[Record]
        for ticket, (entries, offsets) in enumerate(
            zip(self.entries, self.written.offsets, strict=True), self.first
        ):
            if len(offsets) == 1:  # by far the most frequent
                records = (Record(entries[0], epoch, offsets[0]),)
            else:
                records = [
                    Record(entry, epoch, offset) for entry, offset in zip(entries, offsets, strict=True)
                ]
            yield Group(ticket, records)
