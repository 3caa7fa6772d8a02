"""Peers that have come in, by whichever step: what the tests of `examples/steps` begin with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from examples.conftest import Peer, Program

FLOOD = 40 * 1024 * 1024
"""Bytes after which a reader that reads nothing must have been cut off: far over every kernel buffer."""


def listeners(relay: Program, count: int) -> list[Peer]:
    """Connections that the relay has taken up: each has seen its own line, and those before it too."""
    peers: list[Peer] = []
    for number in range(count):
        peers.append(relay.peer())
        peers[-1].say(f"here {number}")
        assert [peer.line() for peer in peers] == [f"here {number}"] * len(peers)
    return peers


def people(server: Program, *names: str) -> list[Peer]:
    """Connections with names, of which each has seen the later ones join."""
    peers: list[Peer] = []
    for name in names:
        newcomer = server.peer()
        newcomer.say(name)
        for peer in peers:
            assert peer.line() == f"[Server] {name} has joined."
        peers.append(newcomer)
    return peers


def users(server: Program, *names: str) -> list[Peer]:
    """The same in frames."""
    peers: list[Peer] = []
    for name in names:
        newcomer = server.peer()
        newcomer.tell("Login", username=name)
        assert newcomer.hear() == {"type": "Welcome", "username": name}
        for peer in peers:
            assert peer.hear() == {"type": "UserJoined", "username": name}
        peers.append(newcomer)
    return peers


def done(data: bytes, filename: str = "cat.png") -> dict[str, Any]:
    """What both hear when these bytes are over."""
    return {"type": "FileDone", "filename": filename, "sha256": hashlib.sha256(data).hexdigest()}
