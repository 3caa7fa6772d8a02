"""`GET /metrics`: what Prometheus scrapes, as text or as OpenMetrics.

Nothing is counted for it: at each scrape the collector reads the server's own counters. Labels have few
values (dialects, codes), none comes from outside.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from hubbub.core.errors import Refusal
from hubbub.core.files import Bearer
from hubbub.server.readings import Readings
from hubbub.server.web.admins import FRESH, refused, token_of_request
from hubbub.server.web.families import Family, Labelled, Spread
from hubbub.server.web.kernel_metrics import KERNEL_FAMILIES
from hubbub.server.web.server_metrics import SERVER_FAMILIES
from hubbub.wire.openapi import Endpoint

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

PATH: Final = "/metrics"
_OPEN_METRICS: Final = "application/openmetrics-text"

Who = Callable[[Request], Bearer | Refusal]

FAMILIES: Final = (*SERVER_FAMILIES, *KERNEL_FAMILIES)
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


def _metric(family: Family, found: Labelled | Spread) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    unit = _unit(family)
    if isinstance(found, Spread):
        histogram = HistogramMetricFamily(family.name, family.about, labels=family.labels, unit=unit)
        for one in found.histograms:
            below = zip(found.bounds, one.below(found.bounds), strict=True)
            buckets = [(str(bound), float(count)) for bound, count in below]
            histogram.add_metric(one.labels, [*buckets, ("+Inf", float(one.count))], one.sum)
        return histogram
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
