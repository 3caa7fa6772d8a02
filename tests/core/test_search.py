"""Search: what is found, by whom, and what is never shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from contracts.journals import Turns, memory
from core.asking import LOBBY, accepted, refused
from core.house import House
from hubbub.core.answers import LoggedIn, SearchResult
from hubbub.core.commands import Delete, Edit, JoinRoom, LeaveRoom, Publish, React, Register, Search, Whisper
from hubbub.core.entries import Deleted, Edited, Record, Said, Whispered
from hubbub.core.errors import Code
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, MessageSettings


class Index:
    """Looks through all that was said. Implements `core.ports.SearchIndex`."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int], str] = {}
        self._waiting: list[Callable[[], None]] = []
        self.turns: Turns | None = None
        self.building = False
        self.full = False
        self.asked: list[Sequence[str]] = []

    def add(self, records: Sequence[Record]) -> None:
        for record in records:
            stream, body = record.entry.stream, record.entry.body
            if isinstance(body, Said | Whispered):
                self._texts[stream, record.offset] = body.content
            elif isinstance(body, Edited):
                self._texts[stream, body.target] = body.content
            elif isinstance(body, Deleted):
                self._texts.pop((stream, body.target), None)

    def trim(self, stream: str, first: int) -> None:
        for place in [place for place in self._texts if place[0] == stream and place[1] < first]:
            del self._texts[place]

    def find(
        self,
        query: str,
        streams: Sequence[str],
        limit: int,
        then: Callable[[Sequence[tuple[str, int]] | None], None],
        before: tuple[str, int] | None = None,
    ) -> bool:
        self.asked.append(streams)
        if self.full:
            return False
        words = query.lower().split()
        found = [
            place
            for place, text in self._texts.items()
            if place[0] in streams and all(word in text.lower() for word in words)
        ]
        if before is not None:
            known = list(self._texts)
            found = [place for place in found if known.index(place) < known.index(before)]
        assert self.turns is not None
        self.turns.call_soon(lambda: then(None if self.building else found[::-1][:limit]))
        return True


@pytest.fixture(name="index")
def _index() -> Index:
    return Index()


def house_with(index: Index, settings: MessageSettings | None = None) -> House:
    house = House(CoreSettings(messages=settings or MessageSettings()), search=index)
    index.turns = house.turns
    return house


def found(house: House, session: Session, asked: Search) -> SearchResult:
    answer = house.done(session, asked)
    assert isinstance(answer, SearchResult), answer
    return answer


def contents(house: House, session: Session, asked: Search) -> list[str]:
    return [message.content for message in found(house, session, asked).messages]


def test_the_newest_come_first_and_as_they_stand_now(index: Index) -> None:
    house = house_with(index)
    alice, bob = house.enter("Alice"), house.enter("Bob")
    for text in ("red fox", "blue fox", "red hen", "fox, red"):
        house.now += 1
        house.done(alice, Publish(text))
    assert contents(house, bob, Search("red fox")) == ["fox, red", "red fox"]
    house.done(alice, Edit("red fox!", LOBBY, 2))
    house.done(bob, React("👍", LOBBY, 2))
    house.done(alice, Delete(LOBBY, 4))
    answer = found(house, bob, Search("RED FOX"))
    assert [message.content for message in answer.messages] == ["red fox!", "red fox"]
    assert [len(message.reactions) for message in answer.messages] == [1, 0]
    assert answer.messages[0].edited_at is not None
    assert not answer.more


