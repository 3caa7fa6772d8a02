"""The restless trial: what was said is edited, deleted and reacted to, by people with several devices, on
small segments that are compacted under their feet, while the server is killed.

In the end, what the history shows must be what each device makes of the events that it heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from hubbub.core import answers, commands, events
from hubbub.core.commands import Command
from hubbub.core.errors import Code
from hubbub.wire.codec import Reply
from survival.clients import PATIENCE, WIRES, Client, TextClient, TroubleError
from survival.trial import DEN, ROOM, House, all_ready, greet

SETTINGS: Final = {
    "HUBBUB_STORAGE_SEGMENT_BYTES": str(1 << 20),
    "HUBBUB_STORAGE_MAINTAIN_SECONDS": "0.2",
    "HUBBUB_MESSAGES_DEDUPE_SECONDS": "10",
}
"""What is recent is not compacted, because a retry may come for it: no client here is away for so long."""
_SIGNS: Final = ("👍", "🦊", "+1")


class Shown(NamedTuple):
    """A message as it stands."""

    content: str
    deleted: bool
    reactions: dict[str, frozenset[str]]


class Device(Client):
    """One device of a person, who changes what was said as often as not."""

    def __init__(
        self, name: str, number: int, wire: Any, rooms: list[str], chance: random.Random, *, account: bool
    ) -> None:
        super().__init__(name, wire, rooms, chance, account=account)
        self.number = number
        self._registered = number > 0
        self.heard: dict[str, dict[int, Any]] = {}
        """By stream and offset, the event itself."""

    def _next_id(self) -> str:
        self._sent += 1
        return f"{self.name}-{self.number}-{self._sent}"

    def _hear_one(self, told: events.Event | Reply) -> None:
        super()._hear_one(told)
        if isinstance(told, events.DurableEvent):
            self.heard.setdefault(told.stream, {})[told.offset] = told

    def _answered(self, reply: Reply) -> None:
        super()._answered(reply)
        if isinstance(self.unacknowledged.get(reply.id or ""), commands.React):
            del self.unacknowledged[reply.id or ""]  # it changed nothing: no position, no refusal

    def _send(self, id: str, command: Command) -> None:
        if isinstance(
            command, commands.Publish | commands.Whisper | commands.Edit
        ):  # so that the segments fill
            command = replace(command, content=f"{command.content} {'.' * self.chance.randrange(20_000)}")
        super()._send(id, command)

    def act(self, others: list[str]) -> None:
        """Say something, or change what somebody said."""
        if not self.ready.is_set():
            return
        messages = self._messages() if self.chance.random() < 0.5 else []
        if messages:
            self._change(self.chance.choice(messages[-30:]))
        else:
            super().act(others)

    def _messages(self) -> list[events.MessagePosted | events.WhisperPosted]:
        heard = self.heard.get(self.chance.choice([*self.heard]), {}) if self.heard else {}
        said = (events.MessagePosted, events.WhisperPosted)
        return [event for event in list(heard.values())[-60:] if isinstance(event, said)]

    def _change(self, event: events.MessagePosted | events.WhisperPosted) -> None:
        id, place = self._next_id(), (event.stream, event.offset)
        dice = self.chance.random()
        command: Command
        if event.sender_id != self.user_id or dice < 0.4:
            sign = self.chance.choice(_SIGNS)
            command = commands.React(sign, *place, remove=self.chance.random() < 0.4, id=id)
        elif dice < 0.8:
            command = commands.Edit(f"edit {id}", *place, id=id)
        else:
            command = commands.Delete(*place, id=id)
        self._send(id, command)

    def makes(self, stream: str) -> dict[int, Shown]:
        """What the messages of a stream are after all that was heard. Of some only that they were erased."""
        shown: dict[int, Shown] = {}
        for offset, event in sorted(self.heard.get(stream, {}).items()):
            if isinstance(event, events.MessagePosted | events.WhisperPosted):
                shown[offset] = Shown(event.content, False, {})
                continue
            target = getattr(event, "target", 0)
            before = shown.get(target)
            if isinstance(event, events.MessageDeleted):
                shown[target] = Shown("", True, {})
            elif before is None:
                continue  # it was erased before it was heard, and its deletion comes later
            elif isinstance(event, events.MessageEdited):
                shown[target] = before._replace(content=event.content)
            elif isinstance(event, events.ReactionChanged):
                there = before.reactions.get(event.emoji, frozenset())
                now = there - {event.sender} if event.removed else there | {event.sender}
                rest = {emoji: who for emoji, who in before.reactions.items() if emoji != event.emoji}
                shown[target] = before._replace(reactions={**rest, event.emoji: now} if now else rest)
        return shown


_LINE: Final = re.compile(r"#(\d+) (\S+?)(?: \([^)]*\))?(?:: (.*))?$")


class Reader(TextClient):
    """A person by lines, who reads on while others edit and delete."""

    def _hear(self, heard: str) -> None:
        found = _LINE.match(heard)
        if found is None:
            super()._hear(heard)
            return
        offset = int(found[1])
        if offset in self.seen:
            raise TroubleError(f"{self.name} was shown #{offset} twice")
        if offset < max(self.seen, default=0):
            raise TroubleError(f"{self.name} was shown #{offset} too late")
        self.seen[offset] = found[2]


class Outcome(NamedTuple):
    """What a trial went through."""

    kills: int
    acknowledged: int
    retried: int
    changes: int
    compactions: int


async def restless_trial(data: Path, seed: int, *, kills: int) -> Outcome:
    """Run one; raises TroubleError, or AssertionError."""
    os.environ.update(SETTINGS)
    try:
        return await _trial(data, seed, kills)
    finally:
        for name in SETTINGS:
            os.environ.pop(name, None)


async def _trial(data: Path, seed: int, kills: int) -> Outcome:
    chance = random.Random(seed)
    house = House(data, "--log-level", "info")
    people = [
        [
            Device(
                f"P{person}",
                number,
                WIRES[(person + number) % len(WIRES)],
                [ROOM, DEN],
                random.Random(chance.random()),
                account=person < 3,
            )
            for number in range(3 if person < 3 else 1)
        ]
        for person in range(5)
    ]
    first, further = [devices[0] for devices in people], [one for devices in people for one in devices[1:]]
    devices = [*first, *further]
    texts: list[Reader] = [Reader(f"T{number}", random.Random(chance.random())) for number in range(2)]
    house.start()
    starting: list[Client | TextClient] = [*first, *texts]
    lives = [asyncio.create_task(one.live(house.port)) for one in starting]
    try:
        await all_ready(starting, lives)
        lives += [asyncio.create_task(one.live(house.port)) for one in further]
        await all_ready([*devices, *texts], lives)
        await greet([one for one in first if one.account])
        for _ in range(kills):
            await _talk(devices, texts, chance)
            _restart(house, [*devices, *texts])
            if chance.random() < 0.75:
                await all_ready([*devices, *texts], lives)
            else:
                await asyncio.sleep(chance.uniform(0.0, 1.0))
        await all_ready([*devices, *texts], lives)
        await _talk(devices, texts, chance)
        await _check(devices, texts, lives)
        _restart(house, [*devices, *texts])
        await all_ready([*devices, *texts], lives)
        await _check(devices, texts, lives)
        assert house.stop() == 0
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            house.kill()
    log = (data.parent / "server.log").read_text()
    if "Traceback" in log or "ERROR" in log:
        raise TroubleError(log[-3000:])
    return Outcome(
        kills,
        sum(len(one.acknowledged) for one in devices),
        sum(one.retried for one in devices),
        sum(hasattr(event, "target") for event in devices[0].heard[devices[0].streams[ROOM]].values()),
        log.count("compacted"),
    )


def _restart(house: House, everybody: list[Client | TextClient]) -> None:
    house.kill()
    for one in everybody:
        one.ready.clear()  # they may not have noticed yet
    house.start()


async def _talk(devices: list[Device], texts: list[Reader], chance: random.Random) -> None:
    names = sorted({one.name for one in devices if one.account})
    for _ in range(chance.randrange(5, 60)):
        for device in chance.sample(devices, len(devices) // 2):
            device.act([name for name in names if name != device.name] if device.account else [])
        chance.choice(texts).act()
        await asyncio.sleep(chance.uniform(0.0, 0.01))
    for device in devices:
        device.act([])
    await asyncio.sleep(chance.uniform(0.0, 0.01))  # whatever comes next finds some of it in flight


async def _check(devices: list[Device], texts: list[Reader], lives: list[asyncio.Task[None]]) -> None:
    try:
        await _until(lives, lambda: not any(one.unacknowledged for one in devices))
    except TimeoutError:
        left = [
            (one.name, one.wire.name, *one.unacknowledged.values()) for one in devices if one.unacknowledged
        ]
        raise TroubleError(f"never answered: {left!r:.2000}") from None
    for device in devices:
        for refusal in device.refusals:
            if refusal.code is not Code.NOT_FOUND:  # what somebody wanted to change was deleted
                raise TroubleError(f"{device.name} was refused: {refusal}")
    streams = sorted({stream for one in devices for stream in one.heard})
    for stream in streams:
        hearers = [one for one in devices if stream in one.heard]
        head = max(offset for one in hearers for offset in one.heard[stream])
        for id, (where, offset) in [place for one in devices for place in one.acknowledged.items()]:
            if where == stream and offset > head:
                head = offset
            del id
        await _until(lives, lambda: all(max(one.heard[stream]) >= head for one in hearers))  # noqa: B023
        _same(stream, hearers)
        shown = await _history(hearers[0], stream, lives)
        for device in hearers:
            _fits(stream, device, shown)
        if stream == devices[0].streams[ROOM]:
            for text in texts:
                text.finish()
            await _until(lives, lambda: all(text.ready.is_set() for text in texts))
            for text in texts:
                if set(text.seen) != set(shown):
                    raise TroubleError(f"{text.name} reads {set(text.seen) ^ set(shown)} otherwise")


def _same(stream: str, hearers: list[Device]) -> None:
    """At each offset all heard the same, but for what was erased before one came back."""
    stands: dict[int, Any] = {}
    for device in hearers:
        offsets = sorted(device.heard[stream])
        if offsets != list(range(offsets[0], offsets[-1] + 1)):
            raise TroubleError(f"{device.name} has holes in {stream}")
        for offset, event in device.heard[stream].items():
            if not isinstance(event, events.MessageErased) and stands.setdefault(offset, event) != event:
                raise TroubleError(f"{stream} #{offset} is {event} and {stands[offset]}")
    ids = [event.id for event in stands.values() if getattr(event, "id", None)]
    if len(ids) != len(set(ids)):
        raise TroubleError(f"something is doubled in {stream}")
    for device in hearers:
        for id, (where, offset) in device.acknowledged.items():
            if where == stream and offset in stands and stands[offset].id != id:
                raise TroubleError(f"{id} was acknowledged at {stream} #{offset}: {stands[offset]}")


def _fits(stream: str, device: Device, shown: dict[int, Shown]) -> None:
    first = min(device.heard[stream])
    for offset, mine in device.makes(stream).items():
        if offset >= first and shown.get(offset) != mine:
            raise TroubleError(f"{device.name}, {stream} #{offset}: heard {mine}, reads {shown.get(offset)}")


async def _history(device: Device, stream: str, lives: list[asyncio.Task[None]]) -> dict[int, Shown]:
    shown: dict[int, Shown] = {}
    for page in _questions(device, stream):
        more = True
        while more:
            answer = device.ask(page(max(shown, default=0)))
            await _until(lives, answer.done)
            told = answer.result()
            assert isinstance(told, answers.History), told
            for view in told.messages:
                if view.offset <= max(shown, default=0):
                    raise TroubleError(f"the history of {stream} goes back to #{view.offset}")
                reactions = {one.emoji: frozenset(one.users) for one in view.reactions}
                shown[view.offset] = Shown(view.content, view.deleted, reactions)
            more = told.more
    return shown


def _questions(device: Device, stream: str) -> Iterator[Any]:
    room = next((room for room, its in device.streams.items() if its == stream), None)
    if room is not None:
        yield lambda after: commands.GetHistory(room=room, after=after, limit=100)
        return
    said = [one for one in device.heard[stream].values() if isinstance(one, events.WhisperPosted)]
    others = {name for one in said for name in (one.sender, one.to)} - {device.name}
    for other in others:
        yield lambda after: commands.GetHistory(with_=other, after=after, limit=100)  # noqa: B023


async def _until(lives: list[asyncio.Task[None]], done: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            for life in lives:
                if life.done():
                    await life
            await asyncio.sleep(0.02)
