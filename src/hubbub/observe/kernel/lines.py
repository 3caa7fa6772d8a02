"""The last minute of each connection: samples go in, a `Line` with the figures of its last seconds comes out.

A sample costs little, since there may be 10,000 of them: the bytes of TCP_INFO that count are kept as they
came, once where nothing has changed, and only what is shown is read.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Collection, Iterable, Mapping
from heapq import nlargest
from itertools import starmap
from typing import TYPE_CHECKING, Final

from hubbub.observe.kernel.figures import STALE, WINDOW, WORST, Line
from hubbub.observe.kernel.sock_diag import Socket, ends
from hubbub.observe.kernel.tcp_info import COUNTERS_AT, SIZE, STATES, TcpInfo, read_tcp_info

if TYPE_CHECKING:
    from hubbub.observe.kernel.probes import SocketCounts

MINUTE: Final = 60
"""Seconds of round-trip times that are kept."""
_SLOTS: Final = WINDOW + 1
"""Samples whose counters are kept: so many that a second apart they span the window."""
_SLACK: Final = 0.5
"""Seconds by which a window may be longer: samples are not quite a second apart."""
_NO_RTT: Final = 0xFFFFFFFF
"""What the kernel says for a least round-trip time that was never measured."""

_QUICK: Final = struct.Struct("=2xB 41x I 8x I 8x II".replace(" ", ""))
"""Retransmits (2), last_data_sent (44), last_ack_recv (56), rtt (68), rttvar (72)."""
_GROWN: Final = struct.Struct("=I 52x I 16x QQ 24x I".replace(" ", ""))
"""Of the counters: total_retrans (100), data_segs_out (156), rwnd_limited (176), sndbuf_limited (184),
dsack_dups (216)."""
_COUNTS: Final = struct.Struct("=10Q")
"""What the probes counted at the socket, behind the counters: `SocketCounts`."""
_ZERO: Final = bytes(SIZE - COUNTERS_AT)

Counts = Mapping[int, "SocketCounts"]
"""What the probes counted at sockets since they began, by cookie."""


def line_of(
    cookie: int,
    between: tuple[str, str],
    info: TcpInfo,
    before: TcpInfo,
    span: float,
    *,
    state: int,
    queued: int,
    unread: int,
) -> Line:
    """What TCP knows of a connection `between` its two ends, over the seconds since it was as `before`.

    `state` by TCP's number; `queued` and `unread`: see Line.
    """
    local, peer = between
    needless = max(0, info.needless - before.needless)
    return Line(
        cookie=cookie,
        local=local,
        peer=peer,
        state=STATES[state] if state < len(STATES) else STATES[0],
        span=span,
        rtt=info.rtt,
        rtt_var=info.rtt_var,
        rtt_min=0 if info.rtt_min == _NO_RTT else info.rtt_min,
        rtt_age=info.rtt_age,
        cwnd=info.cwnd,
        unacked=info.unacked,
        unsent=info.unsent,
        queued=queued,
        unread=unread,
        window=None if info.window is None else max(0, info.window - max(0, queued - info.unsent)),
        segments=max(0, info.data_segs_out - before.data_segs_out),
        retransmitted=max(0, info.total_retrans - before.total_retrans - needless),
        backoff=info.retransmits,
        busy=max(0, info.busy - before.busy),
        reader_limited=max(0, info.reader_limited - before.reader_limited),
        buffer_limited=max(0, info.buffer_limited - before.buffer_limited),
        delivery_rate=None if info.rate_limited_by_us else info.delivery_rate,
        sent=max(0, info.bytes_sent - before.bytes_sent),
        acked=max(0, info.bytes_acked - before.bytes_acked),
        silent=min(info.last_data_recv, info.last_ack_recv),
    )


class _Track:
    """One connection's past. Its slots are numbered by samples, for all connections alike."""

    __slots__ = ("counters", "first", "now", "rtts", "seen", "spreads")

    def __init__(self, now: Socket, sample: int) -> None:
        self.now = now
        self.first = self.seen = sample
        self.counters: list[bytes] = [_ZERO] * _SLOTS  # before its first sample it had sent nothing
        self.rtts = array("I", bytes(4 * MINUTE))
        self.spreads = array("I", bytes(4 * MINUTE))


