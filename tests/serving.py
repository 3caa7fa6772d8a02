"""A real server in a process of its own, and a client for each dialect that a test can read at a glance."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from hubbub.net.framing.frames import CLOSE, PING, PONG, TEXT, Frame
from hubbub.net.framing.websocket import WebSocket, masked_frame
from hubbub.wire import message_pb2 as pb

PATIENCE = 10.0
"""Seconds until a test gives up waiting for something that must come."""

ClientT = TypeVar("ClientT", bound="Client")


class Server:
    """`hubbub serve` on a free port, and in memory unless `flags` name a place."""

    def __init__(
        self, *flags: str, listen: Sequence[str] = ("127.0.0.1:0",), env: dict[str, str] | None = None
    ):
        arguments = [part for one in listen for part in ("--listen", one)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", "serve", "--data", ":memory:", *arguments, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**_clean_environment(), **(env or {})},
        )
        self.banner = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.banner += line
            if "To stop" in line:
                break
        found = re.findall(r"(?:Listening)?\s+(\S+):(\d+) \(", self.banner)
        assert found, f"{self.banner}{self.process.stderr.read() if self.process.stderr else ''}"
        self.addresses = [(host.strip("[]"), int(port)) for host, port in found]
        self.port = self.addresses[0][1]
        self.log = ""
        self.clients: list[Client] = []

    def _met(self, client: ClientT) -> ClientT:
        self.clients.append(client)
        return client

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code. What it logged is in `log` afterwards."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            _, self.log = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, self.log = self.process.communicate()
            raise
        return self.process.returncode

    def text(self, name: str | None = None) -> TextClient:
        return self._met(TextClient(self.port, name))

    def json(self, name: str | None = None) -> JsonClient:
        return self._met(JsonClient(self.port, name))

    def ndjson(self, name: str | None = None) -> NdjsonClient:
        return self._met(NdjsonClient(self.port, name))

    def protobuf(self, name: str | None = None) -> ProtobufClient:
        return self._met(ProtobufClient(self.port, name))

    def websocket(self, name: str | None = None, **headers: str) -> WebSocketClient:
        return self._met(WebSocketClient(self.port, name, **headers))


def _clean_environment() -> dict[str, str]:
    own = ("HUBBUB_", "WEBSOCKET_", "SERVER_")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {**environ, "HUBBUB_PROBES_MODE": "off"}  # tests/kernel/ has them: no other needs a process more


@contextlib.contextmanager
def serving(*flags: str, listen: Sequence[str] = ("127.0.0.1:0",), **env: str) -> Iterator[Server]:
    """A server for the length of a test. That it ends well, and logged no fault of ours, is part of it."""
    server = Server(*flags, listen=listen, env=env)
    try:
        yield server
    except BaseException:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.stop()
        sys.stderr.write(server.log)
        raise
    assert server.stop() == 0, server.log
    assert "Traceback" not in server.log, server.log


class Client:
    """Bytes both ways, with patience."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection((host, port), timeout=PATIENCE)
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self, size: int) -> bytes:
        """Exactly so many bytes."""
        while len(self.buffer) < size:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _more(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise EOFError(f"closed, with {self.buffer!r} left")
        self.buffer += data

    def at_end(self) -> bool:
        """Whether the server has closed, and everything is read. Waits for it."""
        return not self.buffer and self.sock.recv(1) == b""

    def silent(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for a while: for what must not come, a moment has to do."""
        return not self.buffer and not select.select([self.sock], [], [], seconds)[0]

    def end(self) -> None:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TextClient(Client):
    """As a person with `nc`."""

    def __init__(self, port: int, name: str | None = None) -> None:
        super().__init__(port)
        self.passed: list[str] = []
        if name is not None:
            self.say(name)
            self.settle()

    def say(self, line: str) -> None:
        self.send(line.encode() + b"\n")

    def settle(self) -> None:
        """Wait until all that was said is carried out (a login, a message: nothing answers them)."""
        self.say("/ping")
        while (line := self.line()) != "[Server] Pong.":
            self.passed.append(line)

    def hears_nothing(self) -> bool:
        """Whether nothing came: what the server sent before this ping would stand before its answer."""
        self.say("/ping")
        return self.line() == "[Server] Pong."

    def line(self) -> str:
        while b"\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]


class JsonClient(Client):
    """Length-prefixed JSON."""

    def __init__(self, port: int, name: str | None = None) -> None:
        super().__init__(port)
        self.welcome: dict[str, Any] = {}
        if name is not None:
            self.say("Login", username=name)
            self.welcome = self.get()
            assert self.welcome["type"] == "Welcome", self.welcome

    def say(self, kind: str, /, **fields: object) -> None:
        body = json.dumps({"type": kind, **fields}).encode()
        self.send(struct.pack("!I", len(body)) + body)

    def get(self, kind: str | None = None) -> dict[str, Any]:
        """The next message; with `kind`, the next of that type."""
        while True:
            (size,) = struct.unpack("!I", self.read(4))
            message: dict[str, Any] = json.loads(self.read(size))
            if kind is None or message["type"] == kind:
                return message


class NdjsonClient(Client):
    """JSON lines."""

    def __init__(self, port: int, name: str | None = None) -> None:
        super().__init__(port)
        self.welcome: dict[str, Any] = {}
        if name is not None:
            self.welcome = self.ask("auth/login", username=name)["payload"]

    def say(self, command: str, id: str | None = None, **payload: object) -> None:
        request: dict[str, object] = {"command": command, "payload": payload}
        if id is not None:
            request["id"] = id
        self.send(json.dumps(request).encode() + b"\n")

    def get(self, command: str | None = None) -> dict[str, Any]:
        while True:
            while b"\n" not in self.buffer:
                self._more()
            line, self.buffer = self.buffer.split(b"\n", 1)
            message: dict[str, Any] = json.loads(line)
            if command is None or message["command"] == command:
                return message

    def hears_nothing(self) -> bool:
        """Whether nothing came before the answer to this."""
        self.say("heartbeat", "nothing")
        return bool(self.get().get("id") == "nothing")

    def ask(self, command: str, id: str = "q", **payload: object) -> dict[str, Any]:
        """The answer to a request; pushes before it are passed over."""
        self.say(command, id, **payload)
        while True:
            message = self.get()
            if message.get("id") == id:
                return message


class ProtobufClient(Client):
    """Length-prefixed EchoMsg."""

    def __init__(self, port: int, name: str | None = None) -> None:
        super().__init__(port)
        self.user_id = 0
        if name is not None:
            message = pb.EchoMsg(type=pb.MT_LOGIN_REQUEST)
            message.login_request.username = name
            self.say(message)
            response = self.get(pb.MT_LOGIN_RESPONSE).login_response
            assert response.status_code == pb.SC_OK, response
            self.user_id = response.user_id

    def say(self, message: pb.EchoMsg) -> None:
        body = message.SerializeToString()
        self.send(struct.pack("!I", len(body)) + body)

    def get(self, kind: int | None = None) -> pb.EchoMsg:
        while True:
            (size,) = struct.unpack("!I", self.read(4))
            message = pb.EchoMsg.FromString(self.read(size))
            if kind is None or message.type == kind:
                return message


class WebSocketClient(Client):
    """WebSocket JSON, on our own framing (the `websockets` library and a browser have tests of their own)."""

    def __init__(self, port: int, name: str | None = None, **headers: str) -> None:
        super().__init__(port)
        self._framing = WebSocket(1 << 24, server=False)
        self._frames: list[Frame] = []
        self.head = ""
        lines = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        rows = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
        self.send(f"GET /ws HTTP/1.1\r\n{rows}\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.head = head.decode()
        self.welcome: dict[str, Any] = {}
        if self.head.startswith("HTTP/1.1 101"):
            self.welcome = self.get("welcome")["data"]
        if name is not None:
            self.login = self.ask("login", username=name)["data"]

    def frame(self) -> Frame:
        while not self._frames:
            if not self.buffer:
                self._more()
            data, self.buffer = self.buffer, b""
            self._frames += self._framing.feed(data)
        return self._frames.pop(0)

    def say(self, action: str, id: str | None = "q", **payload: object) -> None:
        self.send_text(json.dumps({"id": id, "type": "request", "action": action, "payload": payload}))

    def send_text(self, text: str) -> None:
        self.send(masked_frame(text.encode(), os.urandom(4)))

    def get(self, event: str | None = None) -> dict[str, Any]:
        """The next message; with `event`, the next notification of that name."""
        while True:
            frame = self.frame()
            if frame.kind == PING:
                self.send(masked_frame(frame.payload, os.urandom(4), PONG))
                continue
            if frame.kind == CLOSE:
                raise EOFError(f"closed with {frame.code} {frame.payload!r}")
            assert frame.kind == TEXT, frame
            message: dict[str, Any] = json.loads(frame.payload)
            if event is None or message.get("event") == event:
                return message

    def hears_nothing(self) -> bool:
        """Whether nothing came before the answer to this."""
        self.say("ping", "nothing")
        return bool(self.get()["id"] == "nothing")

    def ask(self, action: str, id: str = "q", **payload: object) -> dict[str, Any]:
        self.say(action, id, **payload)
        while True:
            message = self.get()
            if message["type"] != "notification" and message["id"] == id:
                return message


def until(condition: Any, patience: float = PATIENCE) -> None:
    """Wait for a condition (a function), with a deadline."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
