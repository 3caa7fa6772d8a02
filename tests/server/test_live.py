"""The live stream and the list of connections, from a started server."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from hubbub.core.errors import Code, Refusal
from hubbub.core.files import Bearer
from hubbub.observe.kernel.facts import Fact
from hubbub.observe.kernel.figures import CallFigures, Line, Machine, Report, RunQueue, SocketSums, Source
from hubbub.observe.kernel.verdict import Verdict
from hubbub.observe.ring import Ring
from hubbub.observe.tail import LINES, MAX_TEXT, LogLine, Tail
from hubbub.server.kernel_seen import HeatView
from hubbub.server.paths import Acknowledged
from hubbub.server.paths import Path as MessagePath
from hubbub.server.readings import DIALECTS
from hubbub.server.sampling import COLUMNS, Sample
from hubbub.server.web.connections import ConnectionList, ConnectionRow
from hubbub.server.web.live import MOST_WAITING, End, Live, Past
from hubbub.server.web.paths import PathList
from hubbub.server.why import JoinedHappening, JoinedLine, KernelView
from server.http_apps import LOOPS, LoopFactory, site
from server.http_apps import until as soon
from server.watched import CONNECTIONS, LIVE, PASSWORD, Watched, watched
from serving import until

FEED = Path(__file__).parents[2] / "web" / "src" / "dashboard" / "feed.ts"
HERE = {"text": 1, "json": 1, "protobuf": 0, "ndjson": 2, "websocket": 1}
KERNEL_FEED = FEED.parent / "kernel" / "shapes.ts"
ADMIN = Bearer(1, "admin", True)
NOTHING_SEEN = HeatView(0, 10, {}, {}), KernelView(Source(False), "", None)
HOUSE: Any = {"server": "house", "version": "1", "started": 0.0, "most": 4, "kernel": lambda: NOTHING_SEEN}


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "data") as house:
        yield house


# -- the stream


def test_numbers_are_true(house: Watched) -> None:
    """10 messages to all but their author, who is in plain text, and one to all five."""
    server = house.server
    watcher = house.watch()
    past = watcher.next("past")
    assert past["every"] == 1000
    assert set(past["columns"]) == set(Sample.__struct_fields__)
    speaker, alice = server.text("Speaker"), server.json("Alice")
    server.ndjson("Bob")
    server.websocket("Carol")
    for number in range(10):
        speaker.say(f"number {number}")
    speaker.settle()
    alice.say("Broadcast", content="and one more")
    samples: list[dict[str, Any]] = []
    for name, data in watcher.events():
        if name == "sample":
            samples.append(data)
            if sum(one["messages"] for one in samples) >= 11:
                break
    assert sum(one["messages"] for one in samples) == 11
    assert sum(one["deliveries"] for one in samples) == 10 * 4 + 5
    last = samples[-1]
    assert last["people"] == 5
    assert {kind: last[f"people_{kind}"] for kind in DIALECTS} == HERE
    assert {kind: last[f"connections_{kind}"] for kind in DIALECTS} == HERE
    assert (last["connections_http"], last["connections_new"]) == (1, 0)
    assert last["memory"] > 10_000_000
    assert last["log_bytes"] > 0
    for one in samples:
        assert one["lag_max"] >= one["lag_p99"] >= 0
        if one["messages"]:  # the disk is a part of the commit, and that a part of the delivery
            assert 0 < one["sync_p50"] <= one["commit_p99"]
            assert one["delivery_p50"] <= one["delivery_p99"]


def test_a_page_opened_later_sees_what_was_before(house: Watched) -> None:
    first = house.watch()
    seen = [first.next("sample")["at"], first.next("sample")["at"]]
    columns = house.watch().next("past")["columns"]
    assert set(seen) <= set(columns["at"])
    assert len({len(column) for column in columns.values()}) == 1
    thinned = house.watch("?points=1").next("past")
    assert thinned["every"] >= 2000
    assert {len(column) for column in thinned["columns"].values()} == {1}


def test_the_last_lines_of_the_log_come_first_then_new_ones(house: Watched) -> None:
    watcher = house.watch()
    lines = watcher.next("log")
    assert "listening" in [line["event"] for line in lines]
    house.server.text("Newcomer")
    while not any(line["fields"].get("user") == "Newcomer" for line in lines):
        lines += watcher.next("log")
    numbers = [line["number"] for line in lines]
    assert numbers == list(range(1, 1 + len(numbers)))
    (login,) = [line for line in lines if line["fields"].get("user") == "Newcomer"]
    assert (login["level"], login["event"]) == ("info", "login")


def test_content_and_secrets_are_in_none_of_it(house: Watched) -> None:
    watcher = house.watch()
    speaker = house.server.ndjson("Speaker")
    speaker.ask("message/send", text="a whispered content")
    house.server.ndjson().ask("auth/register", username="Somebody", password=PASSWORD)
    house.server.ndjson().ask("auth/login", username="admin", password="a wrong password")
    text = ""
    for _, data in watcher.events():
        text += json.dumps(data)
        if "login refused" in text:
            break
    assert "Speaker" in text
    for secret in ("whispered", PASSWORD, "a wrong password", house.token):
        assert secret not in text


# -- who may, and until when


def test_all_of_it_is_for_admins(house: Watched) -> None:
    guest = house.server.ndjson("Guest").welcome["token"]
    member = house.server.ndjson().ask("auth/register", username="Member", password=PASSWORD)
    (victim,) = [one["id"] for one in house.ask(CONNECTIONS).content["connections"] if one["user"] == "Guest"]
    for path, method in ((LIVE, "GET"), (CONNECTIONS, "GET"), (f"{CONNECTIONS}/{victim}", "DELETE")):
        for token in (None, "nonsense"):
            told = house.ask(path, method, token=token)
            assert (told.status, told.content["code"]) == (401, "unauthenticated")
            assert told.headers["www-authenticate"] == "Bearer"
        for token in (guest, member["payload"]["token"]):
            told = house.ask(path, method, token=token)
            assert (told.status, told.content["code"]) == (403, "forbidden")
    assert victim in [one["id"] for one in house.ask(CONNECTIONS).content["connections"]]


@pytest.mark.parametrize("points", ["0", "3601", "x", "", "-1", "9" * 400])
def test_points_that_are_none(house: Watched, points: str) -> None:
    told = house.ask(f"{LIVE}?points={points}")
    assert (told.status, told.content["field"]) == (400, "points")
    assert len(told.text) < 400


def test_it_ends_when_the_role_is_taken(house: Watched) -> None:
    watcher = house.watch(token=house.make_admin("Zoe"))
    watcher.next("sample")
    house.give_role("Zoe", "member")
    assert list(watcher.events())[-1] == ("end", {"reason": "forbidden"})


def test_it_ends_with_the_login(house: Watched) -> None:
    token = house.make_admin("Zoe")
    watcher = house.watch(token=token)
    watcher.next("sample")
    zoe = house.server.ndjson()
    assert zoe.ask("auth/login", username="Zoe", token=token)["status"] == 200
    zoe.say("auth/logout")
    assert list(watcher.events())[-1] == ("end", {"reason": "logged_out"})


def test_it_ends_with_the_server(tmp_path: Path) -> None:
    with watched(tmp_path / "data") as house:
        watcher = house.watch()
        watcher.next("sample")
        house.server.process.terminate()
        assert list(watcher.events())[-1] == ("end", {"reason": "drain"})


def test_no_more_watch_than_may(tmp_path: Path) -> None:
    with watched(tmp_path / "data", HUBBUB_METRICS_MAX_WATCHERS="2") as house:
        watchers = [house.watch(), house.watch()]
        for watcher in watchers:
            watcher.next("past")
        told = house.ask(LIVE)
        assert (told.status, told.content["limit"]) == (429, "metrics.max_watchers")
        assert int(told.headers["retry-after"]) > 0
        watchers[0].close()
        until(lambda: house.watch().response.status == 200)


@pytest.mark.parametrize("factory", LOOPS)
def test_who_does_not_read_is_let_go_and_the_others_go_on(factory: LoopFactory) -> None:
    """By the system's buffers it would take hours: so each second is made large here."""

    async def play() -> None:
        tail, ring = Tail(), Ring(COLUMNS)
        live = Live(ring, tail, lambda _: ADMIN, **HOUSE)
        async with site(app=Starlette(routes=[Route(LIVE, live.serve)])) as here:
            _, idler = await here.connect()
            reader, watcher = await here.connect()
            for writer in (idler, watcher):
                writer.write(f"GET {LIVE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            idle = cast("asyncio.Transport", idler.transport)
            idle.pause_reading()
            await soon(lambda: live.watching == 2)
            seconds = 0
            while live.watching == 2:
                assert seconds < 1_000
                for _ in range(LINES):
                    tail(None, "info", {"event": "x" * MAX_TEXT, "reason": "y" * MAX_TEXT})
                live.on_sample(_sample(seconds))
                await _hear(reader, b'{"at":%d,' % seconds)
                seconds += 1
            assert live.watching == 1
            assert seconds > MOST_WAITING
            live.on_sample(_sample(1_000_000))
            await _hear(reader, b'{"at":1000000,')
            idle.resume_reading()
            await soon(lambda: len(here.server.open) == 1)
            assert '"status": 500' not in here.log.getvalue()
            assert "Traceback" not in here.log.getvalue()
            for writer in (idler, watcher):
                writer.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(play())


@pytest.mark.parametrize("factory", LOOPS)
def test_who_may_watch_no_more_and_does_not_read_is_cut_off(factory: LoopFactory) -> None:
    """Else whoever stops reading before his role is taken keeps his connection, and what waits for it."""

    async def play() -> None:
        tail, ring = Tail(), Ring(COLUMNS)
        who: list[Bearer | Refusal] = [ADMIN]
        live = Live(ring, tail, lambda _: who[0], **HOUSE, farewell=0.1)
        async with site(app=Starlette(routes=[Route(LIVE, live.serve)])) as here:
            _, idler = await here.connect()
            idler.write(f"GET {LIVE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            idle = cast("asyncio.Transport", idler.transport)
            idle.pause_reading()
            await soon(lambda: live.watching == 1)
            while not here.streams[0].paused:
                for _ in range(LINES):
                    tail(None, "info", {"event": "x" * MAX_TEXT, "reason": "y" * MAX_TEXT})
                live.on_sample(_sample(0))
                await asyncio.sleep(0)
            assert live.watching == 1
            who[0] = Refusal(Code.FORBIDDEN, "That is for admins.")
            live.on_sample(_sample(1))
            assert live.watching == 0
            await soon(lambda: not here.server.open)
            assert "Traceback" not in here.log.getvalue()
            idler.close()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(play())


async def _hear(reader: asyncio.StreamReader, mark: bytes) -> None:
    """Read on until it comes."""
    heard = b""
    while mark not in heard:
        piece = await reader.read(1 << 20)
        assert piece
        heard = heard[-len(mark) :] + piece


def _sample(at: int) -> Sample:
    return Sample(at, *(0 for _ in Sample.__struct_fields__[1:]))


# -- connections


def test_connections_are_listed_and_closed(house: Watched) -> None:
    bob, text = house.server.ndjson("Bob"), house.server.text("Carol")
    for _ in range(30):
        bob.ask("heartbeat")
    found = house.ask(f"{CONNECTIONS}?sort=rate").content
    assert found["total"] == 3
    first = found["connections"][0]
    assert (first["user"], first["dialect"], first["address"]) == ("Bob", "ndjson", "127.0.0.1")
    assert (first["secure"], first["slow"], first["queued"]) == (False, False, 0)
    assert first["rate"] > 1
    by_age = house.ask(f"{CONNECTIONS}?sort=since").content["connections"]
    assert [one["user"] for one in by_age] == ["admin", "Bob", "Carol"]
    assert [one["since"] for one in by_age] == sorted(one["since"] for one in by_age)
    assert len(house.ask(f"{CONNECTIONS}?limit=2").content["connections"]) == 2

    (carol,) = [one for one in by_age if one["user"] == "Carol"]
    assert (carol["name"], house.ask(f"{CONNECTIONS}/{carol['id']}", "DELETE").status) == ("text-3", 204)
    assert text.line() == "[Server] Your login here has ended, or failed too often."
    assert text.at_end()
    assert house.ask(f"{CONNECTIONS}/{carol['id']}", "DELETE").status == 404
    lines = (line for name, data in house.watch().events() if name == "log" for line in data)
    dismissed = next(line for line in lines if line["event"] == "connection dismissed")
    assert dismissed["fields"] == {"connection": "text-3", "by": "admin"}


def test_who_does_not_read_is_first_in_the_list(house: Watched) -> None:
    idle, busy = house.server.ndjson("Idle"), house.server.ndjson("Busy")
    idle.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = house.ask(CONNECTIONS).content["connections"]
    assert not any(one["slow"] for one in before)

    def is_slow() -> bool:
        for _ in range(10):
            busy.say("message/send", text="x" * 60_000)
            busy.get("message/new")
        first = house.ask(f"{CONNECTIONS}?sort=queue&limit=1").content["connections"][0]
        return bool(first["slow"])

    until(is_slow, 60)
    first = house.ask(f"{CONNECTIONS}?sort=queue&limit=1").content["connections"][0]
    assert first["user"] in ("Idle", "admin")  # who does not read here, either
    assert first["queued"] > 0
    sample = house.watch().next("sample")
    assert sample["slow"] > 0
    assert sample["queued"] >= first["queued"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=name", "sort"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("limit=1&limit=2", None),
    ],
)
def test_a_list_that_cannot_be(house: Watched, query: str, field: str | None) -> None:
    told = house.ask(f"{CONNECTIONS}?{query}")
    assert (told.status, told.content.get("field")) == (400, field)


@pytest.mark.parametrize("id", ["0", "999999", "text-1", "-1", "9" * 4_000, "%00", "١".encode().hex()])
def test_a_connection_that_is_not_there(house: Watched, id: str) -> None:
    told = house.ask(f"{CONNECTIONS}/{id}", "DELETE")
    assert (told.status, told.content["code"]) == (404, "not_found")


# -- the kernel


def test_what_the_kernel_does_is_told_each_second(tmp_path: Path) -> None:
    with watched(tmp_path / "data", HUBBUB_PROBES_MODE="auto") as house:
        _watch_the_kernel(house)


def _watch_the_kernel(house: Watched) -> None:
    alice = house.server.json("Alice")
    watcher = house.watch()
    heat = watcher.next("heat")
    assert len(heat["columns"]["send"]) == 360
    assert {len(column) for kind in heat["columns"].values() for column in kind} == {24}
    users: set[str] = set()
    for name, data in watcher.events():
        if name == "kernel" and data["report"] is not None:
            users = {line["user"] for line in data["lines"]}
            assert data["report"]["worst"] == []
            if "Alice" in users:
                break
        alice.say("Ping")
    assert "Alice" in users


# -- the shapes


def _members(interface: str, file: Path = FEED) -> dict[str, str]:
    body = re.search(rf"export interface {interface} \{{(.*?)\n\}}", file.read_text(), re.DOTALL)
    assert body is not None
    return dict(re.findall(r"^  readonly (\w+): ([^;]+);", body[1], re.MULTILINE))


@pytest.mark.parametrize("kind", [Sample, Past, End, LogLine, ConnectionRow, ConnectionList])
def test_the_dashboard_knows_the_same_shapes(kind: type[msgspec.Struct]) -> None:
    assert list(_members(kind.__name__)) == list(kind.__struct_fields__)


KERNEL = (
    HeatView,
    KernelView,
    Source,
    Report,
    CallFigures,
    RunQueue,
    Machine,
    SocketSums,
    Line,
    Verdict,
    Fact,
)


@pytest.mark.parametrize("kind", [*KERNEL, JoinedLine, JoinedHappening, PathList, MessagePath, Acknowledged])
def test_the_kernel_panels_know_the_same_shapes(kind: type[msgspec.Struct]) -> None:
    assert list(_members(kind.__name__, KERNEL_FEED)) == list(kind.__struct_fields__)


def test_the_dashboard_knows_what_may_be_missing() -> None:
    missing = {name for name, text in _members("Sample").items() if "null" in text}
    assert missing == {name for name, column in COLUMNS.items() if column.sparse}
