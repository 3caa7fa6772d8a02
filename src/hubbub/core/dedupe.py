"""Exactly-once effect: a message id that was seen before gets the first answer again."""

from __future__ import annotations

from itertools import islice
from typing import Final

import msgspec

from hubbub.core.answers import Accepted
from hubbub.core.settings import MessageSettings

_TRIMMED: Final = 20
"""Ids dropped at once. A window is looked through 100 times in `dedupe_seconds`, so none stays for long."""


class Budget:
    """How many ids all windows together hold."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Seen(msgspec.Struct, gc=False):
    """One id: when it came, and what became of it: a ticket while it is in flight, then the answer."""

    at: float
    outcome: int | Accepted


class Window:
    """The ids of one sender: at most `dedupe_ids`, none older than `dedupe_seconds`. An id is per stream."""

    __slots__ = ("_budget", "_ids", "_looked", "_settings")

    def __init__(self, settings: MessageSettings, budget: Budget) -> None:
        self._settings = settings
        self._budget = budget
        self._ids: dict[tuple[str, str], Seen] = {}
        self._looked = 0.0

    def __len__(self) -> int:
        """How many ids are remembered."""
        return len(self._ids)

    def find(self, stream: str, id: str, now: float) -> int | Accepted | None:
        """What became of this id: a ticket in flight, an answer, or None (new, or forgotten)."""
        seen = self._ids.get((stream, id))
        if seen is None:
            return None
        outcome = seen.outcome
        if type(outcome) is Accepted and now - seen.at > self._settings.dedupe_seconds:
            return None
        return outcome

    def sent(self, stream: str, id: str, ticket: int, now: float) -> Seen:
        """A new id is in flight. Its `outcome` is to be set to the answer, or `failed` be called."""
        ids, key = self._ids, (stream, id)
        if ids.pop(key, None) is None:  # one that was forgotten counts as new, at the end
            self._budget.held += 1
        seen = ids[key] = Seen(now, ticket)
        settings = self._settings
        if (
            len(ids) > settings.dedupe_ids
            or self._budget.held > settings.dedupe_total
            or now > self._looked + settings.dedupe_seconds / 100
        ):
            self._trim(now)
        return seen

    def failed(self, stream: str, id: str) -> None:
        """It was not kept, so a retry is a new message."""
        if self._ids.pop((stream, id), None) is not None:
            self._budget.held -= 1

    def expired(self, now: float) -> bool:
        """Whether the last id is too old to matter; then all are forgotten."""
        if self._ids:
            last = self._ids[next(reversed(self._ids))]
            if type(last.outcome) is int or now - last.at <= self._settings.dedupe_seconds:
                return False
        self._budget.held -= len(self._ids)
        self._ids.clear()
        return True

    def _trim(self, now: float) -> None:
        """Drop the oldest while they are surplus, but no more than a few at once: more come with the next."""
        self._looked = now
        ids = self._ids
        for oldest in tuple(islice(ids, _TRIMMED)):
            if not self._surplus(ids[oldest], now):
                break
            del ids[oldest]
            self._budget.held -= 1

    def _surplus(self, seen: Seen, now: float) -> bool:
        settings = self._settings
        if type(seen.outcome) is int:
            return False
        full = len(self._ids) > settings.dedupe_ids or self._budget.held > settings.dedupe_total
        return full or now - seen.at > settings.dedupe_seconds