def test_only_what_one_may_read_is_asked_for_and_shown(index: Index) -> None:
    house = house_with(index)
    alice, bob, carol = (house.enter(name) for name in ("Alice", "Bob", "Carol"))
    for who, room in ((alice, "den"), (bob, "den"), (carol, "lair")):
        house.done(who, JoinRoom(room))
        house.done(who, Publish(f"fox in {room}", room))
    house.done(alice, Publish("fox in lobby"))
    house.done(alice, Whisper("Bob", "fox for Bob"))
    house.done(carol, Whisper("Alice", "fox for Alice"))
    assert sorted(contents(house, bob, Search("fox"))) == [
        "fox for Bob",
        "fox in den",
        "fox in den",
        "fox in lobby",
    ]
    assert sorted(contents(house, carol, Search("fox"))) == ["fox for Alice", "fox in lair", "fox in lobby"]
    assert contents(house, bob, Search("fox", room="lobby")) == ["fox in lobby"]
    assert contents(house, bob, Search("fox", with_="alice")) == ["fox for Bob"]
    assert contents(house, bob, Search("fox", with_="Carol")) == []
    assert contents(house, bob, Search("fox", stream="room:1")) == ["fox in lobby"]
    (theirs,) = found(house, carol, Search("Alice")).messages
    assert contents(house, alice, Search("fox", stream=theirs.stream)) == ["fox for Alice"]
    assert refused(house.done(bob, Search("fox", stream=theirs.stream)), Code.NOT_FOUND).field == "stream"
    refused(house.done(bob, Search("fox", room="lobby", stream="room:1")), Code.BAD_REQUEST)
    refused(house.done(bob, Search("fox", room="lair")), Code.FORBIDDEN)
    refused(house.done(bob, Search("fox", with_="Nobody")), Code.NOT_FOUND)
    assert (
        refused(house.done(bob, Search("fox", room="den", with_="Alice")), Code.BAD_REQUEST).field == "with"
    )
    house.done(bob, LeaveRoom("den"))
    assert "fox in den" not in contents(house, bob, Search("fox"))


def test_who_leaves_while_it_is_looked_for_is_not_shown_it(index: Index) -> None:
    house = house_with(index)
    alice = house.enter("Alice")
    house.done(alice, JoinRoom("den"))
    house.done(alice, Publish("fox", "den"))
    house.do(alice, Search("fox"), "asked")
    house.do(alice, LeaveRoom("den"))
    house.turns.run_all()
    ((_, _, answer),) = [told for told in house.outlet.answered if told[1] == "asked"]
    assert answer == SearchResult([], False)


def test_who_is_gone_is_answered_once(index: Index) -> None:
    house = house_with(index)
    alice = house.enter("Alice")
    house.done(alice, Publish("fox"))
    house.do(alice, Search("fox"), "asked")
    house.service.disconnected(alice)
    house.turns.run_all()
    ((_, _, answer),) = [told for told in house.outlet.answered if told[1] == "asked"]
    refused(answer, Code.UNAUTHENTICATED)


def test_an_index_that_lags_shows_nothing_that_was_deleted(index: Index) -> None:
    house = house_with(index)
    alice = house.enter("Alice")
    for text in ("fox one", "fox two"):
        house.done(alice, Publish(text))
    late = dict(index._texts)
    house.done(alice, Delete(LOBBY, 2))
    index._texts = late
    assert contents(house, alice, Search("fox")) == ["fox one"]
    index._texts = {(LOBBY, 99): "fox", (LOBBY, 3): "fox"}
    assert contents(house, alice, Search("fox")) == []


def test_more_is_said_and_limits_are_kept(index: Index) -> None:
    house = house_with(index, MessageSettings(search_default=2, search_limit=3, history_bytes=3_000))
    alice = house.enter("Alice")
    for number in range(5):
        house.now += 1
        house.done(alice, Publish(f"fox {number}"))
    answer = found(house, alice, Search("fox"))
    assert ([one.content for one in answer.messages], answer.more) == (["fox 4", "fox 3"], True)
    assert len(found(house, alice, Search("fox", limit=99)).messages) == 3
    assert not found(house, alice, Search("fox 1")).more
    for text in "ab":
        house.now += 1
        house.done(alice, Publish(text * 2_000 + " hen"))
    answer = found(house, alice, Search("hen"))
    assert len(answer.messages) == 1
    assert answer.more, "the other did not fit"


