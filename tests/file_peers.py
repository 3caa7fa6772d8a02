"""People who send files to each other by the framed dialects: plain sockets, and the product's own codecs."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from hubbub.core.answers import Accepted, Answer, Echoed, LoggedIn, Offered
from hubbub.core.commands import Command, Login, Ping, Publish, Register
from hubbub.core.errors import Refusal
from hubbub.core.events import (
    DownloadStarted,
    Event,
    FileData,
    FileDone,
    FileFailed,
    FileOffered,
    FileProgress,
    MessagePosted,
    UploadStarted,
    WhisperPosted,
)
from hubbub.core.file_commands import AcceptFile, OfferFile, SendChunk
from hubbub.net.framing.frames import BINARY, CLOSE, PING, PONG, TEXT
from hubbub.net.framing.websocket import WebSocket, masked_frame
from hubbub.net.framing.websocket_handshake import request as upgrade_request
from hubbub.wire.codec import Codec, Reply
from hubbub.wire.json_actions import ACTIONS, spell
from hubbub.wire.length_json import length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.protobuf import protobuf
from hubbub.wire.websocket_json import websocket_json
from serving import PATIENCE

EventT = TypeVar("EventT", bound=Event)

CODECS: Final[dict[str, Codec]] = {
    "json": length_json,
    "ndjson": ndjson,
    "websocket": websocket_json,
    "protobuf": protobuf,
}
CHUNK: Final = 100_000
_PIECE: Final = 1 << 18


def content(size: int, seed: int = 1) -> bytes:
    """A file's bytes, none like its neighbours: what is swapped, doubled or left out shows in its digest."""
    return random.Random(seed).randbytes(size)


