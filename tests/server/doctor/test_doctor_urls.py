"""What the doctor says of a URL: through a real nginx, set up well and badly; of servers that are hostile."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.server.doctor import browsers, fetching
from hubbub.server.doctor.address import Address, parse_url
from hubbub.server.doctor.examination import TOGETHER
from hubbub.server.doctor.report import Finding
from server.doctor.examining import answering, calm, command, deployment, free_port, look, of, said
from server.doctor.fronts import AS_IT_COMES, HOST, UPGRADE, WELL, WHO, nginx
from server.doctor.test_doctor_certificates import DAY, NOW, issued
from serving import serving

CHECKS = ("url", "origin", "websocket", "arrival", "uploads")
TRUSTED = {"HUBBUB_WEB_TRUSTED_PROXIES": "127.0.0.1", "HUBBUB_WEB_PUBLIC_HOSTS": "127.0.0.1"}


@contextlib.contextmanager
def dead(port: int) -> Iterator[str]:
    """An address at which nothing answers: whoever listens there takes nobody any more."""
    address = "127.0.0.9"
    with contextlib.ExitStack() as stack:
        stack.enter_context(socket.create_server((address, port), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield address


def through(
    folder: Path, rows: str, *, location: str | None = None, trusting: bool = True
) -> dict[str, tuple[Finding, ...]]:
    """What each check finds through such an nginx."""
    settings = TRUSTED if trusting else {}
    with serving(**settings) as server, nginx(folder, server.port, rows, location=location) as port:
        listen = f"127.0.0.1:{server.port}"
        at = deployment("--data", ":memory:", "--listen", listen, url=f"http://127.0.0.1:{port}", **settings)
        return {check: look(check, at) for check in CHECKS}


def test_a_server_without_a_proxy() -> None:
    with serving() as server:
        at = deployment("--data", ":memory:", "--listen", f"127.0.0.1:{server.port}")
        for check in CHECKS:
            calm(look(check, at))
        said(look("websocket", at), "ok", "carries both ways")
        said(look("arrival", at), "ok", "piece by piece")
        said(look("uploads", at), "ok", "as they come")


def test_a_proxy_that_is_set_up_well(tmp_path: Path) -> None:
    found = through(tmp_path, WELL)
    for findings in found.values():
        calm(findings)
    front = said(found["url"], "ok", "behind nginx").figures["front"]
    assert str(front).startswith("nginx/")


def test_a_proxy_that_eats_upgrades(tmp_path: Path) -> None:
    found = through(tmp_path, f"{HOST} {AS_IT_COMES} {WHO}")
    fault = said(found["websocket"], "failed", "takes its Upgrade away")
    assert "proxy_set_header Upgrade" in fault.advice
    calm(found["arrival"])


def test_a_proxy_as_it_is_by_itself(tmp_path: Path) -> None:
    """`proxy_pass` and nothing else: nearly everything is wrong."""
    found = through(tmp_path, "", trusting=False)
    assert "proxy_set_header Host" in said(found["websocket"], "failed", "refuses the origin").advice
    said(found["arrival"], "failed", "the server is asked for 127.0.0.1:")
    said(found["arrival"], "warning", "gathered on the way")
    said(found["arrival"], "warning", "stands in front, and the server believes no proxy")
    said(found["uploads"], "warning", "gathered on the way")


def test_a_proxy_that_gathers(tmp_path: Path) -> None:
    found = through(tmp_path, f"{HOST} {UPGRADE} {WHO}")
    assert "proxy_buffering off" in said(found["arrival"], "warning", "come all at once").advice
    assert "proxy_request_buffering off" in said(found["uploads"], "warning", "gathered on the way").advice
    said(found["websocket"], "ok", "carries both ways")


def test_a_proxy_that_takes_small_bodies_only(tmp_path: Path) -> None:
    found = through(tmp_path, WELL.replace("client_max_body_size 0", "client_max_body_size 10"))
    said(found["uploads"], "warning", "too large")


def test_a_proxy_that_says_not_who_asks(tmp_path: Path) -> None:
    """Nor by which scheme: seen from another address than the proxy's."""
    cert, key = issued(tmp_path / "certificate", ends=NOW + 60 * DAY)
    with (
        serving(**TRUSTED) as server,
        nginx(tmp_path, server.port, f"{HOST} {UPGRADE} {AS_IT_COMES}", tls=(cert, key)) as port,
    ):
        at = deployment(
            "--data",
            ":memory:",
            url=f"https://127.0.0.1:{port}",
            HUBBUB_WEB_TRUSTED_PROXIES="127.0.0.1",
            HUBBUB_WEB_PUBLIC_HOSTS="127.0.0.1",
        )
        said(look("arrival", at), "warning", "people come without TLS")


