"""Why somebody's chat is slow, asked of a real server: the join, the ways to ask, and who may."""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from hubbub.cli import main
from hubbub.server.control import ControlError, ask
from hubbub.server.sockets import AT_ONCE, Cookies, Sockets
from hubbub.server.why import MOST, JoinedHappening, KernelView, WhyView
from kernel.conftest import why_no_probes
from server.watched import CONNECTIONS, PASSWORD, Watched, watched
from serving import PATIENCE, NdjsonClient, Server, until

SECRET = "xyzzy-plugh"
"""Stands in what is said, and must never come back from here."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def told(data: Path) -> Iterator[Watched]:
    with watched(data) as here:
        yield here


def why(here: Watched, name: str) -> WhyView:
    answer = here.ask(f"/api/v1/admin/why?name={name}")
    assert answer.status == 200, answer
    assert SECRET not in answer.text
    return msgspec.json.decode(answer.text, type=WhyView)


def command(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "hubbub", "why", "--data", str(data), *words]
    return subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)


def unread(data: Path, *words: str) -> int:
    """The exit code where nobody reads what is printed."""
    run = [sys.executable, "-m", "hubbub", "why", "--data", str(data), *words]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(run, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert done.stderr == b""
    return done.returncode


def who_does_not_read(server: Server, name: str = "", **login: str) -> NdjsonClient:
    """Somebody with a small window, who is there."""
    client = NdjsonClient.__new__(NdjsonClient)
    client.sock = socket.socket()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # before it connects: tcp(7)
    client.sock.settimeout(PATIENCE)
    client.sock.connect(("127.0.0.1", server.port))
    client.buffer = b""
    server.clients.append(client)
    client.ask("auth/login", **login or {"username": name})
    return client


def test_where_nothing_is_wrong_it_says_so(told: Watched, data: Path) -> None:
    bob = told.server.websocket("Bob")
    until(lambda: why(told, "Bob").verdict.cause == "nothing", 60)  # a machine that is busy has calm seconds
    view = why(told, "bob")
    assert (view.name, view.account, view.online, view.total) == ("Bob", False, True, 1)
    [device] = view.connections
    assert (device.dialect, device.rooms, device.address) == ("websocket", ("lobby",), "127.0.0.1")
    assert (device.queued, device.held_back) == (0, 0)
    assert device.line is not None
    assert device.line.state == "established"
    assert device.line.rtt > 0
    assert device.line.cookie > 0
    assert {one["name"] for one in told.ask("/api/v1/admin/connections").content["connections"]} >= {
        device.name
    }
    assert view.source.startswith("kernel probes: ")
    until(lambda: command(data, "Bob").returncode == 0, 60)
    until(lambda: unread(data, "Bob") == 0, 60)
    assert bob.hears_nothing()


def test_a_client_that_does_not_read(told: Watched, data: Path) -> None:
    who_does_not_read(told.server, "Carl")
    ann = told.server.ndjson("Ann")

    def found() -> bool:
        for _ in range(20):  # what the kernels' buffers between them take, soon is full
            ann.ask("message/send", text=SECRET * 2_000)
        return why(told, "Carl").verdict.cause == "reader"

    until(found, 60)
    view = why(told, "carl")
    assert view.verdict.rule == "does not read"
    [device] = view.connections
    assert device.line is not None
    assert device.line.window == 0
    assert device.line.unsent + device.queued > 0
    facts = {one.name: one.value for one in view.verdict.facts}
    assert facts["unsent"] == device.line.unsent + device.queued
    assert facts["reader_limited"] > 50
    assert why(told, "Ann").verdict.cause != "reader"  # who writes all that, reads

    done = command(data, "Carl")
    assert done.returncode == 1, done
    assert done.stdout.startswith("Carl: the client does not read what it is sent; ")
    assert "the client's window  closed" in done.stdout
    assert SECRET not in done.stdout
    as_json = command(data, "Carl", "--json")
    assert as_json.returncode == unread(data, "Carl") == unread(data, "Carl", "--json") == 1
    assert msgspec.json.decode(as_json.stdout, type=WhyView).verdict.cause == "reader"


def test_who_was_let_go_since_he_did_not_read(tmp_path: Path) -> None:
    """That is when one asks. A guest's name is nobody's by then."""
    with watched(tmp_path, HUBBUB_LIMITS_MAX_BACKLOG="100000", HUBBUB_LIMITS_MESSAGE_RATE="1000") as here:
        nell = here.server.ndjson()
        account = nell.ask("auth/register", username="Nell", password=PASSWORD)["payload"]
        nell.close()
        until(lambda: not why(here, "Nell").online)
        assert why(here, "Nell").verdict.rule != "let go"  # she has left by herself
        who_does_not_read(here.server, token=account["token"])
        who_does_not_read(here.server, "Carl")
        ann = here.server.ndjson("Ann")

        numbers = count(1)

        def let_go() -> bool:
            for _ in range(20):
                ann.ask("message/send", f"m{next(numbers)}", text="x" * 12_000)
            open_ = {one["user"] for one in here.ask(CONNECTIONS).content["connections"]}
            return not {"Nell", "Carl"} & open_

        until(let_go, 25)
        for name, account in (("nell", True), ("carl", False)):
            view = why(here, name)
            assert (view.account, view.online, view.total) == (account, False, 0)
            assert (view.verdict.cause, view.verdict.rule) == ("reader", "let go")
            assert re.match(
                "is not here: no connection is open; was let go: its client read too slowly; .* ago",
                view.verdict.sentence,
            )
        assert command(tmp_path, "Nell").returncode == command(tmp_path, "Carl").returncode == 1


def test_requests_that_wait_for_their_rate(tmp_path: Path) -> None:
    with watched(tmp_path, HUBBUB_LIMITS_MESSAGE_RATE="2", HUBBUB_LIMITS_MESSAGE_BURST="10") as here:
        dave = here.server.ndjson("Dave")
        for number in range(60):  # half a minute's worth
            dave.say("heartbeat", f"h{number}")
        until(lambda: why(here, "Dave").verdict.cause == "limits", 60)
        view = why(here, "Dave")
        assert view.connections[0].held_back > 0
        assert "requests wait for their rate" in view.verdict.sentence


def test_each_device_of_an_account_has_its_own_verdict(told: Watched) -> None:
    erin = told.server.ndjson()
    erin.ask("auth/register", username="Erin", password=PASSWORD)
    phone = told.server.websocket()
    phone.ask("login", username="Erin", password=PASSWORD)
    view = why(told, "Erin")
    assert (view.account, view.online, view.total) == (True, True, 2)
    assert [one.dialect for one in view.connections] == ["ndjson", "websocket"]
    assert len({one.line.cookie for one in view.connections if one.line is not None}) == 2
    phone.close()
    erin.close()
    until(lambda: not why(told, "Erin").online)
    away = why(told, "Erin")
    assert (away.account, away.total, away.connections) == (True, 0, ())
    assert away.verdict.sentence.startswith("is not here: no connection is open; ")


def test_who_has_more_connections_than_are_shown_is_told_how_many(told: Watched) -> None:
    first = told.server.ndjson().ask("auth/register", username="Fay", password=PASSWORD)["payload"]
    for _ in range(MOST - 1):
        told.server.ndjson().ask("auth/login", token=first["token"])
    who_does_not_read(told.server, token=first["token"])
    told.server.ndjson("Flo").ask("message/send", text=SECRET * 2_000)
    until(lambda: why(told, "Fay").verdict.cause == "reader", 60)
    view = why(told, "Fay")
    assert (view.total, len(view.connections)) == (MOST + 1, MOST)
    newest = max(view.connections, key=lambda one: one.id)
    assert view.connections[0] == newest  # it is worst off, though the server itself keeps nothing for it
    assert newest.queued == 0
    assert view.verdict.rule == newest.verdict.rule
    headline = f"{newest.name}, of {MOST + 1} connections: {newest.verdict.sentence}"
    assert view.verdict.sentence == headline


def test_a_guest_who_left_is_nobody(told: Watched, data: Path) -> None:
    with told.server.text("Gus"):
        assert not why(told, "Gus").account
    until(lambda: told.ask("/api/v1/admin/why?name=Gus").status == 404)
    done = command(data, "Gus")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "hubbub: User 'Gus' not found.\n"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("name=Nobody", 404, "not_found"),
        ("name=a%20b", 400, "name_invalid"),
        ("name=a%1b%5b2J", 400, "name_invalid"),
        ("name=" + "x" * 257, 400, "bad_request"),
        ("name=", 400, "bad_request"),
        ("", 400, "bad_request"),
        ("name=a&name=b", 400, "bad_request"),
    ],
)
def test_names_that_nobody_has(told: Watched, query: str, status: int, code: str) -> None:
    answer = told.ask(f"/api/v1/admin/why?{query}")
    assert (answer.status, answer.content["code"]) == (status, code)


def test_none_of_it_is_for_others(told: Watched) -> None:
    member = told.server.ndjson().ask("auth/register", username="Mia", password=PASSWORD)["payload"]
    guest = told.server.ndjson("Gil").welcome
    for path in ("/api/v1/admin/kernel", "/api/v1/admin/why?name=admin", "/api/v1/admin/why?name=Nobody"):
        assert told.ask(path, token=None).status == 401
        assert told.ask(path, token="nonsense").status == 401
        for token in (member["token"], guest["token"]):
            answer = told.ask(path, token=token)
            assert (answer.status, answer.content["code"]) == (403, "forbidden")
    assert told.ask("/api/v1/admin/kernel", "POST").status == 405


def test_what_the_control_socket_is_asked_wrongly(told: Watched, data: Path) -> None:
    wrong: tuple[object, ...] = (None, 7, ["Bob"], {})
    for name in wrong:
        with pytest.raises(ControlError, match="it has no name"):
            ask(data, "why", name=name)
    assert ask(data, "why", name="a b")["code"] == "name_invalid"
    assert command(data, "a b").returncode == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "'' is not a name: it is empty."),
        ("x\x1b[31m", "'x\\x1b[31m' is not a name: only letters, digits and _ - . are allowed."),
        ("\udcff", "'\\udcff' is not a name: only letters, digits and _ - . are allowed."),
        ("x" * 100_000, f"'{'x' * 32}' is not a name: it is longer than 32 characters."),
    ],
)
def test_what_is_no_name_is_said_without_asking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    """It was taken for the setting `server.name`."""
    assert main(["why", name, "--data", str(tmp_path)]) == 2
    assert capsys.readouterr() == ("", f"hubbub: {told}\n")


def test_the_command_says_where_it_asked(tmp_path: Path) -> None:
    none = command(tmp_path / "none", "Bob")
    assert none.returncode == 3
    assert "no server runs on" in none.stderr
    assert command(Path(":memory:"), "Bob").returncode == 2
    assert command(tmp_path).returncode == 2
    said = command(tmp_path, "--help").stdout
    for code in ("0    nothing is wrong", "1    something is", "2    it was asked wrongly", "3    nobody"):
        assert code in said


def test_behind_a_proxy_it_says_that_it_sees_the_proxy(tmp_path: Path) -> None:
    """The line is that to the proxy, and all that is known of the rest of the way is that there is one."""
    with watched(
        tmp_path,
        HUBBUB_WEB_TRUSTED_PROXIES="127.0.0.1",
        HUBBUB_GUESTS_ALLOW="true",
        HUBBUB_ACCOUNTS_ALLOW_PLAINTEXT_LOGIN="true",
    ) as here:
        here.server.websocket("Kim", X_Forwarded_For="192.0.2.7")
        views: list[WhyView] = []

        def calm() -> bool:  # a machine that is busy has calm seconds; what ails all is no matter of a proxy
            views.append(why(here, "Kim"))
            return views[-1].connections[0].verdict.cause not in ("loop", "disk", "machine")

        until(calm, 60)
        [device] = views[-1].connections
        assert device.address == "192.0.2.7"
        assert device.verdict.sentence.endswith("; as far as its proxy, 127.0.0.1")
        here.server.ndjson("Lee")
        assert "proxy" not in why(here, "Lee").verdict.sentence


# -- everybody's lines


def test_lines_are_joined_to_who_is_behind_them(tmp_path: Path) -> None:
    with watched(tmp_path, HUBBUB_PROBES_MODE="auto") as here:
        hal = here.server.ndjson("Hal")
        hal.ask("message/send", text=SECRET)

        def kernel() -> KernelView:
            answer = here.ask("/api/v1/admin/kernel")
            assert answer.status == 200
            assert SECRET not in answer.text
            return msgspec.json.decode(answer.text, type=KernelView)

        until(lambda: any(one.user == "Hal" for one in kernel().lines))
        view = kernel()
        assert view.report is not None
        assert (view.report.worst, view.report.happenings) == ([], [])
        assert view.sentence == view.source.sentence
        [line] = [one for one in view.lines if one.user == "Hal"]
        [shown] = why(here, "Hal").connections
        assert (line.id, line.name, line.dialect, line.rooms) == (shown.id, shown.name, "ndjson", ("lobby",))
        assert shown.line is not None
        assert line.line.cookie == shown.line.cookie
        nobody = [one for one in view.lines if one.id is None]  # such as this very request's
        assert all((one.user, one.dialect, one.name) == (None, None, None) for one in nobody)


@pytest.mark.skipif(bool(why_no_probes()), reason=why_no_probes())
def test_what_happened_is_joined_to_who_it_happened_to_though_he_is_gone(tmp_path: Path) -> None:
    with (
        watched(tmp_path, HUBBUB_PROBES_MODE="on") as here,
        closing(HTTPConnection("127.0.0.1", here.server.port, timeout=PATIENCE)) as asking,
    ):

        def kernel() -> KernelView:  # by one connection: each that opens is a happening, too
            asking.request("GET", "/api/v1/admin/kernel", headers={"Authorization": f"Bearer {here.token}"})
            view: KernelView = msgspec.json.decode(asking.getresponse().read(), type=KernelView)
            return view

        ivy = here.server.ndjson("Ivy")
        until(lambda: any(one.user == "Ivy" for one in kernel().lines))
        at_once = struct.pack("ii", 1, 0)
        ivy.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)  # close by a reset: socket(7)
        ivy.close()
        told: list[JoinedHappening] = []

        def heard() -> bool:
            told.extend(one for one in kernel().happenings if one.kind == "reset_received")
            return bool(told)

        until(heard)
        assert (told[0].user, told[0].name) == ("Ivy", f"ndjson-{told[0].id}")


def test_an_encrypted_connection_is_looked_at_as_any(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        watched(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key)) as here,
        socket.create_connection(("127.0.0.1", here.server.port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain) as tls,
    ):
        tls.sendall(b"Kim\n/ping\n")
        assert tls.recv(1_000) == b"[Server] Pong.\n"
        [device] = why(here, "Kim").connections
        assert device.secure
        assert device.line is not None
        assert device.line.cookie > 0
        assert device.line.rtt > 0
        bob = here.server.json("Bob")
        bob.say("Broadcast", content="hello")
        until(lambda: here.ask("/api/v1/admin/paths").content["paths"])
        [path] = here.ask("/api/v1/admin/paths").content["paths"]
        of_kim = next(one for one in path["acknowledged"] if one["user"] == "Kim")
        assert (of_kim["took"], of_kim["secure"]) == (None, True)


class Raw:
    """A stream as far as it is asked about its socket."""

    local, peer = "127.0.0.1", "127.0.0.1"

    def __init__(self, sock: socket.socket) -> None:
        self.descriptor = sock.fileno()
        self.option = sock.getsockopt


def test_a_look_tells_what_happened_since_the_one_before() -> None:
    now = 100.0
    sockets = Sockets(lambda: now)
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as peer:
        ours, _ = door.accept()
        with ours:
            stream: Any = Raw(ours)
            ours.sendall(b"x" * 700)
            first = sockets.look(7, stream)
            assert first is not None
            assert first.span == 0  # since it opened
            ours.sendall(b"x" * 300)
            assert len(peer.recv(1_000, socket.MSG_WAITALL)) == 1_000
            peer.sendall(b"unread")
            now += 4
            until(
                lambda: (line := sockets.look(7, stream)) is not None and not line.queued and line.unread == 6
            )
            line = sockets.look(7, stream)
            assert line is not None
            assert (line.span, line.sent, line.segments, line.state) == (4.0, 300, 1, "established")
            now += 7  # that is longer ago than a line reaches back
            again = sockets.look(7, stream)
            assert again is not None
            assert (again.span, again.sent) == (0, 1_000)


class Told:
    """A stream that answers to SO_COOKIE, and counts."""

    def __init__(self, cookie: int) -> None:
        self.cookie = cookie
        self.asked = 0

    def option(self, level: int, name: int, size: int) -> bytes:
        self.asked += 1
        return self.cookie.to_bytes(8, sys.byteorder)


class One:
    def __init__(self, number: int) -> None:
        self.number = number
        self.stream = Told(number + 500_000)


def test_each_cookie_is_asked_for_once_and_those_who_left_are_forgotten() -> None:
    connections: dict[int, Any] = {number: One(number) for number in range(1, 2 * AT_ONCE + 2)}
    first = connections[1]
    cookies = Cookies(connections)
    cookies.learn()
    assert sum(one.stream.asked for one in connections.values()) == AT_ONCE  # the loop is not held for all
    assert cookies.behind(500_001) is first
    for _ in range(3):
        cookies.learn()
    assert {one.stream.asked for one in connections.values()} == {1}
    last = 2 * AT_ONCE + 1
    assert cookies.behind(500_000 + last) is connections[last]
    del connections[1]
    assert cookies.behind(500_001) is None
    assert cookies.number(500_001) == 1
    for number in [*connections][:-1]:
        del connections[number]
    for number in range(last + 1, last + 3 * AT_ONCE):
        connections[number] = One(number)
        cookies.learn()
        if number % 2:
            del connections[number]
    assert cookies.number(500_001) is None
    assert cookies.behind(500_000 + last) is connections[last]


def test_those_who_left_are_forgotten_also_where_nobody_asks_for_all() -> None:
    """As while `hubbub probe` and `hubbub why` ask alone, for days."""
    connections: dict[int, Any] = {}
    cookies = Cookies(connections)
    for number in range(1, 3 * AT_ONCE):
        connections[number] = One(number)
        cookies.of(connections[number])
        del connections[number]
    assert cookies.number(500_001) is None
    assert cookies.number(500_000 + 3 * AT_ONCE - 1) == 3 * AT_ONCE - 1
