"""Messages: what is said in rooms and to one person, and how it is told to those who hear it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from msgspec.structs import replace

from hubbub.core.answers import Answer
from hubbub.core.commands import LAST, Publish, Send, SetTopic, Whisper
from hubbub.core.entries import Change, Record, Said, TopicGiven, Whispered
from hubbub.core.errors import Code, Refusal
from hubbub.core.event_of import event_of
from hubbub.core.events import MessagePosted
from hubbub.core.ledger import Ledger
from hubbub.core.mentions import Mentions
from hubbub.core.model import Room, Session
from hubbub.core.modifications import Message, last_message
from hubbub.core.people import People
from hubbub.core.room_records import put_topic
from hubbub.core.rooms import Rooms
from hubbub.core.sending import More, Sending
from hubbub.core.settings import MessageSettings
from hubbub.core.talks import Talks, hearers, talk_stream

SessionT = TypeVar("SessionT", bound=Session)


class Messages(Generic[SessionT]):
    """What is said: in rooms, and to one person."""

    def __init__(
        self,
        settings: MessageSettings,
        ledger: Ledger[SessionT],
        sending: Sending[SessionT],
        people: People,
        rooms: Rooms,
        talks: Talks,
    ) -> None:
        self._settings = settings
        self._surely_fits = settings.max_content // 4  # characters: UTF-8 has at most 4 bytes for one
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._head = ledger.journal.head
        self._sending = sending
        self._people = people
        self._rooms = rooms
        self._talks = talks
        self.mentions = Mentions(settings.mentions, ledger, people)
        ledger.applies[Said] = self._apply_said
        ledger.applies[Whispered] = self._apply_whispered
        ledger.applies[TopicGiven] = self._apply_topic

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
            bad = bad_content(content, self._settings.max_content)
        if command.reply_to is not None:
            if command.reply_to == LAST:
                self._reply_to_last(session, command, room, request)
                return None
            bad = bad or self._bad_reply(room.stream, command.reply_to)
        body = Said(user.name, user.id, room.name, content, command.reply_to)
        more: More = ()
        if "@" in content:
            body, more = self.mentions.found(body, room)
        changes: Sequence[Change] = ()
        if not room.kept and bad is None:
            changes = self._rooms.keep(room)
        return self._sending.append(session, user, room.stream, command.id, body, request, bad, more, changes)

    def _reply_to_last(self, session: SessionT, command: Publish, room: Room, request: object) -> None:
        user, stream, most = session.user, room.stream, self._settings.history_entries

        def found(last: Message | None) -> Answer | None:
            if session.user is not user:  # gone meanwhile, or logged out
                return Refusal(Code.UNAUTHENTICATED, "Log in first.")
            if last is None:
                return Refusal(Code.NOT_FOUND, "There is nothing to reply to.", field="reply_to")
            reply = replace(command, room=room.name, reply_to=last.record.offset)
            return self.publish(session, reply, request)

        self._ledger.ask(session, request, lambda reader: last_message(reader, stream, None, most), found)

    def whisper(self, session: SessionT, command: Whisper, request: object) -> Answer | None:
        """Say something to one person, who may be away: it waits in their private talk."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        other = self._people.addressed(command.to, command.to_id)
        bad: Refusal | None = None
        if not isinstance(other, Refusal):
            to, to_id = other.name, other.id
            bad = bad_content(command.content, self._settings.max_content)
        elif command.to_id is None:
            return other
        else:  # it may have been kept before whom it was for was gone: a retry is told so
            to, to_id, bad = command.to, command.to_id, other
        stream = talk_stream(user.id, to_id)
        if command.reply_to is not None:
            bad = bad or self._bad_reply(stream, command.reply_to)
        body = Whispered(user.name, user.id, to, to_id, command.content, command.reply_to)
        return self._sending.append(session, user, stream, command.id, body, request, bad)

    def send(self, session: SessionT, command: Send, request: object) -> Answer | None:
        """Say something to a person or a room, whichever of the two `target` is."""
        target = command.target
        if command.to_id is not None and target.startswith("#"):
            return Refusal(Code.BAD_REQUEST, "A room or a person, not both.", field="to_id")
        if command.to_id is not None or target.startswith("@"):
            to = target.removeprefix("@")
            return self.whisper(
                session, Whisper(to, command.content, command.id, command.reply_to, command.to_id), request
            )
        if target.startswith("#"):
            return self.publish(
                session, Publish(command.content, target[1:], command.id, command.reply_to), request
            )
        person, room = self._people.known(target), self._rooms.find(target, session.user)
        if person is not None and room is not None:
            # Guessing would let whoever takes a room's name read what is meant for the room.
            message = f"'{target}' is a person and a room. Say '@{target}' or '#{target}'."
            return Refusal(Code.BAD_REQUEST, message, field="target_id")
        if room is not None:
            return self.publish(
                session, Publish(command.content, room.name, command.id, command.reply_to), request
            )
        if person is not None:
            return self.whisper(
                session, Whisper(person.name, command.content, command.id, command.reply_to), request
            )
        message = f"Neither a user nor a room '{target[:64]}' was found."
        return Refusal(Code.NOT_FOUND, message, field="target_id")

    def set_topic(self, session: SessionT, command: SetTopic, request: object) -> Answer | None:
        """Say what a room is about."""
        user = session.user
        assert user is not None  # noqa: S101 (handle saw to it)
        room = self._rooms.meant_by(session, command.room)
        if isinstance(room, Refusal):
            return room
        bad = bad_topic(command.topic, self._settings.max_topic)
        if bad is not None:
            return bad
        body = TopicGiven(user.name, user.id, room.name, command.topic)
        changes = (put_topic(room, command.topic), *self._rooms.keep(room))
        return self._sending.append(session, user, room.stream, None, body, request, changes=changes)

    def _bad_reply(self, stream: str, offset: int) -> Refusal | None:
        """Whether that offset was there already. What stands at it is not looked at: it may be gone later."""
        if 1 <= offset <= self._head(stream).offset:
            return None
        return Refusal(Code.BAD_REQUEST, "There is nothing to reply to at that offset.", field="reply_to")

    # -- what a kept entry does

    def _apply_said(self, record: Record, origin: SessionT | None) -> None:
        entry = record.entry
        body = entry.body
        assert type(body) is Said  # noqa: S101 (the ledger goes by it)
        if body.mentions or body.file is not None:
            self._outlet.publish(entry.stream, event_of(record, self._people), origin)
            return
        event = MessagePosted(  # as event_of does: by far the most frequent
            body.sender,
            body.sender_id,
            body.room,
            body.content,
            entry.id,
            entry.stream,
            record.epoch,
            record.offset,
            entry.at,
            body.reply_to,
        )
        self._outlet.publish(entry.stream, event, origin)

    def _apply_whispered(self, record: Record, origin: SessionT | None) -> None:
        stream, body = record.entry.stream, record.entry.body
        assert type(body) is Whispered  # noqa: S101 (the ledger goes by it)
        self._talks.add(stream)
        both = hearers(self._people, (body.sender_id, body.to_id), record)
        self._outlet.send(stream, cast("Sequence[SessionT]", both), event_of(record, self._people), origin)

    def _apply_topic(self, record: Record, origin: SessionT | None) -> None:
        stream, body = record.entry.stream, record.entry.body
        assert type(body) is TopicGiven  # noqa: S101 (the ledger goes by it)
        room = self._rooms.of_stream(stream)
        if room is not None:
            room.topic = body.topic
        self._outlet.publish(stream, event_of(record, self._people), origin)


def bad_topic(topic: str, most: int) -> Refusal | None:
    """Why a room cannot be about this, with `most` bytes of UTF-8; None: it can."""
    if len(topic.encode("utf-8", "surrogatepass")) <= most:
        return None
    message = f"The topic is longer than {most} bytes."
    return Refusal(Code.TOO_LARGE, message, field="topic", limit="messages.max_topic")


def bad_content(content: str, most: int) -> Refusal | None:
    """Why this cannot be said, with `most` bytes of UTF-8; None: it can."""
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
