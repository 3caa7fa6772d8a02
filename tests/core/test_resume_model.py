"""Many lives of many clients over a journal that is late, fails and brings others' entries: what each one is
told of a stream, over all its connections, is dense and in order, or a gap says where it is not.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from contracts.journals import Turns, UnrulyJournal
from core.house import House
from hubbub.core.answers import Answer, LoggedIn, Resumed, RoomJoined, RoomLeft
from hubbub.core.commands import (
    Command,
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    Login,
    MarkRead,
    Place,
    Publish,
    Resume,
    SetRole,
    SetRoom,
    SetTopic,
    Whisper,
)
from hubbub.core.entries import Change, Entry, Record, Said, Whispered
from hubbub.core.events import DurableEvent, Event, Gap, Left
from hubbub.core.model import Session
from hubbub.core.service import LASTING
from hubbub.core.talks import talkers

ROOMS = ("lobby", "one", "two", "three")


class Journal(UnrulyJournal):
    """Brings what belongs on a stream, when it brings others' entries."""

    def _keep(self, entries: Sequence[Entry], changes: Sequence[Change]) -> Sequence[Record]:
        for one in entries:
            both = talkers(one.stream)
            if isinstance(one.body, Said) and both is not None:
                entries = [replace(one, body=Whispered("Elsewhere", both[0], "There", both[1], "psst"))]
        return super()._keep(entries, changes)


class Client:
    """A program that keeps its positions over its connections, and holds the server to them.

    Its requests wait for each other as those of a real connection do (`server.session`).
    """

    def __init__(self, world: World, name: str, *, account: bool, prompt: bool) -> None:
        self.world = world
        self.name = name
        self.account = account
        self.prompt = prompt
        """Resumes right behind its login. Else some time later."""
        self.token: str | None = None
        self.positions: dict[str, Place] = {}
        self.streams: dict[str, str] = {}
        """Of rooms, by name."""
        self.session: Session | None = None
        self.queue: list[Command] = []
        self.sent: dict[object, Command] = {}
        self.barrier = False
        self.resuming: dict[str, Place] = {}
        """What it waits for being resumed: from where."""
        self.ahead: dict[str, set[int]] = {}
        """And what it was told of these streams meanwhile."""

    # -- its connection

    def connect(self) -> None:
        house = self.world.house
        self.session = house.session()
        self.world.clients[self.session] = self
        if self.account:
            self.queue = [Login(username=self.name, password=f"password of {self.name}")]
        elif self.token is not None:
            self.queue = [Login(token=self.token)]
        else:
            self.queue = [Login(username=self.name)]
        if not self.account:
            self.queue += [
                JoinRoom(room) for room, stream in self.streams.items() if stream in self.positions
            ]
        self.resuming = dict(self.positions)
        self.ahead = {stream: set() for stream in self.resuming}
        if self.prompt:
            self.queue.append(Resume(dict(self.resuming)))
        self.pump()

    def drop(self) -> None:
        session, self.session = self.session, None
        assert session is not None
        self.queue, self.sent, self.barrier = [], {}, False
        self.world.house.service.disconnected(session)

    def ask(self, command: Command) -> None:
        self.queue.append(command)
        self.pump()

    def pump(self) -> None:
        while self.queue and not self.barrier and self.session is not None:
            command = self.queue[0]
            if self.sent and type(command) not in LASTING:
                return
            del self.queue[0]
            request = object()
            answer = self.world.house.do(self.session, command, request)
            if answer is None:
                self.sent[request] = command
                self.barrier = type(command) not in LASTING
            else:
                self.hear_answer(command, answer)

    def answered(self, request: object, answer: Answer) -> None:
        command = self.sent.pop(request)
        self.barrier = False
        self.hear_answer(command, answer)

    # -- what it is told

    def hear_answer(self, command: Command, answer: Answer) -> None:
        if isinstance(answer, LoggedIn):
            self.token = None if self.account else answer.token
            for place in answer.rooms:
                self.begin(place.room, place.stream, Place(place.epoch, place.offset))
        elif isinstance(answer, RoomJoined):
            self.begin(answer.room, answer.stream, Place(answer.epoch, answer.offset))
        elif isinstance(answer, RoomLeft):
            self.forget(answer.room)
        elif isinstance(answer, Resumed):
            self.resumed(answer)
        elif isinstance(command, Login):
            self.token = None  # the server is a new one, and knows no guests
            self.drop()
        elif isinstance(command, Resume):
            self.drop()

    def begin(self, room: str, stream: str, place: Place) -> None:
        self.streams[room] = stream
        self.positions.setdefault(stream, place)

    def forget(self, room: str) -> None:
        stream = self.streams.pop(room, "")
        self.positions.pop(stream, None)
        if self.asks_to_resume():  # in the words that are sent already
            self.ahead[stream] = set()
        else:
            self.resuming.pop(stream, None)

    def asks_to_resume(self) -> bool:
        return any(isinstance(one, Resume) for one in (*self.sent.values(), *self.queue))

    def resumed(self, answer: Resumed) -> None:
        for stream, start in self.resuming.items():
            end = answer.positions[stream]
            self.world.told += end.offset - start.offset
            assert self.ahead[stream] == set(range(start.offset + 1, end.offset + 1)), (stream, start, end)
            self.positions[stream] = end
        assert answer.positions.keys() >= self.resuming.keys()
        self.resuming = {}

    def hear(self, event: Event) -> None:
        if isinstance(event, Gap):
            self.world.gaps += 1
            self.resuming.pop(event.stream, None)
            if event.epoch:
                self.positions[event.stream] = Place(event.epoch, event.offset)
            else:
                self.positions.pop(event.stream, None)
            return
        if isinstance(event, Left):
            session = self.session
            assert session is not None
            mine = session.user is not None and event.user_id == session.user.id
            if mine and event.room is not None and all(one.name != event.room for one in session.rooms):
                self.forget(event.room)
            return
        if not isinstance(event, DurableEvent):
            return
        stream, epoch, offset = event.stream, event.epoch, event.offset
        room = self.world.house.service.rooms.of_stream(stream)
        if room is not None:
            self.streams[room.name] = stream
        if stream in self.resuming:
            ahead = self.ahead[stream]
            assert offset not in ahead, f"{self.name} was told {stream} {offset} twice"
            if self.prompt:
                following = self.resuming[stream].offset + len(ahead) + 1
                assert offset == following, f"{self.name} expected {stream} {following}, not {offset}"
            ahead.add(offset)
            return
        known = self.positions.get(stream)
        if known is not None:
            assert offset == known.offset + 1, (
                f"{self.name} expected {stream} {known.offset + 1}, not {offset}"
            )
        self.positions[stream] = Place(epoch, offset)


