"""The three things that the domain is about, and how they hold each other: Session, User, Room.

A User is online by a Session; a Session is in Rooms. `people` and `rooms` are where they are found.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from hubbub.core import names
from hubbub.core.answers import UserView
from hubbub.core.commands import Place, RoomRole, Status

UserRole = Literal["guest", "member", "admin"]
"""What somebody is on this server. An admin may do in every room what its owner may."""

ROOMS: Final = "room:"
"""What the stream of every room begins with."""


class Session:
    """Who it is and where it is. The server's connection extends it by a wire."""

    __slots__ = (
        "address",
        "announced",
        "connection_id",
        "exclusive",
        "gone",
        "local",
        "login",
        "private",
        "quiet",
        "read",
        "rested",
        "resuming",
        "rooms",
        "since",
        "tries",
        "user",
        "wished",
    )

    def __init__(
        self,
        *,
        exclusive: bool,
        local: bool,
        connection_id: str | None = None,
        private: bool | None = None,
        address: str = "",
        quiet: bool = False,
    ) -> None:
        """`private`: nobody on the way reads along (TLS, or this machine); None: as `local`."""
        self.user: User | None = None
        """None until it has logged in, and again once it has left."""
        self.rooms: list[Room] = []
        """The rooms it is in. A list: most are in one or two, and each connection pays for it."""
        self.exclusive = exclusive
        """In exactly one room at a time (a text connection)."""
        self.local = local
        """Came by a loopback listener, with the privileges that gives."""
        self.connection_id = connection_id
        """Its address on the gateway; None for dialects without one."""
        self.announced = 0.0
        """Until when (clock) its gateway rate is used up."""
        self.private = local if private is None else private
        """A password may be sent here."""
        self.address = address
        """Where it came from, without the port: for the limit on failed logins. "" where there is none."""
        self.quiet = quiet
        """Comes by single requests and hears nothing: it makes way for a line, and takes none's place."""
        self.gone = False
        """Its line is gone: what was still on its way for it comes to nothing."""
        self.wished: str | None = None
        """The registered name that somebody in plain text gave, and whose password is still to come."""
        self.tries = 0
        """Failed passwords on this connection."""
        self.login: str | None = None
        """The login (see `logins`) that it came in by; None for guests."""
        self.rested: dict[str, Place] | None = None
        """The positions from which it will be told what it misses, while it hears nothing (see `resume`)."""
        self.resuming: set[str] | None = None
        """Streams of which it is just being told what it missed: what is new there waits (see `resume`)."""
        self.since: dict[str, int] | None = None
        """Behind which offsets it hears talks and notices; made with the first one that it heard."""
        self.read: dict[str, int] | None = None
        """A guest's cursors (see `cursors`): they end with the session."""

    @property
    def base(self) -> str:
        """What comes before the path of a link that a person is shown; programs know where they are."""
        return ""


class User:
    """One person online, by one connection or several. `id` is 1 … 2^53 - 1."""

    __slots__ = ("id", "keys", "name", "role", "sessions", "status")

    def __init__(self, id: int, name: str, session: Session, role: UserRole = "guest") -> None:
        self.id = id
        self.name = name
        self.keys = names.keys(name)
        """All that it claims: see `names.keys`."""
        self.sessions = [session]
        """Its devices: a guest has one, and quiet ones beside it; an account any number."""
        self.role = role
        self.status: Status = "online"

    @property
    def account(self) -> bool:
        """Whether an account of that id holds the name. Else a guest has it, as long as he is here."""
        return self.role != "guest"

    def view(self) -> UserView:
        """As others see it: who is offline to them is away."""
        shown: Status = "away" if self.status == "offline" else self.status
        return UserView(username=self.name, user_id=self.id, status=shown)


class Member(msgspec.Struct, frozen=True, gc=False):
    """What an account is to a room, present or not."""

    role: RoomRole = "member"
    joined: str = ""
    """Since when it is in the room (RFC 3339); "": it may come in, and has not yet."""


class Room:
    """One room. `stream` is its immutable id, and the key of everything that is kept of it."""

    __slots__ = (
        "_away",
        "_present",
        "_who",
        "begun",
        "held",
        "id",
        "kept",
        "keys",
        "members",
        "name",
        "private",
        "retain_days",
        "stream",
        "topic",
    )

    def __init__(self, id: int, name: str) -> None:
        self.id = id
        self.name = name
        self.keys = names.keys(name)
        self.stream = f"{ROOMS}{id:x}"
        self.topic = ""
        self.private = False
        """Those who are not let in cannot tell it from a room that is not there."""
        self.retain_days = 0.0
        """For how long what is said is kept; 0: for ever."""
        self.kept = False
        """The journal has it: it lasts when everybody has left."""
        self.begun = 0
        """How often something that would make it last was on its way to the journal."""
        self.members: dict[Session, int] = {}
        """The sessions that are in it, each with the offset behind which its live events began."""
        self.held: dict[int, Member] = {}
        """Accounts that belong to it, present or not, by id."""
        self._who: dict[int, int] = {}
        """Everybody who is in it, by id, accounts that are away too: how many sessions of each are here."""
        self._present: list[User] | None = None
        self._away: list[int] | None = None

    @property
    def count(self) -> int:
        """How many people are in it, each counted once, accounts that are away included."""
        return len(self._who)

    @property
    def owned(self) -> bool:
        """Whether somebody answers for it."""
        return any(member.role == "owner" for member in self.held.values())

    def add(self, session: Session, since: int) -> bool:
        """It is in the room from now on, and hears what comes behind `since`. True: its user was not yet."""
        assert session.user is not None  # noqa: S101 (who comes in is somebody)
        id = session.user.id
        self.members[session] = since
        before = self._who.get(id, 0)
        self._who[id] = before + 1
        self._present = self._away = None
        return not before

    def remove(self, session: Session) -> bool:
        """It no longer is. True: no other session of its user is."""
        assert session.user is not None  # noqa: S101 (who was in is somebody)
        id = session.user.id
        del self.members[session]
        left = self._who[id] = self._who[id] - 1
        if not left:
            self._forget(id)
        self._present = self._away = None
        return not left

    def role_of(self, id: int) -> RoomRole | None:
        """What the account was given here, as others see it; an admin may do more."""
        member = self.held.get(id)
        return None if member is None or member.role == "none" else member.role

    def hold(self, id: int, member: Member) -> None:
        """The account belongs to the room from now on."""
        self.held[id] = member
        if member.joined:
            self._who.setdefault(id, 0)
            self._away = None

    def release(self, id: int) -> None:
        """It no longer does."""
        if self.held.pop(id, None) is not None and not self._who.get(id):
            self._forget(id)
            self._away = None

    def _forget(self, id: int) -> None:
        member = self.held.get(id)
        if member is None or not member.joined:
            self._who.pop(id, None)

    def belongs(self, id: int) -> bool:
        """Whether the account of that id is in the room, present or away."""
        member = self.held.get(id)
        return member is not None and member.joined != ""

    def visible_to(self, user: User | None) -> bool:
        """Whether that person may know of the room, and come in."""
        return not self.private or (user is not None and user.id in self.held)

    def people(self) -> list[User]:
        """Who is present, sorted by name. Kept until somebody comes or goes: a thousand may ask at once."""
        if self._present is None:
            users = dict.fromkeys(session.user for session in self.members if session.user is not None)
            self._present = sorted(users, key=lambda user: user.name)
        return self._present

    def away(self) -> list[int]:
        """The ids of those who are in it and not present."""
        if self._away is None:
            self._away = [id for id, sessions in self._who.items() if not sessions]
        return self._away
