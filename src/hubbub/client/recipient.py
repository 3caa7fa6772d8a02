"""Recipient: who gets a file, or whose is meant."""

from __future__ import annotations

from typing import NamedTuple


class Recipient(NamedTuple):
    """Who gets it. `kind`: `person` or `room`; None: a person, if there is one of that name, else a room."""

    name: str
    kind: str | None = None

    @classmethod
    def of(cls, text: str) -> Recipient:
        """`@Bob` is a person, `#den` a room, `Bob` whichever there is."""
        kind = {"@": "person", "#": "room"}.get(text[:1])
        return cls(text[1:] if kind else text, kind)
