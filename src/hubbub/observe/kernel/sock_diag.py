"""`sock_diag`: the TCP connections of a server, as the kernel tells everybody who asks by netlink.

No privilege is needed. A request is a dump of one address family; the answer is a run of netlink messages
(RFC 3549 §2.2; sock_diag(7)), each an `inet_diag_msg` with attributes behind it, of which one is TCP_INFO.
10,000 of them come each second, so the way through here is short: where the attribute stands is learnt from
the first message and only checked in the others, and addresses are read when somebody is to see them.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from hubbub.observe.kernel.tcp_info import SIZE, STATES

MOST_SOCKETS: Final = 100_000
"""Of one dump. A server has a fifth of that, see `limits.max_connections`."""
PATIENCE: Final = 2.0
"""Seconds without a word of the kernel's."""
MOST_PORTS: Final = 64
"""That are asked for by number; a server with more listeners gets all connections, and picks its own."""
_CHUNK: Final = 256 * 1024

# include/uapi/linux/{netlink,sock_diag,inet_diag}.h
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST_DUMP: Final = 0x1 | 0x300  # NLM_F_REQUEST, NLM_F_DUMP
_INET_DIAG_INFO: Final = 2
_REQ_BYTECODE: Final = 1
_BC_JMP, _BC_S_GE, _BC_S_LE = 1, 2, 3
_LISTEN: Final = 1 << STATES.index("listen")
_CONNECTED: Final = sum(
    1 << STATES.index(state)
    for state in ("established", "fin_wait1", "fin_wait2", "close_wait", "last_ack", "closing")
)
_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_REQUEST: Final = struct.Struct("=BBBxI48s")  # family, protocol, extensions, states, inet_diag_sockid
_ATTRIBUTE: Final = struct.Struct("=HH")
_OP: Final = struct.Struct("=BBH")
_MESSAGE: Final = 72  # sizeof(struct inet_diag_msg)
_FIXED: Final = "=IHxxIxxxx xBxx H 38x II 4x II 4x I"
"""A message with its header: length, type and sequence; state, local port, cookie (low, high), receive queue,
send queue, inode."""
_HOST: Final = socket.ntohs
_CLONE_NEWNET: Final = 0x40000000
_MOST_ERRNO: Final = 4_095  # MAX_ERRNO; strerror takes no more than a C int


class SockDiagError(Exception):
    """The kernel does not tell: a sentence for people."""


class Socket(NamedTuple):
    """One socket at one moment."""

    cookie: int
    state: int
    inode: int
    """0: no process has it (any more)."""
    unread: int
    """Bytes that came and were not read."""
    queued: int
    """Bytes that were written and not acknowledged."""
    port: int
    """The local one."""
    identity: bytes
    """Family, and both ends: for `ends`."""
    info: bytes
    """`struct tcp_info`, filled up with zeros where the kernel is older. Empty for a listener."""


class Listener(NamedTuple):
    """Where some process listens."""

    family: int
    port: int
    address: bytes
    """16 of them, an IPv4 address first; all 0: wherever the machine can be reached."""


def place(identity: bytes) -> bytes:
    """The local address: of a connection, that of its listener, if that has one."""
    return identity[8:24]


def ends(identity: bytes) -> tuple[str, str]:
    """The local and the peer's address, each as HOST:PORT."""
    family = identity[0]
    local_port, peer_port = struct.unpack_from(">HH", identity, 4)
    return _address(family, identity[8:24], local_port), _address(family, identity[24:40], peer_port)


def _address(family: int, data: bytes, port: int) -> str:
    if family == socket.AF_INET:
        return f"{socket.inet_ntop(socket.AF_INET, data[:4])}:{port}"
    if data[:12] == b"\0" * 10 + b"\xff\xff":  # IPv4 that came to an IPv6 socket
        return f"{socket.inet_ntop(socket.AF_INET, data[12:])}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, data)}]:{port}"


class Part(NamedTuple):
    """What one run of messages held."""

    sockets: list[Socket]
    done: bool


def read_part(data: memoryview, sequence: int) -> Part:
    """Read messages of the answer `sequence`; others are passed over. Raises SockDiagError."""
    found: list[Socket] = []
    at, end = 0, len(data)
    while at + _HEADER.size <= end:
        length, kind, _, number, _ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= length <= end - at:
            raise SockDiagError("sock_diag: its answer is cut off")
        if number == sequence and kind in (_NLMSG_DONE, _NLMSG_ERROR):
            _see_error(data[at + _HEADER.size : at + length], kind)
            return Part(found, done=True)
        if number == sequence and kind == _SOCK_DIAG_BY_FAMILY:
            at = _read_alike(data, at, length, sequence, found)
        else:
            at += (length + 3) & ~3
    return Part(found, done=False)


def _read_alike(data: memoryview, at: int, length: int, sequence: int, found: list[Socket]) -> int:
    """Read this message, and those behind it that look the same; return where the next one begins.

    Mostly all do. Each is then read in one step: its length, its header and the header of its attribute are
    those of the first one, so it is as whole as that.
    """
    if length < _HEADER.size + _MESSAGE:
        raise SockDiagError("sock_diag: a message is cut off")
    info = _find_info(data, at, at + length)
    size = _ATTRIBUTE.unpack_from(data, at + info)[0] if info else 0
    filling = bytes(max(0, SIZE + _ATTRIBUTE.size - size)) if info else b""
    layout = struct.Struct(f"{_FIXED}{info - _HEADER.size - _MESSAGE}x4s" if info else f"{_FIXED}0s")
    usual = layout.unpack_from(data, at)[-1]
    step, last = (length + 3) & ~3, len(data) - length
    while at <= last:
        fields = layout.unpack_from(data, at)
        whole, kind, number, state, port, low, high, unread, queued, inode, attribute = fields
        if whole != length or kind != _SOCK_DIAG_BY_FAMILY or number != sequence or attribute != usual:
            break
        identity = bytes(data[at + 16 : at + 56])
        text = bytes(data[at + info + 4 : at + info + size]) + filling
        found.append(Socket(low | high << 32, state, inode, unread, queued, _HOST(port), identity, text))
        at += step
    return at


