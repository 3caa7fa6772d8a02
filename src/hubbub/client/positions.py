"""Positions: how far a client has heard each stream, so that it is told exactly what it missed."""

from __future__ import annotations

from hubbub.core.answers import LoggedIn, Resumed
from hubbub.core.commands import Place
from hubbub.core.events import DurableEvent, Event, Gap


class Positions:
    """The last position of each stream: of rooms from the login on, of talks from their first event on."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}

    def places(self) -> dict[str, Place]:
        """What a `Resume` names."""
        return dict(self._places)

    def logged_in(self, me: LoggedIn) -> None:
        """Live events of these rooms follow. What is known already stays: a resume goes on from there."""
        for room in me.rooms:
            self._places.setdefault(room.stream, Place(room.epoch, room.offset))

    def heard(self, event: Event) -> None:
        """An event came: one that is kept has a position, and a gap says where to begin anew."""
        if isinstance(event, Gap) and not event.epoch:  # there is no such stream any more
            self._places.pop(event.stream, None)
        elif isinstance(event, DurableEvent | Gap):
            before = self._places.get(event.stream)
            if before is None or before.epoch != event.epoch or before.offset < event.offset:
                self._places[event.stream] = Place(event.epoch, event.offset)

    def resumed(self, answer: Resumed) -> None:
        """Everything up to these positions was told."""
        self._places.update(answer.positions)
