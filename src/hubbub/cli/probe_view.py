"""Reports of `hubbub probe`, drawn: a screen that is drawn anew each second, or one below the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hubbub.cli.output import open_console, printing
from hubbub.observe.kernel.buckets import lowest, quantile
from hubbub.observe.kernel.facts import Unit, amount
from hubbub.observe.kernel.figures import Buckets, Line, Report, SocketSums, Source

_BARS: Final = " ▁▂▃▄▅▆▇█"
_WORST: Final = 12
"""Connections that are shown."""
_HAPPENED: Final = 6


class View:
    """Shows reports."""

    def __init__(self, source: Source, name_of: Callable[[int], str]) -> None:
        self._source = source
        self._name_of = name_of
        self._console = open_console()
        self._live = Live(console=self._console, auto_refresh=False) if sys.stdout.isatty() else None
        missing = source.missing.items()  # why there are no probes at all, the sentence says
        self._missing = [f"without {hook}: {why}" for hook, why in missing if hook != "probes"]
        if self._live is not None:
            self._live.start()

    def show(self, report: Report) -> None:
        """The next one."""
        drawn = self._draw(report)
        with printing():
            if self._live is not None:
                self._live.update(drawn, refresh=True)
            else:
                self._console.print(drawn)

    def end(self) -> None:
        """Leave the last one where it stands."""
        if self._live is not None:
            self._live.stop()

    def _draw(self, report: Report) -> Group:
        parts: list[Text | Table] = [Text(self._source.sentence, style="bold")]
        parts += [Text(line, style="dim") for line in self._missing]
        parts.append(Text(""))
        if report.calls:
            parts.append(_calls(report))
            if not self._source.everything:
                parts.append(Text("how long they take, tells --all", style="dim"))
            parts.append(Text(""))
        parts += [_machine(report), Text(""), self._lines(report)]
        if report.sockets is not None:
            parts.append(Text(_in_all(report.sockets)))
        if report.happenings:
            parts += [Text(""), *self._happenings(report)]
        if report.lost or report.missed:
            parts.append(Text(f"{report.lost:,} happenings lost, {report.missed:,} calls not by connection"))
        parts.append(Text(""))
        return Group(*parts)

    def _lines(self, report: Report) -> Table:
        table = _table(f"connections: {report.lines:,}, those that stand out first")
        for name in ("who", "peer"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for name in ("RTT", "±", "again", "unsent", "sends", "short", "full", "kept by peer", "leaves at"):
            table.add_column(name, justify="right", no_wrap=True)
        for line in report.worst[:_WORST]:
            table.add_row(self._name_of(line.cookie), line.peer, *_figures(line))
        return table

    def _happenings(self, report: Report) -> list[Text]:
        told: list[Text] = []
        for what in report.happenings[-_HAPPENED:]:
            who = self._name_of(what.cookie) or what.peer
            told.append(Text(f"{what.kind}: {who} {what.detail}".rstrip(), style="dim"))
        return told


def _in_all(sums: SocketSums) -> str:
    return (
        f"of all: {sums.short_sends:,} sends cut short, queues full for {amount(sums.full, 'µs')},"
        f" {sums.retransmits:,} packets sent again, {sums.overflows:,} dropped on arrival,"
        f" resets: {sums.resets_sent:,} sent, {sums.resets_received:,} received;"
        f" {sums.state_changes:,} changes of state"
    )


def _figures(line: Line) -> list[str]:
    def known(value: int | None, unit: Unit) -> str:
        return "" if value is None else amount(value, unit)

    return [
        amount(line.rtt, "µs"),
        amount(line.rtt_var, "µs"),
        f"{line.retransmitted:,}/{line.segments:,}",
        amount(line.unsent, "B"),
        known(line.sends, ""),
        known(line.short_sends, ""),
        known(line.full, "µs"),
        amount(line.reader_limited, "µs"),
        amount(line.delivery_rate, "B/s"),
    ]


def _calls(report: Report) -> Table:
    table = _table("calls, a second")
    table.add_column("call", no_wrap=True)
    for name in ("count", "bytes", "failed", "again", "p50", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("how long, 256 ns … 16 s", no_wrap=True)
    table.add_column("sizes, 1 B … 16 MiB", no_wrap=True)
    for call, figures in report.calls.items():
        a_second = [figures.count, figures.bytes, figures.failed, figures.again]
        count, size, failed, again = (round(value / report.seconds) for value in a_second)
        table.add_row(
            call,
            amount(count, ""),
            amount(size, "B"),
            amount(failed, ""),
            amount(again, ""),
            _quantile(figures.took, 0.5),
            _quantile(figures.took, 0.99),
            _bars(figures.took, 8, 34),
            _bars(figures.sizes, 0, 24),
        )
    return table


def _machine(report: Report) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 3, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    machine, queue = report.machine, report.run_queue
    seconds = report.seconds
    pressure = ", ".join(f"{name} {share:.0%}" for name, share in machine.pressure.items())
    ran, delayed = _share(queue.ran, seconds), _share(queue.delayed, seconds)
    table.add_row("threads", f"{ran} run, {delayed} kept waiting")
    if queue.waits:
        p99 = _quantile(queue.waits, 0.99)
        table.add_row("each wait", f"{_bars(queue.waits, 8, 34)} 256 ns … 16 s, p99 {p99}")
    table.add_row("machine", f"{machine.busy:.0%} of {machine.cores} cores busy, {machine.stolen:.0%} stolen")
    if pressure:
        table.add_row("waited for", pressure)
    return table


def _share(micros: int, seconds: float) -> str:
    return f"{micros / 1e6 / seconds:.1%}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)


def _quantile(counts: Buckets, part: float) -> str:
    value = quantile(counts, part)
    return "" if value is None else amount(value / 1000, "µs")


def _bars(counts: Buckets, first: int, last: int) -> str:
    """A character for each power of two from `first` on."""
    powers = [0] * (last - first)
    for bucket, count in counts.items():
        power = lowest(bucket).bit_length() - 1
        powers[min(max(power - first, 0), len(powers) - 1)] += count
    most = max(*powers, 1)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in powers)