def digest(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()


class Peer:
    """One connection. Nothing happens by itself: it hears when it is asked what it heard."""

    all: ClassVar[list[Peer]] = []
    """Each that was made, until `close_all`."""

    def __init__(
        self,
        port: int,
        dialect: str,
        name: str | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self.dialect = dialect
        self.name = name or ""
        self.codec = CODECS[dialect]
        plain = socket.socket()
        if receive_buffer is not None:  # before it connects: then the window is small, too
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.settimeout(PATIENCE)
        try:
            plain.connect(("127.0.0.1", port))
        except OSError:
            plain.close()
            raise
        Peer.all.append(self)
        self.sock = plain if tls is None else tls.wrap_socket(plain, server_hostname="127.0.0.1")
        self.heeds_no_answers = False
        """Whether it may be answered while it waits for something else."""
        self.heard: list[Event] = []
        """What was passed over while it waited for something else."""
        self.welcome: LoggedIn | None = None
        self._buffer = bytearray()
        self._asked = 0
        self._websocket: WebSocket | None = None
        self._frames: list[Any] = []
        if dialect == "websocket":
            self.sock.sendall(upgrade_request("127.0.0.1", "/ws", os.urandom(16), deflate=False))
            self._until(b"\r\n\r\n")
            self._websocket = WebSocket(1 << 24, server=False)
        if name is not None:
            self.enter(Login(username=name))

    # -- bytes

    def _more(self) -> None:
        data = self.sock.recv(_PIECE)
        if not data:
            raise EOFError
        self._buffer += data

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _until(self, end: bytes) -> bytes:
        looked = 0
        while (found := self._buffer.find(end, looked)) < 0:
            looked = max(0, len(self._buffer) - len(end))
            self._more()
        return self._take(found + len(end))

    def bare(self, size: int, into: Callable[[bytes, int], object], offset: int = 0) -> None:
        """So many bytes as they are."""
        while size:
            if not self._buffer:
                self._more()
            data = self._take(min(size, len(self._buffer)))
            into(data, offset)
            offset += len(data)
            size -= len(data)

    def raw(self, size: int) -> bytes:
        """Likewise, all together."""
        data = bytearray()
        self.bare(size, lambda more, _: data.extend(more))
        return bytes(data)

    def at_end(self) -> bool:
        """Whether the server closes, now or soon; what still comes is read and forgotten."""
        self._buffer.clear()
        try:
            while self.sock.recv(_PIECE):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True

    # -- messages

    def wrap(self, payload: bytes, *, binary: bool = False) -> bytes:
        if self.dialect in ("json", "protobuf"):
            return struct.pack("!I", len(payload)) + payload
        if self.dialect == "ndjson":
            return payload + b"\n"
        return masked_frame(payload, os.urandom(4), BINARY if binary else TEXT)

    def encoded(self, command: Command, id: str | None = None) -> bytes:
        """A request as the bytes that go out."""
        return self.wrap(self.codec.encode_command(command, id), binary=isinstance(command, SendChunk))

    def say(self, command: Command, id: str | None = None) -> None:
        self.sock.sendall(self.encoded(command, id))

    def next(self) -> Event | Reply:
        """The next thing that it is told."""
        if self.dialect in ("json", "protobuf"):
            (size,) = struct.unpack("!I", self._take(4))
            return self.codec.decode_message(self._take(size))
        if self.dialect == "ndjson":
            return self.codec.decode_message(self._until(b"\n"))
        return self._next_of_websocket()

    def _next_of_websocket(self) -> Event | Reply:
        assert self._websocket is not None
        while True:
            while not self._frames:
                if not self._buffer:
                    self._more()
                self._frames += self._websocket.feed(self._take(len(self._buffer)))
            frame = self._frames.pop(0)
            if frame.kind == PING:
                self.sock.sendall(masked_frame(frame.payload, os.urandom(4), PONG))
            elif frame.kind == CLOSE:
                raise EOFError
            elif frame.kind == BINARY:
                return websocket_json.decode_binary(bytes(frame.payload))
            elif frame.kind != PONG:
                return self.codec.decode_message(bytes(frame.payload))

    def ask(self, command: Command) -> Answer:
        """Its answer. What is told before it is written down."""
        self._asked += 1
        id = f"ask-{self._asked}"
        self.say(command, id)
        while True:
            told = self.next()
            if isinstance(told, Reply):
                answer = told.answer
                if isinstance(answer, Echoed):  # in this dialect only who asked knows what it is
                    body = msgspec.json.decode(answer.payload)
                    kinds = ACTIONS[spell(command)[0]].answers
                    answer = msgspec.convert(body, kinds[0] if body else kinds[-1])
                if told.id == id or (isinstance(answer, Accepted) and answer.id == id):
                    return answer
                raise AssertionError(f"an answer to something else: {told}")
            self.heard.append(told)

    def hear(self, kind: type[EventT], offer: str | None = None) -> EventT:
        """The next event of that type, and of that offer; what comes before it is written down."""
        for number, event in enumerate(self.heard):
            if isinstance(event, kind) and offer in (None, getattr(event, "offer", None)):
                return self.heard.pop(number)  # type: ignore[return-value]
        while True:
            told = self.next()
            if isinstance(told, Reply):
                if self.heeds_no_answers:
                    continue
                raise AssertionError(f"{self.name} was answered: {told}, and waits for {kind.__name__}")
            if isinstance(told, kind) and offer in (None, getattr(told, "offer", None)):
                return told
            self.heard.append(told)

    def replies(self, id: str) -> Answer:
        """The answer to what was said with that id. Events before it are written down."""
        while True:
            told = self.next()
            if not isinstance(told, Reply):
                self.heard.append(told)
            elif told.id == id:
                return told.answer

    def settle(self) -> None:
        """Wait until everything that it was to be told by now is here."""
        self.ask(Ping())

    def said(self) -> list[tuple[str, int, str]]:
        """The messages that it heard, as (stream, offset, content)."""
        kinds = MessagePosted | WhisperPosted
        return [(one.stream, one.offset, one.content) for one in self.heard if isinstance(one, kinds)]

    # -- what it does

    def enter(self, command: Login | Register) -> LoggedIn:
        answer = self.ask(command)
        assert isinstance(answer, LoggedIn), answer
        self.welcome = answer
        return answer

    def post(self, words: str, room: str | None = None) -> Accepted:
        """Say something in a room."""
        answer = self.ask(Publish(words, room))
        assert isinstance(answer, Accepted), answer
        return answer

    def offer(self, to: str, data: Any, filename: str = "cat.png", **more: Any) -> str:
        """The id of a file that it offers."""
        answer = self.ask(OfferFile(filename, len(data), to, **more))
        assert isinstance(answer, Offered), answer
        return answer.offer

    def accept(self, offer: str | None = None, offset: int = 0) -> str:
        """Take a file: the one of that id, or the next that it is offered."""
        id = self.hear(FileOffered).offer if offer is None else offer
        answer = self.ask(AcceptFile(id, offset=offset))
        assert not isinstance(answer, Refusal), answer
        return id

    def give(self, data: Any, offer: str | None = None, *, chunk: int = CHUNK) -> bool:
        """Send the file that it is asked for, from where it is asked for. False: it was told to stop."""
        started = self.hear(UploadStarted, offer)
        assert started.size == len(data)
        if started.window == 0:
            self.sock.sendall(memoryview(data)[started.offset :])
            return True
        sent = told = started.offset
        while sent < started.size:
            size = min(chunk, started.size - sent)
            while sent + size - told > started.window:
                event = self.hear(FileProgress | FileFailed, started.offer)  # type: ignore[arg-type]
                if isinstance(event, FileFailed):
                    self.heard.append(event)
                    return False
                told = event.offset
            last = sent + size == started.size
            self.say(SendChunk(started.offer, sent, bytes(data[sent : sent + size]), last))
            sent += size
        return True

    def take(self, into: Callable[[bytes, int], object], offer: str | None = None) -> DownloadStarted:
        """Get the file that comes; `into` is given its bytes, and where they stand in it."""
        started = self.hear(DownloadStarted, offer)
        if self.dialect == "json":
            self.bare(started.size - started.offset, into, started.offset)
            return started
        at = started.offset
        while at < started.size:
            data = self.chunk(started.offer, at)
            into(data, at)
            at += len(data)
        return started

    def chunk(self, offer: str, offset: int) -> bytes:
        """The next bytes of a file that comes in chunks."""
        event = self.hear(FileData, offer)
        assert event.offset == offset
        return event.data

    def got(self, offer: str | None = None) -> bytes:
        """All of the file that comes."""
        data = bytearray()
        self.take(lambda more, _: data.extend(more), offer)
        return bytes(data)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Go away without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def close_all() -> None:
    """What a test leaves open."""
    while Peer.all:
        Peer.all.pop().close()


def device(port: int, name: str, dialect: str = "json", *, new: bool = False) -> Peer:
    """A connection of an account."""
    peer = Peer(port, dialect)
    peer.name = name
    password = f"password of {name}"
    peer.enter(Register(name, password) if new else Login(name, password))
    return peer


def halfway(alice: Peer, bob: Peer, data: bytes) -> str:
    """A file from one to another by length-prefixed JSON, of which one half has arrived."""
    id = alice.offer(bob.name, data)
    bob.accept(id)
    alice.hear(UploadStarted, id)
    bob.hear(DownloadStarted, id)
    half = len(data) // 2
    alice.sock.sendall(data[:half])
    assert bob.raw(half) == data[:half]
    return id


def rest(alice: Peer, bob: Peer, data: bytes, id: str) -> None:
    """The other half."""
    half = len(data) // 2
    alice.sock.sendall(data[half:])
    assert bob.raw(len(data) - half) == data[half:]
    for one in (alice, bob):
        assert one.hear(FileDone, id).sha256 == digest(data)
