"""How a transfer ended, and what whoever watches one is told meanwhile."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol


class Outcome(Enum):
    """How it ended."""

    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    WRONG_CODE = "wrong code"
    DIGEST = "digest"
    """What arrived is not what was sent."""
    TIMED_OUT = "timed out"


class Result(NamedTuple):
    """How it ended. `message` is a sentence for people; `paths` is what is new here, of what was received."""

    outcome: Outcome
    message: str
    filename: str = ""
    size: int = 0
    paths: tuple[Path, ...] = ()


class Observer(Protocol):
    """Who watches. Called by the loop; none may block."""

    def hashing(self, done: int, total: int) -> None:
        """Before it is offered."""
        ...

    def moved(self, done: int, total: int) -> None:
        """So many bytes are through, from the beginning of the file; `done` can go back."""
        ...

    def notice(self, text: str) -> None:
        """A sentence on what happens."""
        ...


class Nobody:
    """An observer that looks away."""

    def hashing(self, done: int, total: int) -> None:
        """See Observer."""

    def moved(self, done: int, total: int) -> None:
        """See Observer."""

    def notice(self, text: str) -> None:
        """See Observer."""
