"""What a process does under probes, and whether they count it: known numbers, of known sizes, each way.

Each exercise gets probes that are open and a process (`Subject`) with a connection to itself.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hubbub.observe.kernel.buckets import bucket_of, lowest
from hubbub.observe.kernel.figures import Call, Happening
from hubbub.observe.kernel.hooks import ASKED, TELLS_ASKED
from hubbub.observe.kernel.probes import Probes
from kernel.subject import Subject

PATIENCE = 20.0
"""Seconds for what must come: a machine that is all software is slow."""

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
    "read": "os.read(client.fileno(), len(data))",
    "readv": "os.readv(client.fileno(), [bytearray(len(data))])",
}
TRACED = """
data = bytes(1_000)
for _ in range(3): server.sendmsg([data])
for _ in range(3): client.recvmsg(1_000, 0, socket.MSG_WAITALL)
"""
FILL = """
server.setblocking(False); whole = sends = 0
while True:
    try: whole += server.send(bytes(65_536))
    except BlockingIOError: break
    finally: sends += 1
"""
CUT = """
def drain():
    while client.recv(1 << 16): pass
reader = threading.Thread(target=drain); reader.start()
server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
server.setblocking(False); short = 0; much = bytes(1 << 20)
for _ in range(100):
    try: short += server.send(much) < len(much)
    except BlockingIOError: short += 1
    select.select([], [server], [])
server.shutdown(socket.SHUT_WR); reader.join()
"""
"""To a peer that reads as fast as it can: most of these queues have room again when the call returns."""
THREADS = """
def drain():
    while client.recv(1 << 16): pass
reader = threading.Thread(target=drain); reader.start()
def work(size):
    for _ in range(500): server.sendall(bytes(size))
