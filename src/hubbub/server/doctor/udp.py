"""UDP, which voice will go by: whether a datagram arrives, and how much the kernel holds of them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from hubbub.server.doctor.deployment import Deployment, reach
from hubbub.server.doctor.report import Notes

BUFFER: Final = 1024 * 1024
"""Bytes that a socket should be able to have: a tenth of a second of a thousand voices."""
_PATIENCE: Final = 0.5


def udp(deployment: Deployment, notes: Notes) -> None:
    """Bind at each listener's host and send to oneself."""
    for host in dict.fromkeys(reach(listener.host) for listener in deployment.listeners):
        try:
            _to_itself(host)
        except TimeoutError:
            notes.warn(
                f"A datagram from {host} to itself did not arrive.",
                "A firewall of this machine drops UDP; nothing needs it yet, voice will.",
            )
        except OSError as error:
            notes.warn(
                f"No UDP socket at {host}: {error.strerror or error}.",
                "Nothing needs it yet; voice will. Look at what confines the process (seccomp, firewall).",
            )
        else:
            notes.ok(f"A datagram from {host} to itself arrives.")
    try:
        most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    except (OSError, ValueError):
        return
    if most < BUFFER:
        notes.note(
            f"A UDP socket may hold {most:,} bytes that were not read yet. Nothing needs more today.",
            f"Before many people talk: `sysctl -w net.core.rmem_max={BUFFER}`.",
            rmem_max=most,
        )


def _to_itself(host: str) -> None:
    family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as end:
        end.settimeout(_PATIENCE)
        end.bind(address)
        end.connect(end.getsockname())  # from nobody else
        word = os.urandom(16)
        end.send(word)
        if end.recv(64) != word:
            raise TimeoutError
