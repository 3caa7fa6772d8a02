"""The domain's own settings: every limit with its unit, default and reason."""

from __future__ import annotations

import msgspec


class RoomSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[rooms]`."""

    default: str = "lobby"
    """The room that a login joins."""
    create: bool = True
    """Whether anybody may make a room by joining it."""
    max_rooms: int = 10_000
    """Rooms in all: a bound on memory."""
    max_rooms_per_user: int = 100
    """Rooms one connection may be in: a bound on what its leaving costs."""
    announce_up_to: int = 200
    """Joined and left are told in rooms of at most this many members: n joins cost n² notices."""
    members_listed: int = 1_000
    """Names in one list of members or users; the count is always exact."""


class MessageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[messages]`."""

    max_content: int = 65_536
    """Bytes of one message's content, in UTF-8. A bound on what one sender costs each receiver."""
    max_topic: int = 1_024
    """Bytes of a room's topic, in UTF-8."""
    max_payload: int = 65_536
    """Bytes of a gateway payload that goes to others (`broadcast`, `send_to`)."""
    dedupe_ids: int = 1_000
    """Message ids remembered of one sender, so that a retry is harmless."""
    dedupe_seconds: float = 600.0
    """And for how long, in seconds."""
    dedupe_total: int = 2_000_000
    """And of all senders together: a bound on memory (about 300 bytes each)."""


class GuestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[guests]`."""

    allow: bool | None = None
    """Whether people may enter without an account. None: on loopback listeners only."""
    keep_seconds: float = 600.0
    """How long a dropped guest session can be taken back by its token, in seconds."""
    max_kept: int = 100_000
    """Dropped guest sessions remembered: a bound on memory."""


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[gateway]`: `broadcast`, `send_to` and `get_connections` on the WebSocket."""

    open: bool | None = None
    """Whether they work without a login. None: on loopback listeners only."""
    rate: float = 10.0
    """Announcements a second, per connection."""
    max_targets: int = 1_000
    """Connection ids in one `send_to`."""


class CoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `core.Service` is given."""

    rooms: RoomSettings = RoomSettings()
    messages: MessageSettings = MessageSettings()
    guests: GuestSettings = GuestSettings()
    gateway: GatewaySettings = GatewaySettings()