threads = [threading.Thread(target=work, args=(size,)) for size in (1, 10, 100, 1_000)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
server.shutdown(socket.SHUT_WR); reader.join()
"""
DROP = """
import ctypes, struct
drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
client.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HxxxxxxP", 1, ctypes.addressof(drop)))
"""
"""A filter (SO_ATTACH_FILTER) that lets no packet in: whoever sends, sends again."""
TAKE = "client.setsockopt(socket.SOL_SOCKET, 27, bytes(4))"
"""Without it again (SO_DETACH_FILTER)."""
CHILD = """
child = os.fork()
if child == 0:
    server.send(b"from the child"); os._exit(0)
os.waitpid(child, 0)
"""


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201


class Checks:
    """Of one set of hooks: each check says what was seen, and what should be."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, check: str, seen: object, expected: object) -> None:
        say(set=self.name, check=check, seen=seen, expected=expected)

    @contextmanager
    def going_on(self, check: str) -> Iterator[None]:
        """What goes wrong here is said, and is not the end."""
        try:
            yield
        except Exception:  # noqa: BLE001 (whatever it is)
            self(check, traceback.format_exc()[-1500:], "no error")


def until(condition: Callable[[], object]) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def by_socket(probes: Probes) -> bool:
    """Kprobes alone know of no socket."""
    return "kprobe tcp_sendmsg" not in probes.source.attached


def knows_asked(probes: Probes) -> bool:
    """How much a send was to take."""
    return not {TELLS_ASKED, ASKED}.isdisjoint(probes.source.attached)


def ways(check: Checks, probes: Probes, subject: Subject) -> None:
    """Each way out and in: calls, bytes, sizes; at the socket the same."""
    cookie = "int.from_bytes({}.getsockopt(socket.SOL_SOCKET, 57, 8), 'little')"

    def sums(call: Call, end: str) -> list[int]:
        of = probes.calls()[call]
        found = [of.count, of.bytes, of.sizes.get(bucket_of(1_000), 0), of.failed, of.again]
        if by_socket(probes):
            at = probes.sockets()[subject.number(cookie.format(end))]
            found += [at.sends, at.send_bytes] if call == "send" else [at.receives, at.receive_bytes]
        return found

    expected = [50, 50_000, 50, 0, 0, *([50, 50_000] if by_socket(probes) else [])]
    for way, source in WAYS_OUT.items():
        before = sums("send", "server")
        subject(f"for _ in range(50):\n    {source}\n    client.recv(len(data), socket.MSG_WAITALL)")
        check(way, [now - then for now, then in zip(sums("send", "server"), before, strict=True)], expected)
    for way, source in WAYS_IN.items():
        before = sums("receive", "client")
        subject(f"for _ in range(50):\n    server.send(data)\n    {source}")
        check(
            way, [now - then for now, then in zip(sums("receive", "client"), before, strict=True)], expected
        )


def oddities(check: Checks, probes: Probes, subject: Subject) -> None:
    """What is only looked at; a socket of the machine itself; nothing there; another process."""
    subject("server.send(b'hello'); client.recv(5, socket.MSG_PEEK); client.recv(5)")
    subject("left, right = socket.socketpair(); left.send(b'hello'); right.recv(5)")
    subject("client.setblocking(False)\ntry: client.recv(10)\nexcept BlockingIOError: pass")
    subject(CHILD)
    calls = probes.calls()
    # Instead of sock_send_length, TCP alone is seen, and what is looked at counts as received.
    whole = "sock_send_length" in probes.source.attached
    check(
        "looked at, of the machine, nothing there, of a child",
        [[one.count, one.bytes, one.again] for one in (calls["send"], calls["receive"])],
        [[2, 10, 0], [4, 10, 1]] if whole else [[1, 5, 0], [3, 10, 1]],
    )
    check("missed, lost", [probes.missed, probes.lost], [0, 0])


def pages(check: Checks, probes: Probes, subject: Subject) -> None:
    """A file that is sent by sendfile: in as many sends as the kernel likes, but all of its bytes."""
    subject("file = open('/tmp/pages', 'w+b'); file.truncate(40_000)")
    subject("os.sendfile(server.fileno(), file.fileno(), 0, 40_000); client.recv(40_000, socket.MSG_WAITALL)")
    send = probes.calls()["send"]
    check("a file: bytes, sends", [send.bytes, sum(send.sizes.values())], [40_000, send.count])
    if by_socket(probes):
        of_it = probes.sockets()[subject.number("cookie")]
        check("a file: at the socket", [of_it.sends, of_it.send_bytes], [send.count, 40_000])


def threads(check: Checks, probes: Probes, subject: Subject) -> None:
    """Several at once, on two processors."""
    subject(THREADS)
    calls = probes.calls()
    check("threads: calls, bytes", [calls["send"].count, calls["send"].bytes], [2_000, 500 * 1_111])
    check("threads: received", calls["receive"].bytes, 500 * 1_111)
    check(
        "threads: sizes",
        sorted(calls["send"].sizes.items()),
        [[bucket_of(size), 500] for size in (1, 10, 100, 1_000)],
    )
    if "sys_enter" in probes.source.attached:
        check("threads: timed", sum(calls["send"].took.values()), 2_000)
    if by_socket(probes):
        busiest = max((one.sends, one.send_bytes) for one in probes.sockets().values())
        check("threads: at the socket", busiest, [2_000, 500 * 1_111])


def short_sends(check: Checks, probes: Probes, subject: Subject) -> None:
    """A peer that does not read, and then does."""
    subject(FILL)
    cookie = subject.number("cookie")
    sends, whole = subject("sends"), subject("whole")
    calls = probes.calls()["send"]
    check("full: calls, bytes, again", [calls.count, calls.bytes, calls.again], [sends, whole, 1])
    if not by_socket(probes):
        return
    check("full: time", until(lambda: probes.sockets()[cookie].full > 20_000), True)
    of_it = probes.sockets()[cookie]
    check(
        "full: at the socket",
        [of_it.sends, of_it.send_bytes, 1 <= of_it.short_sends <= 2],
        [sends, whole, True],
    )
    check("full: told", "full" in [one.kind for one in probes.happenings() if one.cookie == cookie], True)
    subject("while whole: whole -= len(client.recv(min(whole, 1 << 20)))")
    subject("while not select.select([], [server], [], 10)[1]: pass")
    subject("server.send(b'x')")
    after = probes.sockets()[cookie]
    stands = probes.sockets()[cookie].full == after.full
    check("full: no longer", [after.short_sends, stands], [of_it.short_sends, True])


def part(check: Checks, probes: Probes, subject: Subject) -> None:
    """A send of which the kernel takes a part: short, unless the queue drains while it returns."""
    taken = subject.number("server.setblocking(False); server.send(bytes(64 << 20))")
    if by_socket(probes):
        of_it = probes.sockets()[subject.number("cookie")]
        check("a part", [of_it.sends, of_it.send_bytes, of_it.short_sends <= 1], [1, taken, True])
        if knows_asked(probes):
            check("a part: short", of_it.short_sends, 1)


def cut(check: Checks, probes: Probes, subject: Subject) -> None:
    """Sends that are cut short, and whose queue drains while they return."""
    subject(CUT)
    if by_socket(probes):
        seen = [probes.sockets()[subject.number("cookie")].short_sends, probes.socket_sums().short_sends]
        short = subject.number("short")
        exact = [short, short] if knows_asked(probes) else [min(one, short) for one in seen]
        check("cut short: all of them, or no more", seen, exact)


def happenings(check: Checks, probes: Probes, subject: Subject) -> None:
    """Opened, sent again, closed, reset."""
    subject(DROP)
    subject("server.send(b'again')")
    told: list[Happening] = []

    def sent_again() -> list[int]:
        told.extend(probes.happenings())
        return [one.cookie for one in told if one.kind == "retransmit"]

    until(sent_again)
    check("sent again", sent_again()[:1], [subject("cookie")])
    subject(TAKE)
    check("sent again: it came", subject("client.recv(10).decode()"), "again")
    probes.happenings()
    subject("near = socket.create_connection(listener.getsockname()); far, _ = listener.accept()")
    mine, port = subject("near.getsockname()[1]"), subject("listener.getsockname()[1]")
    subject("far.close(); near.recv(1); near.close()")
    check(
        "opened, closed",
        sorted(
            [one.kind, one.local, one.peer, one.detail]
            for one in probes.happenings()
            if one.kind != "retransmit"  # the line before has its own
        ),
        sorted(
            [
                ["opened", f"127.0.0.1:{mine}", f"127.0.0.1:{port}", "syn_sent → established"],
                ["opened", f"127.0.0.1:{port}", f"127.0.0.1:{mine}", "syn_recv → established"],
                ["closed", f"127.0.0.1:{port}", f"127.0.0.1:{mine}", "established → fin_wait1"],
                ["closed", f"127.0.0.1:{mine}", f"127.0.0.1:{port}", "established → close_wait"],
            ]
        ),
    )
    subject("server.send(b'unread'); client.setsockopt(1, 13, b'\\1\\0\\0\\0\\0\\0\\0\\0'); client.close()")
    check("reset", until(lambda: "reset_received" in [one.kind for one in probes.happenings()]), True)


def times(check: Checks, probes: Probes, subject: Subject) -> None:
    """How many calls were timed, where they are."""
    subject("file = open('/tmp/file', 'wb'); epoll = select.epoll()")
    before = probes.calls()
    subject("for _ in range(20): os.fdatasync(file.fileno())")
    subject("for _ in range(7): os.fsync(file.fileno())")
    subject("for _ in range(5): epoll.poll(0.01)")
    subject("for _ in range(30): server.sendmsg([b'x']); os.write(file.fileno(), b'no socket')")
    subject("for _ in range(30): client.recvmsg(1)")
    calls = probes.calls()
    attached = probes.source.attached
    check("send, receive", [calls["send"].count, calls["receive"].count], [30, 30])
    timed = {one: sum(of.took.values()) - sum(before[one].took.values()) for one, of in calls.items()}
    if "sys_enter" in attached:
        check("timed", timed, {"send": 30, "receive": 30, "wait": 5, "sync": 27})
    elif "kprobe __sys_sendmsg" in attached:
        check("timed", timed, {"send": 30, "receive": 30})
    else:
        check("timed", timed, {"send": 0, "receive": 0})


def trace(check: Checks, probes: Probes, subject: Subject) -> None:
    """A record of each call."""
    with probes.trace() as traced:
        subject(TRACED)
        calls = traced.calls()
        server, known = subject("cookie"), by_socket(probes)
        seen = [[one.call, one.result, one.cookie == server] for one in calls]
        check("traced", seen, [["send", 1_000, known]] * 3 + [["receive", 1_000, False]] * 3)
        check("traced: timed", [one.took is not None and one.fd is not None for one in calls], [True] * 6)
        check("traced: lost", traced.lost, 0)


def waits(check: Checks, probes: Probes, subject: Subject) -> None:
    """A thread that shares its processor with a busy one."""
    with Subject() as hog:
        for one in (hog, subject):
            one("os.sched_setaffinity(0, {0}); wanted = threading.Event()")
            one("threading.Thread(target=lambda: [None for _ in iter(wanted.is_set, True)]).start()")

        def long_waits() -> int:
            found = probes.run_queue().waits or {}
            return sum(count for bucket, count in found.items() if lowest(bucket) > 1_000_000)

        check("waits", until(lambda: long_waits() > 5), True)


EXERCISES: tuple[Callable[[Checks, Probes, Subject], None], ...] = (
    *(ways, oddities, pages, threads, short_sends, part, cut, happenings, times, trace, waits),
)
