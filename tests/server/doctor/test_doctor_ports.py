"""Who listens where, and who reaches it: with our server, with others, with nobody."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from hubbub import __version__
from server.doctor.examining import answering, calm, command, deployment, free_port, look, of, said
from serving import serving


def test_ours(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        listen = f"127.0.0.1:{server.port}"
        found = look("ports", deployment("--data", str(tmp_path / "data"), "--listen", listen))
        calm(found)
        assert said(found, "ok", f"{listen}: Hubbub {__version__} answers").figures["version"] == __version__
        said(found, "ok", "Only this machine")
        elsewhere = look("ports", deployment("--data", str(tmp_path), "--listen", listen))
        said(elsewhere, "warning", "it answers, and no server runs on")


def test_nobody(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    found = look("ports", deployment("--data", ":memory:", "--listen", listen))
    said(found, "note", f"{listen}: nobody listens; the port is free")
    with serving("--data", str(tmp_path / "data")) as server:
        found = look("ports", deployment("--data", str(tmp_path / "data"), "--listen", listen))
        said(found, "warning", f"though a server runs on this data (process {server.process.pid})")


def test_another_program() -> None:
    """It speaks, but not as we do; and it is named."""

    def greet(peer: socket.socket) -> None:
        peer.sendall(b"220 mail.example.org ESMTP\r\n")
        peer.recv(1)

    with answering(greet) as port:
        found = look("ports", deployment("--data", ":memory:", "--listen", f"127.0.0.1:{port}"))
        said(found, "failed", f"(process {os.getpid()}) listens")


def test_another_web_server() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"name":"other"}')

    with answering(answer) as port:
        found = look("ports", deployment("--data", ":memory:", "--listen", f"127.0.0.1:{port}"))
        said(found, "failed", "is no Hubbub")


@pytest.mark.usefixtures("impatient")
def test_a_program_that_says_nothing() -> None:
    def listen(peer: socket.socket) -> None:
        while peer.recv(4096):
            pass

    with answering(listen) as port:
        found = look("ports", deployment("--data", ":memory:", "--listen", f"127.0.0.1:{port}"))
        said(found, "failed", "says nothing")


def test_ports_and_addresses_that_cannot_be_had() -> None:
    found = look("ports", deployment("--data", ":memory:", "--listen", "192.0.2.1:8080"))
    assert "not this machine's" in said(found, "failed", "192.0.2.1:8080").advice
    within = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
    alone = ("unshare", "-n", *within)  # in a network of its own nobody holds it
    _, report = command("--data", ":memory:", "--listen", "127.0.0.1:80", within=alone)
    assert "CAP_NET_BIND_SERVICE" in said(of(report, "ports"), "failed", "127.0.0.1:80").advice


def test_a_pinned_listener(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data"), listen=["127.0.0.1:0=text"]) as server:
        listen = f"127.0.0.1:{server.port}=text"
        at = deployment("--data", str(tmp_path / "data"), "--listen", listen)
        said(look("ports", at), "ok", "our server listens, for text")
        assert at.url is None
        said(look("url", at), "note", "no listener takes HTTP")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}=text"
        said(look("ports", deployment("--data", ":memory:", "--listen", listen)), "note", "says no more")


def test_any_port() -> None:
    found = look("ports", deployment("--data", ":memory:", "--listen", "127.0.0.1:0"))
    said(found, "note", "any free port")


def test_open_to_all_without_tls() -> None:
    listen = f"0.0.0.0:{free_port()}"
    at = deployment("--data", ":memory:", "--listen", listen)
    said(look("ports", at), "warning", f"Other machines reach {listen} without TLS")
    at = deployment("--data", ":memory:", "--listen", listen, HUBBUB_WEB_TRUSTED_PROXIES="10.0.0.1")
    said(look("ports", at), "note", "Behind a proxy that is meant to be so")


def test_a_proxy_that_is_everybody() -> None:
    at = deployment("--data", ":memory:", HUBBUB_WEB_TRUSTED_PROXIES="0.0.0.0/0")
    said(look("ports", at), "warning", "0.0.0.0/0")
