"""Events: what is told to people, without their asking.

A durable event has a position: `stream`, `epoch`, `offset` (from 1, dense), `at` (RFC 3339, UTC).
All others are ephemeral: never stored, and gone for whoever is away.
The field names are those of the JSON wires, so an event is encoded once and by its own structure.
"""

from __future__ import annotations

import msgspec

from hubbub.core.commands import Status


class _Event(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    pass


class MessagePosted(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said something in a room."""

    sender: str
    sender_id: int
    room: str
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str
    reply_to: int | None = None


class WhisperPosted(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said something to one person. Both get it."""

    sender: str
    sender_id: int
    to: str
    to_id: int
    content: str
    id: str
    stream: str
    epoch: str
    offset: int
    at: str


class TopicChanged(_Event, frozen=True, rename={"sender": "from", "sender_id": "from_id"}):
    """Somebody said what the room is about."""

    sender: str
    sender_id: int
    room: str
    topic: str
    stream: str
    epoch: str
    offset: int
    at: str


class Joined(_Event, frozen=True):
    """Somebody came into a room that the receiver is in."""

    username: str
    user_id: int
    room: str


class Left(_Event, frozen=True):
    """Somebody left a room that the receiver is in, or (`room` None) the server."""

    username: str
    user_id: int
    room: str | None = None


class StatusChanged(_Event, frozen=True):
    """Somebody is online, away or busy now."""

    username: str
    user_id: int
    status: Status


class UserTyping(_Event, frozen=True):
    """Somebody is writing in a room."""

    username: str
    user_id: int
    room: str


class Announcement(_Event, frozen=True, rename={"sender_connection": "from"}):
    """A payload of the gateway's `broadcast` or `send_to`, from the connection of that id."""

    sender_connection: str
    payload: msgspec.Raw


class Welcome(_Event, frozen=True):
    """First thing on a gateway connection."""

    connection_id: str
    user: str | None = None


class Alive(_Event, frozen=True):
    """The server asks whether the client is still there. Any byte is an answer."""


class GoingAway(_Event, frozen=True):
    """The last thing before the server closes. `retry_after` in seconds; None: do not come back.

    `reason`: `drain` (restart), `slow` (reconnect and resume), `replaced` (logged in elsewhere),
    `idle`.
    """

    reason: str
    retry_after: float | None = None


DurableEvent = MessagePosted | WhisperPosted | TopicChanged
Event = DurableEvent | Joined | Left | StatusChanged | UserTyping | Announcement | Welcome | Alive | GoingAway
