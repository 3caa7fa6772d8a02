"""Everything that can happen to messages, at random, held against a model of what was acknowledged."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from contracts.journals import RealTurns, Turns, UnrulyJournal, memory, on_log
from core.asking import LOBBY, accepted, everything, messages
from core.house import House
from hubbub.core.answers import Accepted
from hubbub.core.commands import Command, Delete, Edit, Publish, React, Whisper
from hubbub.core.entries import Edited, Said
from hubbub.core.model import Session
from hubbub.core.ports import Journal
from hubbub.core.settings import CoreSettings, MessageSettings

Asked = tuple[int, Publish | Whisper | Edit | Delete | React]
"""Which of the people, and what."""
NAMES = ["Alice", "Bob", "Carol"]
SETTINGS = CoreSettings(messages=MessageSettings(reaction_users=100))
JOURNALS: dict[str, Callable[[Turns, int], Journal]] = {
    "memory": memory,
    "unruly": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.15),
    "slow": lambda turns, seed: UnrulyJournal(turns, seed, fail=0.0, foreign=0.8),
}


class Model:
    """What the streams must hold after everything that was acknowledged, in the order of its offsets."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, int], tuple[str, Publish | Whisper | Edit | Delete | React]] = {}
        """By position: who did what."""

    def history(self, stream: str, foreign: dict[int, str]) -> list[tuple[object, ...]]:
        """Offset, content, edited, deleted, reactions of each message."""
        shown: dict[int, list[object]] = {}
        reactions: dict[int, dict[str, list[str]]] = {}
        mine = {offset: what for (where, offset), what in self.done.items() if where == stream}
        for offset in sorted({*mine, *foreign}):
            if offset in foreign:
                shown[offset] = [foreign[offset], False, False]
                continue
            who, command = mine[offset]
            if isinstance(command, Publish | Whisper):
                shown[offset] = [command.content, False, False]
                continue
            target = command.offset
            assert target is not None
            assert not shown[target][2], "nothing is done to what was deleted before"
            if isinstance(command, Edit):
                shown[target][:2] = [command.content, True]
            elif isinstance(command, Delete):
                shown[target] = ["", False, True]
                reactions.pop(target, None)
            else:
                users = reactions.setdefault(target, {}).setdefault(command.emoji, [])
                assert (who in users) == command.remove, "and no reaction is put or taken twice"
                if command.remove:
                    users.remove(who)
                    if not users:
                        del reactions[target][command.emoji]
                else:
                    users.append(who)
        return [(offset, *state, reactions.get(offset, {})) for offset, state in shown.items()]


def play(house: House, people: list[Session], seed: int) -> Model:
    """Many things at once, and retries of them; returns what was acknowledged."""
    chance, model = random.Random(seed), Model()
    asked: list[Asked] = []
    for number in range(150):
        who, id = chance.randrange(3), f"{seed}.{number}"
        stream = LOBBY if who == 2 else chance.choice(streams_of(people))
        target = chance.randint(1, max(1, min(6, house.journal.head(stream).offset)))
        kind = chance.choice(("say", "say", "edit", "delete", "react", "react", "react"))
        command: Publish | Whisper | Edit | Delete | React
        if kind == "say" and stream == LOBBY:
            command = Publish(f"m{number}", id=id)
        elif kind == "say":
            command = Whisper(NAMES[1 - who], f"w{number}", id)
        elif kind == "edit":
            command = Edit(f"e{number}", stream, target, id)
        elif kind == "delete" and chance.random() < 0.3:
            command = Delete(stream, target, id)
        else:
            command = React(chance.choice("ab"), stream, target, chance.random() < 0.4, id)
        asked.append((who, command))
        retry = [chance.choice(asked)] if chance.random() < 0.15 else []
        for one in [(who, command), *retry]:
            answer = house.do(people[one[0]], one[1], one)
            if answer is not None:
                house.outlet.answered.append((people[one[0]], one, answer))
        if chance.random() < 0.4:
            house.turns.run()
    house.turns.run_all()
    for _, request, answer in house.outlet.answered:
        if isinstance(answer, Accepted) and isinstance(request, tuple):
            who, command = request
            done = NAMES[who], command
            place = answer.stream, answer.offset
            assert model.done.setdefault(place, done) == done, "each retry the same position"
    assert len(house.service.edits._flights) == 0
    return model


