"""TLS on the port of everything else: every dialect inside, reloaded without dropping anybody."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

import trustme

from serving import Client, serving, until


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1", common_name=name)
    cert, key = folder / "cert.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key


def _tls(port: int, data: bytes) -> tuple[bytes, bytes]:
    """Certificate and first answer."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as tls,
    ):
        tls.sendall(data)
        certificate = tls.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate, tls.recv(65_536)


def test_tls_on_the_same_port_for_every_dialect_and_reloaded(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path, "one")
    with serving("--tls-cert", str(cert), "--tls-key", str(key)) as server:
        first, answer = _tls(
            server.port, b'{"command":"auth/login","id":"1","payload":{"username":"Nora"}}\n'
        )
        assert b'"status":200' in answer
        _, answer = _tls(server.port, b"Tess\n/ping\n")
        assert answer == b"[Server] Pong.\n"
        _, answer = _tls(server.port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        plain = server.text("Plain")  # and without TLS, still
        plain.settle()
        _certificate(tmp_path, "two")
        server.signal(1)
        until(lambda: _tls(server.port, b"X\n/ping\n")[0] != first)
        cert.write_text("broken")
        server.signal(1)
        until(lambda: _tls(server.port, b"Y\n/ping\n")[1] == b"[Server] Pong.\n")


def test_tls_without_a_certificate_is_closed_and_logged() -> None:
    with serving() as server:
        peer = server._met(Client(server.port))
        peer.send(b"\x16\x03\x01\x02\x00\x01\x00")
        with contextlib.suppress(ConnectionResetError):  # closed with its hello unread
            assert peer.sock.recv(1) == b""
        server.stop()
        assert "no certificate is set" in server.log


def test_many_members_over_tls_hear_it_all(tmp_path: Path) -> None:
    """The raw descriptor is never written beside TLS: every byte decrypts."""
    cert, key = _certificate(tmp_path, "one")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with serving("--tls-cert", str(cert), "--tls-key", str(key)) as server:
        members = []
        for number in range(5):
            tls = context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            tls.sendall(b"T%d\n/ping\n" % number)
            data = b""
            while not data.endswith(b"[Server] Pong.\n"):
                data += tls.recv(1000)
            members.append(tls)
        js = server.json("Jay")
        for number in range(200):
            js.say("Broadcast", content=f"{number} " + "z" * 500)
        for tls in members:
            data = b""
            while data.count(b"Jay: ") < 200:
                more = tls.recv(65_536)
                assert more
                data += more
            tls.close()
