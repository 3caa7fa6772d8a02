"""Mentions: who is named by `@name` in a message of a room, and is told on notices of their own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import islice
from typing import Final, Generic, TypeVar, cast

from msgspec.structs import replace

from hubbub.core.accounts import Account
from hubbub.core.entries import Entry, MentionNoted, Record, Said
from hubbub.core.event_of import event_of
from hubbub.core.ledger import Ledger
from hubbub.core.model import Room, Session
from hubbub.core.names import USER_LIMIT
from hubbub.core.people import People
from hubbub.core.sending import More
from hubbub.core.talks import hearers

SessionT = TypeVar("SessionT", bound=Session)

_CALL: Final = re.compile(rf"(?<![\w.@-])@([^\s@]{{1,{2 * USER_LIMIT}}})")
"""An `@` that is not in the middle of a word (an address of mail), and what may begin with a name."""
_PUNCTUATION: Final = "_-."


def notice_stream(account: int) -> str:
    """The stream of an account's own notices."""
    return f"notice:{account:x}"


class Mentions(Generic[SessionT]):
    """Finds those who are named, and tells them. Not again where a message is edited."""

    def __init__(self, most: int, ledger: Ledger[SessionT], people: People) -> None:
        self._most = most
        self._ledger = ledger
        self._people = people
        ledger.applies[MentionNoted] = self._apply

    def found(self, said: Said, room: Room) -> tuple[Said, More]:
        """The message with its mentions, and what is kept with it so that those who are named learn of it."""
        ids = self._named(said, room)
        if not ids:
            return said, ()
        said = replace(said, mentions=ids)

        def notices(message: Entry) -> Sequence[Entry]:
            note = MentionNoted(said.sender, said.sender_id, said.room, message.stream, message.id)
            new_id = self._ledger.new_id
            return [Entry(notice_stream(id), new_id(), message.at, note) for id in ids]

        return said, notices

    def _named(self, said: Said, room: Room) -> list[int]:
        """Ids of the accounts that are named and may read the room, in order. Nobody calls himself."""
        accounts, found = self._people.accounts, dict[int, None]()
        for match in islice(_CALL.finditer(said.content), 2 * self._most):
            called = _name(match[1])
            # A name may end in a full stop, but a sentence more often does.
            account = accounts.find(called) or accounts.find(called.rstrip(_PUNCTUATION))
            if account is not None and account.id != said.sender_id and _may_read(account, room):
                found[account.id] = None
                if len(found) >= self._most:
                    break
        return list(found)

    def _apply(self, record: Record, origin: SessionT | None) -> None:
        stream, body = record.entry.stream, record.entry.body
        assert type(body) is MentionNoted  # noqa: S101 (the ledger goes by it)
        sessions = [
            session
            for session in hearers(self._people, [int(stream.partition(":")[2], 16)], record)
            if not (session.exclusive and any(room.stream == body.room_stream for room in session.rooms))
        ]  # a person in plain text has just read the message itself
        if sessions:
            event = event_of(record, self._people)
            self._ledger.outlet.send(stream, cast("Sequence[SessionT]", sessions), event, origin)


def _may_read(account: Account, room: Room) -> bool:
    return not account.disabled and (not room.private or account.id in room.held)


def _name(called: str) -> str:
    """The part in front that can be in a name: see `names`."""
    for end, character in enumerate(called):
        if not (
            character.isalnum() or character in _PUNCTUATION or unicodedata.category(character)[0] == "M"
        ):
            return called[:end]
    return called
