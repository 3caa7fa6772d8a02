"""What a process may ask the kernel of its own connection, without privilege (tcp(7), socket(7))."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Final

from hubbub.net.stream import NO_FD, Stream
from hubbub.observe.kernel.tcp_info import SIZE, TcpInfo, read_tcp_info

_COOKIE: Final = 57  # SO_COOKIE (asm-generic/socket.h); `socket` has no name for it
_UNSENT_AND_UNACKED: Final = 0x5411  # SIOCOUTQ
_UNREAD: Final = 0x541B  # SIOCINQ
_HERE: Final = sys.platform == "linux"


def cookie_of(stream: Stream) -> int:
    """The kernel's name for the socket; 0: it is closed, or the system has none."""
    told = stream.option(socket.SOL_SOCKET, _COOKIE, 8) if _HERE else None
    return 0 if told is None or len(told) < 8 else int.from_bytes(told, sys.byteorder)


def info_of(stream: Stream) -> TcpInfo | None:
    """What the kernel keeps of the connection. None: it is closed, or the system does not tell."""
    told = stream.option(socket.IPPROTO_TCP, socket.TCP_INFO, SIZE) if _HERE else None
    return None if told is None else read_tcp_info(told)


def unacknowledged(stream: Stream) -> int | None:
    """Bytes in its send queue, sent or not. None: it is closed, or its descriptor is TLS's."""
    return _asked(stream, _UNSENT_AND_UNACKED)


def unread(stream: Stream) -> int | None:
    """Bytes that came and were not read. None: likewise."""
    return _asked(stream, _UNREAD)


def _asked(stream: Stream, request: int) -> int | None:
    if not _HERE or stream.descriptor == NO_FD:
        return None
    import fcntl  # which Windows has not

    try:
        told: bytes = fcntl.ioctl(stream.descriptor, request, bytes(4))
    except OSError:
        return None
    return int(struct.unpack("i", told)[0])
