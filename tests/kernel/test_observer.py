from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.observe.kernel import observer as observer_module
from hubbub.observe.kernel.figures import STALE, WINDOW, WORST, Line, SocketSums
from hubbub.observe.kernel.lines import MINUTE, Lines, line_of
from hubbub.observe.kernel.observer import Observer, ObserverError, Probing
from hubbub.observe.kernel.probes import SocketCounts
from hubbub.observe.kernel.sock_diag import SockDiag, SockDiagError, Socket
from hubbub.observe.kernel.tcp_info import SIZE, read_tcp_info
from serving import until

# A server that accepts; each line of its input is carried out: `send N`, `close`, `accept`.
SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
print(listener.getsockname()[1], flush=True)
taken = []
for line in sys.stdin:
    do, _, many = line.strip().partition(" ")
    if do == "accept":
        taken += [listener.accept()[0] for _ in range(int(many))]
    elif do == "send":
        taken[-1].sendall(bytes(int(many)))
    elif do == "close":
        for one in taken:
            one.close()
        taken = []
    print("done", flush=True)
"""


class Subject:
    """A process to be observed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.clients: list[socket.socket] = []

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def connect(self, many: int = 1) -> None:
        self.clients += [socket.create_connection(("127.0.0.1", self.port)) for _ in range(many)]
        self.do(f"accept {many}")

    def disconnect(self) -> None:
        for client in self.clients:
            client.close()
        self.clients = []
        self.do("close")


@pytest.fixture
def subject() -> Iterator[Subject]:
    subject = Subject()
    with subject.process:
        yield subject
        subject.disconnect() if subject.process.poll() is None else None
        subject.process.kill()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def observing(pid: int, probing: Probing = "off") -> Iterator[tuple[Observer, Clock]]:
    clock = Clock()
    observer = Observer(pid, probing, clock=clock)
    try:
        yield observer, clock
    finally:
        observer.close()


def descriptors() -> set[str]:
    """What this process has open, by number."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def later(observer: Observer, clock: Clock, seconds: float = 1.0) -> list[Line]:
    clock.now += seconds
    return observer.report().worst


@pytest.mark.parametrize("probing", ["off", "auto"])
def test_bytes_of_the_last_seconds_are_those_that_were_sent(subject: Subject, probing: Probing) -> None:
    subject.connect()
    with observing(subject.process.pid, probing) as (observer, clock):
        [line] = later(observer, clock)
        assert (line.sent, line.span) == (0, 1.0)
        subject.do("send 5000")
        assert len(subject.clients[0].recv(5000, socket.MSG_WAITALL)) == 5000
        until(lambda: later(observer, clock, 0.01)[0].acked == 5000)
        [line] = later(observer, clock)
        assert (line.sent, line.queued, line.state) == (5000, 0, "established")
        assert line.local == f"127.0.0.1:{subject.port}"
        assert line.send_bytes == (5000 if probing == "auto" else None)
        [line] = later(observer, clock, WINDOW + 1.0)
        later(observer, clock)
        [line] = later(observer, clock)
        assert line.sent == 0, "it is longer ago than a line tells of"
        assert observer.source.probes == (probing == "auto"), observer.source.missing


def test_a_connection_that_is_younger_than_the_observer_tells_of_all_it_did(subject: Subject) -> None:
    with observing(subject.process.pid) as (observer, clock):
        later(observer, clock)
        subject.connect()
        subject.do("send 700")
        subject.clients[0].recv(700, socket.MSG_WAITALL)
        later(observer, clock)
        [line] = later(observer, clock)
        assert (line.sent, line.span) == (700, 2.0)


def test_calls_are_those_of_the_second(subject: Subject) -> None:
    """Three sends in one, none in the next."""
    subject.connect()
    with observing(subject.process.pid, "on") as (observer, clock):
        later(observer, clock)
        for _ in range(3):
            subject.do("send 100")
        clock.now += 1
        report = observer.report()
        assert (report.calls["send"].count, report.calls["send"].bytes) == (3, 300)
        assert sum(report.calls["send"].sizes.values()) == 3
        clock.now += 1
        report = observer.report()
        assert (report.calls["send"].count, report.calls["send"].sizes) == (0, {})
        assert report.probes
        assert report.run_queue.waits is not None


def test_what_happens_to_connections_is_counted_in_lines_and_in_the_sums_of_the_second(
    subject: Subject,
) -> None:
    """A client that comes and goes by a reset: its line tells that it came, the sums that it went, too."""
    with observing(subject.process.pid, "on") as (observer, clock):
        later(observer, clock)
        subject.connect()
        clock.now += 1
        report = observer.report()
        assert [line.state_changes for line in report.worst] == [1]
        assert report.sockets == SocketSums(state_changes=1)
        subject.clients[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        subject.clients[0].close()
        clock.now += 1
        report = observer.report()
        assert report.worst == []
        assert report.sockets == SocketSums(resets_received=1, state_changes=1)
        assert observer.report().sockets == SocketSums()


def test_a_listener_that_comes_later_is_found(subject: Subject) -> None:
    """As a server is observed from its start on: before it listens."""
    code = "import sys; sys.stdin.readline(); " + SERVER.replace("import socket, sys", "import socket")
    with subprocess.Popen(
        [sys.executable, "-c", code.replace("; \n", "\n", 1)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with observing(process.pid) as (observer, clock):
            assert later(observer, clock) == []
            process.stdin.write("go\naccept 1\n")
            process.stdin.flush()
            with socket.create_connection(("127.0.0.1", int(process.stdout.readline()))):
                process.stdout.readline()
                until(lambda: len(later(observer, clock)) == 1)
        process.kill()


def test_lines_of_others_are_not_told(subject: Subject) -> None:
    subject.connect(2)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        observing(subject.process.pid) as (observer, clock),
    ):
        cookies = {line.cookie for line in later(observer, clock)}
        assert len(cookies) == 2
        assert observer.lines([1, 2, 3]) == []
        assert {line.cookie for line in observer.lines([*cookies, 5])} == cookies


def test_lines_of_others_are_not_told_by_the_same_port(subject: Subject) -> None:
    """At another address it may be another program's."""
    observer = Observer(subject.process.pid, "off")
    with (
        contextlib.closing(observer),
        socket.create_server(("127.0.0.2", subject.port)) as others,
        socket.create_connection(others.getsockname()),
    ):
        taken, _ = others.accept()
        with taken:
            subject.connect()
            until(lambda: (observer.report().lines or 0) > 0)
            [line] = observer.report().worst
            assert line.local == f"127.0.0.1:{subject.port}"


