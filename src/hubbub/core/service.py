"""The service: what each command does, and who may ask for it. The way into the domain.

`handle` looks at a command, decides and reserves; what is to last goes to the journal, and takes effect
when `messages.committed` comes back. One thread calls in here; there is no lock, no await and no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar, assert_never, cast

from hubbub.core import names
from hubbub.core.answers import (
    Answer,
    Done,
    Echoed,
    Farewell,
    LoggedIn,
    Ponged,
    RoomList,
    RoomView,
    StatusSet,
    TopicSet,
    UserList,
)
from hubbub.core.commands import (
    Announce,
    Command,
    CountConnections,
    CreateRoom,
    Echo,
    GetTopic,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    Login,
    Ping,
    Pong,
    Publish,
    Quit,
    Send,
    SendTo,
    SetStatus,
    SetTopic,
    Typing,
    Whisper,
)
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import StatusChanged, UserTyping
from hubbub.core.gateway import Gateway
from hubbub.core.membership import Membership
from hubbub.core.messages import Messages
from hubbub.core.model import Room, Session
from hubbub.core.people import People
from hubbub.core.ports import Claims, Journal, Outlet
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings

SessionT = TypeVar("SessionT", bound=Session)

LASTING: Final = frozenset({Publish, Whisper, Send, SetTopic})
"""Commands whose answer waits for the journal. Any other command of the same session waits for them."""

_ANYBODY: Final = frozenset({Login, Ping, Pong, Echo, Announce, SendTo, CountConnections, Quit})
"""Commands that need no login (the gateway's have a rule of their own)."""


class Service(Generic[SessionT]):
    """The domain's one object. Its parts come in through the constructor."""

    def __init__(
        self,
        settings: CoreSettings,
        journal: Journal,
        claims: Claims,
        outlet: Outlet[SessionT],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        server_name: str = "hubbub",
    ) -> None:
        """`clock` gives Unix time in seconds, `entropy(n)` n unpredictable bytes."""
        self.settings = settings
        self._outlet = outlet
        self._server_name = server_name
        self.people = People(claims, settings.guests, clock, entropy)
        self.rooms = Rooms(claims, self.people.new_id(), settings.rooms.default)
        self.membership = Membership(settings.rooms, journal, outlet, self.people, self.rooms)
        self.messages = Messages(settings.messages, journal, outlet, self.people, self.rooms, clock, entropy)
        self.gateway = Gateway(settings.gateway, settings.messages.max_payload, outlet, clock)
        self._reserved = {*names.keys("Server"), *self.rooms.default.keys}
        """The server's own name in text, and the default room's, which `Send` could mean."""
        journal.open(self.messages)

    # -- coming and going

    def connected(self, session: SessionT) -> None:
        """A connection stands."""
        self.gateway.add(session)

    def disconnected(self, session: SessionT) -> None:
        """It is gone, however it ended. Others are told once."""
        self.gateway.remove(session)
        user = session.user
        if user is not None:
            self.people.leave(user)
            self.membership.leave_all(session, user)
            session.user = None

    # -- commands

    def handle(self, session: SessionT, command: Command, request: object) -> Answer | None:
        """Carry out a command. None: the answer comes later, by `Outlet.answer` with this `request`."""
        if type(command) is Publish:  # by far the most frequent
            return self.messages.publish(session, command, request)
        if session.user is None and type(command) not in _ANYBODY:
            return Refusal(Code.UNAUTHENTICATED, "Log in first.")
        match command:
            case Login():
                return self._login(session, command)
            case Publish():
                return self.messages.publish(session, command, request)
            case Whisper():
                return self.messages.whisper(session, command, request)
            case Send():
                return self.messages.send(session, command, request)
            case ListUsers():
                return UserList([user.view() for user in self.people.all()[: self._listed]])
            case SetStatus():
                return self._set_status(session, command)
            case ListRooms():
                rooms = self.rooms.all()[: self._listed]
                return RoomList([RoomView(room.name, room.topic, len(room.members)) for room in rooms])
            case CreateRoom() | JoinRoom():
                return self.membership.join(session, command.room)
            case LeaveRoom():
                return self.membership.leave(session, command)
            case SetTopic():
                return self.messages.set_topic(session, command, request)
            case GetTopic():
                room = self.rooms.meant_by(session, command.room)
                return TopicSet(room.name, room.topic) if isinstance(room, Room) else room
            case ListMembers():
                return self.membership.members(session, command)
            case Typing():
                return self._typing(session, command)
            case Ping():
                return Ponged()
            case Pong():
                return Done()
            case Echo():
                return Echoed(command.payload)
            case Announce() | SendTo():
                return self.gateway.announce(session, command)
            case CountConnections():
                return self.gateway.count(session)
            case Quit():
                return Farewell()
            case _:
                assert_never(command)

    @property
    def _listed(self) -> int:
        return self.settings.rooms.members_listed

    # -- login

    def _login(self, session: SessionT, command: Login) -> Answer:
        if session.user is not None:
            return Refusal(Code.BAD_REQUEST, f"You are logged in as '{session.user.name}' already.")
        guests = self.settings.guests.allow
        if not (session.local if guests is None else guests):
            return Refusal(
                Code.FORBIDDEN,
                "Guests are not let in here. Whoever runs the server can allow them: guests.allow.",
                limit="guests.allow",
            )
        id, wished = self.people.new_id(), command.username
        if command.token is not None:
            back = self.people.returning(command.token)
            if back is None:
                return Refusal(Code.BAD_CREDENTIALS, "This token is not valid, or no longer.", field="token")
            id, former_name = back
            wished = wished or former_name
        if wished is None:
            return Refusal(Code.BAD_REQUEST, "A user name is needed.", field="username")
        name = names.normal(wished, names.USER_LIMIT)
        if not isinstance(name, str):
            message = f"Username '{wished[:64]}' is not valid: {name.reason}"
            return Refusal(Code.NAME_INVALID, message, field="username")
        keys, former = names.keys(name), self.people.by_id(id)
        taken = not self._reserved.isdisjoint(keys) or self.people.held_by_another(keys, id)
        if former is not None and not taken:  # its old line is half-open: the new one takes its place
            self._outlet.dismiss(cast("SessionT", former.session), "replaced")
        user = None if taken else self.people.enter(id, name, session)
        if user is None:
            return Refusal(Code.NAME_TAKEN, f"Username '{name}' is already taken.", field="username")
        session.user = user
        self.membership.enter(session, user, self.rooms.default)
        return LoggedIn(
            username=user.name, user_id=user.id, token=self.people.token(user), server=self._server_name
        )

    # -- presence

    def _set_status(self, session: SessionT, command: SetStatus) -> Answer:
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        before = user.view().status
        user.status = command.status
        shown = user.view().status
        if shown != before:
            event = StatusChanged(username=user.name, user_id=user.id, status=shown)
            self.membership.tell_neighbours(session, session.rooms, event)
        return StatusSet(command.status)

    def _typing(self, session: SessionT, command: Typing) -> Answer:
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        room = self.rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        self.membership.tell_neighbours(session, [room], UserTyping(user.name, user.id, room.name))
        return Done()
