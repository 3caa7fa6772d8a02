"""The three things that the domain is about, and how they hold each other: Session, User, Room.

A User is online by a Session; a Session is in Rooms. `people` and `rooms` are where they are found.
"""

from __future__ import annotations

from hubbub.core import names
from hubbub.core.answers import UserView
from hubbub.core.commands import Status
from hubbub.core.dedupe import Window


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
        "rooms",
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
        self.gone = False
        """Its line is gone: what was still on its way for it comes to nothing."""
        self.wished: str | None = None
        """The registered name that somebody in plain text gave, and whose password is still to come."""
        self.tries = 0
        """Failed passwords on this connection."""
        self.login: str | None = None
        """The login (see `logins`) that it came in by; None for guests."""


class User:
    """One person online, by one connection or several. `id` is 1 … 2^53 - 1."""

    __slots__ = ("account", "id", "keys", "name", "sessions", "status", "window")

    def __init__(self, id: int, name: str, session: Session, *, account: bool = False) -> None:
        self.id = id
        self.name = name
        self.keys = names.keys(name)
        """All that it claims: see `names.keys`."""
        self.sessions = [session]
        """Its devices: a guest has one, an account any number."""
        self.account = account
        self.status: Status = "online"
        self.window: Window | None = None
        """The ids of what it said; made with the first one."""

    def view(self) -> UserView:
        """As others see it: who is offline to them is away."""
        shown: Status = "away" if self.status == "offline" else self.status
        return UserView(username=self.name, user_id=self.id, status=shown)


class Room:
    """One room. `stream` is its immutable id, and the key of everything that is kept of it."""

    __slots__ = ("_sorted", "id", "keys", "members", "name", "stream", "topic")

    def __init__(self, id: int, name: str) -> None:
        self.id = id
        self.name = name
        self.keys = names.keys(name)
        self.stream = f"room:{id:x}"
        self.topic = ""
        self.members: dict[Session, None] = {}
        self._sorted: list[User] | None = None

    def add(self, session: Session) -> None:
        """It is in the room from now on."""
        self.members[session] = None
        self._sorted = None

    def remove(self, session: Session) -> None:
        """It no longer is."""
        del self.members[session]
        self._sorted = None

    def people(self) -> list[User]:
        """Who is in it, sorted by name. Kept until somebody comes or goes: a thousand may ask at once."""
        if self._sorted is None:
            users = dict.fromkeys(session.user for session in self.members if session.user is not None)
            self._sorted = sorted(users, key=lambda user: user.name)
        return self._sorted