def test_two_thousand_connections_come_and_go(subject: Subject) -> None:
    """500 at a time, as the limit of descriptors may be small: what is gone is forgotten."""
    with observing(subject.process.pid) as (observer, clock):
        for _ in range(4):
            subject.connect(500)
            later(observer, clock, 60)
            assert len(observer._lines) == 500
            assert len(later(observer, clock, 60)) == WORST
            subject.disconnect()
            until(lambda: later(observer, clock, 60) == [])
            assert len(observer._lines) == 0
            assert observer._lines._worst == []


def test_the_end_of_the_process_is_seen(subject: Subject) -> None:
    with observing(subject.process.pid) as (observer, clock):
        assert not observer.ended
        subject.process.send_signal(signal.SIGKILL)
        until(lambda: observer.ended)
        assert later(observer, clock) == []


def test_no_such_process(subject: Subject) -> None:
    subject.process.kill()
    subject.process.wait()
    with pytest.raises(
        ObserverError, match=f"process {subject.process.pid} cannot be observed: No such file"
    ):
        Observer(subject.process.pid)


def test_it_leaves_nothing_open(subject: Subject) -> None:
    before = descriptors()
    probing: Probing
    for probing in ("off", "auto"):
        with observing(subject.process.pid, probing) as (observer, clock):
            later(observer, clock)
    assert descriptors() == before


