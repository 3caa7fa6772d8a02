"""What the probes count, against what a process is known to have done: exactly, each way in and out."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Callable

import pytest

from hubbub.observe.kernel import hooks
from hubbub.observe.kernel.buckets import bucket_of, lowest
from hubbub.observe.kernel.probes import Probes, SocketCounts
from kernel.exercises import CUT
from kernel.subject import PAIR, Subject
from serving import until

Observe = Callable[..., Probes]

WAYS_OUT = {
    "send": "server.send(data)",
    "sendto": "server.sendto(data, client.getsockname())",
    "sendmsg": "server.sendmsg([data[:10], data[10:]])",
    "write": "os.write(server.fileno(), data)",
    "writev": "os.writev(server.fileno(), [data[:7], data[7:]])",
    "sendfile": "os.sendfile(server.fileno(), file.fileno(), 0, len(data))",
}
WAYS_IN = {
    "recv": "client.recv(len(data), socket.MSG_WAITALL)",
    "recvfrom": "client.recvfrom(len(data), socket.MSG_WAITALL)[0]",
    "recvmsg": "client.recvmsg(len(data), 0, socket.MSG_WAITALL)[0]",
    "recv_into": "client.recv_into(bytearray(len(data)), len(data), socket.MSG_WAITALL)",
    "read": "os.read(client.fileno(), len(data))",
    "readv": "os.readv(client.fileno(), [bytearray(len(data))])",
}


def counts(probes: Probes, subject: Subject, end: str = "server") -> SocketCounts:
    """Of one end of the subject's connection."""
    cookie = subject.number(f"int.from_bytes({end}.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)")
    return probes.sockets()[cookie]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_is_sent_is_counted_each_way(observe: Observe, subject: Subject, way: str) -> None:
    subject("data = bytes(1_000); file = open('/proc/self/exe', 'rb')")
    probes = observe(subject.pid)

    subject(f"for _ in range(50): {WAYS_OUT[way]}")

    send = probes.calls()["send"]
    assert (send.count, send.bytes, send.failed, send.again) == (50, 50_000, 0, 0)
    assert send.sizes == {bucket_of(1_000): 50}
    of_it = counts(probes, subject)
    assert (of_it.sends, of_it.send_bytes, of_it.short_sends, of_it.full) == (50, 50_000, 0, 0)


@pytest.mark.parametrize("way", WAYS_IN)
def test_what_is_received_is_counted_each_way(observe: Observe, subject: Subject, way: str) -> None:
    subject("data = bytes(1_000)")
    probes = observe(subject.pid)

    subject(f"for _ in range(50):\n    server.send(data)\n    {WAYS_IN[way]}")

    receive = probes.calls()["receive"]
    assert (receive.count, receive.bytes, receive.failed, receive.again) == (50, 50_000, 0, 0)
    of_it = counts(probes, subject, "client")
    assert (of_it.receives, of_it.receive_bytes) == (50, 50_000)


def test_several_threads_are_counted_exactly(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid, everything=True)

    subject(
        """
def drain():
    while client.recv(1 << 16): pass
reader = threading.Thread(target=drain); reader.start()
def work(size):
    for _ in range(5_000): server.sendall(bytes(size))
threads = [threading.Thread(target=work, args=(size,)) for size in (1, 10, 100, 1_000)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
server.shutdown(socket.SHUT_WR); reader.join()
"""
    )

    calls = probes.calls()
    assert (calls["send"].count, calls["send"].bytes) == (20_000, 5_000 * 1_111)
    assert calls["send"].sizes == {bucket_of(size): 5_000 for size in (1, 10, 100, 1_000)}
    assert sum(calls["send"].took.values()) == 20_000
    assert calls["receive"].bytes == 5_000 * 1_111
    of_it = counts(probes, subject)
    assert (of_it.sends, of_it.send_bytes) == (20_000, 5_000 * 1_111)


def test_other_processes_are_not_counted(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as one,
        listener.accept()[0] as other,
    ):
        one.send(b"not theirs")
        other.recv(100)

    assert subject("server.send(b'theirs')") == 6

    assert (probes.calls()["send"].count, probes.calls()["send"].bytes) == (1, 6)
    assert probes.calls()["receive"].count == 0