def streams_of(people: list[Session]) -> list[str]:
    low, high = sorted(session.user.id for session in people[:2] if session.user)
    return [LOBBY, f"talk:{low:x}:{high:x}"]


def check(house: House, people: list[Session], model: Model) -> None:
    for stream in streams_of(people):
        records = house.journal.look(partial(everything, stream=stream))
        foreign = {
            record.offset: record.entry.body.content
            for record in records
            if isinstance(record.entry.body, Said) and record.entry.id.startswith("foreign")
        }
        shown = messages(house, people[0], None if stream == LOBBY else "Bob")
        assert [
            (
                one.offset,
                one.content,
                one.edited_at is not None,
                one.deleted,
                {reaction.emoji: reaction.users for reaction in one.reactions},
            )
            for one in shown
        ] == model.history(stream, foreign)
        edits = sum(isinstance(record.entry.body, Edited) for record in records)
        assert edits == sum(one.edited_at is not None for one in shown), "no words that nobody sees"


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", list(JOURNALS))
def test_what_was_acknowledged_is_what_history_says(kind: str, seed: int) -> None:
    house = House(SETTINGS, JOURNALS[kind], seed)
    people = [house.enter(name) for name in NAMES]
    check(house, people, play(house, people, seed))


class OnLog:
    """A house on a log, that can be left and entered again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self) -> Iterator[House]:
        turns = RealTurns()
        house = House(SETTINGS, lambda *_: on_log(turns, self._path), turns=turns, now=2_000_000.0)
        try:
            yield house
        finally:
            turns.finish(house.journal.close())
            turns.loop.close()


@pytest.mark.parametrize("seed", range(4))
def test_it_is_so_after_a_restart_too_and_goes_on(seed: int, tmp_path: Path) -> None:
    place = OnLog(tmp_path / "log")
    with place.open() as house:
        people = [house.register(name) for name in NAMES]
        model = play(house, people, seed)
        check(house, people, model)
    with place.open() as house:
        people = [house.back(name) for name in NAMES]
        check(house, people, model)
        more = play(house, people, seed + 1_000)
        more.done.update(model.done)
        check(house, people, more)


def test_a_retry_after_a_restart_gets_the_first_answer_and_does_nothing(tmp_path: Path) -> None:
    place = OnLog(tmp_path / "log")
    commands: list[Command] = [
        Publish("hi", id="p"),
        Edit("ho", LOBBY, 1, "e"),
        React("👍", LOBBY, 1, id="r"),
        Delete(LOBBY, 1, "d"),
    ]
    with place.open() as house:
        alice = house.register("Alice")
        answers = [accepted(house.done(alice, command)) for command in commands]
    with place.open() as house:
        alice = house.back("Alice")
        assert [house.done(alice, command) for command in commands] == answers
        assert house.journal.head(LOBBY).offset == answers[-1].offset


def test_an_edit_is_replaced_and_taken_back_after_a_restart(tmp_path: Path) -> None:
    place = OnLog(tmp_path / "log")
    with place.open() as house:
        alice = house.register("Alice")
        first = accepted(house.done(alice, Publish("hi")))
        house.done(alice, Edit("secret one", LOBBY, first.offset))
    with place.open() as house:
        alice = house.back("Alice")
        house.done(alice, Publish("between"))
        house.done(alice, Edit("secret two", LOBBY, first.offset))
    with place.open() as house:
        alice = house.back("Alice")
        house.done(alice, Delete(LOBBY, first.offset))
        bodies = [record.entry.body for record in house.journal.look(everything)]
        assert "secret" not in repr(bodies)
        assert [(one.content, one.deleted, one.sender) for one in messages(house, alice)] == [
            ("", True, "Alice"),
            ("between", False, "Alice"),
        ]
