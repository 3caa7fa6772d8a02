"""The gateway: raw payloads between WebSocket connections, as a game or a tool wants them. Never stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from hubbub.core.answers import Announced, Answer, Connections
from hubbub.core.commands import Announce, SendTo
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Announcement
from hubbub.core.model import Session
from hubbub.core.ports import Outlet
from hubbub.core.settings import GatewaySettings

SessionT = TypeVar("SessionT", bound=Session)

GATEWAY: Final = "gateway"
"""The stream of all gateway connections."""


class Gateway(Generic[SessionT]):
    """Every gateway connection, by its id."""

    def __init__(
        self,
        settings: GatewaySettings,
        max_payload: int,
        outlet: Outlet[SessionT],
        clock: Callable[[], float],
    ) -> None:
        """`max_payload` in bytes."""
        self._settings = settings
        self._max_payload = max_payload
        self._outlet = outlet
        self._clock = clock
        self.connections: dict[str, SessionT] = {}

    def add(self, session: SessionT) -> None:
        """Reach it by its connection id from now on, where it has one."""
        if session.connection_id is not None:
            self.connections[session.connection_id] = session
            self._outlet.subscribe(session, GATEWAY)

    def remove(self, session: SessionT) -> None:
        """It is gone."""
        if self.connections.pop(session.connection_id or "", None) is not None:
            self._outlet.unsubscribe(session, GATEWAY)

    def count(self, session: SessionT) -> Answer:
        """How many there are."""
        return self._closed(session) or Connections(len(self.connections))

    def _closed(self, session: SessionT) -> Refusal | None:
        rule = self._settings.open
        if session.user is None and not (session.local if rule is None else rule):
            return Refusal(Code.UNAUTHENTICATED, "Log in first.", limit="gateway.open")
        return None

    def announce(self, session: SessionT, command: Announce | SendTo) -> Answer:
        """Send a payload to all of them, the sender's too, or to some."""
        refusal = self._closed(session) or self._too_much(session, command.payload)
        if refusal is not None:
            return refusal
        event = Announcement(session.connection_id or "", command.payload)
        if isinstance(command, Announce):
            self._outlet.publish(GATEWAY, event, session)
            return Announced(len(self.connections))
        most = self._settings.max_targets
        if len(command.connection_ids) > most:
            message = f"More than {most} connections."
            return Refusal(Code.TOO_LARGE, message, field="connection_ids", limit="gateway.max_targets")
        found = [self.connections.get(id) for id in dict.fromkeys(command.connection_ids)]
        targets = [target for target in found if target is not None]
        if not targets:
            return Refusal(Code.NOT_FOUND, "None of these connections is there.", field="connection_ids")
        self._outlet.send("", targets, event, session)
        return Announced(len(targets))

    def _too_much(self, session: SessionT, payload: msgspec.Raw) -> Refusal | None:
        most, rate = self._max_payload, self._settings.rate
        if len(bytes(payload)) > most:
            message = f"The payload is longer than {most} bytes."
            return Refusal(Code.TOO_LARGE, message, field="payload", limit="messages.max_payload")
        if rate:
            # GCRA (ITU-T I.371): a burst of one second's worth, then one each 1/rate seconds.
            now = self._clock()
            session.announced = max(session.announced, now - 1.0) + 1.0 / rate
            if session.announced > now:
                wait = session.announced - now
                session.announced -= 1.0 / rate
                message = f"More than {rate:g} announcements a second."
                return Refusal(Code.RATE_LIMITED, message, limit="gateway.rate", retry_after=round(wait, 3))
        return None
