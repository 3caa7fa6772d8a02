"""One HTTP request and its response: the ASGI side of a connection (asgiref.readthedocs.io, HTTP 2.4).

h11 keeps the protocol's state; an Exchange carries bytes between it, the stream and the app's task.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import h11
from starlette.types import ASGIApp, Message, Scope

from hubbub.net.stream import Stream
from hubbub.server.http_head import reason_of
from hubbub.server.responses import date, phrase

_READ_AHEAD: Final = 65_536
"""Bytes of a body, or of requests behind this one, that may wait before reading stops."""


class Owner(Protocol):
    """The connection that an exchange belongs to. `on_done` or `on_failed` is called, once, and ends it."""

    def on_done(self, keep: bool, leftover: bytes) -> None:
        """The response is out. Whether the connection may be kept, and what came behind the request."""
        ...

    def on_failed(self, status: int, reason: str) -> None:
        """Nothing was sent, and nothing will be."""
        ...

    def on_crashed(self, error: Exception) -> None:
        """The app raised; for the log."""
        ...

    def on_reading(self) -> None:
        """From now on the peer is the one to go on with its body: time it."""
        ...


class Exchange:
    """From a request's head to the end of its response, which may come before the end of its body."""

    __slots__ = (
        "_body",
        "_discard",
        "_h11",
        "_head",
        "_head_only",
        "_max_body",
        "_over",
        "_owner",
        "_size",
        "_started",
        "_stream",
        "_task",
        "_wake",
        "status",
    )

    def __init__(
        self,
        stream: Stream,
        connection: h11.Connection,
        request: h11.Request,
        max_body: int,
        owner: Owner,
    ) -> None:
        """`connection` has given out `request` and nothing else."""
        self._stream = stream
        self._h11 = connection
        self._head_only = request.method == b"HEAD"
        self._max_body = max_body
        self._owner = owner
        self._over = False
        self._body: list[bytes] = []
        self._size = 0  # of the body so far
        self._wake = asyncio.Event()
        self._head: h11.Response | None = None  # held back until its body begins: one write for both
        self._started = False
        self._discard = False
        self.status = 0
        """The response's status, once the app has named it."""
        self._task: asyncio.Task[None] | None = None

    def start(self, app: ASGIApp, scope: Scope) -> asyncio.Task[None]:
        """Let the app answer. Keep a reference to its task, which may outlast the exchange."""
        self._task = asyncio.get_running_loop().create_task(self._run(app, scope))
        return self._task

    # -- what the connection tells

    def feed(self, data: bytes) -> None:
        """Bytes came; b"": no more will."""
        self._h11.receive_data(data)
        self.pull()

    def pull(self) -> None:
        """Take what h11 can make of the bytes so far."""
        while not self._over and self._h11.their_state is h11.SEND_BODY:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                self.fail(error.error_status_hint, reason_of(error))
                return
            if isinstance(event, h11.Data):
                self._size += len(event.data)
                if self._size > self._max_body:
                    self.fail(413, f"a body may have {self._max_body} bytes (the setting http.max_body)")
                elif not self._discard:
                    self._body.append(bytes(event.data))
                    self._wake.set()
            elif isinstance(event, h11.EndOfMessage):
                self._wake.set()
                self._check_done()
            else:  # NEED_DATA
                break
        self._slow_down()

    @property
    def receiving(self) -> bool:
        """Whether the peer is the one to go on: its body is not whole, and nothing keeps it from sending."""
        waiting = self._h11.they_are_waiting_for_100_continue
        return self._h11.their_state is h11.SEND_BODY and not waiting and not self._crowded()

    def close(self) -> None:
        """The connection is gone: the app's task is cancelled."""
        self._over = True
        self._wake.set()
        if self._task is not None:
            self._task.cancel()

    def fail(self, status: int, reason: str) -> None:
        """Give up. A response that has begun is cut off: half of it must not look whole."""
        if self._over:
            return
        self.close()
        if self._started:
            self._stream.abort()
        else:
            self._owner.on_failed(status, reason)

    # -- what the app sees

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 (whatever the app did wrong must not end the server)
            self._owner.on_crashed(error)
        self._task = None
        if self._h11.our_state not in (h11.DONE, h11.MUST_CLOSE):
            self.fail(500, "internal error")

    async def _receive(self) -> Message:
        if self._h11.they_are_waiting_for_100_continue and not self._over:
            self._stream.write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])))
            self._read_on()
        while True:
            if self._over:
                return {"type": "http.disconnect"}
            whole = self._h11.their_state is not h11.SEND_BODY
            if self._body or (whole and not self._discard):
                body = b"".join(self._body)
                self._body.clear()
                self._discard = whole  # the end is told once
                self._read_on()
                return {"type": "http.request", "body": body, "more_body": not whole}
            self._wake.clear()
            await self._wake.wait()

    async def _send(self, message: Message) -> None:
        if self._over:
            raise OSError("the peer is gone")  # as ASGI has it since HTTP 2.4
        if message["type"] == "http.response.start":
            if self._head is not None or self._started:
                raise RuntimeError("the response has begun already")
            self.status = message["status"]
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
            if not any(name.lower() == b"date" for name, _ in headers):
                headers.append((b"date", date()))
            if self._h11.they_are_waiting_for_100_continue:
                headers.append((b"connection", b"close"))  # its body may come or not: no telling what follows
            self._head = h11.Response(status_code=self.status, headers=headers, reason=phrase(self.status))
        elif message["type"] == "http.response.body":
            if self._head is None and not self._started:
                raise RuntimeError("the response has not begun")
            data = self._encode(message.get("body", b""), last=not message.get("more_body", False))
            self._started = True
            self._stream.write(data)
            self._check_done()
        else:
            raise RuntimeError(f"unknown message {message['type']!r}")
        while self._stream.paused and not self._over:
            self._wake.clear()
            await self._wake.wait()

    def resume(self) -> None:
        """The peer reads again."""
        self._wake.set()

    def _encode(self, body: bytes, *, last: bool) -> bytes:
        out = []
        if self._head is not None:
            out.append(self._h11.send(self._head))
            self._head = None
        if body and not self._head_only and self.status not in (204, 304):
            out.append(self._h11.send(h11.Data(data=body)))
        if last:
            out.append(self._h11.send(h11.EndOfMessage()))
        return b"".join(out)

    # -- the end

    def _check_done(self) -> None:
        ours, theirs = self._h11.our_state, self._h11.their_state
        if self._over or ours not in (h11.DONE, h11.MUST_CLOSE):
            return
        if ours is h11.DONE and theirs is h11.SEND_BODY:
            self._discard = True  # the rest of its body is read, so that the next request is found
            self._body.clear()
            self._read_on()
            return
        self._over = True
        self._wake.set()
        self._owner.on_done(ours is h11.DONE, self._h11.trailing_data[0])

    def _read_on(self) -> None:
        self._stream.resume_reading()
        self._owner.on_reading()

    def _crowded(self) -> bool:
        return sum(map(len, self._body)) > _READ_AHEAD

    def _slow_down(self) -> None:
        if self._over:
            return
        behind = len(self._h11.trailing_data[0]) if self._h11.their_state is not h11.SEND_BODY else 0
        if self._crowded() or behind > _READ_AHEAD:
            self._stream.pause_reading()
