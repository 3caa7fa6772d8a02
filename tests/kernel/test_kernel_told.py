"""What is told of the kernel adds up: happenings that are too many for a report, and what `/metrics` says."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from hubbub.observe.kernel.figures import HAPPENINGS
from hubbub.observe.kernel.observer import Observer
from hubbub.observe.kernel.verdict import Cause
from kernel.conftest import why_no_probes
from kernel.subject import Subject
from kernel.test_serve_probes import ATTACHED, AUTO, children, looking, watched
from kernel.test_why import who_does_not_read
from serving import Server, until

pytestmark = pytest.mark.skipif(bool(why_no_probes()), reason=why_no_probes())


@pytest.fixture
def observer(subject: Subject) -> Iterator[Observer]:
    with closing(Observer(subject.pid, "on")) as one:
        yield one


def test_what_is_too_much_for_a_report_is_counted_as_lost(observer: Observer, subject: Subject) -> None:
    """Both ends of 100 connections open, which is twice as much."""
    observer.report()
    subject("lines = [socket.create_connection(listener.getsockname()) for _ in range(100)]")

    report = observer.report()
    assert len(report.happenings) == HAPPENINGS == 100
    assert report.lost == 100
    assert observer.report().lost == 100


def scraped(server: Server) -> dict[str, float]:
    """By the name, and behind it the value of each label."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return {
        " ".join((one.name, *one.labels.values())): one.value
        for family in parsed(text)
        for one in family.samples
    }


def once(server: Server, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    found: dict[str, float] = {}

    def holds() -> bool:
        found.clear()
        found.update(scraped(server))
        return condition(found)

    until(holds, 60)  # a machine that is busy has calm seconds
    return found


def test_metrics_tell_sizes_and_times_of_calls_and_how_far_people_are() -> None:
    with watched(HUBBUB_PROBES_EVERYTHING="true", **AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        alice, bob = one.server.json("Alice"), one.server.json("Bob")
        for number in range(50):
            alice.say("Broadcast", content="x" * 5_000)
            assert bob.get("NewMessage"), number
        told = once(one.server, lambda told: told.get("hubbub_kernel_call_bytes_total send", 0) > 250_000)

    sizes, times = "hubbub_kernel_call_size_bytes", "hubbub_kernel_call_seconds"
    assert told[f"{sizes}_sum send"] == told["hubbub_kernel_call_bytes_total send"]
    assert told[f"{sizes}_bucket send 16384.0"] - told[f"{sizes}_bucket send 4096.0"] >= 50
    assert told[f"{sizes}_bucket send +Inf"] == told[f"{sizes}_count send"]
    assert told[f"{times}_bucket send 1e-06"] < told[f"{times}_bucket send 0.1"]
    assert 0 < told["hubbub_kernel_rtt_median_seconds"] < 10
    assert told["hubbub_kernel_probes"] == 1


def test_metrics_tell_what_is_rare_and_how_many_are_slow_and_why() -> None:
    """Somebody who reads nothing, until his connection is reset: what he had stays in the sums."""
    with watched(HUBBUB_LIMITS_MESSAGE_RATE="10000", **AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        mute = who_does_not_read(one.server, "Carl").sock
        ann = one.server.ndjson("Ann")
        for number in range(100):  # more than the kernels' buffers between them take
            ann.ask("message/send", f"m{number}", text="x" * 60_000)

        def stuck(told: dict[str, float]) -> bool:
            full = told["hubbub_kernel_send_queue_full_seconds_total"] > 0.5
            return full and told.get("hubbub_kernel_verdicts reader") == 1

        told = once(one.server, stuck)
        assert told["hubbub_kernel_short_sends_total"] >= 1
        before = told["hubbub_kernel_resets_total received"]
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        mute.close()
        told = once(one.server, lambda told: told["hubbub_kernel_resets_total received"] == before + 1)
        told = once(one.server, lambda told: told["hubbub_kernel_verdicts reader"] == 0)

    causes = {name: count for name, count in told.items() if name.startswith("hubbub_kernel_verdicts ")}
    assert set(causes) == {f"hubbub_kernel_verdicts {cause}" for cause in get_args(Cause)}
    assert told["hubbub_kernel_state_changes_total"] >= 4
    assert told["hubbub_kernel_send_queue_full_seconds_total"] > 0.5


def test_metrics_tell_no_more_what_nobody_sees() -> None:
    with watched(**AUTO) as one:
        one.until_logged(ATTACHED.pattern)
        alice = one.server.json("Alice")
        once(one.server, lambda told: "hubbub_kernel_rtt_median_seconds" in told)
        os.kill(_keeper(one.server), signal.SIGKILL)
        told = once(one.server, lambda told: told["hubbub_kernel_probes"] == 0)
        assert "hubbub_kernel_rtt_median_seconds" not in told
        alice.say("Broadcast", content="the chat goes on")


def _keeper(server: Server) -> int:
    looking(server)
    [keeper] = children(server.process.pid)
    return keeper