def test_older_ones_are_found_behind_the_last_that_was_shown(index: Index) -> None:
    house = house_with(index)
    alice, bob = house.enter("Alice"), house.enter("Bob")
    for text in ("tea 1", "tea 2", "tea 3"):
        house.now += 1
        house.done(alice, Publish(text))
    house.now += 1
    told = accepted(house.done(alice, Whisper("Bob", "tea 4")))
    first = found(house, bob, Search("tea", limit=2))
    assert ([one.content for one in first.messages], first.more) == (["tea 4", "tea 3"], True)
    last = first.messages[-1]
    rest = found(house, bob, Search("tea", limit=2, before=last.offset, before_stream=last.stream))
    assert ([one.content for one in rest.messages], rest.more) == (["tea 2", "tea 1"], False)
    assert contents(house, bob, Search("tea", "lobby", before=2)) == ["tea 1"]
    carol = house.enter("Carol")
    hidden = Search("tea", before=told.offset, before_stream=told.stream)
    for one, wrong, code, field in (
        (bob, Search("tea", before=2), Code.BAD_REQUEST, "before_stream"),
        (bob, Search("tea", before=0, before_stream=LOBBY), Code.BAD_REQUEST, "before"),
        (carol, hidden, Code.NOT_FOUND, "before_stream"),
    ):
        assert refused(house.done(one, wrong), code).field == field


def test_a_page_of_which_nothing_may_be_read_any_more_goes_on_behind_it(index: Index) -> None:
    for limits in (MessageSettings(), MessageSettings(history_bytes=1)):
        house = house_with(index, limits)
        alice, bob = house.register("Alice"), house.register("Bob")
        house.done(alice, Publish("tea 0"))
        for who in (alice, bob):
            house.done(who, JoinRoom("den"))
        for number in range(1, 4):
            house.now += 1
            house.done(alice, Publish(f"tea {number}", "den"))
        request = object()
        assert house.do(bob, Search("tea", limit=2), request) is None
        house.do(bob, LeaveRoom("den"))
        house.turns.run_all()
        (answer,) = [given for _, asked, given in house.outlet.answered if asked is request]
        assert isinstance(answer, SearchResult)
        assert ([one.content for one in answer.messages], answer.more) == (["tea 0"], False)


def test_a_search_has_some_words_and_not_too_many(index: Index) -> None:
    house = house_with(index)
    alice = house.enter("Alice")
    for query in ("", "   ", "x" * 257):
        bad = refused(house.done(alice, Search(query)), Code.BAD_REQUEST)
        assert (bad.field, bad.limit) == ("query", "messages.search_query")
    assert refused(house.done(alice, Search("fox", limit=0)), Code.BAD_REQUEST).field == "limit"


def test_an_index_that_is_being_built_or_busy_is_to_be_asked_again(index: Index) -> None:
    house = house_with(index)
    alice = house.enter("Alice")
    index.building = True
    again = refused(house.done(alice, Search("fox")), Code.RATE_LIMITED)
    assert again.retry_after
    assert "being built" in again.message
    index.full = True
    assert refused(house.done(alice, Search("fox")), Code.RATE_LIMITED).retry_after


def test_without_an_index_there_is_no_search() -> None:
    house = House()
    refused(house.done(house.enter("Alice"), Search("fox")), Code.UNSUPPORTED)


def test_talks_from_before_a_restart_are_searched_too(index: Index) -> None:
    first = House()
    alice, bob = first.enter("Alice"), first.enter("Bob")
    said = accepted(first.done(alice, Whisper("Bob", "fox")))
    assert bob.user is not None
    talks = first.service.talks
    assert list(talks.of(bob.user.id)) == [said.stream]
    again = House(make_journal=lambda turns, seed: first.journal)
    assert list(again.service.talks.of(bob.user.id)) == [said.stream]
    assert memory(first.turns, 1).look(lambda reader: list(reader.streams("talk:"))) == []


def test_an_account_searches_all_its_rooms_also_those_it_is_not_in_just_now(index: Index) -> None:
    house = house_with(index)
    ann = house.session(exclusive=True)
    assert isinstance(house.done(ann, Register("Ann", "a password of hers")), LoggedIn)
    house.done(ann, Publish("fox in the lobby"))
    house.done(ann, JoinRoom("den"))
    house.done(ann, Publish("fox in the den"))
    house.done(ann, JoinRoom("barn"))
    assert set(contents(house, ann, Search("fox"))) == {"fox in the lobby", "fox in the den"}
    house.done(ann, JoinRoom("den"))
    house.done(ann, LeaveRoom())
    assert contents(house, ann, Search("fox")) == ["fox in the lobby"], "it is no member any more"