@pytest.mark.usefixtures("impatient")
def test_a_proxy_whose_server_is_gone(tmp_path: Path) -> None:
    with nginx(tmp_path, free_port(), WELL) as port:
        at = deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}")
        said(look("url", at), "failed", "answers 502")
        said(look("websocket", at), "failed", "answers 502")
        said(look("arrival", at), "note", "Not looked at")
        said(look("uploads", at), "note", "Not looked at")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("location", "part"),
    [
        ("return 301 https://chat.example.org$request_uri;", "sends people on to https://chat.example.org"),
        ("return 200 'hello';", "is no Hubbub"),
        ("return 404;", "(404) is no Hubbub"),
    ],
)
def test_a_proxy_that_leads_elsewhere(tmp_path: Path, location: str, part: str) -> None:
    with nginx(tmp_path, 1, "", location=location) as port:
        at = deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}")
        said(look("url", at), "failed", part)
        said(look("websocket", at), "failed", "no WebSocket opens")


# -- hosts and origins


def test_a_host_that_is_not_served() -> None:
    """`localhost` is always served; another name is not, unless it is listed."""
    with serving() as server:
        listen = f"127.0.0.1:{server.port}"
        at = deployment("--data", ":memory:", "--listen", listen, url="http://chat.example.org")
        said(look("origin", at), "failed", "is refused (421)")
        at = deployment(
            "--data", ":memory:", url="https://chat.example.org", HUBBUB_WEB_PUBLIC_HOSTS="chat.example.org"
        )
        said(look("origin", at), "ok", "let a browser in")


def test_the_server_itself_refuses_the_host(tmp_path: Path) -> None:
    """The settings say nothing of it here: the doctor was given none. nginx passes another name on."""
    rows = WELL.replace("$http_host", "chat.example.org")
    found = through(tmp_path, rows)
    said(found["url"], "failed", "does not serve the host")
    said(found["websocket"], "failed", "does not serve this host")


def test_trusted_proxies_without_public_hosts() -> None:
    at = deployment("--data", ":memory:", HUBBUB_WEB_TRUSTED_PROXIES="10.0.0.1")
    said(look("origin", at), "warning", "web.public_hosts is not")


def test_base_urls() -> None:
    hosts = {"HUBBUB_WEB_PUBLIC_HOSTS": "chat.example.org"}
    url = "https://chat.example.org"
    at = deployment("--data", ":memory:", url=url, **hosts)
    said(look("origin", at), "note", "web.base_url is not set")
    at = deployment("--data", ":memory:", url=url, HUBBUB_WEB_BASE_URL=url, **hosts)
    calm(look("origin", at))
    other = "https://other.example"
    at = deployment("--data", ":memory:", url=url, HUBBUB_WEB_BASE_URL=other, **hosts)
    found = look("origin", at)
    said(found, "warning", f"web.base_url is {other}")
    said(found, "failed", f"Links begin with {other}")
    at = deployment("--data", ":memory:", HUBBUB_WEB_BASE_URL="chat.example.org")
    said(look("origin", at), "failed", "web.base_url")


def test_origins_in_clear() -> None:
    at = deployment(
        "--data", ":memory:", HUBBUB_WEB_ALLOWED_ORIGINS="http://www.example.org,http://localhost:5173"
    )
    notes = [one.found for one in look("origin", at) if "allowed_origins" in one.found]
    assert len(notes) == 1
    assert "http://www.example.org" in notes[0]


# -- hostile, and broken


def test_nobody(tmp_path: Path) -> None:
    at = deployment("--data", ":memory:", url=f"http://127.0.0.1:{free_port()}")
    said(look("url", at), "failed", "nobody listens on port")
    for check in ("websocket", "arrival", "uploads", "shown"):
        assert {one.level for one in look(check, at)} == {"note"}
    at = deployment("--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{free_port()}")
    said(look("url", at), "note", "Start the server")  # nobody said that one runs


def test_a_name_that_is_not_known() -> None:
    at = deployment("--data", ":memory:", url="https://chat.invalid")
    said(look("url", at), "failed", "no address is known")


def test_an_address_that_is_dead_takes_no_more_than_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """As IPv6 often is: the next one is asked while there is time for its answer."""
    monkeypatch.setattr(fetching, "SECONDS", 2.0)

    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with answering(answer) as port, dead(port) as one:
        rows = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*rows[0][:4], (one, port)), *rows])
        at = deployment("--data", ":memory:", url=f"http://chat.example:{port}")
        said(look("url", at), "failed", "(404) is no Hubbub")
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*rows[0][:4], (one, port))] * 2)
        monkeypatch.setattr(fetching, "SECONDS", 0.1)
        at = deployment("--data", ":memory:", url=f"http://chat.example:{port}")
        said(look("url", at), "failed", "does not answer")


def test_an_answer_that_never_ends() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            peer.sendall(b"x" * 65_536)

    with answering(answer) as port:
        found = look("url", deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}"))
        said(found, "failed", "is no Hubbub")


def test_headers_without_end() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.sendall(b"X: y\r\n" * 1000)

    with answering(answer) as port:
        at = deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}")
        said(look("url", at), "failed", "does not speak HTTP")
        said(look("websocket", at), "failed", "too long")