def test_nothing_to_read_is_no_failure(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)

    subject("client.setblocking(False)")
    subject("try: client.recv(10)\nexcept BlockingIOError: pass")
    subject("server.close()")
    subject("client.setblocking(True); client.recv(1)")
    subject("try:\n    for _ in range(3): client.send(b'x'); time.sleep(0)\nexcept BrokenPipeError: pass")

    calls = probes.calls()
    assert (calls["receive"].count, calls["receive"].again, calls["receive"].failed) == (2, 1, 0)
    assert calls["send"].count in (2, 3)
    assert calls["send"].failed == 1  # the reset came


def test_what_is_only_looked_at_is_not_received_twice(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)

    subject("server.send(b'hello'); client.recv(5, socket.MSG_PEEK); client.recv(5)")

    receive = probes.calls()["receive"]
    assert (receive.count, receive.bytes) == (2, 5)
    assert counts(probes, subject, "client").receive_bytes == 5


def test_a_peer_that_does_not_read_fills_the_queue(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    subject(
        """
server.setblocking(False); whole = sends = 0
while True:
    try: whole += server.send(bytes(65_536))
    except BlockingIOError: break
    finally: sends += 1
"""
    )

    until(lambda: counts(probes, subject).full > 20_000)
    of_it = counts(probes, subject)
    assert (of_it.sends, of_it.send_bytes) == (subject("sends"), subject("whole"))
    assert 1 <= of_it.short_sends <= 2  # a part, and then nothing
    assert probes.calls()["send"].again == 1
    assert "full" in [told.kind for told in probes.happenings() if told.cookie == subject("cookie")]

    subject("while whole: whole -= len(client.recv(min(whole, 1 << 20)))")
    subject("while not select.select([], [server], [], 10)[1]: pass")
    subject("server.send(b'x')")
    after = counts(probes, subject)
    assert after.short_sends == of_it.short_sends
    assert counts(probes, subject).full == after.full  # it stands still


def test_a_send_of_which_a_part_is_taken_is_short(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    subject("server.setblocking(False)")

    part = subject.number("server.send(bytes(64 << 20))")

    assert part < 64 << 20
    of_it = counts(probes, subject)
    assert (of_it.sends, of_it.send_bytes, of_it.short_sends) == (1, part, 1)
    assert probes.calls()["send"].again == 0


def test_a_queue_that_was_filled_to_its_brim_is_full_until_there_is_room(
    observe: Observe, subject: Subject
) -> None:
    """Though nothing is sent after that: whoever filled it has no rest to send."""
    probes = observe(subject.pid)
    subject(
        """
server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
server.setblocking(False); whole = 0
import fcntl
epoll = select.epoll(); epoll.register(server, select.EPOLLIN | select.EPOLLOUT)
"""
    )

    def filled() -> bool:
        subject("epoll.poll(0)")  # that waits for room, from two thirds on
        subject("part = server.send(bytes(2_000)); whole += part")
        return counts(probes, subject).full > 0

    until(filled)
    assert subject("part") == 2_000
    before = counts(probes, subject).full
    until(lambda: counts(probes, subject).full > before)
    subject("while whole: whole -= len(client.recv(min(whole, 1 << 20)))")
    subject("while fcntl.ioctl(server, 0x5411, bytes(4)) != bytes(4): pass")  # SIOCOUTQ: it is empty
    ended = counts(probes, subject).full
    assert [counts(probes, subject).full for _ in range(3)] == [ended] * 3


@pytest.mark.parametrize("everything", [False, True])
def test_short_sends_whose_queue_drains_at_once_are_counted_where_it_is_known_how_much_was_asked(
    observe: Observe, subject: Subject, *, everything: bool
) -> None:
    """Which takes Linux 6.16 and all of the probes; else some are missed."""
    probes = observe(subject.pid, everything=everything)

    subject(CUT)

    short = subject.number("short")
    counted = counts(probes, subject).short_sends
    assert short > 50
    assert counted == short if hooks.ASKED in probes.source.attached else counted <= short
    assert probes.socket_sums().short_sends == counted


def test_sizes_fall_into_their_buckets(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 100, 1_000, 4_095, 4_096, 20_000]

    subject(
        f"for size in {sizes}:\n    server.sendall(bytes(size))\n    client.recv(size, socket.MSG_WAITALL)"
    )

    assert probes.calls()["send"].sizes == Counter(map(bucket_of, sizes))


def test_sockets_of_the_machine_are_in_the_sums_alone(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)

    subject("left, right = socket.socketpair(); left.send(b'hello'); right.recv(5)")

    assert (probes.calls()["send"].count, probes.calls()["send"].bytes) == (1, 5)
    assert not any(one.sends for one in probes.sockets().values())


def test_connections_are_known_before_anything_is_sent(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    assert counts(probes, subject) == SocketCounts(*[0] * 10)  # there before us

    subject(PAIR.replace("server, _", "later, _"))  # at a listener that came after us …
    assert counts(probes, subject, "later").sends == 0
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.socket() as mine:
        mine.connect(("127.0.0.1", subject.number("listener.getsockname()[1]")))  # … that has not accepted
        (mine_told,) = [one for one in probes.happenings() if one.peer.endswith(f":{mine.getsockname()[1]}")]
    assert mine_told.detail == "syn_recv → established"
    assert mine_told.cookie in probes.sockets()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_opening_and_closing_is_told(observe: Observe, subject: Subject, host: str) -> None:
    subject(
        f"listener = socket.create_server(('{host}', 0), family=socket.AF_INET6 if ':' in '{host}' else 2)"
    )
    probes = observe(subject.pid)
    shown = f"[{host}]" if ":" in host else host
    port = subject.number("listener.getsockname()[1]")

    subject("near = socket.create_connection(listener.getsockname()[:2]); far, _ = listener.accept()")
    mine = subject.number("near.getsockname()[1]")
    subject("far.close(); near.recv(1); near.close()")

    told = {(one.kind, one.local, one.detail): one for one in probes.happenings()}
    assert set(told) == {
        ("opened", f"{shown}:{mine}", "syn_sent → established"),
        ("opened", f"{shown}:{port}", "syn_recv → established"),
        ("closed", f"{shown}:{port}", "established → fin_wait1"),
        ("closed", f"{shown}:{mine}", "established → close_wait"),
    }
    assert {one.peer for one in told.values()} == {f"{shown}:{mine}", f"{shown}:{port}"}
    assert len({one.cookie for one in told.values()}) == 2
    now = subject("time.time()")
    assert isinstance(now, float)
    assert all(now - 60 < one.at <= now + 1 for one in told.values())


def test_changes_of_state_are_counted(observe: Observe, subject: Subject) -> None:
    """At each end alike: the listener, and what leads up to `established`, are none."""
    probes = observe(subject.pid)
    subject("far = socket.create_server(('127.0.0.1', 0))")
    subject("near = socket.create_connection(far.getsockname())")
    assert counts(probes, subject, "near").state_changes == 1
    subject("far, _ = far.accept()")
    assert counts(probes, subject, "far").state_changes == 1
    assert counts(probes, subject).state_changes == 0  # there before us

    subject("far.shutdown(socket.SHUT_WR); near.recv(1)")

    until(lambda: counts(probes, subject, "far").state_changes == 3)  # fin_wait1, fin_wait2
    assert counts(probes, subject, "near").state_changes == 2  # close_wait
    subject("near.close(); far.close()")
    until(lambda: probes.socket_sums().state_changes == 1 + 3 + 4)


RESET = "{}.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0'); {}.close()"


def test_resets_are_told_and_counted(observe: Observe, subject: Subject) -> None:
    """Also once the sockets are gone; until then at the socket."""
    probes = observe(subject.pid)

    subject("server.send(b'unread'); " + RESET.format("client", "client"))

    until(lambda: "reset_received" in [one.kind for one in probes.happenings()])
    assert counts(probes, subject).resets_received == 1
    subject("server.close()")
    sums = probes.socket_sums()
    assert (sums.resets_sent, sums.resets_received, sums.state_changes) == (1, 1, 2)


def acknowledgement(source: int, to: int) -> bytes:
    """A TCP segment over loopback, of no connection (RFC 9293 §3.1)."""
    begun = struct.pack(">HHIIBBH", source, to, 1, 1, 5 << 4, 16, 512)
    pseudo = socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", socket.IPPROTO_TCP, len(begun) + 4)
    summed = sum(struct.unpack(">14H", pseudo + begun))
    return begun + struct.pack(">HH", ~(summed + (summed >> 16)) & 0xFFFF, 0)


def test_a_listener_that_sends_resets_hands_none_on(observe: Observe, subject: Subject) -> None:
    """To an acknowledgement of nothing, it answers so; whom it accepts then begins with nothing."""
    probes = observe(subject.pid)
    port = subject.number("listener.getsockname()[1]")
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.sendto(acknowledgement(9, port), ("127.0.0.1", 0))
        until(lambda: "reset_sent" in [one.kind for one in probes.happenings()])

    subject("client = socket.create_connection(listener.getsockname()); server, _ = listener.accept()")

    assert counts(probes, subject).resets_sent == 0
    assert probes.socket_sums().resets_sent == 0


def test_a_full_queue_ends_with_its_connection(observe: Observe, subject: Subject) -> None:
    """The sums have what it was, and grow while it lasts."""
    probes = observe(subject.pid)
    subject("server.setblocking(False); server.send(bytes(64 << 20))")
    until(lambda: counts(probes, subject).full > 20_000)
    begun = counts(probes, subject)
    assert probes.socket_sums().full == begun.full
    of_it = counts(probes, subject)
    assert of_it.full > begun.full

    subject(RESET.format("server", "server"))

    whole = probes.socket_sums()
    assert whole.full > of_it.full
    assert whole.short_sends == of_it.short_sends == 1
    probes.sockets()
    assert probes.socket_sums() == whole


def test_how_long_calls_take(observe: Observe, subject: Subject, tmp_path: object) -> None:
    subject(f"file = open({str(tmp_path)!r} + '/file', 'wb'); epoll = select.epoll()")
    probes = observe(subject.pid, everything=True)

    subject("for _ in range(20): os.fdatasync(file.fileno())")
    subject("for _ in range(7): os.fsync(file.fileno())")
    subject("for _ in range(5): epoll.poll(0.01)")
    subject("for _ in range(30): server.send(b'x'); os.write(file.fileno(), b'no socket')")
    subject("for _ in range(30): client.recv(1)")

    calls = probes.calls()
    assert (calls["sync"].count, sum(calls["sync"].took.values())) == (27, 27)
    assert calls["wait"].count == 5
    assert sum(count for bucket, count in calls["wait"].took.items() if lowest(bucket) >= 8_000_000) == 5
    assert (calls["send"].count, sum(calls["send"].took.values())) == (30, 30)
    assert (calls["receive"].count, sum(calls["receive"].took.values())) == (30, 30)


def test_calls_are_not_timed_unless_asked_for(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)

    subject("server.send(b'x')")

    assert set(probes.calls()) == {"send", "receive"}
    assert probes.calls()["send"].took == {}
    assert "sys_enter" not in probes.source.attached
    assert probes.source.missing == {}


def test_waits_for_a_processor(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    with Subject() as hog:
        for one in (hog, subject):
            one("os.sched_setaffinity(0, {0})")
        hog("stop = threading.Event()")
        hog("threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)]).start()")
        subject("wanted = threading.Event()")
        subject("threading.Thread(target=lambda: [None for _ in iter(wanted.is_set, True)]).start()")

        def long_waits() -> int:
            waits = probes.run_queue().waits or {}
            return sum(count for bucket, count in waits.items() if lowest(bucket) > 1_000_000)

        until(lambda: long_waits() > 5)
        subject("wanted.set()")
        hog("stop.set()")


def test_sends_again_are_told(observe: Observe) -> None:
    with Subject("unshare", "--net") as subject:
        subject("import subprocess; run = lambda *words: subprocess.run(words, check=True).returncode")
        subject("os.environ['PATH'] += ':/usr/sbin:/sbin'; run('ip', 'link', 'set', 'lo', 'up')")
        subject(PAIR)
        probes = observe(subject.pid)
        subject("run('nft', 'add table ip t; add chain ip t in { type filter hook input priority 0; }')")
        subject("run('nft', f'add rule ip t in tcp dport {client.getsockname()[1]} drop')")

        subject("server.send(b'lost')")

        until(lambda: [one for one in probes.happenings() if one.kind == "retransmit"])