def _see_error(body: memoryview, kind: int) -> None:
    if len(body) < 4:
        if kind == _NLMSG_ERROR:
            raise SockDiagError("sock_diag: an error is cut off")
        return
    (code,) = struct.unpack_from("=i", body)
    if code < 0:
        raise SockDiagError(f"sock_diag: {os.strerror(min(-code, _MOST_ERRNO))}")


def _is_info(data: memoryview, at: int, end: int) -> bool:
    if at + 4 > end:
        return False
    size, kind = _ATTRIBUTE.unpack_from(data, at)
    return bool(kind == _INET_DIAG_INFO and size >= 4 and at + size <= end)


def _find_info(data: memoryview, start: int, end: int) -> int:
    at = start + _HEADER.size + _MESSAGE
    while at + 4 <= end:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < 4 or at + size > end:
            raise SockDiagError("sock_diag: an attribute is cut off")
        if kind == _INET_DIAG_INFO:
            return at - start
        at += (size + 3) & ~3
    return 0


def port_filter(ports: Iterable[int]) -> bytes:
    """Bytecode for the kernel: the local port is one of these (include/uapi/linux/inet_diag.h).

    Each is two comparisons and a jump to the end, which accepts; behind the last one it jumps four bytes
    beyond the end, which refuses.
    """
    wanted = sorted(set(ports))
    code = bytearray()
    for left in range(len(wanted), 0, -1):
        port, whole = wanted[-left], 20 * left  # bytes from here to the end
        last = left == 1
        code += _OP.pack(_BC_S_GE, 8, whole + 4 if last else 20) + _OP.pack(0, 0, port)
        code += _OP.pack(_BC_S_LE, 8, whole - 8 + 4 if last else 12) + _OP.pack(0, 0, port)
        code += _OP.pack(_BC_JMP, 4, whole - 16)
    return bytes(code)


_LET: Final = "let AF_NETLINK pass (systemd's RestrictAddressFamilies, a container's seccomp profile)"


class SockDiag:
    """Asks the kernel."""

    def __init__(self, pid: int | None = None) -> None:
        """Of the network that process `pid` is in; None: ours. Raises SockDiagError."""
        try:
            with _network_of(pid):
                self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        except (OSError, AttributeError) as error:
            why = f"{error.strerror}; {_LET}" if isinstance(error, OSError) else "this system is not Linux"
            raise SockDiagError(f"sock_diag: {why}") from None
        self._socket.settimeout(PATIENCE)
        self._sequence = 0
        self._buffer = bytearray(_CHUNK)
        self._view = memoryview(self._buffer)

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()

    def listeners(self) -> dict[int, Listener]:
        """All TCP listeners, by inode. Raises SockDiagError."""
        return {
            one.inode: Listener(family, one.port, place(one.identity))
            for family in _families()
            for one in self._dump(family, _LISTEN, 0, b"")
        }

    def connections(self, ports: Mapping[int, frozenset[int]]) -> list[Socket]:
        """Connections by their local ports, those by address family, that some process has open.

        Raises SockDiagError.
        """
        found: list[Socket] = []
        for family, wanted in ports.items():
            code = port_filter(wanted) if len(wanted) <= MOST_PORTS else b""
            found += [
                one
                for one in self._dump(family, _CONNECTED, 1 << (_INET_DIAG_INFO - 1), code)
                if one.inode and one.info and one.port in wanted
            ]
        return found

    def _dump(self, family: int, states: int, extensions: int, code: bytes) -> list[Socket]:
        self._sequence += 1
        body = _REQUEST.pack(family, socket.IPPROTO_TCP, extensions, states, b"")
        if code:
            body += _ATTRIBUTE.pack(4 + len(code), _REQ_BYTECODE) + code
        length = _HEADER.size + len(body)
        header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, self._sequence, 0)
        found: list[Socket] = []
        try:
            self._socket.sendto(header + body, (0, 0))
            while len(found) < MOST_SOCKETS:
                size, sender = self._socket.recvfrom_into(self._buffer)
                if sender[0] != 0:
                    continue  # another program's: only the kernel is port 0
                part = read_part(self._view[:size], self._sequence)
                found += part.sockets
                if part.done:
                    break
        except OSError as error:
            raise SockDiagError(f"sock_diag: {error.strerror or error}") from None
        return found


def _families() -> tuple[int, ...]:
    return (int(socket.AF_INET), int(socket.AF_INET6))


@contextlib.contextmanager
def _network_of(pid: int | None) -> Iterator[None]:
    """Be in a process's network namespace, to open a socket there. Another than ours takes CAP_SYS_ADMIN."""
    if pid is None or sys.platform != "linux":
        yield
        return
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.path.sameopenfile(there, here):
                yield
                return
            enter = _setns()
            enter(there)
            try:
                yield
            finally:
                enter(here)
        finally:
            os.close(here)
    finally:
        os.close(there)


def _setns() -> Callable[[int], None]:
    import ctypes  # by need; Python has it from 3.12 on

    libc = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor: int) -> None:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"the server's network namespace cannot be entered: {os.strerror(code)}")

    return enter