def test_what_moves_the_cursor_is_taken_out() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        location = "\x1b[2Jhttps://x\x07" + "y" * 2000
        peer.sendall(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    with answering(answer) as port:
        found = look("url", deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}"))
        fault = said(found, "failed", "sends people on to ?[2Jhttps://x?")
        assert fault.found.isprintable()
        assert len(fault.found) < 700


@pytest.mark.usefixtures("impatient")
def test_an_upgrade_and_then_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers 101 by itself, or passes nothing on after it. All parts have one deadline."""
    from hubbub.net.framing.websocket_handshake import Upgrade, accept, parse_head

    def answer(peer: socket.socket) -> None:
        upgrade = accept(parse_head(peer.recv(4096))[1], None)
        assert isinstance(upgrade, Upgrade)
        peer.sendall(upgrade.response)
        while peer.recv(4096):
            pass

    ends: list[float] = []

    class Noted(fetching.Deadline):
        def __init__(self, seconds: float) -> None:
            super().__init__(seconds)
            ends.append(self._end)

    monkeypatch.setattr(fetching, "Deadline", Noted)
    monkeypatch.setattr(browsers, "Deadline", Noted)
    assert max(fetching.SECONDS, browsers.PATIENCE) < TOGETHER
    monkeypatch.setattr(browsers, "PATIENCE", 2.0)
    monkeypatch.setattr(fetching, "SECONDS", 1.0)
    with answering(answer) as port:
        found = look("websocket", deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}"))
        said(found, "failed", "nothing comes through")
    assert max(ends) == ends[0]


@pytest.mark.parametrize("drop", [b"x", b"X: y\r\n", b"X: y\r\n\r\n" + b"line\n" * 9])
def test_a_slow_drip_is_cut_off(drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the answer never is whole: a name, headers, lines of the body."""
    monkeypatch.setattr(fetching, "SECONDS", 0.5)
    monkeypatch.setattr(browsers, "PATIENCE", 0.5)

    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.sendall(drop)
            time.sleep(0.05)

    with answering(answer) as port:
        at = deployment("--data", ":memory:", url=f"http://127.0.0.1:{port}")
        said(look("url", at), "failed", "its answer is not whole after")
        said(look("websocket", at), "failed", "whole answer" if len(drop) < 9 else "no WebSocket opens")


def test_a_drip_does_not_keep_the_command_from_its_end() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        while True:
            peer.sendall(b"x")
            time.sleep(0.05)

    with answering(answer) as port:
        code, report = command("--data", ":memory:", "--url", f"http://127.0.0.1:{port}")
    assert code == 1
    assert of(report, "url")[0].level == "failed"
    assert not [one for one in report.findings if "not done in time" in one.found and one.check != "url"]


# -- URLs as they are typed


@pytest.mark.parametrize(
    ("text", "address", "authority"),
    [
        ("https://Chat.Example.org", Address("https", "chat.example.org", 443), "chat.example.org"),
        ("http://127.0.0.1:8080/", Address("http", "127.0.0.1", 8080), "127.0.0.1:8080"),
        ("https://[::1]:8443", Address("https", "::1", 8443), "[::1]:8443"),
        ("https://bücher.example", Address("https", "xn--bcher-kva.example", 443), "xn--bcher-kva.example"),
        ("https://chat.example.org:443", Address("https", "chat.example.org", 443), "chat.example.org"),
    ],
)
def test_urls(text: str, address: Address, authority: str) -> None:
    """Host goes out as a browser sends it: a port that is the scheme's own is left out."""
    assert parse_url(text) == address
    assert parse_url(text).authority == authority


@pytest.mark.parametrize(
    "text",
    [
        *("", "chat.example.org", "ftp://chat.example.org", "https://", "https://chat.example.org:0"),
        *("https://chat.example.org:99999", "https://chat.example.org/chat", "https://a b", "https://x\n"),
        *(
            "https://alice:secret@chat.example.org",
            "https://[::1",
            "https://..",
            "https://a?b",
            "https://é" * 99,
        ),
    ],
)
def test_no_urls(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|root of a host"):
        parse_url(text)


@pytest.mark.parametrize(
    "text",
    [
        *("https://bob:hunter2@h:99999", "ftp://bob:hunter2@h", "https://bob:hunter2@", "bob:hunter2@h"),
        *(
            "https://bob:hun/ter2@h",
            "https://bob:hunter#2@h",
            "https://bob:hun?ter2@h",
            "https://[@bob:hunter2",
        ),
        *("https://bob:hunter2@exa mple.org", "https://bob:hunter2", "https://bob:hunter2＠h"),
    ],
)
def test_a_password_is_not_said_again(text: str) -> None:
    """Wherever it stands: what is printed is read by others, and lies in logs."""
    with pytest.raises(ValueError, match="URL") as refused:
        parse_url(text)
    assert "hun" not in str(refused.value)
    assert "ter2" not in str(refused.value)
