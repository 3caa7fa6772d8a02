"""`GET /metrics`: what Prometheus scrapes, as text or as OpenMetrics.

Nothing is counted for it: at each scrape the collector reads the server's own counters. Labels have few
values (dialects, codes), none comes from outside.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.observe.histograms import Histogram
from hubbub.server.readings import Readings
from hubbub.server.web.admins import FRESH, refused, token_of_request
from hubbub.wire.openapi import Endpoint

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

PATH: Final = "/metrics"
BOUNDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds: the buckets of all histograms."""
_OPEN_METRICS: Final = "application/openmetrics-text"

Who = Callable[[Request], Bearer | Refusal]
Labelled = Iterable[tuple[tuple[str, ...], float]]


class Family(NamedTuple):
    """One metric: `read` gives its values with their labels, or its histogram."""

    name: str
    """Of a counter without the `_total` that it ends with when it is scraped."""
    kind: Literal["gauge", "counter", "histogram"]
    about: str
    read: Callable[[Readings], Labelled | Histogram]
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """As it is scraped."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def _one(read: Callable[[Readings], float]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((), read(readings))]


def _named(read: Callable[[Readings], dict[str, int]]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((name,), value) for name, value in read(readings).items()]


def _by_code(read: Callable[[Readings], dict[Code, int]]) -> Callable[[Readings], Labelled]:
    return lambda readings: [((code.value,), value) for code, value in read(readings).items()]


def _connections(readings: Readings) -> dict[str, int]:
    others = {"http": readings.http, "relay": readings.relay, "new": readings.silent}
    return {**readings.here.connections, **others}


FAMILIES: Final = (
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
        lambda r: r.counts.delivery,
    ),
    Family(
        "hubbub_commit_seconds",
        "histogram",
        "From the first append of a commit group until it is kept, for each append.",
        lambda r: r.counts.commit,
    ),
    Family(
        "hubbub_sync_seconds",
        "histogram",
        "What the disk took for a commit group (fdatasync).",
        lambda r: r.counts.sync,
    ),
    Family(
        "hubbub_loop_lag_seconds",
        "histogram",
        "By how much the event loop came too late to a timer, 20 times a second.",
        lambda r: r.counts.lag,
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
BUILD: Final = Family(
    "hubbub_build_info", "gauge", "1, with the version of the server.", lambda _: (), ("version",)
)
STARTED: Final = Family("hubbub_start_time_seconds", "gauge", "When it started (Unix time).", lambda _: ())

METRICS_ENDPOINTS: Final = (
    Endpoint(
        "get",
        PATH,
        "Metrics for Prometheus, in OpenMetrics where Accept names it. On a loopback listener they are for"
        " everybody, elsewhere for whoever has the token of `metrics.token`, and for admins.",
        "text/plain",
        refusals=(401, 403),
        security="metrics",
    ),
)


class MetricsPage:
    """The endpoint, and a collector of prometheus_client behind it."""

    def __init__(
        self,
        readings: Readings,
        who: Who,
        *,
        version: str,
        started: float,
        token: str | None,
        open_on_loopback: bool,
    ) -> None:
        """`token` lets in whoever has it; `open_on_loopback`: whoever is on this machine is let in."""
        self._readings = readings
        self._who = who
        self._version = version
        self._started = started
        self._token = None if token is None else token.encode()
        self._open_on_loopback = open_on_loopback
        self._registry: CollectorRegistry | None = None

    async def get(self, request: Request) -> Response:
        """What there is now."""
        refusal = self._refused(request)
        if refusal is not None:
            return refused(refusal)
        if self._registry is None:  # it is dear to import, and most servers are never scraped
            self._registry = await asyncio.get_running_loop().run_in_executor(None, self._open)
        body, kind = _rendered(self._registry, request.headers.get("accept", ""))
        return Response(body, 200, {**FRESH, "Vary": "Accept", "Content-Type": kind})

    def _refused(self, request: Request) -> Refusal | None:
        if self._open_on_loopback and request.state.visitor.loopback:
            return None
        token = token_of_request(request)
        if self._token is not None and token is not None and hmac.compare_digest(token.encode(), self._token):
            return None
        asker = self._who(request)
        return asker if isinstance(asker, Refusal) else None

    def _open(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry

        registry = CollectorRegistry(auto_describe=False)  # its own: nothing of the process slips in
        registry.register(self)
        return registry

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client.registry.Collector."""
        from prometheus_client.core import GaugeMetricFamily

        build = GaugeMetricFamily(BUILD.name, BUILD.about, labels=BUILD.labels)
        build.add_metric([self._version], 1)
        yield build
        yield GaugeMetricFamily(STARTED.name, STARTED.about, value=self._started, unit=_unit(STARTED))
        for family in FAMILIES:
            yield _metric(family, family.read(self._readings))


def _metric(family: Family, found: Labelled | Histogram) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    unit = _unit(family)
    if isinstance(found, Histogram):
        buckets = [
            (str(bound), float(count)) for bound, count in zip(BOUNDS, found.below(BOUNDS), strict=True)
        ]
        buckets.append(("+Inf", float(found.count)))
        return HistogramMetricFamily(
            family.name, family.about, buckets=buckets, sum_value=found.sum / 1_000_000, unit=unit
        )
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.about, labels=family.labels, unit=unit)
    for labels, value in found:
        metric.add_metric(labels, float(value))
    return metric


def _unit(family: Family) -> str:
    """What the name ends with, as OpenMetrics has it."""
    last = family.name.rpartition("_")[2]
    return last if last in ("seconds", "bytes") else ""


def _rendered(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The text and its type. Not by the library's own choice, which a strange Accept makes fail."""
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as openmetrics

    if _OPEN_METRICS in accept.lower():
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return text, openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4
