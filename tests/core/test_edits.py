"""Edits, deletions and reactions: what they do, who may, and that nothing of them gets lost or done twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contracts.journals import UnrulyJournal
from core.asking import LOBBY, accepted, everything, messages, refused
from core.house import House
from hubbub.core.answers import Accepted, Done, Reaction, RoleSet
from hubbub.core.commands import (
    CreateRoom,
    Delete,
    Edit,
    JoinRoom,
    LeaveRoom,
    Publish,
    React,
    SetRole,
    Whisper,
)
from hubbub.core.entries import Edited, Erased, Said
from hubbub.core.errors import Code
from hubbub.core.events import MessageDeleted, MessageEdited, ReactionChanged
from hubbub.core.model import Session
from hubbub.core.settings import CoreSettings, MessageSettings


def kept(house: House) -> tuple[House, Session, Session, Accepted]:
    alice, bob = house.enter("Alice"), house.enter("Bob")
    return house, alice, bob, accepted(house.done(alice, Publish("first")))


# -- each of them


def test_an_edit_is_told_and_stands_in_the_history_with_its_time() -> None:
    house, alice, bob, said = kept(House())
    house.now += 5
    answer = accepted(house.done(alice, Edit("second", LOBBY, said.offset, "e")))
    (event,) = house.outlet.of(bob, MessageEdited)
    assert (event.target, event.content, event.room) == (said.offset, "second", "lobby")
    assert (event.id, event.stream, event.offset, event.at) == ("e", LOBBY, answer.offset, answer.at)
    (message,) = messages(house, bob)
    assert (message.content, message.edited_at) == ("second", answer.at)
    assert message.at == said.at


def test_only_the_last_edit_is_kept() -> None:
    house, alice, _, said = kept(House())
    for number in range(5):
        house.done(alice, Edit(f"version {number}", LOBBY, said.offset))
    bodies = [record.entry.body for record in house.journal.look(everything)]
    assert [body.content for body in bodies if isinstance(body, Edited)] == ["version 4"]
    assert messages(house, alice)[0].content == "version 4"


def test_a_deletion_leaves_no_words_behind() -> None:
    house, alice, bob, said = kept(House())
    house.done(alice, Edit("second", LOBBY, said.offset))
    house.done(bob, React("👍", LOBBY, said.offset))
    house.done(alice, Delete(LOBBY, said.offset))
    (event,) = house.outlet.of(bob, MessageDeleted)
    assert (event.target, event.room) == (said.offset, "lobby")
    (message,) = messages(house, bob)
    assert (message.deleted, message.content, message.sender, message.at) == (True, "", "Alice", said.at)
    assert (message.id, message.room, message.reactions) == (said.id, "lobby", [])
    bodies = [record.entry.body for record in house.journal.look(everything)]
    assert not [body for body in bodies if isinstance(body, Said | Edited)]
    assert [type(body) for body in bodies][:2] == [Erased, Erased]
    values = b"".join(value for _, value in house.journal.look(lambda reader: list(reader.scan("m/"))))
    assert b"first" not in values
    assert b"second" not in values


def test_a_deleted_message_can_neither_be_edited_nor_reacted_to_nor_deleted_again() -> None:
    house, alice, _, said = kept(House())
    house.done(alice, Delete(LOBBY, said.offset))
    for command in (Edit("x", LOBBY, 1), React("👍", LOBBY, 1), Delete(LOBBY, 1)):
        refused(house.done(alice, command), Code.NOT_FOUND)


def test_reactions_are_counted_and_name_the_first_people() -> None:
    house = House(CoreSettings(messages=MessageSettings(reaction_users=2)))
    house, alice, bob, _ = kept(house)
    carol = house.enter("Carol")
    for who in (bob, alice, carol):
        accepted(house.done(who, React("👍")))
    accepted(house.done(bob, React("e\u0301")))
    (message,) = messages(house, alice)
    assert message.reactions == [Reaction("👍", 3, ["Bob", "Alice"]), Reaction("é", 1, ["Bob"])]
    accepted(house.done(bob, React("👍", remove=True)))
    accepted(house.done(bob, React("é", remove=True)))
    assert messages(house, alice)[0].reactions == [Reaction("👍", 2, ["Alice", "Carol"])]
    told = [(event.sender, event.emoji, event.removed) for event in house.outlet.of(carol, ReactionChanged)]
    assert told[-1] == ("Bob", "é", True)


def test_what_changes_nothing_is_done_and_keeps_nothing() -> None:
    house, alice, _, _ = kept(House())
    assert house.done(alice, React("👍", remove=True)) == Done()
    first = accepted(house.done(alice, React("👍", id="r")))
    assert house.done(alice, React("👍", id="again")) == Done()
    assert accepted(house.done(alice, React("👍", id="r"))) == first, "a retry gets the first answer"
    assert house.journal.head(LOBBY).offset == 2


def test_the_record_of_a_message_goes_with_the_last_reaction() -> None:
    house, alice, _, _ = kept(House())
    house.done(alice, React("👍"))
    assert house.journal.look(lambda reader: list(reader.scan("m/")))
    house.done(alice, React("👍", remove=True))
    assert not house.journal.look(lambda reader: list(reader.scan("m/")))


@pytest.mark.parametrize(
    "emoji",
    ["", " ", "a b", "\u200d", "\ufe0f", "a\u202eb", "x" * 33, "x" * 100_000, "\n", "a\x00", "\u200b"],
)
def test_a_reaction_is_something_short_that_can_be_seen(emoji: str) -> None:
    house, alice, _, _ = kept(House())
    assert refused(house.done(alice, React(emoji)), Code.BAD_REQUEST).field == "emoji"


@pytest.mark.parametrize("emoji", ["👍🏽", "👩‍👩‍👧‍👦", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "+1", "好", "\U0001fae8"])
def test_a_reaction_may_be_any_emoji_or_a_short_word(emoji: str) -> None:
    house, alice, _, _ = kept(House())
    accepted(house.done(alice, React(emoji)))
    assert messages(house, alice)[0].reactions[0].emoji == emoji


def test_reactions_are_bounded_in_kinds_and_in_all() -> None:
    limits = MessageSettings(reaction_kinds=2, reactions=3)
    house, alice, bob, _ = kept(House(CoreSettings(messages=limits)))
    for emoji in "ab":
        accepted(house.done(alice, React(emoji)))
    assert refused(house.done(bob, React("c")), Code.FORBIDDEN).limit == "messages.reaction_kinds"
    accepted(house.done(bob, React("a")))
    assert refused(house.done(bob, React("b")), Code.FORBIDDEN).limit == "messages.reactions"
    accepted(house.done(alice, React("a", remove=True)))
    accepted(house.done(bob, React("b")))


def test_without_an_offset_ones_own_last_message_is_meant_and_for_a_reaction_the_last() -> None:
    house, alice, bob, _ = kept(House())
    house.done(alice, Publish("second"))
    house.done(bob, Publish("third"))
    house.done(alice, Edit("second, corrected"))
    house.done(alice, React("👍"))
    house.done(alice, Delete())
    shown = messages(house, bob)
    assert [message.content for message in shown] == ["first", "", "third"]
    assert [message.deleted for message in shown] == [False, True, False]
    assert [len(message.reactions) for message in shown] == [0, 0, 1]
    house.done(alice, Edit("first, corrected"))
    assert messages(house, bob)[0].content == "first, corrected"
    refused(house.done(house.enter("Carol"), Edit("nothing said yet")), Code.NOT_FOUND)


# -- who may


def test_only_the_author_edits_and_only_author_or_moderator_deletes() -> None:
    house, alice, bob, said = kept(House())
    refused(house.done(bob, Edit("mine now", LOBBY, said.offset)), Code.FORBIDDEN)
    refused(house.done(bob, Delete(LOBBY, said.offset)), Code.FORBIDDEN)
    assert bob.user is not None
    bob.user.role = "admin"
    refused(house.done(bob, Edit("mine now", LOBBY, said.offset)), Code.FORBIDDEN)
    accepted(house.done(bob, Delete(LOBBY, said.offset)))
    (event,) = house.outlet.of(alice, MessageDeleted)
    assert event.sender == "Bob"
    assert messages(house, alice)[0].sender == "Alice", "it stays her message"


def test_a_moderator_of_the_room_deletes_and_a_member_does_not() -> None:
    house = House()
    owner, carol = house.register("Owner"), house.register("Carol")
    house.done(owner, CreateRoom("den"))
    house.done(carol, JoinRoom("den"))
    said = accepted(house.done(owner, Publish("hi", "den")))
    refused(house.done(carol, Delete(said.stream, said.offset)), Code.FORBIDDEN)
    assert house.done(owner, SetRole("Carol", "moderator", "den")) == RoleSet("den", "Carol", "moderator")
    refused(house.done(carol, Edit("ho", said.stream, said.offset)), Code.FORBIDDEN)
    accepted(house.done(carol, Delete(said.stream, said.offset)))


def test_in_a_talk_both_react_only_the_author_edits_and_nobody_else_learns_of_it() -> None:
    house = House()
    alice, bob, carol = (house.enter(name) for name in ("Alice", "Bob", "Carol"))
    assert carol.user is not None
    carol.user.role = "admin"
    said = accepted(house.done(alice, Whisper("Bob", "psst")))
    accepted(house.done(bob, React("👍", said.stream, said.offset)))
    refused(house.done(bob, Edit("mine", said.stream, said.offset)), Code.FORBIDDEN)
    refused(house.done(bob, Delete(said.stream, said.offset)), Code.FORBIDDEN)
    accepted(house.done(alice, Edit("hush", said.stream, said.offset)))
    (event,) = house.outlet.of(bob, MessageEdited)
    assert (event.content, event.room) == ("hush", None)
    assert len(house.outlet.of(alice, ReactionChanged)) == 1
    for command in (
        Edit("x", said.stream, said.offset),
        Delete(said.stream, said.offset),
        React("👍", said.stream, said.offset),
    ):
        leaked = refused(house.done(carol, command), Code.NOT_FOUND)
        nowhere = refused(house.done(carol, replace(command, stream="talk:1:2")), Code.NOT_FOUND)
        assert leaked == nowhere, "the same as of a stream that is not there"
    accepted(house.done(alice, Delete(said.stream, said.offset)))
    assert messages(house, bob, with_="Alice")[0].deleted
    heard = {type(event) for who, event in house.outlet.heard if who is carol}
    assert heard.isdisjoint({MessageEdited, MessageDeleted, ReactionChanged})


def test_who_is_not_in_the_room_changes_nothing_there() -> None:
    house, alice, bob, _ = kept(House())
    house.done(alice, JoinRoom("den"))
    said = accepted(house.done(alice, Publish("hi", "den")))
    for stream in (said.stream, "room:ffff", "notice:1", "talk:1:2", "talk:x", "", "m/room:1/1"):
        refused(house.done(bob, React("👍", stream, 1)), Code.NOT_FOUND)
    for stream in ("talk:0" + said.stream, f"talk:{bob.user.id:X}:{bob.user.id:x} " if bob.user else ""):
        refused(house.done(bob, React("👍", stream, 1)), Code.NOT_FOUND)


def test_what_is_no_message_cannot_be_changed() -> None:
    house, alice, _, said = kept(House())
    edit = accepted(house.done(alice, Edit("second", LOBBY, said.offset)))
    for offset in (edit.offset, 99):
        refused(house.done(alice, Edit("x", LOBBY, offset)), Code.NOT_FOUND)
    for offset in (0, -1):
        assert refused(house.done(alice, Delete(LOBBY, offset)), Code.BAD_REQUEST).field == "offset"


def test_an_edit_has_the_limits_of_a_message() -> None:
    house, alice, _, said = kept(House(CoreSettings(messages=MessageSettings(max_content=10))))
    refused(house.done(alice, Edit("", LOBBY, said.offset)), Code.BAD_REQUEST)
    assert refused(house.done(alice, Edit("x" * 11)), Code.TOO_LARGE).limit == "messages.max_content"


# -- retries, failures, and many at once


def test_a_retry_gets_the_first_answer_also_from_outside_and_after_a_deletion() -> None:
    house, alice, _, _ = kept(House())
    house.done(alice, JoinRoom("den"))
    said = accepted(house.done(alice, Publish("hi", "den")))
    edit, delete = Edit("ho", said.stream, said.offset, "e"), Delete(said.stream, said.offset, "d")
    first = [accepted(house.done(alice, command)) for command in (edit, delete)]
    assert [house.done(alice, command) for command in (edit, delete)] == first
    house.done(alice, LeaveRoom("den"))
    assert [house.done(alice, command) for command in (edit, delete)] == first
    refused(house.done(alice, Delete(said.stream, said.offset, "new")), Code.NOT_FOUND)


def test_a_failed_change_leaves_no_trace() -> None:
    house = House(make_journal=lambda turns, seed: UnrulyJournal(turns, seed, fail=0.0, foreign=0.0))
    house, alice, bob, _ = kept(house)
    journal = house.journal
    assert isinstance(journal, UnrulyJournal)
    journal._fail = 1.0
    for command in (Edit("x", id="e"), React("👍", id="r"), Delete(id="d")):
        refused(house.done(alice, command), Code.READ_ONLY)
    assert messages(house, bob)[0].content == "first"
    assert house.outlet.of(bob, MessageEdited) == []
    journal._fail = 0.0
    for command in (Edit("x", id="e"), React("👍", id="r"), Delete(id="d")):
        accepted(house.done(alice, command))
    assert len(house.service.edits._flights) == 0


def test_who_is_gone_meanwhile_changes_nothing_and_is_answered_once() -> None:
    house, alice, bob, said = kept(House())
    assert house.do(alice, Edit("x", LOBBY, said.offset), "gone") is None
    house.service.disconnected(alice)
    house.turns.run_all()
    ((_, _, answer),) = [told for told in house.outlet.answered if told[1] == "gone"]
    refused(answer, Code.UNAUTHENTICATED)
    assert messages(house, bob)[0].content == "first"


def test_reactions_at_the_same_moment_are_all_kept_in_one_commit() -> None:
    house, alice, _, _ = kept(House())
    crowd = [house.enter(f"u{number}x") for number in range(30)]
    for who in crowd:
        house.do(who, React("👍", LOBBY, 1))
    house.do(alice, Edit("second", LOBBY, 1))
    for who in crowd[:10]:
        house.do(who, React("👍", LOBBY, 1, remove=True))
    house.turns.run_all()
    (message,) = messages(house, alice)
    assert message.content == "second"
    assert message.reactions == [Reaction("👍", 20, [f"u{number}x" for number in range(10, 20)])]


def test_who_leaves_the_room_meanwhile_changes_nothing() -> None:
    house, alice, bob, _ = kept(House())
    house.done(alice, JoinRoom("den"))
    said = accepted(house.done(alice, Publish("hi", "den")))
    house.done(bob, JoinRoom("den"))
    assert house.do(bob, React("👍", said.stream, 1), "late") is None
    house.do(bob, LeaveRoom("den"))
    house.turns.run_all()
    ((_, _, answer),) = [told for told in house.outlet.answered if told[1] == "late"]
    refused(answer, Code.NOT_FOUND)


def test_a_stream_that_one_may_not_read_is_not_even_looked_at() -> None:
    house, alice, _, _ = kept(House())
    for stream in ("talk:1:2", "notice:1", "room:ffff"):
        refused(house.do(alice, React("👍", stream, 1)), Code.NOT_FOUND)


def test_nobody_overtakes_a_change_that_waits() -> None:
    house, alice, bob, _ = kept(House())
    carol = house.enter("Carol")
    house.do(bob, React("👍", LOBBY, 1))
    house.turns.run()  # it was read, and is in flight
    assert len(house.service.edits._flights) == 1
    house.do(alice, Edit("second", LOBBY, 1))
    house.do(carol, React("👍", LOBBY, 1))
    house.turns.run_all()
    offsets = [event.offset for event in house.outlet.of(carol, MessageEdited)]
    assert offsets == [3], "between the two reactions"
    assert messages(house, alice)[0].reactions == [Reaction("👍", 2, ["Bob", "Carol"])]
