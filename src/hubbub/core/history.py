"""History: messages as they stand now, and finding them by their words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from hubbub.core.answers import Answer, MessageView, SearchResult
from hubbub.core.answers import History as HistoryShown
from hubbub.core.commands import GetHistory, Search
from hubbub.core.errors import Code, Refusal
from hubbub.core.ledger import Ledger
from hubbub.core.model import Room, Session, User
from hubbub.core.pages import Page, page, views_at
from hubbub.core.people import People
from hubbub.core.ports import Reader, SearchIndex
from hubbub.core.rooms import Rooms
from hubbub.core.settings import CoreSettings
from hubbub.core.talks import Talks, talk_stream, talkers

SessionT = TypeVar("SessionT", bound=Session)

_BUSY: Final = 1.0  # seconds after which a search may be tried again


class _Source(NamedTuple):
    """What a history or a search is of: a room, or the private talk with somebody."""

    stream: str
    room: str | None = None
    with_: str | None = None


class _Asked(NamedTuple):
    """What is searched for, by whom, where, and how many of it."""

    user: User
    query: str
    streams: Sequence[str]
    limit: int


class Histories(Generic[SessionT]):
    """Answers questions about what was said, to those who may read it."""

    def __init__(
        self,
        settings: CoreSettings,
        ledger: Ledger[SessionT],
        people: People,
        rooms: Rooms,
        talks: Talks,
        search: SearchIndex | None,
    ) -> None:
        self._settings = settings.messages
        self._ledger = ledger
        self._outlet = ledger.outlet
        self._people = people
        self._rooms = rooms
        self._talks = talks
        self._search = search

    # -- history

    def history(self, session: SessionT, command: GetHistory, request: object) -> Answer | None:
        """Messages of a room or a private talk. The answer comes with the read."""
        source = self._source(session, command)
        if isinstance(source, Refusal):
            return source
        bad = _bad_range(command)
        if bad is not None:
            return bad
        settings = self._settings
        wanted = settings.history_default if command.limit is None else command.limit
        return self._read(session, request, source, _pages(command, min(wanted, settings.history_limit)))

    def _read(
        self, session: SessionT, request: object, source: _Source, pages: Sequence[Page]
    ) -> Answer | None:
        """Read these pages. Where nothing of it is a message, go on behind it in another turn."""

        def query(reader: Reader) -> list[Page]:
            return [page(reader, source.stream, one, self._settings) for one in pages]

        def then(read: Sequence[Page]) -> Answer | None:
            room = self._rooms.of_stream(source.stream)
            if source.room is not None and (room is None or session not in room.members):  # out of it by now
                return Refusal(
                    Code.FORBIDDEN, f"You are not in '{source.room}'. Join it first.", field="room"
                )
            more = any(one.more for one in read)
            messages = [view for one in read for view in one.in_order()]
            if more and not messages and not session.gone:
                return self._read(session, request, source, [one for one in read if one.more])
            return HistoryShown(source.stream, messages, more, source.room, source.with_)

        self._ledger.ask(session, request, query, then)
        return None

    def _source(self, session: SessionT, command: GetHistory | Search) -> _Source | Refusal:
        if command.stream is not None:
            if command.room is not None or command.with_ is not None:
                return Refusal(Code.BAD_REQUEST, "A room, a person or a stream: one of them.", field="stream")
            return self._of_stream(session, command.stream)
        if command.with_ is None:
            room = self._rooms.meant_by(session, command.room)
            return _Source(room.stream, room=room.name) if isinstance(room, Room) else room
        if command.room is not None:
            return Refusal(Code.BAD_REQUEST, "A room, a person or a stream: one of them.", field="with")
        other = self._people.known(command.with_)
        if other is None:
            return Refusal(Code.NOT_FOUND, f"User '{command.with_[:64]}' not found.", field="with")
        return _Source(talk_stream(_user(session).id, other.id), with_=other.name)

    def _of_stream(self, session: SessionT, stream: str) -> _Source | Refusal:
        """A room that the session is in, or a talk of its own: with anybody who ever was in it."""
        room = self._rooms.of_stream(stream)
        if room is not None and session in room.members:
            return _Source(stream, room=room.name)
        me = _user(session).id
        if stream in self._talks.of(me):
            low, high = talkers(stream) or (me, me)
            return _Source(stream, with_=self._people.name_of(high if low == me else low))
        return Refusal(Code.NOT_FOUND, f"Stream '{stream[:64]}' not found.", field="stream")

    # -- search

    def search(self, session: SessionT, command: Search, request: object) -> Answer | None:
        """Messages by their words: of one room or talk, or of all that one may read."""
        settings, user = self._settings, _user(session)
        if self._search is None:
            return Refusal(Code.UNSUPPORTED, "This server has no search index.")
        query, most = command.query.strip(), settings.search_query
        if not query or len(query) > most:
            what = f"A search has 1 to {most} characters."
            return Refusal(Code.BAD_REQUEST, what, field="query", limit="messages.search_query")
        limit = settings.search_default if command.limit is None else command.limit
        if limit < 1:
            return _less_than_one("limit")
        limit = min(limit, settings.search_limit)
        streams = [*self._rooms_of(session, user), *self._talks.of(user.id)]
        if command.room is not None or command.with_ is not None or command.stream is not None:
            source = self._source(session, command)
            if isinstance(source, Refusal):
                return source
            streams = [source.stream]
        before = _behind(command, streams)
        if isinstance(before, Refusal):
            return before

        return self._find(session, request, _Asked(user, query, streams, limit), before)

    def _find(
        self, session: SessionT, request: object, asked: _Asked, before: tuple[str, int] | None
    ) -> Answer | None:
        def found(places: Sequence[tuple[str, int]] | None) -> None:
            if places is None:
                again = "The search index is being built. Try again."
                self._outlet.answer(session, request, Refusal(Code.RATE_LIMITED, again, retry_after=_BUSY))
            else:
                self._show(session, request, asked, places)

        assert self._search is not None  # noqa: S101 (search saw to it)
        if not self._search.find(asked.query, asked.streams, asked.limit + 1, found, before):
            return Refusal(Code.RATE_LIMITED, "Too many are searching. Try again.", retry_after=_BUSY)
        return None

    def _rooms_of(self, session: SessionT, user: User) -> set[str]:
        """The streams of the rooms that it is in, or that its account belongs to."""
        everybodys = (self._rooms.default,) if user.account else ()
        return {room.stream for room in (*session.rooms, *self._rooms.of(user.id), *everybodys)}

    def _show(
        self, session: SessionT, request: object, asked: _Asked, places: Sequence[tuple[str, int]]
    ) -> None:
        """Read what was found, as it stands now, and leave out what may no longer be read.

        Where that is all of it, there would be no message to go on behind: so go on.
        """
        user, limit = asked.user, asked.limit

        def then(read: tuple[list[MessageView], bool]) -> Answer | None:
            if session.user is not user:  # gone meanwhile, or logged out
                return Refusal(Code.UNAUTHENTICATED, "Log in first.")
            messages, cut = read
            mine = self._rooms_of(session, user)

            def may(stream: str) -> bool:
                return stream in mine or user.id in (talkers(stream) or ())

            readable = [one for one in messages if may(one.stream)]
            more = cut or len(places) > limit
            if more and not readable:
                last = (messages[-1].stream, messages[-1].offset) if cut else places[limit - 1]
                rest = asked._replace(streams=[one for one in asked.streams if may(one)])
                return self._find(session, request, rest, last)
            readable.sort(key=lambda one: (one.at, one.offset), reverse=True)
            return SearchResult(readable, more)

        query = partial(views_at, places=places[:limit], settings=self._settings)
        self._ledger.ask(session, request, query, then)


def _pages(command: GetHistory, limit: int) -> list[Page]:
    if command.after is not None:
        return [Page(command.after + 1, 1, limit)]
    if command.around is not None:
        back = limit // 2
        return [Page(command.around - 1, -1, back), Page(command.around, 1, limit - back)]
    return [Page(sys.maxsize if command.before is None else command.before - 1, -1, limit)]


def _bad_range(command: GetHistory) -> Refusal | None:
    given = [name for name in ("before", "after", "around") if getattr(command, name) is not None]
    if len(given) > 1:
        what = f"One of before, after, around; not {' and '.join(given)}."
        return Refusal(Code.BAD_REQUEST, what, field=given[1])
    if command.after is not None and command.after < 0:
        return Refusal(Code.BAD_REQUEST, "The first offset is 1; 0 is before it.", field="after")
    for name in ("before", "around", "limit"):
        value: int | None = getattr(command, name)
        if value is not None and value < 1:
            return _less_than_one(name)
    return None


def _behind(command: Search, streams: Sequence[str]) -> tuple[str, int] | Refusal | None:
    """The message behind which a search goes on. It tells when it was said: of what one may read alone."""
    if command.before is None:
        return None
    if command.before < 1:
        return _less_than_one("before")
    stream = command.before_stream
    if stream is None:
        if command.room is None and command.with_ is None and command.stream is None:
            return Refusal(Code.BAD_REQUEST, "In which stream is it?", field="before_stream")
        stream = streams[0]
    if stream not in streams:
        return Refusal(Code.NOT_FOUND, f"Stream '{stream[:64]}' not found.", field="before_stream")
    return stream, command.before


def _less_than_one(field: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"{field} is 1 or more.", field=field)


def _user(session: Session) -> User:
    assert session.user is not None  # noqa: S101 (handle saw to it)
    return session.user
