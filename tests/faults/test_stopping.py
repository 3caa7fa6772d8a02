"""Starting, reloading and stopping with something in the way."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from serving import PATIENCE, Client, Server, serving, until

_DRAIN = "60"  # seconds: whoever waits for the end of the drain loses patience


def _stop(server: Server) -> None:
    server.signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0


def _issue(folder: Path) -> tuple[trustme.CA, str, str]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    return authority, str(cert), str(key)


def _over_tls(authority: trustme.CA, port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_a_relayed_connection_does_not_hold_up_the_stop() -> None:
    with (
        serving(listen=("127.0.0.1:0=relay",), HUBBUB_SERVER_DRAIN_SECONDS=_DRAIN) as server,
        Client(server.port) as peer,
    ):
        peer.send(b"hello\n")
        assert peer.read(6) == b"hello\n"
        _stop(server)
        assert peer.at_end()


def test_a_silent_tls_connection_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    authority, cert, key = _issue(tmp_path)
    with (
        serving("--tls-cert", cert, "--tls-key", key, HUBBUB_SERVER_DRAIN_SECONDS=_DRAIN) as server,
        _over_tls(authority, server.port),
    ):
        _stop(server)


def test_localhost_is_both_address_families_whatever_the_system_says() -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("IPv6 loopback")
    with serving(listen=("localhost:0",)) as server:
        assert [host for host, _ in server.addresses] == ["127.0.0.1", "::1"]
        for host, port in server.addresses:
            with Client(port, host) as peer:
                peer.send(b"Caller\n/ping\n")
                assert peer.read(15) == b"[Server] Pong.\n"
                peer.end()
                assert peer.at_end(), "the name is free for the next one"


_ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_key_that_became_encrypted_stops_nobody(tmp_path: Path) -> None:
    """OpenSSL would ask the terminal for the passphrase, and wait."""
    authority, cert, key = _issue(tmp_path)
    serve = ["-m", "hubbub", "serve", "--data", ":memory:", "--probes", "off", "--listen", "127.0.0.1:0"]
    serve += ["--tls-cert", cert, "--tls-key", key]
    controller, terminal = pty.openpty()
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _ON_ITS_TERMINAL, *serve],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    os.close(terminal)
    try:
        assert process.stdout is not None
        banner = ""
        while "To stop" not in banner:
            line = process.stdout.readline()
            assert line, log.read_text()
            banner += line
        found = re.search(r"127\.0\.0\.1:(\d+)", banner)
        assert found is not None
        private = serialization.load_pem_private_key(Path(key).read_bytes(), None)
        encrypted = serialization.BestAvailableEncryption(b"secret")
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        Path(key).write_bytes(private.private_bytes(pem, pkcs8, encrypted))
        process.send_signal(signal.SIGHUP)
        until(lambda: "certificate not reloaded" in log.read_text())
        with _over_tls(authority, int(found[1])) as peer:
            peer.sendall(b"Caller\n/ping\n")
            assert peer.recv(100) == b"[Server] Pong.\n"
    finally:
        process.kill()
        process.communicate()
        os.close(controller)


def test_being_told_to_stop_again_and_again_changes_nothing() -> None:
    with serving() as server:
        while server.process.poll() is None:
            server.process.terminate()
        assert server.process.returncode == 0
