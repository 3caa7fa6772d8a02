"""What comes out of the rings of the probes, record by record."""

from __future__ import annotations

import errno
import socket
import time
from typing import Final, NamedTuple

from hubbub.observe.kernel.figures import CALLS, Call, Happening
from hubbub.observe.kernel.layouts import CALL_RECORD, HAPPENING

KINDS: Final = ("opened", "closed", "retransmit", "reset_sent", "reset_received", "overflow", "full")
"""`enum happening_kind` of the probes."""
_STATES: Final = (
    *("", "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait", "close"),
    *("close_wait", "last_ack", "listen", "closing", "new_syn_recv"),
)
"""Of TCP, by the kernel's numbers (include/net/tcp_states.h)."""
_MAPPED: Final = b"\0" * 10 + b"\xff\xff"
"""How an IPv4 address begins at an IPv6 socket."""


class TracedCall(NamedTuple):
    """One call of the observed process."""

    at: float
    """Unix time in seconds, when it ended."""
    call: Call
    fd: int | None
    cookie: int | None
    """Of the socket; None: it went into none."""
    result: int
    """Bytes, or of `wait` how many were ready; below 0: an error, as -errno."""
    took: int | None
    """Nanoseconds. `fd` and `took` are None where the call was not timed."""

    @property
    def error(self) -> str | None:
        """The name of its error, such as `EAGAIN`."""
        return errno.errorcode.get(-self.result, str(-self.result)) if self.result < 0 else None


def behind_unix_time() -> float:
    """Seconds that the kernel's clock of records lacks of Unix time."""
    return time.time() - time.monotonic()


def traced_call(record: bytes, behind: float) -> TracedCall:
    """`behind`: what the clock of records lacks of Unix time, in seconds."""
    at, cookie, result, took, fd, kind = CALL_RECORD.unpack(record)
    return TracedCall(
        at / 1e9 + behind, CALLS[kind], fd if fd >= 0 else None, cookie or None, result, took or None
    )


def happening(record: bytes, behind: float) -> Happening:
    """`behind`: as above."""
    at, cookie, times, family, local_port, peer_port, kind, before, after, _, local, peer = HAPPENING.unpack(
        record
    )
    return Happening(
        at / 1e9 + behind,
        KINDS[kind],
        cookie,
        _end(family, local, local_port),
        _end(family, peer, peer_port),
        f"{_state(before)} → {_state(after)}" if after else f"{times} times" if times > 1 else "",
    )


def _state(number: int) -> str:
    return _STATES[number] if number < len(_STATES) else str(number)


def _end(family: int, address: bytes, port: int) -> str:
    if family == socket.AF_INET:
        return f"{socket.inet_ntop(socket.AF_INET, address[:4])}:{port}"
    if address.startswith(_MAPPED):
        return f"{socket.inet_ntop(socket.AF_INET, address[12:])}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
