"""Clients that keep a view of every stream, drop, come back, and go on from where they were.

Each speaks one dialect through the product's own codecs, and checks what it is told at once: a position that
was there before is a double, one that is skipped is a hole. Nothing here forgives the server anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from hubbub.core import answers, commands, events
from hubbub.core.commands import Command, Place
from hubbub.core.errors import Refusal
from hubbub.net.framing.frames import CLOSE, PING, PONG, Framing
from hubbub.net.framing.length_prefix import LengthPrefix, block
from hubbub.net.framing.lines import Lines, line
from hubbub.net.framing.websocket import WebSocket, masked_frame
from hubbub.net.framing.websocket_handshake import request as upgrade_request
from hubbub.wire.codec import Codec, Reply
from hubbub.wire.json_actions import ACTIONS, spell
from hubbub.wire.length_json import length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.protobuf import protobuf
from hubbub.wire.websocket_json import websocket_json

View = dict[str, dict[int, str]]
"""By stream and offset, what stands there, as a word."""

LIMIT: Final = 1 << 24
PATIENCE: Final = 30.0


class TroubleError(AssertionError):
    """The server broke a promise."""


class Wire:
    """One framed dialect: how a client of it connects, and what it writes."""

    def __init__(
        self, name: str, codec: Codec, framing: Callable[[], Framing], wrap: Callable[[bytes], bytes]
    ) -> None:
        self.name = name
        self.codec = codec
        self.framing = framing
        self.wrap = wrap


def _masked(payload: bytes) -> bytes:
    return masked_frame(payload, os.urandom(4))


WIRES: Final = [
    Wire("json", length_json, lambda: LengthPrefix(LIMIT), block),
    Wire("ndjson", ndjson, lambda: Lines(LIMIT), line),
    Wire("websocket", websocket_json, lambda: WebSocket(LIMIT, server=False), _masked),
    Wire("protobuf", protobuf, lambda: LengthPrefix(LIMIT), block),
]


class Client:
    """A person by a framed dialect, with an account or as a guest."""

    def __init__(
        self, name: str, wire: Wire, rooms: list[str], chance: random.Random, *, account: bool
    ) -> None:
        self.name = name
        self.wire = wire
        self.rooms = rooms
        self.account = account
        self.chance = chance
        self.view: View = {}
        self.places: dict[str, Place] = {}
        self.token: str | None = None
        self.user_id = 0
        self.streams: dict[str, str] = {}
        """By room."""
        self.unacknowledged: dict[str, Command] = {}
        self.acknowledged: dict[str, tuple[str, int]] = {}
        """By message id, where it stands."""
        self.retried = 0
        self.returns = 0
        self.refusals: list[Refusal] = []
        self.ready = asyncio.Event()
        self._sent = 0
        self._writer: asyncio.StreamWriter | None = None
        self._asked = 0
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._registered = False
        self._commands: dict[str, Command] = {}

    # -- the line

    async def live(self, port: int) -> None:
        """Be there, and come back each time the line drops. Ends when it is cancelled."""
        while True:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                await self._once(port)
            self.ready.clear()
            self._writer = None
            await asyncio.sleep(self.chance.uniform(0.01, 0.05))

    async def _once(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if self.wire.name == "websocket":
                writer.write(upgrade_request("127.0.0.1", "/ws", os.urandom(16), deflate=False))
                await reader.readuntil(b"\r\n\r\n")
            self._writer = writer
            self._waiting, self._commands = {}, {}
            hearing = asyncio.create_task(self._hear(reader))
            try:
                entering = asyncio.create_task(self._enter())
                done, _ = await asyncio.wait({hearing, entering}, return_when=asyncio.FIRST_COMPLETED)
                if hearing in done:
                    entering.cancel()
                    await hearing
                await entering
                self.returns += 1
                self.ready.set()
                await hearing
            finally:
                hearing.cancel()
        finally:
            writer.close()

    def _say(self, command: Command, id: str) -> None:
        assert self._writer is not None
        self._commands[id] = command
        self._writer.write(self.wire.wrap(self.wire.codec.encode_command(command, id)))

    def ask(self, command: Command) -> asyncio.Future[Any]:
        """Send a request; its answer comes by the future."""
        self._asked += 1
        id = f"ask-{self._asked}"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[id] = answer
        self._say(command, id)
        return answer

    async def _enter(self) -> None:
        """Log in, come into the rooms, and go on from the last positions: in one write."""
        login: Command
        if self.account and not self._registered:
            login = commands.Register(self.name, f"password of {self.name}")
        elif self.account and self.token is None:
            login = commands.Login(self.name, f"password of {self.name}")
        elif self.account:
            login = commands.Login(token=self.token)
        else:
            login = commands.Login(self.name, token=self.token)
        entered = self.ask(login)
        joined = (
            [] if self.account and self.places else [self.ask(commands.JoinRoom(room)) for room in self.rooms]
        )
        resumed = self.ask(commands.Resume(dict(self.places))) if self.places else None
        for id, command in self.unacknowledged.items():  # whatever the last line left open
            self._say(command, id)
            self.retried += 1
        welcome = await entered
        if isinstance(welcome, Refusal) and isinstance(login, commands.Register):
            self._registered = True  # it was kept, and the answer was lost
            raise EOFError
        if isinstance(welcome, Refusal):
            raise TroubleError(f"{self.name} is not let in: {welcome}")
        assert isinstance(welcome, answers.LoggedIn), (self.wire.name, welcome)
        if self.user_id not in (0, welcome.user_id):
            raise TroubleError(f"{self.name} is somebody else now")
        self.user_id, self.token, self._registered = welcome.user_id, welcome.token, True
        for answer in joined:
            room = await answer
            if isinstance(room, Refusal):
                raise TroubleError(f"{self.name} cannot join: {room}")
            self.streams[room.room] = room.stream
            self.places.setdefault(room.stream, Place(room.epoch, room.offset))
        if resumed is not None:
            answer = await resumed
            if isinstance(answer, Refusal):
                raise TroubleError(f"{self.name} cannot resume: {answer}")

    # -- what it hears

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        framing = self.wire.framing()
        while True:
            data = await reader.read(1 << 16)
            if not data:
                raise EOFError
            for frame in framing.feed(data):
                if frame.kind == PING:
                    assert self._writer is not None
                    self._writer.write(masked_frame(frame.payload, os.urandom(4), PONG))
                elif frame.kind == CLOSE:
                    raise EOFError
                elif frame.kind != PONG:
                    self._hear_one(self.wire.codec.decode_message(bytes(frame.payload)))

    def _hear_one(self, told: events.Event | Reply) -> None:
        if isinstance(told, Reply):
            self._answered(told)
        elif isinstance(told, events.Gap):
            raise TroubleError(f"{self.name} was told of a gap: {told}")
        elif isinstance(told, events.MessagePosted):
            self._see(told, f"{told.sender}: {told.content}")
        elif isinstance(told, events.WhisperPosted):
            self._see(told, f"{told.sender} > {told.to}: {told.content}")
        elif isinstance(told, events.MessageEdited):
            self._see(told, f"{told.sender} edited {told.target}: {told.content}")
        elif isinstance(told, events.ReactionChanged):
            self._see(told, f"{told.sender} put {told.emoji} to {told.target}")
        elif hasattr(told, "offset") and hasattr(told, "epoch"):
            self._see(told, type(told).__name__)

    def _answered(self, reply: Reply) -> None:
        answer = reply.answer
        id = reply.id or (answer.id if isinstance(answer, answers.Accepted) else None)
        asked = self._commands.pop(id or "", None)
        if isinstance(answer, answers.Echoed) and asked is not None:  # only who asked knows what it is
            body = msgspec.json.decode(answer.payload)
            kinds = ACTIONS[spell(asked)[0]].answers
            answer = msgspec.convert(body, kinds[0] if body else kinds[-1])
        waiting = self._waiting.pop(id or "", None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        elif id in self.unacknowledged:
            if isinstance(answer, answers.Accepted):
                self._acknowledge(answer)
            elif isinstance(answer, Refusal):
                self.refusals.append(answer)
                del self.unacknowledged[id]

    def _acknowledge(self, answer: answers.Accepted) -> None:
        del self.unacknowledged[answer.id]
        self.acknowledged[answer.id] = (answer.stream, answer.offset)

    def _see(self, event: Any, what: str) -> None:
        seen = self.view.setdefault(event.stream, {})
        place = self.places.get(event.stream)
        if event.offset in seen:
            raise TroubleError(f"{self.name} heard {event.stream} #{event.offset} twice: {what}")
        if place is not None and event.offset != place.offset + 1:
            raise TroubleError(
                f"{self.name} heard {event.stream} #{event.offset} after #{place.offset}: {what}"
            )
        if place is not None and event.epoch != place.epoch:
            raise TroubleError(f"{event.stream} has another epoch")
        seen[event.offset] = what
        self.places[event.stream] = Place(event.epoch, event.offset)

    # -- what it does

    def act(self, others: list[str]) -> None:
        """Say something somewhere, if the line is up; what is not acknowledged is said again later."""
        if not self.ready.is_set():
            return
        if others and self.chance.random() < 0.1:
            self.whisper(self.chance.choice(others))
        else:
            id = self._next_id()
            self._send(id, commands.Publish(f"say {id}", self.chance.choice(self.rooms), id))

    def whisper(self, to: str) -> None:
        """Say something to one person."""
        id = self._next_id()
        self._send(id, commands.Whisper(to, f"whisper {id}", id))

    def _next_id(self) -> str:
        self._sent += 1
        return f"{self.name}-{self._sent}"

    def _send(self, id: str, command: Command) -> None:
        self.unacknowledged[id] = command
        self._say(command, id)


_LINE: Final = re.compile(r"#(\d+) (\S+?): (.*)")


class TextClient:
    """A person by lines, in the default room, who reads on by `/history`."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.chance = chance
        self.seen: dict[int, str] = {}
        self.ready = asyncio.Event()
        self.returns = 0
        self._sent = 0
        self._writer: asyncio.StreamWriter | None = None

    async def live(self, port: int) -> None:
        """See Client."""
        while True:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                await self._once(port)
            self.ready.clear()
            self._writer = None
            await asyncio.sleep(self.chance.uniform(0.01, 0.05))

    async def _once(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
        self._writer = writer
        try:
            writer.write(f"{self.name}\n".encode())
            self._read_on()
            while heard := await reader.readline():
                self._hear(heard.decode().rstrip("\n"))
            raise EOFError
        finally:
            writer.close()

    def _read_on(self) -> None:
        assert self._writer is not None
        self._writer.write(f"/history 500 after {max(self.seen, default=0)}\n".encode())

    def _hear(self, heard: str) -> None:
        found = _LINE.match(heard)
        if found is not None:
            offset = int(found[1])
            if offset in self.seen:
                raise TroubleError(f"{self.name} was shown #{offset} twice")
            self.seen[offset] = f"{found[2]}: {found[3]}"
        elif heard.startswith("[Server] There is more"):
            self._read_on()
        elif heard.startswith("[Server] End of history"):
            if not self.ready.is_set():
                self.returns += 1
            self.ready.set()
        elif heard.startswith("[Server] Error"):
            raise TroubleError(f"{self.name}: {heard}")

    def act(self) -> None:
        """Say something, or read on. What a drop swallows is not said again: a line has no id."""
        if self._writer is None or not self.ready.is_set():
            return
        if self.chance.random() < 0.7:
            self._sent += 1
            self._writer.write(f"line {self.name}-{self._sent}\n".encode())
        else:
            self.ready.clear()
            self._read_on()

    def finish(self) -> None:
        """Read to the end once more; `ready` when that is there."""
        self.ready.clear()
        if self._writer is not None:
            self._read_on()
