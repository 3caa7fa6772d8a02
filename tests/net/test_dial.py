from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar, cast

import pytest
import trustme
import uvloop

from hubbub.net.dial import Backoff, _by_turns, dial, keep_dialing
from hubbub.net.errors import DialFailed, DialTimedOut, HandshakeFailed, NetError, TlsFailed

T = TypeVar("T")
SECONDS = 20.0  # until a test gives up
WITHIN = 10.0  # until a dial does


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made
    gc.collect()  # an unclosed socket shows here


def run(runner: asyncio.Runner, scenario: Coroutine[object, object, T]) -> T:
    async def bounded() -> T:
        # A signal, as of the suite's own timeout, would not interrupt uvloop.
        async with asyncio.timeout(SECONDS):
            return await scenario

    return runner.run(bounded())


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Heard(asyncio.Protocol):
    """A client that waits for what the server sends back."""

    def __init__(self) -> None:
        self.data: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.data.set_result(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)


@contextlib.asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def says_hello_back(host: str, port: int, context: ssl.SSLContext | None = None) -> None:
    transport, heard = await dial(host, port, Heard, deadline=WITHIN, ssl=context)
    transport.write(b"hello")
    assert await heard.data == b"hello"
    transport.close()
    await heard.lost


@contextlib.contextmanager
def refusing() -> Iterator[socket.socket]:
    """A port that is taken, and refuses until somebody calls `listen` on it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what wants to connect, and answers nothing."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.socket())
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(sock.getsockname())
        yield sock.getsockname()[1]


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Within the running loop, `any.test` is 127.0.0.1 with each of these ports, in this order."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def found(host: str, *rest: Any, **more: Any) -> Any:
        if host != "any.test":  # uvloop's sock_connect asks too
            return await real(host, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(loop, "getaddrinfo", found)


def test_it_connects(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with listening() as port:
            await says_hello_back("127.0.0.1", port)

    run(runner, scenario())


def test_a_refused_connection_may_be_tried_again(runner: asyncio.Runner) -> None:
    with refusing() as sock, pytest.raises(DialFailed, match=r"127\.0\.0\.1") as failed:
        run(runner, dial("127.0.0.1", sock.getsockname()[1], Heard, deadline=WITHIN))
    assert not isinstance(failed.value, DialTimedOut)
    assert isinstance(failed.value.__cause__, ConnectionRefusedError)
    assert failed.value.retry
    assert not failed.value.by_peer


def test_what_cannot_be_a_name_fails_like_any_other(runner: asyncio.Runner) -> None:
    with pytest.raises(DialFailed):
        run(runner, dial("a..b", 80, Heard, deadline=WITHIN))


def test_the_deadline_holds_for_connecting(runner: asyncio.Runner) -> None:
    with silent() as port, pytest.raises(DialTimedOut):
        run(runner, dial("127.0.0.1", port, Heard, deadline=0.05))


def test_the_deadline_holds_for_resolving(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def never(*_: object, **__: object) -> None:
            await asyncio.get_running_loop().create_future()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        await dial("any.test", 80, Heard, deadline=0.05)

    with pytest.raises(DialTimedOut):
        run(runner, scenario())


def test_a_peer_that_speaks_no_tls(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        async with listening() as port:  # it echoes the client's hello
            await dial("127.0.0.1", port, Heard, deadline=WITHIN, ssl=ssl.create_default_context())

    with pytest.raises(TlsFailed):
        run(runner, scenario())


def test_the_deadline_holds_for_tls(runner: asyncio.Runner) -> None:
    with refusing() as mute:
        mute.listen()
        context = ssl.create_default_context()
        with pytest.raises(DialTimedOut):
            run(runner, dial("127.0.0.1", mute.getsockname()[1], Heard, deadline=0.1, ssl=context))


def test_a_silent_address_does_not_hold_up_the_next(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(dead: int) -> None:
        async with listening() as port:
            resolve_to(monkeypatch, dead, port)
            transport, heard = await dial("any.test", 1, Heard, deadline=WITHIN, stagger=0.01)
            transport.close()
            await heard.lost

    with silent() as dead:
        run(runner, scenario(dead))


def test_a_refusal_moves_on_at_once(runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(*dead: int) -> None:
        async with listening() as port:
            resolve_to(monkeypatch, *dead, port)
            # Waiting for the stagger would run past the deadline.
            transport, heard = await dial("any.test", 1, Heard, deadline=WITHIN, stagger=2 * WITHIN)
            transport.close()
            await heard.lost

    with refusing() as one, refusing() as other:
        run(runner, scenario(one.getsockname()[1], other.getsockname()[1]))


def test_the_first_refusal_is_the_one_that_is_told(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(*ports: int) -> None:
        resolve_to(monkeypatch, *ports)
        await dial("any.test", 1, Heard, deadline=WITHIN)

    with refusing() as one, refusing() as other:
        first, second = one.getsockname()[1], other.getsockname()[1]
        with pytest.raises(DialFailed, match=str(first)):
            run(runner, scenario(first, second))
    with pytest.raises(DialFailed, match="no address"):
        run(runner, scenario())


def test_families_take_turns() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    found = [(six, "a"), (six, "b"), (six, "c"), (four, "d"), (four, "e")]
    assert [address for _, address in _by_turns(found)] == ["a", "d", "b", "e", "c"]
    assert _by_turns([]) == []


def test_tls_is_checked_against_the_name(runner: asyncio.Runner) -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def scenario() -> None:
        async with listening(serving) as port:
            await says_hello_back("localhost", port, trusting)
            for host, context in (("127.0.0.1", trusting), ("localhost", ssl.create_default_context())):
                with pytest.raises(TlsFailed, match="certificate") as failed:
                    await dial(host, port, Heard, deadline=WITHIN, ssl=context)
                assert failed.value.by_peer
                assert not failed.value.retry

    run(runner, scenario())


# -- backoff


def test_waits_double_up_to_the_cap_and_begin_anew() -> None:
    backoff = Backoff(0.5, 5.0, random=lambda: 1.0)
    assert [backoff.next() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next() == 0.5
    assert [Backoff(8.0, 5.0, random=lambda: 1.0).next()] == [5.0]


def test_a_wait_is_anywhere_below_its_ceiling() -> None:
    given = iter([0.0, 0.5, 0.25])
    backoff = Backoff(1.0, 60.0, random=lambda: next(given))
    assert [backoff.next() for _ in range(3)] == [0.0, 1.0, 1.0]


# -- dialing again


class Session:
    """A client whose first attempts fail, and whose connections the test ends one after another."""

    def __init__(self, sock: socket.socket, endings: list[float | NetError | None]) -> None:
        self.sock = sock
        self.endings = iter(endings)
        self.slept: list[float] = []
        self.told: list[tuple[float, type[NetError] | None]] = []
        self.opened = 0
        self.backoff = Backoff(1.0, 60.0, random=lambda: 1.0)

    async def connect(self) -> asyncio.Transport:
        transport, _ = await dial("127.0.0.1", self.sock.getsockname()[1], Heard, deadline=WITHIN)
        self.opened += 1
        return transport

    async def use(self, transport: asyncio.Transport) -> float | None:
        self.backoff.reset()
        transport.close()
        ending = next(self.endings)
        if isinstance(ending, NetError):
            raise ending
        return ending

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self.sock.listen()

    def waiting(self, seconds: float, why: NetError | None) -> None:
        self.told.append((seconds, type(why) if why is not None else None))

    async def keep(self) -> None:
        await keep_dialing(self.connect, self.use, self.backoff, sleep=self.sleep, waiting=self.waiting)


def test_it_dials_again_until_it_is_told_to_end(runner: asyncio.Runner) -> None:
    with refusing() as sock:
        session = Session(sock, [0.0, 7.5, None])
        run(runner, session.keep())
    # Three refusals, then a connection that was lost, and one whose peer asked for 7.5 s.
    assert session.slept == [1.0, 2.0, 4.0, 1.0, 8.5]
    assert session.opened == 3
    assert session.told == [*zip([1.0, 2.0, 4.0], [DialFailed] * 3, strict=True), (1.0, None), (8.5, None)]


def test_what_no_retry_can_mend_ends_it(runner: asyncio.Runner) -> None:
    with refusing() as sock:
        sock.listen()
        session = Session(sock, [HandshakeFailed("busy", 503), HandshakeFailed("no such path", 404)])
        with pytest.raises(HandshakeFailed, match="no such path"):
            run(runner, session.keep())
    assert session.slept == [1.0]
