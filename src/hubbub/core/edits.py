"""Edits: what happens to a message after it was said. Other words, none at all, and signs put to it.

A change is decided on the message as it will be when all that is in flight is kept (see `modifications`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar, cast

from msgspec.structs import replace

from hubbub.core.answers import Answer, Done
from hubbub.core.commands import Delete, Edit, React
from hubbub.core.entries import Body, Change, Deleted, Edited, Entry, Reacted, Record
from hubbub.core.errors import Code, Refusal
from hubbub.core.event_of import event_of
from hubbub.core.ledger import Ledger
from hubbub.core.messages import bad_content
from hubbub.core.model import Session, User
from hubbub.core.modifications import Flights, Message, last_message, message_at, prefix
from hubbub.core.people import People
from hubbub.core.ports import Reader
from hubbub.core.rooms import Rooms
from hubbub.core.sending import Sending
from hubbub.core.settings import CoreSettings
from hubbub.core.talks import hearers, talkers

SessionT = TypeVar("SessionT", bound=Session)

_EMOJI_LIMIT: Final = 32
"""Characters of a sign after NFC (UAX #15): a family of four with skin tones has eleven."""
_JOINERS: Final = frozenset({"\u200d"} | {chr(code) for code in range(0xE0020, 0xE0080)})
"""Invisible, and parts of emoji: ZERO WIDTH JOINER, and the tags of flags (UTS #51 §2.7)."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
"""General categories that show nothing (UAX #44). Not Cn: an emoji may be younger than our tables."""


class _Decision(NamedTuple):
    """What is to be kept. `now`: the message with it, on which others may decide already; None: they wait."""

    body: Body
    changes: Callable[[Entry], Sequence[Change]]
    now: Message | None = None


_NOTHING: Final[dict[type[Edit | Delete | React], Body]] = {
    Edit: Edited("", 0, 0, ""),
    Delete: Deleted("", 0, 0),
    React: Reacted("", 0, 0, ""),
}
"""What is asked about, and not appended, where only a retry is answered."""


class _Asked(Generic[SessionT]):
    """A request to change a message, until it is decided."""

    __slots__ = (
        "author",
        "decide",
        "id",
        "nothing",
        "offset",
        "overlaps",
        "request",
        "session",
        "stream",
        "user",
    )

    def __init__(
        self,
        session: SessionT,
        request: object,
        command: Edit | Delete | React,
        stream: str,
        decide: Callable[[Message], _Decision | Answer],
        *,
        overlaps: bool,
    ) -> None:
        assert session.user is not None  # noqa: S101 (handle saw to it)
        self.session = session
        self.request = request
        self.user = session.user
        self.id = command.id
        self.stream = stream
        self.offset = command.offset
        self.author = None if overlaps else self.user.id
        """Whose last message is meant where there is no offset; None: anybody's."""
        self.decide = decide
        self.overlaps = overlaps
        self.nothing = _NOTHING[type(command)]


class Edits(Generic[SessionT]):
    """Edit, delete, react."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        sending: Sending[SessionT],
        people: People,
        rooms: Rooms,
    ) -> None:
        self._settings = settings.messages
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._sending = sending
        self._people = people
        self._rooms = rooms
        self._flights = Flights()
        ledger.applies[Edited] = self._apply
        ledger.applies[Deleted] = self._apply
        ledger.applies[Reacted] = self._apply

    # -- commands

    def edit(self, session: SessionT, command: Edit, request: object) -> Answer | None:
        """Other words for a message of one's own."""
        return self._begin(session, command, request, partial(self._edit, session, command))

    def delete(self, session: SessionT, command: Delete, request: object) -> Answer | None:
        """Take a message back: one's own, or what one may moderate."""
        return self._begin(session, command, request, partial(self._delete, session))

    def react(self, session: SessionT, command: React, request: object) -> Answer | None:
        """A sign put to a message, or taken back. Where that changes nothing, the answer is `Done`."""
        decide = partial(self._react, session, command)
        return self._begin(session, command, request, decide, overlaps=True)

    def _begin(
        self,
        session: SessionT,
        command: Edit | Delete | React,
        request: object,
        decide: Callable[[Message], _Decision | Answer],
        *,
        overlaps: bool = False,
    ) -> Answer | None:
        stream = command.stream
        if stream is None:
            room = self._rooms.meant_by(session, None)
            if isinstance(room, Refusal):
                return room
            stream = room.stream
        asked = _Asked(session, request, command, stream, decide, overlaps=overlaps)
        if command.offset is not None and command.offset < 1:
            bad = Refusal(Code.BAD_REQUEST, "The first offset is 1.", field="offset")
            return self._append(asked, bad)
        return self._look(asked)

    # -- from the request to the message, and to what is kept

    def _look(self, asked: _Asked[SessionT]) -> Answer | None:
        if not self._readable(asked.session, asked.stream):
            return self._append(asked, _NOT_FOUND)  # a retry gets its first answer also from outside
        if asked.offset is not None:
            flight = self._flights.find(f"{prefix(asked.stream)}{asked.offset:x}")
            if flight is not None:
                return self._decide(asked, flight.message)
        self._ledger.ask(
            asked.session, asked.request, partial(self._find, asked), partial(self._decide, asked)
        )
        return None

    def _find(self, asked: _Asked[SessionT], reader: Reader) -> Message | None:
        if asked.offset is None:
            return last_message(reader, asked.stream, asked.author, self._settings.history_entries)
        return message_at(reader, asked.stream, asked.offset)

    def _decide(self, asked: _Asked[SessionT], message: Message | None) -> Answer | None:
        if asked.session.user is not asked.user:  # gone meanwhile, or logged out
            return Refusal(Code.UNAUTHENTICATED, "Log in first.")
        if message is None or not self._readable(asked.session, asked.stream):
            return self._append(asked, _NOT_FOUND)
        flight = self._flights.find(message.key)
        if flight is not None:
            if not flight.admits(alone=not asked.overlaps):
                flight.waiting.append(partial(self._again, asked))
                return None
            message = flight.message
        decision = asked.decide(message)
        if not isinstance(decision, _Decision):
            return self._append(asked, decision)
        effect = self._flights.effect(decision.now or message, alone=decision.now is None)
        return self._sending.append(
            asked.session,
            asked.user,
            asked.stream,
            asked.id,
            decision.body,
            asked.request,
            changes=decision.changes,
            effect=effect,
        )

    def _again(self, asked: _Asked[SessionT]) -> None:
        answer = self._look(asked)
        if answer is not None:
            self._outlet.answer(asked.session, asked.request, answer)

    def _append(self, asked: _Asked[SessionT], bad: Answer) -> Answer | None:
        """Answer `bad`, unless this is a retry of something that was kept."""
        return self._sending.append(
            asked.session, asked.user, asked.stream, asked.id, asked.nothing, asked.request, bad
        )

    def _readable(self, session: SessionT, stream: str) -> bool:
        user, room = session.user, self._rooms.of_stream(stream)
        if room is not None:
            return session in room.members
        return user is not None and user.id in (talkers(stream) or ())

    # -- what may be done, and what it is then

    def _edit(self, session: SessionT, command: Edit, message: Message) -> _Decision | Answer:
        user, body = _user(session), message.body
        if body.sender_id != user.id:
            return Refusal(Code.FORBIDDEN, "Only its author can edit a message.")
        bad = bad_content(command.content, self._settings.max_content)
        if bad is not None:
            return bad
        content, target = command.content, message.record.offset
        head = self._ledger.journal.head(message.record.entry.stream).offset
        return _Decision(
            Edited(user.name, user.id, target, content, _room(message)),
            lambda entry: message.edited(content, entry.at, head),
        )

    def _delete(self, session: SessionT, message: Message) -> _Decision | Answer:
        user, stream = _user(session), message.record.entry.stream
        if message.body.sender_id != user.id and not self._moderates(user, stream):
            return Refusal(Code.FORBIDDEN, "Only its author or a moderator can delete a message.")
        changes = message.deleted()
        body = Deleted(user.name, user.id, message.record.offset, _room(message))
        return _Decision(body, lambda _: changes)

    def _moderates(self, user: User, stream: str) -> bool:
        """Whether somebody may delete what others said there. Nobody may in a private talk."""
        room = self._rooms.of_stream(stream)
        return room is not None and self._rooms.role(user, room) in ("owner", "moderator")

    def _react(self, session: SessionT, command: React, message: Message) -> _Decision | Answer:
        user, settings = _user(session), self._settings
        emoji = _sign(command.emoji)
        if isinstance(emoji, Refusal):
            return emoji
        reactions = dict(message.now.reactions)
        users = reactions.get(emoji, [])
        there = any(id == user.id for id, _ in users)
        if there != command.remove:
            return Done()
        if command.remove:
            reactions[emoji] = [one for one in users if one[0] != user.id]
            if not reactions[emoji]:
                del reactions[emoji]
        elif not users and len(reactions) >= settings.reaction_kinds:
            most = settings.reaction_kinds
            said = f"There are {most} different reactions to this message, which is the limit."
            return Refusal(Code.FORBIDDEN, said, limit="messages.reaction_kinds")
        elif sum(map(len, reactions.values())) >= settings.reactions:
            said = f"There are {settings.reactions} reactions to this message, which is the limit."
            return Refusal(Code.FORBIDDEN, said, limit="messages.reactions")
        else:
            reactions[emoji] = [*users, (user.id, user.name)]
        now = message._replace(now=replace(message.now, reactions=reactions))
        change = message.put(now.now)
        body = Reacted(user.name, user.id, message.record.offset, emoji, command.remove, _room(message))
        return _Decision(body, lambda _: (change,), now)

    # -- what a kept entry does

    def _apply(self, record: Record, origin: SessionT | None) -> None:
        event, stream = event_of(record, self._people), record.entry.stream
        both = talkers(stream)
        if both is None:
            self._outlet.publish(stream, event, origin)
        else:
            sessions = cast("Sequence[SessionT]", hearers(self._people, both, record))
            self._outlet.send(stream, sessions, event, origin)


_NOT_FOUND: Final = Refusal(Code.NOT_FOUND, "There is no such message.", field="offset")
"""The same for what never was, what was deleted, and what one may not read."""


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (who asks is somebody)
    return session.user


def _room(message: Message) -> str | None:
    return getattr(message.body, "room", None)


def _sign(emoji: str) -> str | Refusal:
    """A reaction as it is kept: 1 to 32 characters after NFC, something to see, and no space in it."""
    if 0 < len(emoji) <= 4 * _EMOJI_LIMIT:
        emoji = unicodedata.normalize("NFC", emoji)
        kinds = [unicodedata.category(one) for one in emoji if one not in _JOINERS]
        if len(emoji) <= _EMOJI_LIMIT and _HIDDEN.isdisjoint(kinds) and any(kind[0] != "M" for kind in kinds):
            return emoji
    what = f"A reaction is 1 to {_EMOJI_LIMIT} characters without spaces."
    return Refusal(Code.BAD_REQUEST, what, field="emoji")
