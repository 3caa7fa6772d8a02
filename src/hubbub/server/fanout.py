"""Fan-out: an event is encoded once per dialect, and a commit group is written once per member.

One send over loopback costs the kernel 5 µs, whatever stands in it, so what decides is how often the
kernel is entered. Events of one stream therefore gather in a Batch, and leave it joined.

A batch is sealed when a session that wrote into it writes to another stream: sealed batches go out in
the order of sealing, so what one session sends is seen in that order by everybody, across streams too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from hubbub.core.answers import Answer
from hubbub.core.events import Event, MessagePosted, WhisperPosted
from hubbub.net.stream import NO_FD
from hubbub.observe.server_log import ServerLog
from hubbub.server.dialects import Dialect
from hubbub.server.receivers import Batch, Following, Receiver, Sent
from hubbub.wire.codec import Request

MESSAGES: Final = (MessagePosted, WhisperPosted)
"""What is counted as a message."""


class Audience:
    """Those of one dialect who are subscribed to one stream."""

    __slots__ = ("fast", "slow")

    def __init__(self) -> None:
        self.fast: dict[int, Receiver] = {}
        """By descriptor: written by `os.write`, at once."""
        self.slow: dict[Receiver, None] = {}
        """Those with bytes queued, or with TLS: written through their transport."""

    def __bool__(self) -> bool:
        return bool(self.fast or self.slow)

    def __contains__(self, connection: Receiver) -> bool:
        return self.fast.get(connection.fd) is connection or connection in self.slow

    def add(self, connection: Receiver) -> None:
        """Where it belongs just now."""
        fd = connection.stream.fd
        if fd == NO_FD:
            self.slow[connection] = None
        else:
            self.fast[fd] = connection

    def remove(self, connection: Receiver, fd: int) -> None:
        """From wherever it is."""
        if self.fast.get(fd) is connection:
            del self.fast[fd]
        self.slow.pop(connection, None)


class Delivery(NamedTuple):
    """What is to be written: `data` to a whole audience, but to the special ones something else."""

    audience: Audience | None
    data: bytes
    special: dict[Receiver, bytes]


class Fanout:
    """Implements `core.ports.Outlet` for the server's connections."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        log: ServerLog,
        following: Following,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`call_soon` runs a function after the current turn; `clock` is that of `Counts.taken`."""
        self._call_soon = call_soon
        self._log = log
        self._counts = log.counts
        self._clock = clock
        self._audiences: dict[str, dict[Dialect, Audience]] = {}
        self._open: dict[str, Batch] = {}
        self._sealed: list[Batch] = []
        self._answers: dict[Receiver, list[bytes]] = {}
        self._released: list[Receiver] = []
        self._scheduled = False
        self._following = following

    # -- who hears what

    def subscribe(self, session: Receiver, stream: str) -> None:
        """See the port. What is on its way goes out first: it is older than the join."""
        if stream in self._open or self._sealed:
            self.flush()
        audiences = self._audiences.setdefault(stream, {})
        audience = audiences.get(session.dialect)
        if audience is None:
            audience = audiences[session.dialect] = Audience()
        audience.add(session)

    def unsubscribe(self, session: Receiver, stream: str) -> None:
        """See the port."""
        audiences = self._audiences.get(stream)
        if audiences is None or session.dialect not in audiences:
            return
        audience = audiences[session.dialect]
        audience.remove(session, session.fd)
        if not audience:
            del audiences[session.dialect]
            if not audiences:
                del self._audiences[stream]

    def moved(self, session: Receiver, streams: Sequence[str]) -> None:
        """The session became slow, or is fast again."""
        for stream in streams:
            audience = self._audiences.get(stream, {}).get(session.dialect)
            if audience is not None and session in audience:  # who resumes is off the stream for a moment
                audience.remove(session, session.fd)
                audience.add(session)

    # -- what they hear

    def publish(self, stream: str, event: Event, origin: Receiver | None) -> None:
        """See the port."""
        batch = self._open.get(stream)
        if batch is None:
            if stream not in self._audiences:
                return
            batch = self._open[stream] = Batch(stream, None)
            if not self._scheduled:
                self._schedule()
        self._add(batch, event, origin)

    def send(self, stream: str, sessions: Sequence[Receiver], event: Event, origin: Receiver | None) -> None:
        """See the port. Without a stream, these receivers get a batch of their own."""
        batch = self._open.get(stream)
        if batch is None or batch.receivers != sessions:
            if batch is not None:
                self._seal(batch)
            batch = self._open[stream] = Batch(stream, sessions)
            if not self._scheduled:
                self._schedule()
        self._add(batch, event, origin)

    def answer(self, session: Receiver, request: object, answer: Answer) -> None:
        """See the port."""
        assert isinstance(request, Request)  # noqa: S101 (what the connection gave to handle)
        if request is self._following.request:
            self._following.answered(answer)
        data = session.answered(request, answer)
        if session.waits:
            self._released.append(session)
        if data:
            answers = self._answers.get(session)
            if answers is None:
                self._answers[session] = [data]
            else:
                answers.append(data)
        if not self._scheduled:
            self._schedule()

    def dismiss(self, session: Receiver, reason: str) -> None:
        """See the port."""
        session.dismiss(reason)

    def _add(self, batch: Batch, event: Event, origin: Receiver | None) -> None:
        batch.events.append((event, origin))
        if type(event) in MESSAGES:
            batch.messages += 1
        if origin is not None and origin.batch is not batch:
            last, origin.batch = origin.batch, batch
            if last is not None and not last.sealed:
                self._seal(last)

    def _seal(self, batch: Batch) -> None:
        batch.sealed = True
        self._sealed.append(batch)
        del self._open[batch.stream]

    def _schedule(self) -> None:
        self._scheduled = True
        self._call_soon(self._scheduled_flush)

    def _scheduled_flush(self) -> None:
        self._scheduled = False
        self.flush()

    # -- out

    def flush(self) -> None:
        """See the port. First everything is encoded, then everything is written: with nothing in between,
        the receivers stay awake, and a write to somebody who is awake costs the kernel less.
        """
        batches = [*self._sealed, *self._open.values()]
        self._sealed = []
        self._open = {}
        following = self._following
        heard = self._heard(batches, following.stream) if following.stream else None
        deliveries: list[Delivery] = []
        counts, messages = self._counts, 0
        for batch in batches:
            batch.sealed = True
            if batch.receivers is not None:
                special = self._for_each(batch.events, batch.receivers)
                deliveries.append(Delivery(None, b"", special))
                counts.deliveries += batch.messages * len(special)
            else:
                for dialect, audience in self._audiences.get(batch.stream, {}).items():
                    deliveries.append(self._for_all(batch.events, dialect, audience))
                    if batch.messages:
                        counts.deliveries += batch.messages * (len(audience.fast) + len(audience.slow))
            messages += batch.messages
            batch.events, batch.receivers = [], ()  # a session keeps its last batch, and nobody needs these
        answers, self._answers = self._answers, {}
        if heard is not None:
            following.encoded()
        for delivery in deliveries:
            self._write(delivery)
        if heard is not None:
            following.written(heard)
        if messages:
            counts.messages += messages
            if counts.taken:
                counts.delivery.record(self._clock() - counts.taken, messages)
        for connection, chunks in answers.items():
            connection.stream.write(b"".join(chunks))
        released, self._released = self._released, []
        for connection in released:
            connection.go_on()

    def _heard(self, batches: Iterable[Batch], stream: str) -> list[Receiver]:
        """Who hears what was said there."""
        heard: list[Receiver] = []
        for batch in batches:
            if batch.stream == stream and batch.receivers is not None:
                heard += batch.receivers
            elif batch.stream == stream:
                for audience in self._audiences.get(stream, {}).values():
                    heard += (*audience.fast.values(), *audience.slow)
        return heard

    def _for_all(self, events: Sequence[Sent], dialect: Dialect, audience: Audience) -> Delivery:
        """One encoding and one join. Only who wrote something here may get other bytes than the rest."""
        encode, wrap = dialect.codec.encode_event, dialect.wrap
        frames = [wrap(payload) if (payload := encode(event)) else b"" for event, _ in events]
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        if self._log.debug:
            self._log.sent(dialect.name, len(data), len(audience.fast) + len(audience.slow))
        special: dict[Receiver, bytes] = {}
        for _, origin in events:
            if origin is None or origin.dialect is not dialect or origin in special or origin not in audience:
                continue
            answers = self._answers.pop(origin, None)
            if dialect.leaves_sender_out:
                pairs = zip(frames, events, strict=True)
                others = [one for one, (_, other) in pairs if other is not origin]
                special[origin] = b"".join([*(answers or ()), *others])
                own = sum(type(event) in MESSAGES for event, other in events if other is origin)
                self._counts.deliveries -= own
            elif answers is not None:
                answers.append(data)
                special[origin] = b"".join(answers)
        return Delivery(audience, data, special)

    def _for_each(self, events: Sequence[Sent], receivers: Sequence[Receiver]) -> dict[Receiver, bytes]:
        """For those who are named one by one: an event may look different to its author."""
        encoded: dict[tuple[Dialect, int, bool], bytes] = {}
        special: dict[Receiver, bytes] = {}
        for connection in receivers:
            chunks = self._answers.pop(connection, None) or []
            if connection.deaf:
                for event, _ in events:
                    connection.miss(event)
                continue
            for number, (event, origin) in enumerate(events):
                key = (connection.dialect, number, origin is connection)
                if key not in encoded:
                    encoded[key] = connection.dialect.event(event, origin is connection)
                chunks.append(encoded[key])
            special[connection] = b"".join(chunks)
        return special

    def _write(self, delivery: Delivery) -> None:
        audience, data, special = delivery
        slow: Sequence[Receiver] = ()
        if audience is not None and data:
            if audience.slow:  # as it is now: fast ones may join it below
                slow = [connection for connection in audience.slow if connection not in special]
            self._write_fast(audience.fast, data, special)
        for connection in slow:
            connection.stream.write(data)
        for connection, own in special.items():
            connection.stream.write(own)

    def _write_fast(self, fast: dict[int, Receiver], data: bytes, special: dict[Receiver, bytes]) -> None:
        targets: Iterable[int] = fast
        left_out = NO_FD
        if len(special) == 1:
            (left_out,) = (connection.fd for connection in special)
        elif special:
            several = {connection.fd for connection in special}
            targets = [fd for fd in fast if fd not in several]
        write, size = os.write, len(data)
        short: list[tuple[int, int]] = []
        for fd in targets:
            if fd == left_out:
                continue
            try:
                sent = write(fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = -1
            if sent != size:
                short.append((fd, sent))
        for fd, sent in short:  # not in the loop: this takes them out of `fast`
            stream = fast[fd].stream
            if sent < 0:
                stream.write(data)  # it meets the same error, and deals with it
            else:
                stream.written(data, sent)
