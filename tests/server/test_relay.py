"""The relay, and listeners that are pinned to one dialect."""

from __future__ import annotations

import re
import subprocess
import sys

from serving import Client, serving


def test_relay_on_its_own_listener() -> None:
    with serving(listen=("127.0.0.1:0", "127.0.0.1:0=relay")) as server:
        port = server.addresses[1][1]
        one, two = server._met(Client(port)), server._met(Client(port))
        two.send(b"ready\r\n")
        assert two.read(7) == b"ready\r\n"
        assert one.read(7) == b"ready\r\n"
        one.send(b"hello \xff\n")
        assert one.read(8) == b"hello \xff\n", "the sender's too, as it came"
        assert two.read(8) == b"hello \xff\n"
        server.stop()
        names = re.findall(r'"connection": "(relay-\d+)".*"connection opened"', server.log)
        assert names == ["relay-1", "relay-2"]
        assert len(re.findall(r'"relay-\d+".*"connection closed"', server.log)) == 2


def test_a_pinned_listener_takes_its_dialect_whatever_comes() -> None:
    with serving(listen=("127.0.0.1:0=text",)) as server:
        peer = server._met(Client(server.port))
        peer.send(b"{x\n")
        assert peer.sock.recv(1000).startswith(b"[Server] Username '{x' is not valid")


def test_hubbub_relay_alone() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hubbub", "relay", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        banner = ""
        while not (found := re.search(r"nc 127.0.0.1 (\d+)", banner)):
            banner += process.stdout.readline()
        one, two = Client(int(found[1])), Client(int(found[1]))
        two.send(b"a\n")
        assert two.read(2) == b"a\n"
        one.send(b"b\nc\n")
        assert two.read(4) == b"b\nc\n"
        one.close()
        two.close()
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0
