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
    max_unowned: int = 5_000
    """Rooms without an owner, which guests make: they can take no more away from those with an account."""
    max_rooms_per_user: int = 100
    """Rooms one connection may be in: a bound on what its leaving costs."""
    announce_up_to: int = 200
    """Joined and left are told in rooms of at most this many members: n joins cost n² notices."""
    members_listed: int = 1_000
    """Names in one list of members or users; the count is always exact."""
    unread_listed: int = 500
    """Rooms and talks in the list of all that somebody has: one entry of each is read. Those with something
    new go before the others."""
    unread_entries: int = 5_000
    """Entries that are looked at in one list of what is unread: messages of others count, and nothing else.
    Where less lies behind a cursor goes first; of those that are beyond it, each counts."""
    unread_bytes: int = 2_097_152
    """And bytes of their text, in UTF-8: beyond them, each counts, too."""
    resume_entries: int = 10_000
    """Entries that one resume tells. Of streams that do not fit, it tells a gap."""
    resume_bytes: int = 2_097_152
    """And their bytes, as JSON; never more than half of `limits.max_backlog`: a resume is no slow reader."""
    resume_streams: int = 1_000
    """Streams that one resume may name."""


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
    dedupe_restored: int = 100_000
    """And how many of them, the newest, a restart takes in again: each costs it a few microseconds."""
    dedupe_senders: int = 200_000
    """Senders whose ids are remembered, those who are away included (about 400 bytes each)."""
    mentions: int = 20
    """People that one message can notify by `@name`; whoever is named beyond that is not told."""
    history_default: int = 50
    """Messages in one page of history, where the asker does not say."""
    history_limit: int = 500
    """And at most: who asks for more gets these."""
    history_bytes: int = 2_000_000
    """Bytes of text in one page of history or search (UTF-8), but at least one message: six times as much
    may be needed to quote it, and must fit a frame."""
    history_entries: int = 5_000
    """Entries that are looked at in one go. A page ends there, if anything was found."""
    reaction_kinds: int = 20
    """Different signs on one message: they are shown with it."""
    reactions: int = 1_000
    """Signs on one message in all: each new one writes down all of them again."""
    reaction_users: int = 10
    """People named with each sign; the count is always exact."""
    search_default: int = 20
    """Messages found by one search, where the asker does not say."""
    search_limit: int = 100
    """And at most: who asks for more gets these."""
    search_query: int = 256
    """Characters of what is searched for."""


class GuestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[guests]`."""

    allow: bool | None = None
    """Whether people may enter without an account. None: on loopback listeners only."""
    keep_seconds: float = 600.0
    """How long a dropped guest session can be taken back by its token, in seconds."""
    max_kept: int = 100_000
    """Dropped guest sessions remembered: a bound on memory."""


class AccountSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[accounts]`."""

    register: bool | None = None
    """Whether people may make themselves accounts; if not, `hubbub user add` does. None: on loopback only."""
    min_password: int = 8
    """Characters of a password that somebody chooses (NIST SP 800-63B §5.1.1.2), where it is seen: of a
    `password_sha256`, and of what whoever runs the server sets, the length is not asked."""
    allow_plaintext_login: bool = False
    """Whether passwords are taken where somebody on the way could read them: neither TLS nor this machine."""
    max_accounts: int = 100_000
    """Accounts in all: a bound on memory (about 1 KiB each)."""
    registrations: int = 20
    """Accounts that one address (of IPv6: one /64) may make at once; one more each
    `attempts_seconds / registrations`. 0: no limit, as on this machine."""
    max_logins: int = 100
    """Logins of one account. With one more, the one that was not used for the longest time ends."""
    access_seconds: float = 3_600.0
    """How long a token is good for, in seconds."""
    refresh_seconds: float = 2_592_000.0
    """How long a refresh token is, in seconds: a login that rests longer has ended."""
    tries: int = 3
    """Wrong passwords on one plain-text connection before it is closed."""
    attempts: int = 10
    """Failed logins of one account, and of one address, at once; one more each
    `attempts_seconds / attempts`. 0: no limit. This machine is no address."""
    attempts_seconds: float = 300.0
    """After that many seconds without a failure nothing of them is left."""
    attempts_kept: int = 100_000
    """Names and addresses with failures that are remembered: a bound on memory (about 200 bytes each)."""
    max_hashing: int = 64
    """Passwords that may wait to be hashed, a quarter of them from one address: a few seconds' worth."""


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[gateway]`: `broadcast`, `send_to` and `get_connections` on the WebSocket."""

    open: bool | None = None
    """Whether they work without a login. None: on loopback listeners only."""
    rate: float = 10.0
    """Announcements a second, per connection."""
    max_targets: int = 1_000
    """Connection ids in one `send_to`."""


class FileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `[files]`: sizes in bytes."""

    max_size: int = 4 * 1024**3
    """The largest file that is kept."""
    max_live_size: int = 1024**4
    """The largest file that goes from one person to another: nothing of it is kept."""
    quota_user: int = 16 * 1024**3
    """What one account may keep in all, uploads that are not whole yet included; of a guest, a tenth."""
    quota_total: int = 128 * 1024**3
    """What all together may."""
    max_files_user: int = 20_000
    """Files that one account may keep; of a guest, a tenth."""
    max_files: int = 200_000
    """And all together: a bound on memory (about 2.4 KiB each)."""
    keep_days: float = 0.0
    """Days after which kept files go; 0: never. Messages stay; where these go sooner, so do their files."""
    max_offers: int = 100
    """Open offers and unfinished uploads of one person."""
    max_offers_total: int = 10_000
    """And of all: a bound on memory (about 1 KiB each)."""
    offer_seconds: float = 86_400.0
    """How long an offer stands, and an upload may rest, without a byte."""
    stall_seconds: float = 60.0
    """Seconds without a byte after which a transfer is given up, and may be taken up again."""
    max_hello: int = 4_096
    """Bytes of what the programs of two people tell each other with an offer."""
    window: int = 1_048_576
    """Bytes that a sender of chunks may be ahead of its receiver: a bound on memory for each transfer."""
    link_seconds: float = 600.0
    """How long a link to fetch a file is good for, in seconds."""
    max_links: int = 10_000
    """Links that may be open at once: a bound on memory."""
    list_limit: int = 100
    """Files in one list."""
    thumbnails: bool = True
    """Whether pictures get a small one, made by a process of its own with limits."""


class CoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `core.Service` is given."""

    rooms: RoomSettings = RoomSettings()
    messages: MessageSettings = MessageSettings()
    guests: GuestSettings = GuestSettings()
    accounts: AccountSettings = AccountSettings()
    gateway: GatewaySettings = GatewaySettings()
    files: FileSettings = FileSettings()
