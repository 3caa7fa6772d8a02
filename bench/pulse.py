"""A chat that goes on beside other work: how long a message takes until its sender sees it come back."""

from __future__ import annotations

import json
import socket
import threading
import time
from types import TracebackType

from bench.ends import NotMeasuredError

EVERY = 0.005
"""Seconds from one message to the next; later, where the one before is not back yet."""
PATIENCE = 60.0


class Pulse:
    """Somebody in a room of one, who says something every few milliseconds. On NDJSON, in a thread.

    It counts from when a message was due, so that a server that stalls cannot hide it.
    """

    def __init__(self, port: int, name: str) -> None:
        self.milliseconds: list[float] = []
        self._failure: Exception | None = None
        self._stop = threading.Event()
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")
        self._name = name
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._say("auth/login", "login", username=self._name)
        self._say("room/join", "join", room=f"{self._name}-alone")
        self._until(b'"id":"join"')
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        self._lines.close()
        self._socket.close()
        if self._failure is not None and error is None:
            raise NotMeasuredError(f"the chat beside it failed: {self._failure}")

    def p99(self) -> float:
        """Milliseconds, of all so far."""
        if not self.milliseconds:
            raise NotMeasuredError("the chat beside it got no answer")
        return sorted(self.milliseconds)[int(len(self.milliseconds) * 0.99)]

    def _run(self) -> None:
        due = time.monotonic()
        number = 0
        try:
            while not self._stop.is_set():
                number += 1
                marker = f"pulse-{number}-end"
                self._say("message/send", str(number), conversation_id=f"{self._name}-alone", text=marker)
                self._until(b"message/new", marker.encode())
                now = time.monotonic()
                self.milliseconds.append((now - due) * 1e3)
                due = max(due + EVERY, now)
                self._stop.wait(due - now)
        except (OSError, NotMeasuredError) as error:
            self._failure = error

    def _say(self, command: str, id: str, **payload: object) -> None:
        line = json.dumps({"command": command, "id": id, "payload": payload}).encode()
        self._socket.sendall(line + b"\n")

    def _until(self, *parts: bytes) -> None:
        while line := self._lines.readline():
            if all(part in line for part in parts):
                return
            if b'"error":' in line:
                raise NotMeasuredError(line.decode().strip())
        raise NotMeasuredError("the server closed the connection")
