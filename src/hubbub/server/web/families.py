"""A metric: its name, what it tells, and how it is read off the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from hubbub.observe.histograms import Histogram
from hubbub.server.readings import Readings

BOUNDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds: the buckets of what the server measures itself."""

Labelled = Iterable[tuple[tuple[str, ...], float]]


class Values(Protocol):
    """One histogram."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Whose it is."""
        ...

    @property
    def count(self) -> int:
        """How many values there are, ever."""
        ...

    @property
    def sum(self) -> float:
        """Of them: seconds, or bytes."""
        ...

    def below(self, bounds: Sequence[float]) -> list[int]:
        """How many were at most so large, for each bound, ascending."""
        ...


class Measured:
    """A histogram of `Counts`, as `Values`."""

    __slots__ = ("_of",)

    labels: tuple[str, ...] = ()

    def __init__(self, of: Histogram) -> None:
        self._of = of

    @property
    def count(self) -> int:
        """See Values."""
        return self._of.count

    @property
    def sum(self) -> float:
        """See Values."""
        return self._of.sum / 1_000_000

    def below(self, bounds: Sequence[float]) -> list[int]:
        """See Values."""
        return self._of.below(bounds)


class Spread(NamedTuple):
    """What a family of histograms reads."""

    histograms: Sequence[Values]
    bounds: Sequence[float] = BOUNDS


class Family(NamedTuple):
    """One metric: `read` gives its values with their labels, or its histograms."""

    name: str
    """Of a counter without the `_total` that it ends with when it is scraped."""
    kind: Literal["gauge", "counter", "histogram"]
    about: str
    read: Callable[[Readings], Labelled | Spread]
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """As it is scraped."""
        return f"{self.name}_total" if self.kind == "counter" else self.name