class World:
    """A server that is started again now and then, and its clients."""

    def __init__(self, seed: int, make_journal: Callable[[Turns, int], UnrulyJournal]) -> None:
        self.random = random.Random(seed)
        self.clients: dict[Session, Client] = {}
        self.told = 0
        self.gaps = 0
        self.kinds: Counter[str] = Counter()
        self.house = House(make_journal=make_journal, seed=seed)
        for name in ("Alice", "Bob", "Carol"):
            while True:  # the disk may be full
                try:
                    self.house.register(name)
                    break
                except AssertionError:
                    continue
        self.all = [
            Client(self, "Alice", account=True, prompt=True),
            Client(self, "Alice", account=True, prompt=False),
            Client(self, "Bob", account=True, prompt=True),
            Client(self, "Carol", account=True, prompt=False),
            Client(self, "Guest", account=False, prompt=True),
            Client(self, "Visitor", account=False, prompt=True),
        ]
        self.watch()

    def watch(self) -> None:
        outlet = self.house.outlet
        outlet.on_event = self.on_event
        outlet.on_answer = self.on_answer
        outlet.on_flush = self.on_flush

    def on_event(self, session: Session, event: Event) -> None:
        client = self.clients.get(session)
        if client is not None and client.session is session:
            self.kinds[type(event).__name__] += 1
            client.hear(event)

    def on_answer(self, session: Session, request: object, answer: Answer) -> None:
        client = self.clients.get(session)
        if client is not None and client.session is session:
            client.answered(request, answer)

    def on_flush(self) -> None:
        for client in self.all:
            client.pump()

    def restart(self) -> None:
        self.house.turns.run_all()
        for client in self.all:
            client.session, client.queue, client.sent, client.barrier = None, [], {}, False
            client.token = None
        self.clients.clear()
        self.house = self.house.restarted()
        self.watch()

    def step(self) -> None:
        chance, client = self.random, self.random.choice(self.all)
        if chance.random() < 0.004:
            self.restart()
        elif chance.random() < 0.3:
            self.house.turns.run()
        elif client.session is None:
            client.connect()
        elif chance.random() < 0.05:
            client.drop()
        elif client.resuming and not client.prompt and chance.random() < 0.3:
            if client.session.user is not None and not client.asks_to_resume():
                client.ask(Resume(dict(client.resuming)))
        elif len(client.queue) < 4:
            client.ask(self.command())

    def command(self) -> Command:
        chance = self.random
        room, name = chance.choice(ROOMS), chance.choice([client.name for client in self.all])
        kind = chance.random()
        if kind < 0.5:
            return Publish("hello @Alice and @Bob" if kind < 0.1 else "hello", room)
        if kind < 0.65:
            return Whisper(name, "psst")
        if kind < 0.85:
            return JoinRoom(room) if kind < 0.8 else CreateRoom(room, private=kind < 0.81)
        if kind < 0.92:
            return LeaveRoom(chance.choice(ROOMS[1:]))
        if kind < 0.95:
            return SetRole(name, chance.choice(["none", "moderator", "member", "owner"]), room)
        if kind < 0.97:
            return SetRoom(room, private=chance.random() < 0.3, retain_days=float(chance.randrange(9)))
        return SetTopic(f"topic {kind}", room) if kind < 0.99 else MarkRead("room:1", chance.randint(0, 50))

    def settle(self) -> None:
        """Everybody is there, has resumed, and has heard everything."""
        for _ in range(200):
            self.house.turns.run_all()
            for client in self.all:
                if client.session is None:
                    client.connect()
                elif client.resuming and not client.sent and not client.queue:
                    client.ask(Resume(dict(client.resuming)))
        self.house.turns.run_all()

    def check(self) -> None:
        head = self.house.journal.head
        for client in self.all:
            assert client.session is not None
            assert not client.resuming
            assert client.session.user is not None
            for room in client.session.rooms:
                place = client.positions.get(room.stream)
                assert place is None or place.offset == head(room.stream).offset, (client.name, room.name)
                listeners = self.house.outlet.subscribed[room.stream]
                assert listeners.count(client.session) == 1
            for stream in self.house.service.talks.of(client.session.user.id):
                place = client.positions.get(stream)
                assert place is None or place.offset == head(stream).offset, (client.name, stream)
        for stream, sessions in self.house.outlet.subscribed.items():
            there = self.house.service.rooms.of_stream(stream)
            assert there is not None or not sessions
            if there is not None:
                assert set(sessions) == set(there.members)
                present = {one.user.id for one in there.members if one.user is not None}
                assert there.count == len(present | {id for id in there.held if there.belongs(id)})
        assert self.rooms(self.house.restarted()) == self.rooms(self.house), "on disk as in memory"

    def rooms(self, house: House) -> dict[str, tuple[object, ...]]:
        """All that lasts of the rooms."""
        return {
            room.stream: (
                room.name,
                room.topic,
                room.private,
                room.retain_days,
                {id: (member.role, bool(member.joined)) for id, member in room.held.items()},
            )
            for room in house.service.rooms.all()
            if room.kept or house.journal.head(room.stream).offset
        }


@pytest.mark.parametrize("seed", range(60))
def test_every_client_is_told_the_same_dense_sequence(seed: int) -> None:
    world = World(seed, lambda turns, number: Journal(turns, number, fail=0.1))
    for _ in range(1_500):
        world.step()
    world.settle()
    world.check()
    assert world.told > 20
    assert world.kinds["MessagePosted"] > 200