def test_where_nobody_may_look_at_connections_how_many_there_are_is_not_known(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(pid: int) -> SockDiag:
        raise SockDiagError("sock_diag: Address family not supported by protocol")

    monkeypatch.setattr(observer_module, "SockDiag", refused)
    with observing(subject.process.pid, "off") as (observer, clock):
        later(observer, clock)
        assert observer.report().lines is None
        assert "sock_diag" in observer.source.missing


# -- the past of lines, with samples of our own


def sample(
    cookie: int, *, rtt: int = 1000, again: int = 0, segments: int = 0, sent: int = 0, queued: int = 0
) -> Socket:
    info = bytearray(SIZE)
    info[0] = 1
    struct.pack_into("=I", info, 68, rtt)
    struct.pack_into("=I", info, 100, again)
    struct.pack_into("=I", info, 156, segments)
    struct.pack_into("=Q", info, 200, sent)
    identity = struct.pack("=BBBB", socket.AF_INET, 1, 0, 0) + struct.pack(">HH", 80, 81) + bytes(32)
    return Socket(cookie, 1, 1, 0, queued, 80, identity, bytes(info))


def age(one: Socket, rtt_age: int) -> Socket:
    """The same, whose round-trip time was measured so many milliseconds ago."""
    info = bytearray(one.info)
    struct.pack_into("=I", info, 44, rtt_age)
    return one._replace(info=bytes(info))


def test_counts_are_those_of_the_window() -> None:
    lines = Lines()
    for second in range(30):
        lines.take(float(second), [sample(1, sent=100 * second)], None)
    [line] = lines.of([1])
    assert (line.sent, line.span) == (100 * WINDOW, float(WINDOW))
    assert len(line.rtt_past) == 30


def test_samples_that_are_far_apart_say_their_span() -> None:
    lines = Lines()
    for at in range(5):
        lines.take(at * 25.0, [sample(1, sent=100 * at, rtt=at + 1)], None)
    [line] = lines.of([1])
    assert (line.sent, line.span) == (100, 25.0)
    assert len(line.rtt_past) == MINUTE
    assert line.rtt_past[-25:] == (5,) * 25


def test_the_past_is_a_minute_and_no_more() -> None:
    lines = Lines()
    for second in range(500):
        lines.take(float(second), [sample(1, rtt=second + 1)], None)
    [line] = lines.of([1])
    assert line.rtt_past == tuple(range(441, 501))


def test_the_past_has_the_spread_of_each_second() -> None:
    lines = Lines()
    for second in range(3):
        one = sample(1, rtt=10)
        info = bytearray(one.info)
        struct.pack_into("=I", info, 72, 7 + second)
        lines.take(float(second), [one._replace(info=bytes(info))], None)
    [line] = lines.of([1])
    assert (line.rtt_past, line.rtt_var_past) == ((10, 10, 10), (7, 8, 9))


def test_what_probes_counted_is_taken_over_the_window_too() -> None:
    lines = Lines()
    for second in range(12):
        sends = 5 * second
        counts = SocketCounts(sends, 1, 0, 2, 3, 4 * second, 0, 0, 0, second)
        lines.take(float(second), [sample(1)], {1: counts})
    [line] = lines.of([1])
    assert (line.sends, line.short_sends, line.full, line.state_changes) == (50, 0, 40, 10)
    lines.take(12.0, [sample(1)], None)
    assert lines.of([1])[0].sends is None


def test_counters_that_start_anew_are_no_negative_counts() -> None:
    lines = Lines()
    lines.take(0.0, [sample(1, sent=500, again=9, segments=9)], {1: SocketCounts(*[9] * 10)})
    lines.take(1.0, [sample(1)], {1: SocketCounts(*[1] * 10)})
    [line] = lines.of([1])
    assert (line.sent, line.retransmitted, line.segments, line.sends) == (0, 0, 0, 0)


def test_the_worst_come_first() -> None:
    calm = [sample(100 + number) for number in range(WORST + 10)]
    lines = Lines()
    lines.take(0.0, [*calm, sample(1), sample(2), sample(3)], None)
    worse = [sample(1, rtt=700_000), sample(2, again=30, segments=100), sample(3, queued=1_000_000)]
    lines.take(1.0, [*calm, *worse], None)
    assert len(lines.worst()) == WORST
    assert [line.cookie for line in lines.worst()][:3] == [3, 1, 2]
    assert lines.rtt_median == 1000


def test_who_rests_counts_neither_in_the_median_nor_among_the_worst() -> None:
    """His round-trip time is as it was when he was last sent something."""
    lines = Lines()
    old = [age(sample(1 + number, rtt=900_000), STALE) for number in range(3)]
    calm = [sample(100 + number) for number in range(WORST)]
    lines.take(0.0, [*old, *calm[:1], age(sample(4, rtt=7_000), STALE - 1)], None)
    assert (lines.rtt_count, lines.rtt_median) == (2, 1_000)
    lines.take(1.0, [*old, *calm], None)
    assert {line.cookie for line in lines.worst()} == {one.cookie for one in calm}
    assert [line.rtt_age for line in lines.of([1])] == [STALE]


def test_what_rests_costs_no_memory_anew() -> None:
    lines = Lines()
    for second in range(WINDOW + 5):
        lines.take(float(second), [sample(1, sent=7)], None)
    assert len({id(kept) for kept in lines._tracks[1].counters}) == 1


def test_a_rate_that_the_server_itself_held_down_is_none_of_the_line() -> None:
    info = read_tcp_info(bytes(SIZE))._replace(delivery_rate=69_000_000)
    ends = ("127.0.0.1:1", "127.0.0.1:2")
    rates = [
        line_of(1, ends, one, info, 1.0, state=1, queued=0, unread=0).delivery_rate
        for one in (info, info._replace(rate_limited_by_us=True))
    ]
    assert rates == [69_000_000, None]


def test_a_round_trip_that_was_never_measured_and_a_window_that_is_in_use() -> None:
    """However somebody came by the figures of TCP: the observer, and the server that asks its own socket."""
    info = read_tcp_info(bytes(SIZE))._replace(rtt_min=0xFFFFFFFF, window=10_000, unsent=1_000)
    ends = ("127.0.0.1:1", "127.0.0.1:2")
    line = line_of(1, ends, info, info, 1.0, state=1, queued=4_000, unread=0)
    assert (line.rtt_min, line.window, line.state) == (0, 7_000, "established")