class Lines:
    """All connections of one server. It holds what there is in the newest sample, and nothing else."""

    def __init__(self) -> None:
        self.rtt_median = 0
        """Of all whose round-trip time was measured lately, in microseconds; …"""
        self.rtt_count = 0
        """… and how many these are."""
        self._tracks: dict[int, _Track] = {}
        self._sample = -1
        self._back = 0  # how many samples ago the window began
        self._times = array("d", bytes(8 * MINUTE))
        self._worst: list[tuple[float, int]] = []

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._tracks)

    def take(self, now: float, sockets: Iterable[Socket], counts: Counts | None) -> None:
        """A sample of all that there are, at `now` (monotonic seconds). Those that are gone are forgotten."""
        self._sample = sample = self._sample + 1
        self._times[sample % MINUTE] = now
        self._back = self._window()
        slot, before, base = (at % _SLOTS for at in (sample, sample - 1, sample - self._back))
        place, first = sample % MINUTE, sample == 0
        span = 1_000_000 * max(now - self._times[(sample - self._back) % MINUTE], 1.0)
        tracks, rtts, ranks = self._tracks, array("I"), []
        for one in sockets:
            cookie, _, _, unread, queued, _, _, info = one
            track = tracks.get(cookie)
            if track is None:
                track = tracks[cookie] = _Track(one, sample)
            else:
                track.now = one
                track.seen = sample
            counters = info[COUNTERS_AT:SIZE]
            if counts is not None and (counted := counts.get(cookie)) is not None:
                counters += _COUNTS.pack(*counted)
            kept = track.counters
            if counters == kept[before]:
                counters = kept[before]
            kept[slot] = counters
            retransmits, sent, heard, rtt, spread = _QUICK.unpack_from(info)
            track.rtts[place] = rtt
            track.spreads[place] = spread
            if sent >= STALE or heard >= STALE:
                rtt = 0
            elif rtt:
                rtts.append(rtt)
            rank = rtt / 100_000 + 2 * retransmits + (unread + queued) / 65_536
            if kept[base] is not counters and not first:
                rank += _rank(kept[base], counters, span)
            ranks.append((rank, cookie))
        if len(tracks) != len(ranks):
            self._tracks = {cookie: track for cookie, track in tracks.items() if track.seen == sample}
        self.rtt_count = len(rtts)
        self.rtt_median = sorted(rtts)[(len(rtts) - 1) // 2] if rtts else 0
        self._worst = nlargest(WORST, ranks)

    def _window(self) -> int:
        """How many samples back the window reaches: at least one, if there is one."""
        sample, times = self._sample, self._times
        back = min(sample, 1)
        since = times[sample % MINUTE] - WINDOW - _SLACK
        while back < min(sample, WINDOW) and times[(sample - back - 1) % MINUTE] >= since:
            back += 1
        return back

    def worst(self) -> list[Line]:
        """At most `WORST`: those whose figures stand out most, the worst first."""
        found = (self._tracks.get(cookie) for _, cookie in self._worst)
        return [self._line(track) for track in found if track is not None]

    def of(self, cookies: Collection[int]) -> list[Line]:
        """These, with their past. Those that are not there are left out."""
        found = (self._tracks.get(cookie) for cookie in cookies)
        return [self._with_past(track) for track in found if track is not None]

    def _with_past(self, track: _Track) -> Line:
        """A round-trip time a second; where samples are further apart, each stands for all of its seconds."""
        past: list[tuple[int, int]] = []
        for sample in range(max(track.first, self._sample - MINUTE + 1), self._sample + 1):
            at = sample % MINUTE
            seconds = 1
            if sample > max(0, self._sample - MINUTE + 1):
                seconds = round(self._times[sample % MINUTE] - self._times[(sample - 1) % MINUTE])
            if track.rtts[at]:
                past += [(track.rtts[at], track.spreads[at])] * min(max(seconds, 1), MINUTE)
        line, shown = self._line(track), past[-MINUTE:]
        line.rtt_past = tuple(rtt for rtt, _ in shown)
        line.rtt_var_past = tuple(spread for _, spread in shown)
        return line

    def _line(self, track: _Track) -> Line:
        now, sample = track.now, self._sample
        since = max(sample - self._back, track.first - 1, 0)  # of what is younger, the sample before it
        newest, oldest = track.counters[sample % _SLOTS], track.counters[(sample - self._back) % _SLOTS]
        info, before = read_tcp_info(now.info), _counters(oldest)
        if sample == 0:
            before = info  # how much of it was lately, nobody knows
        counted = _COUNTS.unpack_from(newest, len(_ZERO)) if len(newest) > len(_ZERO) else None
        span = round(self._times[sample % MINUTE] - self._times[since % MINUTE], 3)
        line = line_of(
            now.cookie,
            ends(now.identity),
            info,
            before,
            span,
            state=now.state,
            queued=now.queued,
            unread=now.unread,
        )
        if counted is not None:
            known = oldest[len(_ZERO) :] or bytes(_COUNTS.size)
            pairs = zip(counted, _COUNTS.unpack(known), strict=True)
            grown = starmap(lambda now, then: max(0, now - then), pairs)
            line.sends, line.short_sends, line.send_bytes, line.receives, line.receive_bytes, *rare = grown
            line.full, line.overflows, line.resets_sent, line.resets_received, line.state_changes = rare
        return line


def _counters(kept: bytes) -> TcpInfo:
    return read_tcp_info(bytes(COUNTERS_AT) + kept[: SIZE - COUNTERS_AT])


def _rank(before: bytes, now: bytes, span: float) -> float:
    """What the window's counters add: one retransmission in twenty counts as 100 ms of round trip do."""
    again, segments, reader, buffer, had = _GROWN.unpack_from(now)
    again_before, segments_before, reader_before, buffer_before, had_before = _GROWN.unpack_from(before)
    lost = max(0, again - again_before - (had - had_before)) / max(segments - segments_before, 20)
    return float(20 * lost + 4 * (reader - reader_before + buffer - buffer_before) / span)
