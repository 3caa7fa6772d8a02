"""Everything that can happen to messages, at random, held against a model of what was acknowledged."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from contracts.journals import Turns, UnrulyJournal, memory
from core.asking import LOBBY, everything, messages
from core.house import House
from hubbub.core.answers import Accepted
from hubbub.core.commands import Delete, Edit, Publish, React, Whisper
from hubbub.core.entries import Edited, Said
from hubbub.core.ports import Journal
from hubbub.core.settings import CoreSettings, MessageSettings

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


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", list(JOURNALS))
def test_what_was_acknowledged_is_what_history_says(kind: str, seed: int) -> None:
    settings = CoreSettings(messages=MessageSettings(reaction_users=100))
    house = House(settings, JOURNALS[kind], seed)
    names = ["Alice", "Bob", "Carol"]
    people = [house.enter(name) for name in names]
    ids = [session.user.id for session in people if session.user]
    low, high = sorted(ids[:2])
    streams = [LOBBY, f"talk:{low:x}:{high:x}"]
    chance, model = random.Random(seed), Model()
    asked: list[tuple[int, Publish | Whisper | Edit | Delete | React]] = []
    for number in range(150):
        who, id = chance.randrange(3), f"i{number}"
        stream = chance.choice(streams)
        if stream != LOBBY and who == 2:
            stream = LOBBY
        target = chance.randint(1, max(1, min(6, house.journal.head(stream).offset)))
        kind_of = chance.choice(("say", "say", "edit", "delete", "react", "react", "react"))
        command: Publish | Whisper | Edit | Delete | React
        if kind_of == "say":
            command = (
                Publish(f"m{number}", id=id) if stream == LOBBY else Whisper(names[1 - who], f"w{number}", id)
            )
        elif kind_of == "edit":
            command = Edit(f"e{number}", stream, target, id)
        elif kind_of == "delete" and chance.random() < 0.3:
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
            assert model.done.setdefault((answer.stream, answer.offset), (names[who], command)) == (
                names[who],
                command,
            ), "each retry the same position"
    assert len(house.service.edits._flights) == 0
    for stream in streams:
        foreign = {
            record.offset: record.entry.body.content
            for record in house.journal.look(partial(everything, stream=stream))
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
        live = sum(one.edited_at is not None for one in shown)
        bodies = [record.entry.body for record in house.journal.look(partial(everything, stream=stream))]
        assert sum(isinstance(body, Edited) for body in bodies) == live, "no words are kept that nobody sees"
