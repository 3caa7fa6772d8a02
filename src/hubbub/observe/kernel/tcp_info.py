"""`struct tcp_info`, by offsets: what the kernel keeps of a TCP connection (Linux, include/uapi/linux/tcp.h).

It has grown at its end ever since. An older kernel gives fewer bytes, a newer one more: what is missing is
0, what is not known is passed over. getsockopt and `sock_diag` give the same bytes.
"""

from __future__ import annotations

import struct
import sys
from typing import Final, NamedTuple

_LAYOUT: Final = struct.Struct(
    "=B x B 4x B"  # 0: state, retransmits 2, and two fields of bits at 7
    "16x"  # 8
    "I 16x"  # 24: unacked
    "I 4x I I"  # 44: last_data_sent, last_ack_sent, last_data_recv, last_ack_recv
    "8x II 4x I 16x"  # 60: rtt 68, rttvar 72, snd_cwnd 80
    "I 16x"  # 100: total_retrans
    "Q 8x"  # 120: bytes_acked
    "8x I I"  # 136: notsent_bytes 144, min_rtt 148
    "4x I Q"  # 152: data_segs_out 156, delivery_rate 160
    "QQQ 8x"  # 168: busy_time, rwnd_limited, sndbuf_limited
    "Q 8x I 8x I"  # 200: bytes_sent; dsack_dups 216, snd_wnd 228
)
SIZE: Final = _LAYOUT.size
COUNTERS_AT: Final = 100
"""From here on it holds what only grows, and what stays the same while nothing is sent (but for `unsent`)."""
_APP_LIMITED: Final = 0x01 if sys.byteorder == "little" else 0x80
"""Of the byte at 7, the first bit: delivery_rate_app_limited."""
_WINDOW_SINCE: Final = SIZE
"""Bytes of the first kernel that tells the peer's window (5.4)."""
STATES: Final = (
    *("unknown", "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait"),
    *("close", "close_wait", "last_ack", "listen", "closing", "new_syn_recv"),
)
"""Of TCP, by the kernel's number (include/net/tcp_states.h)."""


class TcpInfo(NamedTuple):
    """Times in microseconds, but the `last_…` in milliseconds; counts since the connection began."""

    state: int
    retransmits: int
    """How many times in a row the retransmission timer has run out."""
    rate_limited_by_us: bool
    """`delivery_rate` was measured while there was too little to send: the line would take more."""
    unacked: int
    last_data_sent: int
    last_data_recv: int
    last_ack_recv: int
    rtt: int
    rtt_var: int
    cwnd: int
    total_retrans: int
    bytes_acked: int
    unsent: int
    rtt_min: int
    data_segs_out: int
    delivery_rate: int
    busy: int
    reader_limited: int
    buffer_limited: int
    bytes_sent: int
    """Again for each time that they were sent."""
    needless: int
    """Segments that the peer says it had already (RFC 2883, D-SACK). 0: an older kernel (before 4.19)."""
    window: int | None
    """Bytes that the peer would still take. None: an older kernel does not tell."""

    @property
    def rtt_age(self) -> int:
        """Milliseconds since the round-trip time was measured, at most: by what was sent last, or before that
        where it is not acknowledged yet."""
        return max(self.last_data_sent, self.last_ack_recv)


def read_tcp_info(data: bytes) -> TcpInfo:
    """Read what a kernel gave, of any length."""
    size = len(data)
    if size < SIZE:
        data += bytes(SIZE - size)
    state, retransmits, bits, *others = _LAYOUT.unpack_from(data)
    info = TcpInfo(state, retransmits, bool(bits & _APP_LIMITED), *others)
    return info if size >= _WINDOW_SINCE else info._replace(window=None)
