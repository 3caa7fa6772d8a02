"""What Prometheus gets, from a started server; and what stands about it in docs/."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from hubbub.adapters.search_fts5 import Fts5Search
from hubbub.observe.logs import open_log
from hubbub.observe.server_log import ServerLog
from hubbub.server.compose import Server, new_memory_journal
from hubbub.server.config import Config
from hubbub.server.sampling import Sampler
from hubbub.server.web.families import BOUNDS
from hubbub.server.web.metrics import BUILD, FAMILIES, STARTED
from server.watched import PASSWORD, Watched, watched
from serving import serving

ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"^\| `(hubbub_\w+)` \| (\w+) \|([^|]*)\| ([^|]+) \|$", re.MULTILINE)
TOKEN = "a-token-that-nobody-guesses"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "data") as house:
        yield house


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each sample, by name and the values of its labels."""
    return {
        (one.name, tuple(one.labels.values())): one.value
        for family in plain_text(text)
        for one in family.samples
    }


def test_counters_are_true(house: Watched) -> None:
    """5 messages, to the three who are there: each adds what it adds, and nothing else does."""
    bob, carol = house.server.ndjson("Bob"), house.server.websocket("Carol")
    before = values(house.ask("/metrics").text)
    for number in range(5):
        bob.say("message/send", text=f"number {number}")
    for _ in range(5):
        carol.get("message")
    bob.ask("no/such")
    house.server.ndjson().ask("auth/login", username="admin", password="wrong")
    after = values(house.ask("/metrics").text)

    def grown(name: str, *labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0.0)

    assert grown("hubbub_messages_total") == 5
    assert grown("hubbub_deliveries_total") == 15
    assert grown("hubbub_delivery_seconds_count") == 5
    assert grown("hubbub_requests_refused_total", "unknown_action") == 1
    assert grown("hubbub_logins_failed_total", "bad_credentials") == 1
    assert grown("hubbub_connections_welcomed_total") == 1
    assert grown("hubbub_sync_seconds_count") >= 1
    assert after["hubbub_people", ()] == 3
    assert after["hubbub_connections", ("websocket",)] == 1
    assert after["hubbub_log_bytes", ()] > before["hubbub_log_bytes", ()]


