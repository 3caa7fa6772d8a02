"""A record for each call, while somebody watches; and what is lost is counted."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hubbub.observe.kernel.probes import Probes, ProbesError, TracedCall
from kernel.subject import Subject

Observe = Callable[..., Probes]


def only_sockets(calls: list[TracedCall]) -> list[TracedCall]:
    return [one for one in calls if one.call in ("send", "receive")]


@pytest.mark.parametrize("everything", [False, True])
def test_each_call_has_its_record(observe: Observe, subject: Subject, everything: bool) -> None:
    subject("client.setblocking(False); file = open('/dev/shm/traced', 'wb'); os.unlink(file.name)")
    probes = observe(subject.pid, everything=everything)
    began = time.time()

    with probes.trace() as trace:
        subject("server.send(b'hello')")
        subject("client.recv(100)")
        subject("try: client.recv(100)\nexcept BlockingIOError: pass")
        subject("os.fdatasync(file.fileno())")
        calls = trace.calls()
        assert trace.lost == 0

    sent, received, nothing = only_sockets(calls)
    (synced,) = [one for one in calls if one.call == "sync"]
    assert (sent.result, received.result, nothing.result) == (5, 5, -11)
    assert (sent.error, nothing.error) == (None, "EAGAIN")
    assert (sent.cookie, sent.fd) == (subject("cookie"), subject("server.fileno()"))
    assert received.fd == nothing.fd == subject("client.fileno()")
    assert (synced.cookie, synced.fd) == (None, subject("file.fileno()"))
    assert all(one.took is not None and one.took > 0 for one in calls)
    assert began - 1 < sent.at <= received.at <= nothing.at <= synced.at < time.time() + 1


def test_without_it_nothing_is_recorded_or_timed(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    with probes.trace():
        subject("server.send(b'x')")
    subject("server.send(b'y')")

    with probes.trace() as trace:
        subject("server.send(b'zz')")
        assert [one.result for one in only_sockets(trace.calls())] == [2]

    assert set(probes.calls()) == {"send", "receive"}
    assert probes.calls()["send"].took == {}


def test_without_the_hook_that_times_there_are_records_still(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid, without=("sys_enter",))

    with probes.trace() as trace:
        subject("server.send(b'hello')")
        (sent,) = trace.calls()

    assert (sent.call, sent.result, sent.cookie) == ("send", 5, subject("cookie"))
    assert (sent.fd, sent.took) == (None, None)


def test_one_at_a_time(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid)
    trace = probes.trace()
    with pytest.raises(ProbesError, match="somebody traces already"):
        probes.trace()
    trace.close()
    trace.close()
    assert trace.calls() == []
    probes.trace().close()


def test_what_is_lost_is_counted(observe: Observe, subject: Subject) -> None:
    probes = observe(subject.pid, trace_ring=4096)

    with probes.trace() as trace:
        subject("for _ in range(1_000): server.send(b'x')")
        kept = len(only_sockets(trace.calls()))
        lost = trace.lost

    assert 0 < kept < 100
    assert kept + lost >= 1_000
    assert trace.lost == lost
    assert probes.calls()["send"].count == 1_000
