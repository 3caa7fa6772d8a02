"""Messages: what is said, from the command to the journal, and from the journal to those who hear it.

What is to last is appended, and takes effect when the journal says that it is kept: nothing is shown and
nothing is acknowledged before. A retry of a message id gets the first answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

from hubbub.core.answers import Accepted, Answer, TopicSet
from hubbub.core.commands import Publish, Send, SetTopic, Whisper
from hubbub.core.dedupe import Budget, Seen, Window
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event, MessagePosted, TopicChanged, WhisperPosted
from hubbub.core.model import Room, Session, User
from hubbub.core.people import People
from hubbub.core.ports import (
    Body,
    Entry,
    Group,
    Journal,
    JournalUnavailableError,
    Outlet,
    Record,
    Said,
    TopicGiven,
    Whispered,
)
from hubbub.core.rooms import Rooms
from hubbub.core.settings import MessageSettings
from hubbub.core.stamps import Stamps

SessionT = TypeVar("SessionT", bound=Session)


class _Waiting(Generic[SessionT]):
    """A request whose answer comes with a commit."""

    __slots__ = ("id", "request", "retries", "seen", "session", "stream", "user")

    def __init__(
        self, session: SessionT, request: object, user: User, stream: str, id: str | None, seen: Seen | None
    ) -> None:
        self.session = session
        self.request = request
        self.user = user
        self.stream = stream
        self.id = id
        self.seen = seen
        self.retries: list[tuple[SessionT, object]] | None = None
        """Who asked for the same again meanwhile, and gets the same answer."""


class Messages(Generic[SessionT]):
    """Implements `JournalSink`: it is who the journal tells."""

    def __init__(
        self,
        settings: MessageSettings,
        journal: Journal,
        outlet: Outlet[SessionT],
        people: People,
        rooms: Rooms,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._settings = settings
        self._surely_fits = settings.max_content // 4  # characters: UTF-8 has at most 4 bytes for one
        self._journal = journal
        self._outlet = outlet
        self._people = people
        self._rooms = rooms
        self._clock = clock
        self._stamps = Stamps(clock)
        self._budget = Budget()
        self._pending: dict[int, _Waiting[SessionT]] = {}
        self._ids_made = 0
        self._id_prefix = _uuid_prefix(entropy)

    # -- commands

    def publish(self, session: SessionT, command: Publish, request: object) -> Answer | None:
        """Say something in a room. None: the answer comes with the commit."""
        user = session.user
        if user is None:
            return Refusal(Code.UNAUTHENTICATED, "Log in first.")
        room = self._rooms.meant_by(session, command.room)
        if not isinstance(room, Room):
            return room
        content, bad = command.content, None
        if not 0 < len(content) <= self._surely_fits:
            bad = self._bad_content(content)
        body = Said(user.name, user.id, room.name, content, command.reply_to)
        return self._append(session, user, room.stream, command.id, body, request, bad)

    def whisper(self, session: SessionT, command: Whisper, request: object) -> Answer | None:
        """Say something to one person; a private talk is the stream of the two ids."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        other = self._people.find(command.to)
        if other is None:
            return Refusal(Code.NOT_FOUND, f"User '{command.to[:64]}' not found.", field="to")
        bad = self._bad_content(command.content)
        low, high = sorted((user.id, other.id))
        body = Whispered(user.name, user.id, other.name, other.id, command.content)
        return self._append(session, user, f"talk:{low:x}:{high:x}", command.id, body, request, bad)

    def send(self, session: SessionT, command: Send, request: object) -> Answer | None:
        """Say something to a person or a room, whichever of the two `target` is."""
        target = command.target
        if target.startswith("@"):
            return self.whisper(session, Whisper(target[1:], command.content, command.id), request)
        if target.startswith("#"):
            return self.publish(session, Publish(command.content, target[1:], command.id), request)
        person, room = self._people.find(target), self._rooms.find(target)
        if person is not None and room is not None:
            # Guessing would let whoever takes a room's name read what is meant for the room.
            message = f"'{target}' is a person and a room. Say '@{target}' or '#{target}'."
            return Refusal(Code.BAD_REQUEST, message, field="target_id")
        if room is not None:
            return self.publish(session, Publish(command.content, room.name, command.id), request)
        if person is not None:
            return self.whisper(session, Whisper(person.name, command.content, command.id), request)
        message = f"Neither a user nor a room '{target[:64]}' was found."
        return Refusal(Code.NOT_FOUND, message, field="target_id")

    def set_topic(self, session: SessionT, command: SetTopic, request: object) -> Answer | None:
        """Say what a room is about."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        room = self._rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        most = self._settings.max_topic
        if len(command.topic.encode("utf-8", "surrogatepass")) > most:
            message = f"The topic is longer than {most} bytes."
            return Refusal(Code.TOO_LARGE, message, field="topic", limit="messages.max_topic")
        body = TopicGiven(user.name, user.id, room.name, command.topic)
        return self._append(session, user, room.stream, None, body, request)

    def _bad_content(self, content: str) -> Refusal | None:
        most = self._settings.max_content
        if not content:
            return Refusal(Code.BAD_REQUEST, "The message is empty.", field="content")
        if len(content) * 4 > most and len(content.encode("utf-8", "surrogatepass")) > most:
            return Refusal(
                Code.TOO_LARGE,
                f"The message is longer than {most} bytes.",
                field="content",
                limit="messages.max_content",
            )
        return None

    def _append(
        self,
        session: SessionT,
        user: User,
        stream: str,
        id: str | None,
        body: Body,
        request: object,
        bad: Refusal | None = None,
    ) -> Answer | None:
        """`bad` is what is wrong with it, for one that is new: a retry gets the first answer all the same."""
        window, now = user.window, 0.0
        if id is None:
            self._ids_made += 1
            entry = Entry(stream, f"{self._id_prefix}{self._ids_made:012x}", self._stamps.now(), body)
        else:
            now = self._clock()
            if window is None:
                window = user.window = Window(self._settings, self._budget)
            seen = window.find(stream, id, now)
            if isinstance(seen, Accepted):
                return seen
            if seen is not None:  # the first one is still in flight: both get its answer
                first = self._pending[seen]
                first.retries = [*(first.retries or ()), (session, request)]
                return None
            entry = Entry(stream, id, self._stamps.now(), body)
        if bad is not None:
            return bad
        try:
            ticket = self._journal.append((entry,))
        except JournalUnavailableError as error:
            return _unavailable(error)
        remembered = window.sent(stream, id, ticket, now) if id is not None and window is not None else None
        self._pending[ticket] = _Waiting(session, request, user, stream, id, remembered)
        return None

    # -- what the journal tells (JournalSink)

    def committed(self, groups: Sequence[Group]) -> None:
        """See the port. State changes here, and only here; then everybody is told."""
        outlet = self._outlet
        for group in groups:
            waiting = self._pending.pop(group.ticket, None) if group.ticket is not None else None
            origin = waiting.session if waiting is not None else None
            for record in group.records:
                self._apply(record, origin)
            if waiting is not None:
                self._acknowledge(group.records[0], waiting)
        outlet.flush()

    def failed(self, tickets: Sequence[int], error: JournalUnavailableError) -> None:
        """See the port. An error to the senders and to nobody else; their reservations are released."""
        for ticket in tickets:
            waiting = self._pending.pop(ticket, None)
            if waiting is not None:
                if waiting.id is not None and waiting.user.window is not None:
                    waiting.user.window.failed(waiting.stream, waiting.id)
                self._answer(waiting, _unavailable(error))
        self._outlet.flush()

    def _acknowledge(self, record: Record, waiting: _Waiting[SessionT]) -> None:
        entry = record.entry
        if type(entry.body) is TopicGiven:
            self._answer(waiting, TopicSet(entry.body.room, entry.body.topic))
            return
        accepted = Accepted(entry.id, entry.stream, record.epoch, record.offset, entry.at)
        if waiting.seen is not None:
            waiting.seen.outcome = accepted
        self._answer(waiting, accepted)

    def _answer(self, waiting: _Waiting[SessionT], answer: Answer) -> None:
        self._outlet.answer(waiting.session, waiting.request, answer)
        for session, request in waiting.retries or ():
            self._outlet.answer(session, request, answer)

    def _apply(self, record: Record, origin: SessionT | None) -> None:
        entry = record.entry
        stream, body = entry.stream, entry.body
        event: Event
        if type(body) is Said:
            event = MessagePosted(
                body.sender,
                body.sender_id,
                body.room,
                body.content,
                entry.id,
                stream,
                record.epoch,
                record.offset,
                entry.at,
                body.reply_to,
            )
            self._outlet.publish(stream, event, origin)
        elif type(body) is Whispered:
            event = WhisperPosted(
                body.sender,
                body.sender_id,
                body.to,
                body.to_id,
                body.content,
                entry.id,
                stream,
                record.epoch,
                record.offset,
                entry.at,
            )
            both = [self._people.by_id(id) for id in dict.fromkeys((body.sender_id, body.to_id))]
            sessions = [cast("SessionT", user.session) for user in both if user is not None]
            self._outlet.send(stream, sessions, event, origin)
        elif type(body) is TopicGiven:
            room = self._rooms.of_stream(stream)
            if room is not None:
                room.topic = body.topic
            event = TopicChanged(
                body.sender,
                body.sender_id,
                body.room,
                body.topic,
                stream,
                record.epoch,
                record.offset,
                entry.at,
            )
            self._outlet.publish(stream, event, origin)


def _unavailable(error: JournalUnavailableError) -> Refusal:
    if error.read_only:
        return Refusal(Code.READ_ONLY, f"Nothing can be kept at the moment: {error.reason}")
    return Refusal(Code.INTERNAL, "The message could not be kept.")


def _uuid_prefix(entropy: Callable[[int], bytes]) -> str:
    """The first 24 characters of a UUIDv8 (RFC 9562 §5.8); a counter makes the last 12."""
    digits = entropy(8).hex()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-a{digits[13:16]}-"