def test_histograms_add_up(house: Watched) -> None:
    found = values(house.ask("/metrics").text)
    buckets = [found["hubbub_commit_seconds_bucket", (str(bound),)] for bound in BOUNDS]
    assert buckets == sorted(buckets)
    assert found["hubbub_commit_seconds_bucket", ("+Inf",)] == found["hubbub_commit_seconds_count", ()] > 0
    assert 0 < found["hubbub_commit_seconds_sum", ()] < 60


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2", OPEN_METRICS),
        ("application/openmetrics-text; version=x.y; escaping=?", OPEN_METRICS),
        ("text/plain; version=latest; escaping=?", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_it_is_text_or_openmetrics(house: Watched, accept: str | None, kind: str) -> None:
    told = house.ask("/metrics", Accept=accept) if accept is not None else house.ask("/metrics")
    assert (told.status, told.headers["content-type"]) == (200, kind)
    parse = open_metrics if kind == OPEN_METRICS else plain_text
    shown = {one.name for family in parse(told.text) for one in family.samples}
    # While somebody looks into the kernel:
    seen = {"hubbub_kernel_rtt_median_seconds", "hubbub_kernel_verdicts"}
    assert {one.shown for one in FAMILIES if one.kind == "gauge"} - shown == seen


# -- who may


def test_on_this_machine_it_is_open(house: Watched) -> None:
    assert house.ask("/metrics", token=None).status == 200
    assert house.ask("/metrics", "HEAD", token=None).status == 200
    assert house.ask("/metrics", "POST", token=None).status == 405


@pytest.mark.parametrize("token", ["a-token-that-nobody-guesses", None])
def test_elsewhere_it_wants_the_token_or_an_admin(tmp_path: Path, token: str | None) -> None:
    env = {} if token is None else {"HUBBUB_METRICS_TOKEN": token}
    with watched(tmp_path / "data", listen=("127.0.0.1:0", "0.0.0.0:0"), **env) as house:
        port = house.server.addresses[1][1]
        assert port != house.server.port
        member = house.server.ndjson().ask("auth/register", username="Member", password=PASSWORD)
        for wrong in (None, "nonsense", TOKEN[:-1], TOKEN + "x"):
            told = house.ask("/metrics", token=wrong, port=port)
            assert (told.status, told.content["code"]) == (401, "unauthenticated")
        assert house.ask("/metrics", token=member["payload"]["token"], port=port).status == 403
        assert house.ask("/metrics", token=house.token, port=port).status == 200
        assert house.ask("/metrics", token=TOKEN, port=port).status == (401 if token is None else 200)
        assert house.ask("/api/v1/admin/connections", token=TOKEN, port=port).status == 401


def test_behind_a_proxy_this_machine_is_no_privilege() -> None:
    with serving(HUBBUB_WEB_PUBLIC_HOSTS="chat.example.org") as server:
        assert Watched(server, TOKEN).ask("/metrics", token=None).status == 401


def test_the_token_is_shown_nowhere(tmp_path: Path) -> None:
    with serving(HUBBUB_METRICS_TOKEN=TOKEN, HUBBUB_LOG_LEVEL="debug") as server:
        told = Watched(server, TOKEN).ask("/metrics")
        assert told.status == 200
        assert TOKEN not in told.text
    assert TOKEN not in server.log
    assert TOKEN not in server.banner
    assert TOKEN not in repr(Config().metrics) + repr(Config())


# -- the sampler, by a clock of the test


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_hour_goes_round() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        log = ServerLog(open_log("error", "json", sys.stderr))
        search = Fts5Search(None, None, "", loop, log.warned)
        server = Server(Config(), new_memory_journal(loop, log.counts), search, log, loop)
        clock, wall = Clock(), Clock()
        sampler = Sampler(server.readings, loop, clock=clock, wall=wall, rows=5)
        for second in range(8):
            log.counts.messages += second
            log.counts.delivery.record(0.002, second)
            clock.now += 1
            wall.now += 1
            sampler.take()
        _, columns = sampler.ring.read()
        assert columns["at"] == [104_000, 105_000, 106_000, 107_000, 108_000]
        assert columns["messages"] == [3, 4, 5, 6, 7]
        assert columns["delivery_p99"] == [2_000] * 5
        assert columns["commit_p99"] == [None] * 5
        assert Sampler(server.readings, loop).ring.size == 576_000 + 4 * 3_600
        await server.filing.close()
        await search.close()
        await server.journal.close()
        server.passwords.close()
        server.wheel.stop()

    asyncio.run(play())


# -- the pages


def test_every_metric_is_in_the_table() -> None:
    rows = {(name, kind, labels.strip(" `"), about.strip()) for name, kind, labels, about in _rows()}
    known = {(one.shown, one.kind, ", ".join(one.labels), one.about) for one in (BUILD, STARTED, *FAMILIES)}
    assert rows == known


def _rows() -> list[tuple[str, str, str, str]]:
    return TABLE.findall((ROOT / "docs" / "metrics.md").read_text())


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "expr":
                yield part
            else:
                yield from _expressions(part)
    elif isinstance(value, list):
        for part in value:
            yield from _expressions(part)


def test_the_board_asks_for_metrics_that_are_there() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text())
    known = {one.shown for one in (BUILD, STARTED, *FAMILIES)}
    for one in FAMILIES:
        if one.kind == "histogram":
            known |= {f"{one.name}_bucket", f"{one.name}_sum", f"{one.name}_count"}
    expressions = list(_expressions(board))
    assert len(expressions) > 15
    for expression in expressions:
        named = re.findall(r"hubbub_\w+", expression)
        assert named, expression
        assert set(named) <= known, expression
