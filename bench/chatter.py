"""Many messages by plain sockets: as fast as they are kept, to fill a room, or so many a second."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from types import TracebackType

from bench.ends import NotMeasuredError
from bench.talker import PATIENCE, Talker

IN_FLIGHT = 2000
"""Messages of one connection that may wait for their answer."""
RUN = 100
"""Messages that one person says before the next one does."""
AUTHORS = ("Alice", "Bob", "Carol")
_SAID = """The build is green again after this change, so we can ship it on Monday if nobody minds, and then
look at search, which felt slow when I tried it from a train with a bad line; but it came back by itself."""
_WORDS = _SAID.split()
_PIECE = 1 << 18


def text(number: int) -> str:
    """What people say: mostly a line, at times some, one in ten with marks. The same for the same number."""
    dice = random.Random(number)
    words = " ".join(dice.choices(_WORDS, k=min(int(dice.expovariate(1 / 11)) + 1, 80)))
    if number % 10 == 0:
        words = f"**{words}** `code {number}` https://example.com/{number}"
    return words


class Chatter:
    """Somebody who says much, and reads what comes in a thread of its own."""

    def __init__(self, port: int, name: str) -> None:
        self._talker = Talker(port, name)
        self._socket: socket.socket = self._talker.socket
        self._said = self._kept = 0
        self._news = threading.Condition()
        self._fault: str | None = None
        self.head = 0
        """The offset of the last of its messages that was kept."""
        self._reader = threading.Thread(target=self._read, name=f"chatter {name}", daemon=True)
        self._reader.start()

    def __enter__(self) -> Chatter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(PATIENCE)
        self._socket.close()

    def say(self, texts: list[str]) -> None:
        """These messages, in one piece."""
        frames = bytearray()
        for content in texts:
            self._said += 1
            body = json.dumps({"type": "Broadcast", "content": content, "id": f"m{self._said}"}).encode()
            frames += struct.pack("!I", len(body)) + body
        self._socket.sendall(frames)

    def wait(self, unanswered: int = 0) -> None:
        """Until no more than so many are not kept yet."""
        with self._news:
            done = self._news.wait_for(
                lambda: self._fault is not None or self._said - self._kept <= unanswered, PATIENCE
            )
        if self._fault is not None or not done:
            raise NotMeasuredError(f"messages were not kept: {self._fault or 'no answer came'}")

    def _read(self) -> None:
        pending = b""
        while True:
            try:
                piece = self._socket.recv(_PIECE)
            except OSError:
                piece = b""
            if not piece:
                return self._note(0, None, "hubbub closed the connection")
            pending += piece
            at, kept, last = 0, 0, None
            while len(pending) - at >= 4:
                (size,) = struct.unpack_from("!I", pending, at)
                if len(pending) - at - 4 < size:
                    break
                body = pending[at + 4 : at + 4 + size]
                at += 4 + size
                if body.startswith(b'{"type":"Ack"'):
                    kept, last = kept + 1, body
                elif body.startswith(b'{"type":"Error"'):
                    return self._note(kept, last, body.decode())
            pending = pending[at:]
            self._note(kept, last, None)

    def _note(self, kept: int, last: bytes | None, fault: str | None) -> None:
        if kept == 0 and fault is None:
            return
        with self._news:
            self._kept += kept
            self._fault = fault
            if last is not None:
                self.head = int(json.loads(last)["offset"])
            self._news.notify_all()


def fill(port: int, count: int) -> int:
    """So many messages in the lobby, of three people in turns; the offset of the last."""
    chatters = [Chatter(port, name) for name in AUTHORS]
    try:
        for number in range(0, count, RUN):
            chatter = chatters[number // RUN % len(chatters)]
            chatter.say([text(one) for one in range(number, min(number + RUN, count))])
            chatter.wait(IN_FLIGHT)
        for chatter in chatters:
            chatter.wait()
        return max(chatter.head for chatter in chatters)
    finally:
        for chatter in chatters:
            chatter.__exit__(None, None, None)


class Flood(threading.Thread):
    """One person who says so many messages a second in the lobby, evenly."""

    def __init__(self, port: int, name: str, rate: int, seconds: float) -> None:
        super().__init__(name="flood", daemon=True)
        self._chatter = Chatter(port, name)
        self._rate = rate
        self._seconds = seconds
        self.said = 0
        self.head = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Until the time is over and all of it is kept."""
        began = time.monotonic()
        try:
            while (passed := time.monotonic() - began) < self._seconds:
                due = int(passed * self._rate)
                if due > self.said:
                    self._chatter.say([text(number) for number in range(self.said, due)])
                    self.said = due
                time.sleep(0.01)
            self._chatter.wait()
            self.head = self._chatter.head
        except (NotMeasuredError, OSError) as error:
            self.error = error
        finally:
            self._chatter.__exit__(None, None, None)
