"""What the doctor found, as types: also the shape of `--json`, which only grows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

Level = Literal["ok", "note", "warning", "failed"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "warning", "failed")
"""From the best to the worst. A note asks for nothing: something to know, or what could not be looked at."""

Figure = int | float | str | bool | None
_LONGEST: Final = 600
"""Characters of a sentence: part of it may be another server's word."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=False):
    """One thing that was found."""

    check: str
    """Of which check, by its name in the table."""
    level: Level
    found: str
    """A sentence."""
    advice: str
    """What to do; empty where nothing has to be done."""
    figures: dict[str, Figure]
    """The same for programs, by names that the documentation has."""


class Report(msgspec.Struct, frozen=True):
    """Everything that was found, in the order of the checks."""

    version: str
    """Of this program."""
    url: str | None
    """Where the server was asked for. None: nowhere."""
    level: Level
    """The worst of all."""
    counts: dict[Level, int]
    findings: tuple[Finding, ...]
    seconds: float
    """How long it took."""


class Notes:
    """Where a check writes down what it finds. Of one check, and of one thread at a time."""

    def __init__(self, check: str) -> None:
        self._check = check
        self.findings: list[Finding] = []

    def ok(self, found: str, **figures: Figure) -> None:
        """All is well."""
        self._add("ok", found, "", figures)

    def note(self, found: str, advice: str = "", **figures: Figure) -> None:
        """Something to know."""
        self._add("note", found, advice, figures)

    def warn(self, found: str, advice: str, **figures: Figure) -> None:
        """It works, and should not stay so."""
        self._add("warning", found, advice, figures)

    def fail(self, found: str, advice: str, **figures: Figure) -> None:
        """It does not work, or will not for long."""
        self._add("failed", found, advice, figures)

    def _add(self, level: Level, found: str, advice: str, figures: dict[str, Figure]) -> None:
        self.findings.append(Finding(self._check, level, printable(found), printable(advice), figures))


def printable(text: str) -> str:
    """Without what would move a terminal's cursor, or end a line: some of it comes from the other side."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among them."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")
