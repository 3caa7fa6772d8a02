"""What `/metrics` tells of the server: each is read off its own counters when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hubbub.core.errors import Code
from hubbub.server.readings import Readings
from hubbub.server.web.families import Family, Labelled, Measured, Spread


def _one(read: Callable[[Readings], float]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((), read(readings))]


def _named(read: Callable[[Readings], dict[str, int]]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((name,), value) for name, value in read(readings).items()]


def _by_code(read: Callable[[Readings], dict[Code, int]]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((code.value,), value) for code, value in read(readings).items()]


def _connections(readings: Readings) -> dict[str, int]:
    others = {"http": readings.http, "relay": readings.relay, "new": readings.silent}
    return {**readings.here.connections, **others}


SERVER_FAMILIES: Final = (
    Family("hubbub_people", "gauge", "People who are here, each once.", _one(lambda r: r.people)),
    Family(
        "hubbub_people_by_dialect",
        "gauge",
        "People who are here by this dialect; by two of them, they count in both.",
        _named(lambda r: r.here.people),
        ("dialect",),
    ),
    Family(
        "hubbub_connections",
        "gauge",
        "Open connections; `new` has not said yet what it speaks.",
        _named(_connections),
        ("dialect",),
    ),
    Family(
        "hubbub_connections_slow",
        "gauge",
        "Connections that read too slowly.",
        _one(lambda r: r.slow),
    ),
    Family(
        "hubbub_queued_bytes",
        "gauge",
        "Bytes that wait for slow connections.",
        _one(lambda r: r.queued),
    ),
    Family(
        "hubbub_connections_welcomed",
        "counter",
        "Connections that said what they speak, HTTP aside.",
        _one(lambda r: r.counts.welcomed),
    ),
    Family(
        "hubbub_connections_refused",
        "counter",
        "Connections that were closed unserved.",
        _one(lambda r: r.counts.refused),
    ),
    Family(
        "hubbub_connections_dismissed",
        "counter",
        "Connections that an admin closed.",
        _one(lambda r: r.counts.dismissed),
    ),
    Family(
        "hubbub_messages",
        "counter",
        "Messages that were kept and told, in rooms and talks.",
        _one(lambda r: r.counts.messages),
    ),
    Family(
        "hubbub_deliveries",
        "counter",
        "Messages written to connections: one that 100 hear counts 100.",
        _one(lambda r: r.counts.deliveries),
    ),
    Family(
        "hubbub_delivery_seconds",
        "histogram",
        "From the oldest request of a commit group to the last write of what it told, for each message.",
        lambda r: Spread([Measured(r.counts.delivery)]),
    ),
    Family(
        "hubbub_commit_seconds",
        "histogram",
        "From the first append of a commit group until it is kept, for each append.",
        lambda r: Spread([Measured(r.counts.commit)]),
    ),
    Family(
        "hubbub_sync_seconds",
        "histogram",
        "What the disk took for a commit group (fdatasync).",
        lambda r: Spread([Measured(r.counts.sync)]),
    ),
    Family(
        "hubbub_loop_lag_seconds",
        "histogram",
        "By how much the event loop came too late to a timer, 20 times a second.",
        lambda r: Spread([Measured(r.counts.lag)]),
    ),
    Family("hubbub_transfers", "gauge", "Files on their way.", _one(lambda r: r.transfers)),
    Family(
        "hubbub_file_bytes",
        "counter",
        "Bytes of files that passed: through connections, or by HTTP.",
        _named(Readings.file_bytes),
        ("way",),
    ),
    Family("hubbub_log_bytes", "gauge", "Bytes of the log's segments.", _one(lambda r: r.log_bytes)),
    Family(
        "hubbub_read_only",
        "gauge",
        "1 while nothing can be kept, with a full disk for instance.",
        _one(lambda r: r.read_only),
    ),
    Family("hubbub_compacting", "gauge", "1 while a compaction runs.", _one(lambda r: r.compacting)),
    Family("hubbub_compactions", "counter", "Compactions that ended well.", _one(lambda r: r.compactions)),
    Family(
        "hubbub_requests_throttled",
        "counter",
        "Requests that had to wait for the rate of their connection.",
        _one(lambda r: r.counts.throttled),
    ),
    Family(
        "hubbub_requests_refused",
        "counter",
        "Requests that were refused, by code (docs/protocol.md).",
        _by_code(lambda r: r.counts.refusals),
        ("code",),
    ),
    Family("hubbub_logins", "counter", "Logins that succeeded.", _one(lambda r: r.counts.logins)),
    Family(
        "hubbub_logins_failed",
        "counter",
        "Logins that failed, by code.",
        _by_code(lambda r: r.counts.logins_failed),
        ("code",),
    ),
    Family("hubbub_log_errors", "counter", "Lines of level error in the log.", _one(lambda r: r.errors)),
    Family(
        "hubbub_process_cpu_seconds",
        "counter",
        "Processor time of the server, all threads.",
        _one(lambda r: r.process.processor()),
    ),
    Family(
        "hubbub_process_resident_memory_bytes",
        "gauge",
        "Memory of the server.",
        _one(lambda r: r.process.memory()),
    ),
)
