"""Messages over a journal that delays, fails and interleaves: every one is kept once, or refused."""

from __future__ import annotations

import random

import pytest

from contracts.journals import UnrulyJournal
from core.house import House
from hubbub.core.answers import Accepted
from hubbub.core.commands import Delete, Edit, Publish, React, SetTopic, Whisper
from hubbub.core.dedupe import Budget, Window
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import MessagePosted
from hubbub.core.settings import CoreSettings, MessageSettings


@pytest.mark.parametrize("seed", range(10))
def test_acknowledged_means_heard_once_and_refused_means_never(seed: int) -> None:
    house = House(make_journal=lambda turns, seed: UnrulyJournal(turns, seed, fail=0.15), seed=seed)
    names = ["Alice", "Bob", "Carol"]
    people = [house.enter(name) for name in names]
    listener = house.enter("Ear")
    chance = random.Random(seed)
    asked: list[tuple[int, str]] = []
    for number in range(150):
        who = chance.randrange(3)
        id = f"{who}.{number}"
        asked.append((who, id))
        house.do(people[who], Publish(id, id=id), (who, id))
        if chance.random() < 0.3:
            house.turns.run()
        if chance.random() < 0.3:  # a retry, of something kept, in flight or refused
            who, id = chance.choice(asked)
            answer = house.do(people[who], Publish(id, id=id), (who, id))
            if answer is not None:
                assert isinstance(answer, Accepted)
    house.turns.run_all()
    for _ in range(20):  # whoever was refused tries until it is kept
        for who, id in asked:
            house.do(people[who], Publish(id, id=id), (who, id))
        house.turns.run_all()
    heard = [event.content for event in house.outlet.of(listener, MessagePosted)]
    own = [content for content in heard if content != "from elsewhere"]
    assert sorted(own) == sorted(id for _, id in asked), "each exactly once"
    positions: dict[str, set[int]] = {}
    for _, request, answer in house.outlet.answered:
        if isinstance(answer, Accepted):
            assert isinstance(request, tuple)
            positions.setdefault(request[1], set()).add(answer.offset)
    assert all(len(found) == 1 for found in positions.values()), "and each retry the same position"
    offsets = [event.offset for event in house.outlet.of(listener, MessagePosted)]
    assert offsets == list(range(1, len(offsets) + 1)), "others' entries in between, without a hole"


def test_a_failed_group_is_told_to_its_senders_and_releases_what_it_held() -> None:
    house = House(make_journal=lambda turns, seed: UnrulyJournal(turns, seed, fail=1.0))
    alice, bob = house.enter("Alice"), house.enter("Bob")
    for command in (Publish("hi", id="m"), SetTopic("foxes"), Whisper("Bob", "psst", id="w")):
        answer = house.done(alice, command)
        assert isinstance(answer, Refusal)
        assert answer.code is Code.READ_ONLY
        assert "the disk is full" in answer.message
    assert [event for who, event in house.outlet.heard if who is bob] == []
    assert house.service.rooms.default.topic == ""
    assert all(len(window) == 0 for window in house.service.sending._windows.values())


def test_a_window_is_bounded_by_count_age_and_all_windows_together() -> None:
    budget = Budget()
    settings = MessageSettings(dedupe_ids=5, dedupe_seconds=60, dedupe_total=8)
    window, other = Window(settings, budget), Window(settings, budget)
    answer = Accepted("x", "s", "e", 1, "t")
    for number in range(9):
        window.sent("s", str(number), number, 0.0).outcome = answer
    assert len(window) == 5
    assert window.find("s", "3", 0.0) is None
    assert window.find("s", "4", 0.0) is answer
    assert window.find("other", "4", 0.0) is None, "an id is per stream"
    assert window.find("s", "4", 61.0) is None, "too old"
    for number in range(5):
        other.sent("s", str(number), number, 0.0).outcome = answer
    assert len(window) + len(other) == budget.held <= 9
    assert other.expired(1e9)
    assert budget.held == len(window)


def test_an_id_in_flight_is_never_forgotten() -> None:
    budget = Budget()
    window = Window(MessageSettings(dedupe_ids=2, dedupe_seconds=1), budget)
    for number in range(5):
        window.sent("s", str(number), 100 + number, 0.0)
    assert window.find("s", "0", 1000.0) == 100
    window.failed("s", "0")
    assert window.find("s", "0", 0.0) is None
    assert budget.held == 4


def test_retries_across_a_login_by_token_use_the_same_window() -> None:
    from hubbub.core.answers import LoggedIn
    from hubbub.core.commands import Login

    house = House(CoreSettings())
    session = house.session()
    first = house.do(session, Login(username="Alice"))
    assert isinstance(first, LoggedIn)
    kept = house.done(session, Publish("hi", id="m"))
    house.service.disconnected(session)
    again = house.session()
    house.do(again, Login(token=first.token))
    assert house.done(again, Publish("hi", id="m")) == kept


def test_the_windows_of_those_who_left_are_bounded() -> None:
    house = House(CoreSettings(messages=MessageSettings(dedupe_senders=3)))
    for number in range(20):
        guest = house.enter(f"Guest{number}")
        house.done(guest, Publish("hi", id="m"))
        house.service.disconnected(guest)
    windows = house.service.sending._windows
    assert len(windows) == 3
    assert house.service.sending._budget.held == 3


@pytest.mark.parametrize("settings", [MessageSettings(), MessageSettings(dedupe_senders=1)])
def test_who_was_silent_or_one_of_too_many_is_still_known_when_the_line_drops(
    settings: MessageSettings,
) -> None:
    house = House(CoreSettings(messages=settings))
    alice, others = house.register("Alice"), [house.enter(name) for name in ("Bob", "Carol", "Dave")]
    house.done(alice, Publish("first", id="a"))
    house.now += settings.dedupe_seconds + 1
    for other in others:
        house.done(other, Publish("hi", id="b"))
    kept = house.done(alice, Publish("second", id="m"))
    house.service.disconnected(alice)
    assert house.done(house.back("Alice"), Publish("second", id="m")) == kept
    windows = house.service.sending._windows
    assert house.service.sending._budget.held == sum(map(len, windows.values()))


def test_a_change_under_the_id_of_a_message_is_no_retry_of_it() -> None:
    house = House()
    alice = house.register("Alice")
    said = house.done(alice, Publish("one", id="1"))
    edit, delete = Edit("two", "room:1", 1, id="1"), Delete("room:1", 1, id="1")
    edited = house.done(alice, edit)
    reacted = house.done(alice, React("🦊", "room:1", 1, id="1"))
    deleted = house.done(alice, delete)
    answers = (said, edited, reacted, deleted)
    assert [one.offset for one in answers if isinstance(one, Accepted)] == [1, 2, 3, 4]
    assert house.done(alice, Publish("one", id="1")) == said, "but these are"
    assert house.done(alice, edit) == edited
    assert house.done(alice, delete) == deleted
