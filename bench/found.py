"""Figures as they are found, round by round, and the table that is made of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


class Found:
    """Figures: by what was measured, one a round; and what went wrong."""

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}
        self.faults = 0
        self.skipped: list[str] = []
        """Sentences: what was not measured, and why. Each once."""

    def add(self, what: str, figure: float) -> None:
        """One round's."""
        self.figures.setdefault(what, []).append(figure)

    def skip(self, sentence: str) -> None:
        """This was not measured."""
        if sentence not in self.skipped:
            self.skipped.append(sentence)

    def has(self, *whats: str) -> bool:
        """Whether all of them were measured, and in the same rounds."""
        counts = {len(self.figures.get(what, ())) for what in whats}
        return len(counts) == 1 and 0 not in counts

    def median(self, what: str) -> float:
        return statistics.median(self.figures[what])

    def ratio(self, above: str, below: str) -> float:
        """The median of the rounds' ratios."""
        pairs = zip(self.figures[above], self.figures[below], strict=True)
        return statistics.median(a / b for a, b in pairs)

    def beyond(self, above: str, below: str) -> float:
        """The median of the rounds' differences."""
        pairs = zip(self.figures[above], self.figures[below], strict=True)
        return statistics.median(a - b for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `met` None: there is no target."""

    what: str
    target: str
    measured: str
    met: bool | None


def table(lines: Iterable[Line]) -> list[str]:
    """The lines of it, in Markdown."""
    verdict = {True: "met", False: "**missed**", None: ""}
    rows = [f"| {one.what} | {one.target} | {one.measured} | {verdict[one.met]} |" for one in lines]
    return ["| what | target | measured | |", "|---|---|---|---|", *rows]
