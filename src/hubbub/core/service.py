"""The service: what each command does, and who may ask for it. The way into the domain.

`handle` looks at a command, decides and reserves; what is to last goes to the journal, and takes effect
when `ledger.committed` comes back. One thread calls in here; there is no lock, no await and no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar, assert_never

from hubbub.core import names
from hubbub.core.answers import (
    Answer,
    Done,
    Echoed,
    Farewell,
    FileLink,
    FileList,
    Ponged,
    RoomList,
    RoomView,
    StatusSet,
    TopicSet,
    UserList,
)
from hubbub.core.commands import (
    Announce,
    ChangePassword,
    Command,
    CountConnections,
    CreateRoom,
    Delete,
    Echo,
    Edit,
    EndSession,
    GetHistory,
    GetRoom,
    GetTopic,
    GetUnread,
    Invite,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListSessions,
    ListUsers,
    Login,
    Logout,
    MarkRead,
    Ping,
    Pong,
    Publish,
    Quit,
    React,
    Refresh,
    Register,
    Resume,
    Search,
    Send,
    SendTo,
    SetRole,
    SetRoom,
    SetStatus,
    SetTopic,
    Typing,
    Whisper,
)
from hubbub.core.cursors import Cursors
from hubbub.core.edits import Edits
from hubbub.core.entrance import Entrance
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import StatusChanged, UserTyping
from hubbub.core.file_commands import (
    AcceptFile,
    CancelFile,
    DeclineFile,
    FinishFile,
    GetFile,
    ListFiles,
    OfferFile,
    SendChunk,
    StartFile,
)
from hubbub.core.files import Bearer, Files
from hubbub.core.gateway import Gateway
from hubbub.core.governance import Governance
from hubbub.core.history import Histories
from hubbub.core.ledger import Ledger
from hubbub.core.links import Links
from hubbub.core.membership import Membership
from hubbub.core.messages import Messages
from hubbub.core.model import Room, Session
from hubbub.core.people import People
from hubbub.core.ports import Carrier, Claims, Journal, Outlet, Passwords, SearchIndex
from hubbub.core.resume import Resuming
from hubbub.core.room_administration import RoomAdministration
from hubbub.core.rooms import Rooms
from hubbub.core.sending import Sending
from hubbub.core.settings import CoreSettings
from hubbub.core.stamps import Stamps
from hubbub.core.talks import PREFIX as TALKS
from hubbub.core.talks import Talks, talk_stream
from hubbub.core.transfers import Transfers
from hubbub.core.uploading import Uploading

SessionT = TypeVar("SessionT", bound=Session)

LASTING: Final = frozenset({Publish, Whisper, Send, SetTopic})
"""Commands that may overlap while they wait for the journal. Any other command waits for those before it,
and whatever comes behind it waits for its answer."""

_ANYBODY: Final = frozenset(
    {Login, Register, Refresh, Ping, Pong, Echo, Announce, SendTo, CountConnections, Quit}
)
"""Commands that need no login (the gateway's have a rule of their own)."""


class Service(Generic[SessionT]):
    """The domain's one object. Its parts come in through the constructor."""

    def __init__(
        self,
        settings: CoreSettings,
        journal: Journal,
        claims: Claims,
        outlet: Outlet[SessionT],
        passwords: Passwords,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        server_name: str = "hubbub",
        search: SearchIndex | None = None,
    ) -> None:
        """`clock` gives Unix time in seconds, `entropy(n)` n unpredictable bytes."""
        self.settings = settings
        self.entropy = entropy
        self._outlet = outlet
        self.people = People(claims, settings.guests, clock, entropy)
        self.ledger = Ledger(journal, outlet, Stamps(clock), entropy, search)
        self.rooms = Rooms(claims, settings.rooms.default, journal, self.ledger.stamps)
        self.talks = Talks()
        self.sending = Sending(settings.messages, self.ledger, clock)
        self.cursors = Cursors(settings, self.ledger, self.people, self.rooms, self.talks)
        self.membership = Membership(settings.rooms, self.ledger, self.people, self.rooms, self.cursors)
        self.entrance = Entrance(
            settings,
            self.ledger,
            self.people,
            self.rooms,
            self.membership,
            passwords,
            clock,
            entropy,
            server_name,
        )
        self.messages = Messages(
            settings.messages, self.ledger, self.sending, self.people, self.rooms, self.talks
        )
        self.histories = Histories(settings, self.ledger, self.people, self.rooms, self.talks, search)
        self.edits = Edits(settings, self.ledger, self.sending, self.people, self.rooms)
        self.governance = Governance(self.ledger, self.people, self.rooms, self.membership)
        self.room_administration = RoomAdministration(
            settings.messages, self.ledger, self.people, self.rooms, self.membership
        )
        self.resuming = Resuming(settings, self.ledger, self.people, self.rooms, self.talks)
        self.files = Files(settings, self.ledger, self.people, self.rooms, self.messages, clock, entropy)
        self.links = Links(settings.files, clock, entropy)
        self.uploading = Uploading(self.ledger, self.files)
        self.transfers = Transfers(
            settings.files, self.ledger, self.people, self.files, self.links, self.uploading, clock, entropy
        )
        self.entrance.admission.welcomed = self.transfers.arrived
        self.entrance.admission.leaving = self.transfers.gone
        self.gateway = Gateway(settings.gateway, settings.messages.max_payload, outlet, clock)
        journal.open(self.ledger)
        self.entrance.load()
        self.rooms.load()
        self.membership.sweeper.finish()
        self.cursors.load()
        self.files.load()
        self.transfers.load()
        self.talks.load(journal.look(lambda reader: reader.streams(TALKS)))
        self.sending.restore(journal.recent())

    # -- coming and going

    def connected(self, session: SessionT) -> None:
        """A connection stands."""
        self.gateway.add(session)

    def disconnected(self, session: SessionT) -> None:
        """It is gone, however it ended. Others are told once."""
        session.gone = True
        self.gateway.remove(session)
        self.entrance.admission.leave(session)

    # -- commands

    def handle(self, session: SessionT, command: Command, request: object) -> Answer | None:
        """Carry out a command. None: the answer comes later, by `Outlet.answer` with this `request`."""
        if type(command) is Publish:  # by far the most frequent
            return self.messages.publish(session, command, request)
        if session.user is None and type(command) not in _ANYBODY:
            return Refusal(Code.UNAUTHENTICATED, "Log in first.")
        match command:
            case Login():
                return self.entrance.login(session, command, request)
            case Register():
                return self.entrance.register(session, command, request)
            case Refresh():
                return self.entrance.own_account.refresh(session, command, request)
            case Logout():
                return self.entrance.own_account.logout(session, request)
            case ChangePassword():
                return self.entrance.own_account.change_password(session, command, request)
            case ListSessions() | EndSession():
                return self.entrance.own_account.sessions(session, command, request)
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
                shown = (one for one in self.rooms.all() if one.visible_to(session.user))
                views = [RoomView(one.name, one.topic, one.count, one.private) for one in shown]
                return RoomList(views[: self._listed])
            case CreateRoom() | JoinRoom():
                return self.membership.join(session, command, request)
            case LeaveRoom():
                return self.membership.leave(session, command, request)
            case SetTopic():
                return self.messages.set_topic(session, command, request)
            case GetTopic():
                room = self.rooms.meant_by(session, command.room)
                return TopicSet(room.name, room.topic) if isinstance(room, Room) else room
            case ListMembers():
                return self.membership.members(session, command)
            case Invite():
                return self.governance.invite(session, command, request)
            case SetRole():
                return self.governance.set_role(session, command, request)
            case GetRoom():
                return self.governance.get_room(session, command)
            case SetRoom():
                return self.governance.set_room(session, command, request)
            case GetHistory():
                return self.histories.history(session, command, request)
            case Search():
                return self.histories.search(session, command, request)
            case Edit():
                return self.edits.edit(session, command, request)
            case Delete():
                return self.edits.delete(session, command, request)
            case React():
                return self.edits.react(session, command, request)
            case Resume():
                return self.resuming.resume(session, command, request)
            case MarkRead():
                return self.cursors.read(session, command, request)
            case GetUnread():
                return self.cursors.unread(session, command, request)
            case Typing():
                return self._typing(session, command)
            case OfferFile():
                return self.transfers.offer(session, command, request)
            case AcceptFile():
                return self.transfers.accept(session, command)
            case DeclineFile():
                return self.transfers.decline(session, command)
            case CancelFile():
                return self.transfers.cancel(session, command)
            case StartFile():
                return self.transfers.start(session, command)
            case FinishFile():
                return self.transfers.finish(session, command)
            case SendChunk():
                return self.transfers.chunk(session, command)
            case ListFiles():
                return self._list_files(session, command)
            case GetFile():
                return self._get_file(session, command)
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

    # -- files

    def carry_by(self, carrier: Carrier[SessionT]) -> None:
        """From now on, this one moves the bytes of files."""
        self.transfers.carrier = self.uploading.carrier = carrier

    def sweep(self) -> None:
        """Let go of files whose messages are gone, and of offers that nobody took. Called now and then."""
        self.files.sweep()
        self.transfers.sweep()

    def _list_files(self, session: SessionT, command: ListFiles) -> Answer:
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        if command.with_ is not None:
            other = self.people.known(command.with_)
            if other is not None:
                stream = talk_stream(user.id, other.id)
            else:
                left = self._left(user.id, command.with_)
                if left is None:
                    return Refusal(Code.NOT_FOUND, f"User '{command.with_[:64]}' not found.", field="with")
                stream = left
        else:
            room = self.rooms.meant_by(session, command.room)
            if isinstance(room, Refusal):
                return room
            stream = room.stream
        kept = self.files.kept.of(stream)[: self.settings.files.list_limit]
        return FileList(self.transfers.shown(user), [file.view() for file in kept])

    def _left(self, id: int, name: str) -> str | None:
        """The talk in which a guest of that name, who is gone, sent somebody a file: the latest one."""
        wanted = names.normal(name, names.USER_LIMIT)
        key = names.key(wanted) if isinstance(wanted, str) else None
        files = (file for stream in self.talks.of(id) for file in self.files.kept.of(stream))
        theirs = [file for file in files if file.owner != id and names.key(file.owner_name) == key]
        return max(theirs, key=lambda file: file.at).stream if theirs else None

    def _get_file(self, session: SessionT, command: GetFile) -> Answer:
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        who = Bearer(user.id, user.name, user.account)
        if command.file is not None:
            file = self.files.kept.get(command.file)
        else:
            room = self.rooms.meant_by(session, command.room)
            if isinstance(room, Refusal):
                return room
            streams = [room.stream]
            if command.room is None:  # what somebody was sent is meant by its name, too
                streams += self.talks.of(user.id)
            named = (one for stream in streams for one in self.files.kept.of(stream))
            meant = (one for one in named if command.filename in (None, one.name))
            file = max(meant, key=lambda one: one.at, default=None)
        if file is None or not self.files.readable(who, file):
            return Refusal(Code.NOT_FOUND, "There is no such file.", field="file")
        id, name, size = file.id, file.name, file.size
        if file.thumbnail is not None and command.file == file.thumbnail.id:
            id, name, size = file.thumbnail.id, "thumbnail", file.thumbnail.size
        url = session.base + self.links.make(id, name, user.id)
        return FileLink(url, name, size, int(self.settings.files.link_seconds))

    @property
    def _listed(self) -> int:
        return self.settings.rooms.members_listed

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
