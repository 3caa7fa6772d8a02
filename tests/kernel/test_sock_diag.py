from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubbub.observe.kernel.sock_diag import (
    MOST_PORTS,
    SockDiag,
    SockDiagError,
    Socket,
    ends,
    port_filter,
    read_part,
)
from hubbub.observe.kernel.tcp_info import SIZE, read_tcp_info
from serving import until

SO_COOKIE = 57
INET, INET6 = int(socket.AF_INET), int(socket.AF_INET6)


@contextlib.contextmanager
def pair(
    host: str = "127.0.0.1", to: str | None = None
) -> Iterator[tuple[socket.socket, socket.socket, int]]:
    """A connection over loopback: the server's end, the client's, the server's port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=to is not None) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((to or host, port)) as client:
            server, _ = listener.accept()
            with server:
                yield server, client, port


@pytest.fixture
def diag() -> Iterator[SockDiag]:
    diag = SockDiag()
    yield diag
    diag.close()


def cookie(of: socket.socket) -> int:
    return struct.unpack("=Q", of.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]  # type: ignore[no-any-return]


def fill(of: socket.socket) -> int:
    """Send until nothing more is taken, to somebody who does not read; how much that was."""
    of.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += of.send(b"x" * 65_536)
    return sent


def only(diag: SockDiag, family: int, port: int) -> Socket:
    [one] = diag.connections({family: frozenset({port})})
    return one


def address(of: tuple[str, int]) -> str:
    return f"[{of[0]}]:{of[1]}" if ":" in of[0] else f"{of[0]}:{of[1]}"


@pytest.mark.parametrize(("family", "host"), [(INET, "127.0.0.1"), (INET6, "::1")])
def test_a_connection_is_named_as_it_names_itself(diag: SockDiag, family: int, host: str) -> None:
    with pair(host) as (server, client, port):
        one = only(diag, family, port)
        assert one.cookie == cookie(server)
        assert one.inode == os.fstat(server.fileno()).st_ino
        assert ends(one.identity) == (address(server.getsockname()[:2]), address(client.getsockname()[:2]))
        assert read_tcp_info(one.info).state == one.state == 1


def test_ipv4_that_came_to_an_ipv6_listener_reads_as_ipv4(diag: SockDiag) -> None:
    with pair("::", "127.0.0.1") as (_, client, port):
        one = only(diag, INET6, port)
        assert ends(one.identity) == (f"127.0.0.1:{port}", address(client.getsockname()))


def test_bytes_on_their_way_are_those_that_were_sent(diag: SockDiag) -> None:
    with pair() as (server, client, port):
        client.sendall(b"x" * 1234)
        until(lambda: only(diag, INET, port).unread == 1234)
        sent = fill(server)

        def peer() -> Socket:
            there = client.getsockname()[1]
            return only(diag, INET, there)

        until(lambda: only(diag, INET, port).queued + peer().unread == sent)
        one = only(diag, INET, port)
        info = read_tcp_info(one.info)
        assert 0 < info.unsent <= one.queued < sent
        assert info.window is not None


def test_getsockopt_and_netlink_tell_the_same(diag: SockDiag) -> None:
    with pair() as (server, client, port):
        server.sendall(b"x" * 5000)
        client.recv(5000, socket.MSG_WAITALL)
        until(lambda: read_tcp_info(only(diag, INET, port).info).bytes_acked >= 5000)
        by_netlink = read_tcp_info(only(diag, INET, port).info)
        by_call = read_tcp_info(server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512))
        for name in ("bytes_sent", "bytes_acked", "data_segs_out", "rtt_min", "cwnd", "total_retrans"):
            assert getattr(by_netlink, name) == getattr(by_call, name), name
        assert by_call.bytes_sent == 5000


@pytest.mark.parametrize("others", [0, 1, 20, MOST_PORTS - 1, MOST_PORTS + 10])
def test_the_ports_asked_for_and_no_others(diag: SockDiag, others: int) -> None:
    """With few the kernel picks them out, with many we do."""
    with pair() as (server, _, port), pair() as (second, _, second_port), pair():
        unused = set(range(2, 2 + others)) - {port, second_port}
        found = diag.connections({INET: frozenset({port, second_port} | unused)})
        assert {one.cookie for one in found} >= {cookie(server), cookie(second)}
        assert {one.port for one in found} <= {port, second_port} | unused
        assert diag.connections({INET: frozenset({1})}) == []


def test_the_extremes_of_ports_are_no_matter_to_the_kernel(diag: SockDiag) -> None:
    with pair() as (_, _, port):
        assert len(diag.connections({INET: frozenset({0, port, 65_535})})) == 1
    assert port_filter(()) == b""


def test_listeners_are_told_by_inode(diag: SockDiag) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=INET6) as six,
    ):
        found = diag.listeners()
        loopback = socket.inet_aton("127.0.0.1") + bytes(12), socket.inet_pton(INET6, "::1")
        assert found[os.fstat(four.fileno()).st_ino] == (INET, four.getsockname()[1], loopback[0])
        assert found[os.fstat(six.fileno()).st_ino] == (INET6, six.getsockname()[1], loopback[1])


def test_a_connection_that_its_process_has_closed_is_none_any_more(diag: SockDiag) -> None:
    """Also while the kernel still tries to bring out what was written."""
    with pair() as (server, _, port):
        fill(server)
        assert only(diag, INET, port).queued > 0
        server.close()
        assert diag.connections({INET: frozenset({port})}) == []


def test_what_other_programs_send_is_passed_over(diag: SockDiag) -> None:
    with pair() as (_, _, port), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as other:
        assert only(diag, INET, port).port == port  # from now on it has an address
        for sequence in (1, 2, 3):
            other.sendto(header(3, 4, sequence) + bytes(4), (diag._socket.getsockname()[0], 0))
        assert only(diag, INET, port).port == port


def test_more_than_one_answer_is_kept_apart(diag: SockDiag) -> None:
    with pair() as (_, _, port):
        for _ in range(3):
            assert only(diag, INET, port).port == port


# -- what the kernel never sends, we hope


def header(kind: int, size: int, sequence: int = 7, flags: int = 2) -> bytes:
    return struct.pack("=IHHII", 16 + size, kind, flags, sequence, 0)


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(port: int, *attributes: bytes, sequence: int = 7) -> bytes:
    identity = struct.pack(">HH", port, 999) + bytes([127, 0, 0, 1]).ljust(16, b"\0") * 2 + bytes(4)
    body = struct.pack("=BBBB", INET, 1, 0, 0) + identity + struct.pack("=II", port, 1)
    body += struct.pack("=IIIII", 0, 11, 22, 0, 4_000_000) + b"".join(attributes)
    return header(20, len(body), sequence) + body


DONE = header(3, 4) + bytes(4)
INFO = attribute(2, bytes([1]) + bytes(67) + struct.pack("=I", 310) + bytes(208))
ANSWER = b"".join(
    [
        message(1, attribute(8, b"\0"), INFO),
        message(2, attribute(8, b"\0"), INFO),
        message(3, INFO),
        message(4, attribute(8, b"\0")),
        message(5, attribute(8, b"\0"), INFO),
        message(6, attribute(2, bytes([1]) + bytes(103))),
        DONE,
    ]
)


def read(data: bytes) -> tuple[list[Socket], bool]:
    return tuple(read_part(memoryview(data), 7))  # type: ignore[return-value]


def test_messages_of_different_kinds_in_one_answer() -> None:
    found, done = read(ANSWER)
    assert done
    assert [one.port for one in found] == [1, 2, 3, 4, 5, 6]
    assert [read_tcp_info(one.info).rtt for one in found] == [310, 310, 310, 0, 310, 0]
    assert [len(one.info) >= SIZE for one in found] == [True, True, True, False, True, True]
    assert {(one.unread, one.queued, one.inode) for one in found} == {(11, 22, 4_000_000)}
    assert [one.cookie for one in found] == [port | 1 << 32 for port in range(1, 7)]


def test_answers_to_other_questions_are_passed_over() -> None:
    found, done = read(message(1, INFO, sequence=6) + message(2, INFO) + header(3, 4, 6) + bytes(4))
    assert ([one.port for one in found], done) == ([2], False)


def test_an_error_is_a_sentence() -> None:
    for kind in (2, 3):
        with pytest.raises(SockDiagError, match="Operation not permitted"):
            read(header(kind, 4) + struct.pack("=i", -1))


def test_an_answer_that_is_cut_off_anywhere() -> None:
    refused = 0
    for cut in range(len(ANSWER)):
        try:
            found, done = read(ANSWER[:cut])
        except SockDiagError:
            refused += 1
        else:
            assert not done
            assert [one.port for one in found] == list(range(1, len(found) + 1))
    assert refused > len(ANSWER) / 2


@settings(max_examples=400, deadline=None)
@example([(len(ANSWER) - 1, 128)])  # the least number that an error can have
@given(st.lists(st.tuples(st.integers(0, len(ANSWER) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_an_answer_with_wrong_bytes_fails_in_one_way_alone(changes: list[tuple[int, int]]) -> None:
    data = bytearray(ANSWER)
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(SockDiagError):
        for one in read(bytes(data))[0]:
            assert isinstance(one.port, int)
            if one.info:
                read_tcp_info(one.info)


@pytest.mark.parametrize("size", [0, 1, 3, 300, 65_535])
def test_an_attribute_whose_length_is_none(size: int) -> None:
    data = bytearray(message(1, attribute(8, b"\0"), INFO) + DONE)
    struct.pack_into("=H", data, 88, size)
    with pytest.raises(SockDiagError, match="an attribute is cut off"):
        read(bytes(data))


@given(st.binary(max_size=300))
def test_any_bytes_fail_in_one_way_alone(data: bytes) -> None:
    with contextlib.suppress(SockDiagError):
        read(data)


@pytest.mark.parametrize("size", [0, 1, 67, 68, 104, 192, 224, 228, 231, 232, 248, 280, 400])
def test_tcp_info_of_any_kernel(size: int) -> None:
    info = read_tcp_info((bytes([1]) + bytes(67) + struct.pack("=I", 42) + b"\1" * 400)[:size])
    assert info.state == (1 if size else 0)
    assert info.rtt == (42 if size >= 72 else 0)
    assert (info.window is None) == (size < 232)
    assert info.rate_limited_by_us is False
    assert read_tcp_info(bytes(7) + (b"\1" if sys.byteorder == "little" else b"\x80")).rate_limited_by_us
    assert info.needless == (0x01010101 if size >= 220 else 0)
