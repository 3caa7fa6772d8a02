"""A metric: its name, what it tells, and how it is read off the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from hubbub.observe.histograms import Histogram
from hubbub.server.readings import Readings

Labelled = Iterable[tuple[tuple[str, ...], float]]


class Times(Protocol):
    """One histogram."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Whose it is."""
        ...

    @property
    def count(self) -> int:
        """How many times there are, ever."""
        ...

    @property
    def seconds(self) -> float:
        """Their sum."""
        ...

    def below(self, bounds: Sequence[float]) -> list[int]:
        """How many were at most so many seconds, for each bound, ascending."""
        ...


class Measured:
    """A histogram of `Counts`, as `Times`."""

    __slots__ = ("_of",)

    labels: tuple[str, ...] = ()

    def __init__(self, of: Histogram) -> None:
        self._of = of

    @property
    def count(self) -> int:
        """See Times."""
        return self._of.count

    @property
    def seconds(self) -> float:
        """See Times."""
        return self._of.sum / 1_000_000

    def below(self, bounds: Sequence[float]) -> list[int]:
        """See Times."""
        return self._of.below(bounds)


class Timed(NamedTuple):
    """What a family of histograms reads."""

    times: Sequence[Times]


class Family(NamedTuple):
    """One metric: `read` gives its values with their labels, or its histograms."""

    name: str
    """Of a counter without the `_total` that it ends with when it is scraped."""
    kind: Literal["gauge", "counter", "histogram"]
    about: str
    read: Callable[[Readings], Labelled | Timed]
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """As it is scraped."""
        return f"{self.name}_total" if self.kind == "counter" else self.name
