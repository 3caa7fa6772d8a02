"""One connection's way through the house. Here, and only here, all the stages meet:

    bytes ─ framing.feed ─▶ Frame ─ codec.decode ─▶ Command ─ service.handle ─▶ (journal … committed)
                                                        │                               │
    bytes ◀─ stream.write ─ dialect.wrap ◀─ codec.encode_answer ◀─ Answer ◀─────────────┘

Events come to a connection by `fanout`. In which order requests are carried out, and which of them wait,
`waiting` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hubbub.core.answers import Answer, Done, Farewell, History, LoggedIn, LoggedOut, UnreadList, UnreadView
from hubbub.core.commands import GetUnread, Login, MarkRead, Place, Refresh, Register, Resume
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import GoingAway, Welcome
from hubbub.core.file_commands import SendChunk
from hubbub.core.gateway import GATEWAY
from hubbub.net.framing.frames import CLOSE, FAILED, PING, PONG, Frame
from hubbub.net.framing.websocket import pong
from hubbub.net.stream import NO_FD, Stream
from hubbub.server.files.carrying import Carrying
from hubbub.server.signing import Signing, signing_fault, with_key
from hubbub.server.surroundings import Departed, Surroundings
from hubbub.server.waiting import LAST_WORDS, REQUESTS, RETRY_AFTER, Decided, overlaps, surcharge
from hubbub.wire.codec import Request

if TYPE_CHECKING:
    from hubbub.server.dialects import Dialect
    from hubbub.server.receivers import Batch

_ENTERING: Final = (Login, Register, Refresh)
_BY_COOKIE: Final = Login()
"""What a page says on a WebSocket: who it is, the handshake has told."""
_NO_COOKIE: Final = Refusal(Code.UNAUTHENTICATED, "Say who you are: no sign-in came with this connection.")
_NOTICES: Final = 20  # of one stream that are shown to a person, the newest
_LARGE: Final = 65_536  # bytes of an answer that deserves an allowance
_BYE: Final = 1001
_TOO_BIG: Final = 1009
_CLOSE_CODES: Final = {
    "drain": 1012,
    "slow": 1013,
    "overload": 1013,
    "idle": 1001,
    "replaced": 1008,
    "policy": 1008,
    "disabled": 1008,
}


class Connection(Carrying):
    """A Session with a wire. Implements `net.handler.Handler`."""

    __slots__ = ("_cookie", "_number", "_owed", "_signing", "batch", "fd")

    def __init__(
        self,
        stream: Stream,
        dialect: Dialect,
        shared: Surroundings[Connection],
        *,
        local: bool,
        connection_id: str | None = None,
        address: str | None = None,
        cookie: str | None = None,
    ) -> None:
        """`address` is whose it is where that is not the peer's: somebody's behind a proxy.

        `cookie`: the token that a browser sent with its handshake.
        """
        super().__init__(
            stream,
            dialect,
            shared,
            local=local,
            connection_id=connection_id,
            address=stream.peer if address is None else address,
        )
        self.fd = stream.descriptor
        """Its key in the fan-out, for as long as it is open."""
        self.batch: Batch | None = None
        """The last batch it wrote into: see `fanout`."""
        self._number = next(shared.numbers)
        self._cookie = cookie
        self._signing: Signing | None = None  # what its requests are held against, where it asked for that
        self._carry_nothing()
        self._owed = 0  # bytes of large answers that may be queued: asked for, so no sign of slowness
        shared.open[self._number] = self
        shared.counts.moves += 1
        shared.service.connected(self)
        if connection_id is not None:
            stream.write(dialect.event(Welcome(connection_id)))
        self._set_timer(self._made)
        shared.log.connection_opened(self.name, stream.peer, dialect.name, secure=stream.secure)

    @property
    def name(self) -> str:
        """What the log calls it."""
        return self.connection_id or f"{self.dialect.name}-{self._number}"

    @property
    def number(self) -> int:
        """Which of all connections since the start it is."""
        return self._number

    @property
    def base(self) -> str:
        """See Session."""
        return self._shared.base_url or self.stream.url if self.dialect.exclusive else ""

    # -- bytes → Frame

    def on_data(self, data: bytes) -> None:
        """See net.handler.Handler."""
        shared = self._shared
        self._heard = now = shared.clock()
        self._pinged = 0
        if shared.paths.armed:
            shared.paths.bytes_came()
        frames = self.framing.feed(data)
        for frame in frames:
            last_words = frame.kind in LAST_WORDS and self._in_flight
            if self._queue is not None or self._barrier or self.bare or self.stream.paused or last_words:
                self._wait(frame)
            elif shared.rate and not self._pay(now):
                shared.counts.throttled += 1
                self._wait(frame)
                self.stream.pause_reading()
                self._set_timer(now)
            else:
                self._take(frame)
        pending = self.framing.pending
        if pending or self._held:
            # A control frame may come in the middle of a message (RFC 6455 §5.4), and makes it no younger.
            self._hold(pending, now, fresh=any(frame.kind not in (PING, PONG) for frame in frames))
        if self.wanted:
            self._look()

    # -- Frame → Command → core → Answer

    def _take(self, frame: Frame) -> None:
        kind = frame.kind
        if kind in REQUESTS:
            if self._leaving:
                return
            self.requests += 1
            request = self.dialect.codec.decode(frame, self.user is not None)
            if self._shared.log.debug:
                verb = request.verb if isinstance(request, Request) else ""
                self._shared.log.received(self.name, verb, len(frame.payload))
            if type(request) is Request:
                self._carry_out(request)
            elif request:
                self.stream.write(self.dialect.wrap(request))  # type: ignore[arg-type] # bytes: type() narrows no union
        elif kind == PING:
            self.stream.write(pong(frame.payload))
        elif kind == CLOSE:
            self._goodbye(self.dialect.closing(frame.code if frame.code != 1005 else 1000, ""), "closed")
        elif kind == FAILED:
            self._fail(frame)
        else:
            assert kind == PONG  # noqa: S101 (there are no other kinds)

    def _carry_out(self, request: Request) -> None:
        command = request.command
        if type(command) is Login and command == _BY_COOKIE and self.dialect.gateway and self.user is None:
            command = _NO_COOKIE if self._cookie is None else Login(token=self._cookie, lasting=True)
            request = replace(request, command=command)
        if self._in_flight and not overlaps(command):
            self._wait_first(request)
            return
        if isinstance(command, Refusal):
            answer: Answer | None = command
        elif request.claimed_user_id and (self.user is None or request.claimed_user_id != self.user.id):
            answer = Refusal(Code.FORBIDDEN, "This user_id is not yours.", field="user_id")
        elif (self._signing or request.signature or request.signing_key is not None) and (
            fault := signing_fault(self._signing, request, private=self.private)
        ):
            answer = fault
        else:
            try:
                answer = self._shared.service.handle(self, command, request)
            except Exception as error:  # noqa: BLE001 (our fault: the peer learns that, and nothing more)
                self._shared.log.failed(f"handle {type(command).__name__}", error, self.name)
                answer = Refusal(Code.INTERNAL, "The server made a mistake. It is in its log.")
        if answer is None:
            self._paid_until += surcharge(command, self._shared.limits.message_rate)
            if self._shared.paths.armed:
                self._shared.paths.decided(self, request)
            self._in_flight += 1
            self._barrier = not overlaps(command)
            return
        if type(command) is SendChunk and type(answer) is Done and self._shared.rate:  # a window is its rate
            self._paid_until -= 1.0 / self._shared.limits.message_rate
        if self._in_flight:  # decided at once; but those in flight were asked first
            self._wait_first(Decided(request, answer))
            return
        data = self._answer(request, answer)
        if data:
            self.stream.write(data)
        if type(answer) is Farewell:
            self._goodbye(self.dialect.closing(_BYE, ""), "quit")

    def _answer(self, request: Request, answer: Answer) -> bytes:
        """An answer as bytes that are to be written next, and what it means for this connection."""
        if request is self._woken:
            return self._woke()
        if request.signing_key is not None and type(answer) is LoggedIn:
            request, self._signing = with_key(request, self._shared.service.entropy)
        data = self._encode(request, answer)
        if len(data) > _LARGE and not self._owe(len(data)):
            most, again = self._shared.limits.max_output, RETRY_AFTER["overload"]
            message = f"The server holds {most} bytes of answers that are not read, which is the limit."
            answer = Refusal(Code.RATE_LIMITED, message, limit="limits.max_output", retry_after=again)
            data = self._encode(request, answer)
        if type(request.command) in _ENTERING:
            data = self._logged_in(request.command, answer, data)
        elif type(answer) is History and self.dialect.exclusive and answer.messages:
            self._wait_first(Request(MarkRead(answer.stream, answer.messages[-1].offset)))  # it was shown
        elif type(answer) is UnreadList and self.dialect.exclusive:
            self._show_nameless(answer.streams)
        elif type(answer) is LoggedOut:
            self._signing = None
            self._shared.counts.moves += 1
            self.framing.limit = min(self.framing.limit, self._shared.limits.max_frame_before_login)
            if self.dialect.exclusive:
                self._goodbye(data, "logged out")
                data = b""
        return data

    def _owe(self, size: int) -> bool:
        """Allow for a long answer. False: all together have too many that they do not read."""
        shared, most = self._shared, self._shared.limits.max_output
        if shared.unread + size > most:
            # Others have been read meanwhile.
            shared.unread = sum(one.stream.backlog for one in shared.open.values())
        if shared.unread + size > most:
            return False
        shared.unread += size
        self._owed = size + (self._owed if self.stream.paused else 0)  # else they left
        return True

    def _show_nameless(self, unread: Sequence[UnreadView]) -> None:
        """Notices and the whispers of guests who are gone have no name to ask a history by: here they are."""
        shown = [view for view in unread if view.room is None and view.with_ is None]
        for view in shown:
            self._wait_first(Request(MarkRead(view.stream, view.offset)))
        if shown:
            places = {one.stream: Place(one.epoch, max(one.read, one.offset - _NOTICES)) for one in shown}
            self._wait_first(Request(Resume(places)))

    def _encode(self, request: Request, answer: Answer) -> bytes:
        if type(answer) is Refusal:
            self._shared.counts.refuse(answer.code)
        payload = self.dialect.codec.encode_answer(request, answer)
        if self._shared.log.debug:
            self._shared.log.sent(type(answer).__name__, len(payload), 1)
        return self.dialect.wrap(payload) if payload else b""

    def _logged_in(self, command: object, answer: Answer, data: bytes) -> bytes:
        """After a login, or none: `data` is its answer, and what is left of it to write comes back."""
        log = self._shared.log
        if isinstance(answer, LoggedIn):
            self._shared.counts.moves += 1
            if not self.dialect.exclusive:
                self.framing.limit = self._shared.limits.max_frame
            resumed = type(command) is Refresh or (type(command) is Login and command.token is not None)
            log.login(self.name, self.stream.peer, answer.username, answer.user_id, resumed=resumed)
            if self.dialect.exclusive and answer.refresh_token is not None:
                self._wait_first(Request(GetUnread()))  # people are shown what they missed
        elif isinstance(answer, Refusal):
            # What is typed where a password was asked for may be the password: it is not logged.
            wished = self.wished or (command.username if isinstance(command, Login | Register) else None)
            log.login_refused(self.name, self.stream.peer, wished, answer.code)
            if self.dialect.closes_on_refused_login and self.user is None and self.wished is None:
                self._goodbye(data, "refused")
                return b""
            if self.wished is not None and not self._asked:
                self._asked = self._shared.clock()
                self._set_timer(self._asked)
        return data

    def answered(self, request: Request, answer: Answer) -> bytes:
        """The answer to a request that was in flight, as bytes. The fan-out calls this, and sends it."""
        self._in_flight -= 1
        self._barrier = False
        return self._answer(request, answer)

    # -- the stream's other news

    def on_eof(self) -> None:
        """See net.handler.Handler. What came before is still carried out and answered."""
        self._ended = True
        if self._breaks_off:
            self._goodbye(b"", "ended in the middle of a file")
        self.go_on()

    def on_pause(self) -> None:
        """See net.handler.Handler. Who does not read is not read from: its answers would pile up here."""
        self.stream.pause_reading()
        self._shared.slow.add(self)
        if self.fd != NO_FD:
            self._moved()
        self._has_no_room()

    def on_resume(self) -> None:
        """See net.handler.Handler."""
        self._owed = 0
        self._shared.slow.discard(self)
        if self.fd != NO_FD:
            self._moved()
        self._has_room()
        if self._queue is None:
            self._read_on()
        else:
            self.go_on()

    def _moved(self) -> None:
        streams = [room.stream for room in self.rooms]
        if self.connection_id is not None:
            streams.append(GATEWAY)
        self._shared.fanout.moved(self, streams)

    def on_overflow(self) -> None:
        """See net.handler.Handler."""
        if self.stream.backlog > self._shared.limits.max_backlog + self._owed:
            self.dismiss("slow")

    def on_broken(self) -> bool:
        """See net.handler.Handler. What it said before is carried out; a file for it has broken off."""
        return not self.receives

    def on_close(self, error: Exception | None) -> None:
        """See net.handler.Handler. From here on nobody writes to it: it leaves every list at once."""
        shared = self._shared
        shared.wheel.unset(self)
        shared.held -= self._held
        self._held = 0
        self._queue = None
        user = self.user
        del shared.open[self._number]
        shared.slow.discard(self)
        reason = self._leaving or (str(error) if error else "closed by the peer")
        who, user_id = (user.name, user.id) if user else (None, None)
        shared.departed.append(Departed(self._number, self.name, who, user_id, reason, shared.clock()))
        shared.counts.moves += 1
        shared.service.disconnected(self)
        self._let_files_go()
        shared.log.connection_closed(
            self.name,
            self.stream.peer,
            who,
            reason,
            shared.clock() - self._made,
        )

    # -- closing

    def dismiss(self, reason: str, retry_after: float | None = None) -> None:
        """One last message that says why, then close."""
        if self._leaving:
            return
        if retry_after is None:
            retry_after = RETRY_AFTER.get(reason)
        if self.deaf:  # words would stand in the middle of a file
            self._goodbye(b"", reason)
            return
        last = self.dialect.event(GoingAway(reason, retry_after))
        self._goodbye(last + self.dialect.closing(_CLOSE_CODES.get(reason, _BYE), reason), reason)

    def _refuse(self, request: Request, reason: str) -> None:
        answer = request.command
        assert isinstance(answer, Refusal)  # noqa: S101 (what the callers make)
        last = self._encode(request, answer)
        self._goodbye(last + self.dialect.closing(_CLOSE_CODES.get(reason, _BYE), reason), reason)

    def _fail(self, frame: Frame) -> None:
        """The framing gave up: nothing after this can be read."""
        message = frame.payload.decode("utf-8", "replace")
        if self.dialect.gateway:
            self._goodbye(self.dialect.closing(frame.code, message), message)
        else:
            code, limit = Code.BAD_REQUEST, None
            if frame.code == _TOO_BIG:
                code = Code.TOO_LARGE
                limit = "limits.max_frame" if self.user is not None else "limits.max_frame_before_login"
            self._refuse(Request(Refusal(code, f"{message[:1].upper()}{message[1:]}.", limit=limit)), message)

    def _goodbye(self, last: bytes, reason: str) -> None:
        if not self._leaving:
            self._leaving = reason
            self.stream.close(last)
