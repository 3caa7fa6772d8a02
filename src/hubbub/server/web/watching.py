"""What operators watch a server by, put together: the live stream, the list of connections, `/metrics`."""

from __future__ import annotations

import time
from typing import Final

from starlette.routing import Route

from hubbub import __version__
from hubbub.server.config import Config
from hubbub.server.probing import Probing
from hubbub.server.readings import Readings
from hubbub.server.sampling import Sample, Sampler
from hubbub.server.session import Connection
from hubbub.server.surroundings import Surroundings
from hubbub.server.web import connections, kernel, live, metrics, paths
from hubbub.server.web.admins import Admins
from hubbub.server.web.connections import Connections
from hubbub.server.web.kernel import KernelPages
from hubbub.server.web.live import Live
from hubbub.server.web.metrics import MetricsPage
from hubbub.server.web.paths import PathsPage
from hubbub.server.why import Why

WATCHING: Final = (
    *live.LIVE_ENDPOINTS,
    *connections.CONNECTION_ENDPOINTS,
    *metrics.METRICS_ENDPOINTS,
    *paths.PATH_ENDPOINTS,
    *kernel.KERNEL_ENDPOINTS,
)
"""For `/openapi.json`."""
LIVE_LINES: Final = 20
"""Connections of which each second is told to who watches."""


class Watching:
    """The endpoints of one server."""

    def __init__(
        self,
        config: Config,
        shared: Surroundings[Connection],
        readings: Readings,
        sampler: Sampler,
        why: Why,
        probing: Probing,
        *,
        started: float,
        open_on_loopback: bool,
    ) -> None:
        """`started` is Unix time in seconds; `open_on_loopback`: who is on this machine may see metrics."""
        entrance = shared.service.entrance
        who = Admins(entrance.bearer, entrance.administration.role).who
        self.live = Live(
            sampler.ring,
            shared.log.tail,
            who,
            server=config.server.name,
            version=__version__,
            started=started,
            most=config.metrics.max_watchers,
            kernel=lambda: (readings.kernel.heat(time.time()), why.kernel(LIVE_LINES)),
        )
        self._probing = probing
        sampler.on_sample = self._on_sample
        readings.kernel.on_report = self._on_report
        readings.kernel.verdicts = why.verdicts
        self._why = why
        self._connections = Connections(shared, who)
        self._paths = PathsPage(shared.paths, who)
        self._kernel = KernelPages(why, who)
        self._metrics = MetricsPage(
            readings,
            who,
            version=__version__,
            started=started,
            token=config.metrics.token,
            open_on_loopback=open_on_loopback,
        )

    def routes(self) -> list[Route]:
        """For the app."""
        return [
            Route(live.PATH, self.live.serve),
            Route(connections.PATH, self._connections.get),
            Route(connections.PATH + "/{id}", self._connections.delete, methods=["DELETE"]),
            Route(metrics.PATH, self._metrics.get),
            Route(paths.PATH, self._paths.get),
            Route(kernel.KERNEL_PATH, self._kernel.kernel),
            Route(kernel.WHY_PATH, self._kernel.why),
        ]

    def _on_sample(self, sample: Sample) -> None:
        if self.live.watching:
            self._probing.watch()  # where nobody looks into the kernel unasked
        self.live.on_sample(sample)

    def _on_report(self) -> None:
        if self.live.watching:
            self.live.on_kernel(self._why.kernel(LIVE_LINES))

    def close(self) -> None:
        """The server stops."""
        self.live.close()
