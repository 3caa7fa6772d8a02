"""`hubbub desktop` up to its window, and the parts of it that need none."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from hubbub.client.desktop.account import Accounts
from hubbub.client.desktop.address import (
    LONGEST_ADDRESS,
    OPENED,
    OPENED_WITHIN,
    Doorway,
    Origin,
    judge,
    read_address,
)
from hubbub.client.desktop.errors import AddressError, OwnServerError, ProbeError
from hubbub.client.desktop.own_server import InUseError, OwnServer
from hubbub.client.desktop.probe import fetch, probe
from hubbub.client.desktop.remembered import LEAST, Box, Memory, Place, Remembered, fitted, known_servers
from hubbub.client.desktop.single import LONGEST, Doorbell, Request, ring
from hubbub.client.desktop.unread import Unread, read_title, window_title
from hubbub.client.desktop.words import CHINESE, ENGLISH, words
from hubbub.client.errors import BusyError
from hubbub.server.control import ask
from serving import PATIENCE, serving, until

HOME = Origin("http", "127.0.0.1", 8080)


def environment(home: Path, **more: str) -> dict[str, str]:
    own = ("HUBBUB_", "WEBSOCKET_", "SERVER_", "XDG_", "DISPLAY", "WAYLAND_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "STATE", "CONFIG")}
    return kept | places | {"HOME": str(home), "HUBBUB_NO_KEYRING": "1"} | more


def desktop(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hubbub", "desktop", *arguments],
        env=environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -- what a person is told where there can be no window


@pytest.mark.parametrize("display", [{}, {"DISPLAY": ":54321"}, {"WAYLAND_DISPLAY": "nowhere"}])
def test_without_a_screen_it_says_so_in_one_line(tmp_path: Path, display: Mapping[str, str]) -> None:
    done = desktop(tmp_path, **display)
    assert done.returncode == 1
    assert done.stderr.startswith("hubbub: ")
    assert "display" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists(), "no server was started for nothing"


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "http://a:99999", "http://u:p@h", "http://h/room", "a b"]
)
def test_what_is_no_address_is_asked_wrongly(tmp_path: Path, url: str) -> None:
    done = desktop(tmp_path, url)
    assert done.returncode == 2
    assert "address of a server" in done.stderr or "give the server alone" in done.stderr


def test_help_loads_nothing_of_the_window() -> None:
    code = "import sys; from hubbub.cli.parser import build_parser; build_parser().format_help()\n"
    code += (
        "print({'webview', 'gi', 'PySide6', 'ssl', 'hubbub.client', 'hubbub.cli.desktop'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "set()"


# -- addresses


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://127.0.0.1:8080", HOME),
        ("127.0.0.1:8080/", HOME),
        ("https://Chat.Example.org", Origin("https", "chat.example.org", 443)),
        ("http://[::1]:9000", Origin("http", "::1", 9000)),
    ],
)
def test_an_address_is_read(given: str, read: Origin) -> None:
    assert read_address(given) == read
    assert read_address(str(read)) == read


@pytest.mark.parametrize(
    "given", ["javascript://x/%0aalert(1)", "file:///etc/passwd", "http://h:0", "x" * 3000, "h\nx"]
)
def test_nothing_else_is(given: str) -> None:
    with pytest.raises(AddressError):
        read_address(given)


@pytest.mark.parametrize(
    "given", ["http://bob:hunter2@h", "bob:hunter2@h", "http://bob:hunter2", "http://h/?key=hunter2"]
)
def test_what_may_be_a_password_is_not_said_again(given: str) -> None:
    with pytest.raises(AddressError) as refused:
        read_address(given)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "new_window", "by_person", "verdict"),
    [
        ("http://127.0.0.1:8080/#/room/lobby", False, False, "stay"),
        ("http://127.0.0.1:8080/dashboard", False, True, "stay"),
        ("blob:http://127.0.0.1:8080/6a", False, False, "stay"),
        ("http://127.0.0.1:8080/openapi.json", True, True, "outside"),
        ("https://example.org/", True, True, "outside"),
        ("https://example.org/", False, True, "outside"),
        ("mailto:alice@example.org", False, True, "outside"),
        ("https://example.org/", False, False, "refuse"),
        ("https://example.org/", True, False, "refuse"),
        ("http://127.0.0.1:8081/", False, False, "refuse"),
        ("http://localhost:8080/", False, False, "refuse"),
        ("https://127.0.0.1:8080/", False, False, "refuse"),
        ("http://127.0.0.1:8080@example.org/", False, False, "refuse"),
        ("http://127.0.0.1:80801/", False, True, "refuse"),
        ("http://[::1/", False, True, "refuse"),
        ("file:///etc/passwd", False, True, "refuse"),
        ("javascript:alert(1)", True, True, "refuse"),
        ("data:text/html,x", False, True, "refuse"),
        ("about:blank", False, True, "refuse"),
        ("smb://host/share", True, True, "refuse"),
        ("blob:https://example.org/1", False, False, "refuse"),
        ("https://example.org/" + "x" * LONGEST_ADDRESS, True, True, "refuse"),
        ("mailto:a@b\n--help", True, True, "refuse"),
        ("", False, True, "refuse"),
    ],
)
def test_a_page_leads_out_of_its_origin_only_into_the_browser(
    url: str, new_window: bool, by_person: bool, verdict: str
) -> None:
    assert judge(url, HOME, new_window=new_window, by_person=by_person) == verdict


def test_a_page_opens_a_few_addresses_and_then_none_for_a_while() -> None:
    doorway = Doorway()
    assert [doorway.may_open(1.0) for _ in range(OPENED + 2)] == [True] * OPENED + [False] * 2
    assert not doorway.may_open(OPENED_WITHIN)
    assert doorway.may_open(1.0 + OPENED_WITHIN)


# -- who is there


@contextmanager
def answering(body: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Something at a port that answers every request the same."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_server_is_known() -> None:
    with serving() as server:
        assert probe(Origin("http", "127.0.0.1", server.port))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"name": "other", "version": "1"}', b"\xff" * 100_000])
def test_something_else_is_not_shown(body: bytes) -> None:
    with answering(body) as port, pytest.raises(ProbeError, match="no server of Hubbub"):
        probe(Origin("http", "127.0.0.1", port))


def test_nobody_and_silence_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ProbeError, match="does not answer"):
            probe(Origin("http", "127.0.0.1", port), seconds=0.1)
    with pytest.raises(ProbeError, match="Nobody is at"):
        probe(Origin("http", "127.0.0.1", port))


def test_a_certificate_that_nobody_signed_is_refused() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    whole = b'{"name":"hubbub","version":"1","client":"x"}'
    with answering(whole, context) as port, pytest.raises(ProbeError, match="does not trust"):
        probe(Origin("https", "127.0.0.1", port))
    with answering(b"") as port, pytest.raises(ProbeError, match="does not speak TLS"):
        probe(Origin("https", "127.0.0.1", port))


# -- its own server


def own_server(data: Path, home: Path, ended: list[int]) -> OwnServer:
    return OwnServer(str(data), environment(home), ended.append)


def test_its_own_server_serves_and_stops_in_order(tmp_path: Path) -> None:
    ended: list[int] = []
    server = own_server(tmp_path / "data", tmp_path, ended)
    origin = server.start(0)
    assert origin.host == "127.0.0.1"
    assert fetch(origin, "/ready", seconds=PATIENCE)[0] == 200
    assert ask(tmp_path / "data", "where") == [f"{origin}/"]
    with pytest.raises(InUseError):
        own_server(tmp_path / "data", tmp_path, ended).start(0)
    assert server.stop() == 0
    assert ended == []
    again = own_server(tmp_path / "data", tmp_path, ended)
    assert again.start(origin.port) == origin, "on the port that it had"
    again.stop()


def test_a_port_that_is_taken_is_not_insisted_on(tmp_path: Path) -> None:
    server = own_server(tmp_path / "data", tmp_path, [])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        origin = server.start(taken.getsockname()[1])
        assert origin.port != taken.getsockname()[1]
        server.stop()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("not ours")
    with pytest.raises(OwnServerError, match=r"holds 'letter\.txt'"):
        own_server(tmp_path / "data", tmp_path, []).start(0)


def test_an_end_that_nobody_asked_for_is_told(tmp_path: Path) -> None:
    ended: list[int] = []
    server = own_server(tmp_path / "data", tmp_path, ended)
    server.start(0)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: ended == [-signal.SIGKILL])
    assert not server.runs


def test_its_own_server_ends_when_the_process_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from hubbub.client.desktop.own_server import OwnServer\n"
        "own = OwnServer(sys.argv[1], os.environ, print)\n"
        "print(own.start(0), flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        origin = read_address(holder.stdout.readline())
        assert fetch(origin, "/ready", seconds=PATIENCE)[0] == 200
        holder.kill()
    until(lambda: not (tmp_path / "data" / "control.sock").exists())  # in order, not cut off


# -- what it remembers


def test_place_and_servers_are_kept_for_its_owner_alone(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    now = Remembered(Place(1, 2, 900, 700), 4000).with_server("http://a").with_server("http://b")
    memory.keep(now.with_server("http://a"))
    with pytest.raises(BusyError):
        Memory(tmp_path)
    memory.close()
    again = Memory(tmp_path)
    assert again.now.place == Place(1, 2, 900, 700)
    assert known_servers(again.now) == ["http://a", "http://b"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "desktop").iterdir())
    again.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"port": 70000}',
        '{"place": {"x": 99999, "y": 0, "width": 1, "height": 1}}',
        '{"servers": 3}',
    ],
)
def test_what_is_damaged_counts_as_nothing(tmp_path: Path, text: str) -> None:
    memory = Memory(tmp_path)
    memory.keep(Remembered(port=4000))
    memory.close()
    (path,) = (tmp_path / "desktop").glob("*.json")
    path.write_text(text)
    again = Memory(tmp_path)
    assert again.now == Remembered()
    again.close()


def test_servers_that_are_none_are_not_offered() -> None:
    assert known_servers(Remembered(servers=("file:///x", "http://a", "javascript://1"))) == ["http://a"]


def test_a_window_comes_back_into_sight() -> None:
    screen = Box(0, 0, 1280, 900)
    assert fitted(None, [screen]) == (None, (1100, 760))
    assert fitted(Place(90, 50, 800, 600), [screen]) == (Box(90, 50, 800, 600), (800, 600))
    assert fitted(Place(2000, 50, 800, 600), [screen]) == (None, (800, 600)), "its screen is gone"
    assert fitted(Place(2000, 50, 800, 600), [screen, Box(1280, 0, 1280, 900)])[0] == Box(2000, 50, 800, 600)
    assert fitted(Place(0, 0, 1, 1), [screen])[1] == LEAST
    assert fitted(Place(0, 0, 9000, 9000), [screen])[1] == (1280, 900)


def test_the_sign_in_is_kept_and_forgotten(tmp_path: Path) -> None:
    warned: list[str] = []
    accounts = Accounts(tmp_path, {"HUBBUB_NO_KEYRING": "1"}, warned.append)
    assert accounts.token(HOME) is None
    accounts.told(HOME, "ab.c-d_e")
    accounts.told(HOME, "no token; Path=/")
    accounts.close()
    again = Accounts(tmp_path, {"HUBBUB_NO_KEYRING": "1"}, warned.append)
    assert again.token(HOME) == "ab.c-d_e"
    assert again.token(Origin("http", "127.0.0.1", 8081)) is None
    assert [path.stat().st_mode & 0o077 for path in tmp_path.rglob("tokens.json")] == [0]
    again.told(HOME, None)
    again.close()
    assert Accounts(tmp_path, {"HUBBUB_NO_KEYRING": "1"}, warned.append).token(HOME) is None
    assert warned == []


# -- one window for each person


def test_a_second_start_rings(tmp_path: Path) -> None:
    rung: list[Request] = []
    bell = Doorbell(tmp_path, rung.append)
    assert ring(tmp_path, "http://a")
    assert ring(tmp_path, None)
    assert rung == [Request("http://a"), Request()]
    (path,) = (tmp_path / "desktop").glob("*.sock")
    assert path.stat().st_mode & 0o077 == 0
    bell.close()
    assert not ring(tmp_path, None)


def test_a_socket_of_a_dead_window_is_replaced_however_long_its_path(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 120)
    Doorbell(directory, lambda _: None)  # never closed, as by a kill
    rung: list[Request] = []
    bell = Doorbell(directory, rung.append)
    assert ring(directory, None)
    assert rung == [Request()]
    bell.close()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}",
        b"[1]\n",
        b'{"url": 5}\n',
        b'{"do": "quit"}\n',
        b"x" * (LONGEST + 10),
        b'{"url": "' + b"h" * 2049 + b'"}\n',
    ],
)
def test_anything_else_at_the_door_is_not_heard(tmp_path: Path, line: bytes) -> None:
    rung: list[Request] = []
    bell = Doorbell(tmp_path, rung.append)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "desktop" / "desktop.sock"))
        peer.sendall(line)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            answer = peer.recv(10)
        assert answer == b""
    assert rung == []
    assert ring(tmp_path, None), "the next one is"
    bell.close()


# -- what is unread


@pytest.mark.parametrize(
    ("title", "unread"),
    [
        ("Hubbub", Unread()),
        ("(3) Hubbub", Unread(3, True)),
        ("(99+) Hubbub", Unread(99, True)),
        ("• Hubbub", Unread(0, True)),
        ("(0) x", Unread()),
        ("(100) x", Unread()),
        ("(٣) x", Unread()),
        ("(3)", Unread()),
        ("x" * 100_000, Unread()),
    ],
)
def test_the_title_of_a_page_is_read_for_its_count_alone(title: str, unread: Unread) -> None:
    assert read_title(title) == unread


def test_the_title_of_the_window_says_whose_page_it_is() -> None:
    assert window_title(Unread(3, True), None) == "(3) Hubbub"
    assert window_title(Unread(0, True), "chat.example.org") == "• Hubbub – chat.example.org"
    assert window_title(Unread(), "h:1") == "Hubbub – h:1"


def test_its_words_are_those_of_the_system() -> None:
    assert words({"LANG": "zh_CN.UTF-8"}) is CHINESE
    assert words({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}) is ENGLISH
    assert words({}) is ENGLISH
    assert "{code}" in CHINESE.ended
    assert "{code}" in ENGLISH.ended
