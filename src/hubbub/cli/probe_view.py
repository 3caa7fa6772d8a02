"""Reports of `hubbub probe`, drawn: a screen that is drawn anew each second, or one below the other.

Where there is no room for all, whole columns are given up, and rows: half a figure would be another one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.console import Group, JustifyMethod
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
_LEAST_NAME: Final = 12
"""Columns of a name that are left to it, before a figure is given up."""
_BETWEEN: Final = 2
_LABELS: Final = 13
"""Columns of what stands in front of the machine's figures."""

_CALLS: Final = (
    "sizes, 1 B … 16 MiB",
    "how long, 256 ns … 16 s",
    "again",
    "failed",
    "bytes",
    "p50",
    "p99",
    "count",
)
_LINES: Final = ("±", "sends", "leaves at", "full", "short", "peer", "kept by peer", "unsent", "again", "RTT")
"""Columns of the two tables, in the order in which they are given up. Whose figures they are, stays."""


class Column(NamedTuple):
    """A part of a table: its head, and a cell for each row."""

    name: str
    cells: list[str]
    figures: bool = True
    """They stand at the right."""


class View:
    """Shows reports."""

    def __init__(self, source: Source, name_of: Callable[[int], str]) -> None:
        self._source = source
        self._name_of = name_of
        self._console = open_console()
        self._live = Live(console=self._console, auto_refresh=False) if sys.stdout.isatty() else None
        missing = source.missing.items()  # why there are no probes at all, the sentence says
        self._widest: dict[tuple[str, str], int] = {}
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
        head: list[Text | Table] = [Text(self._source.sentence, style="bold")]
        head += [Text(line, style="dim") for line in self._missing]
        head.append(Text(""))
        if report.calls:
            head += self._calls(report)
            if not self._source.everything:
                head.append(Text("how long they take, tells --all", style="dim"))
            head.append(Text(""))
        head += [_machine(report, self._console.width), Text("")]
        foot: list[Text | Table] = []
        if report.sockets is not None:
            foot.append(Text(_in_all(report.sockets)))
        if report.lost or report.missed:
            foot.append(Text(f"{report.lost:,} happenings lost, {report.missed:,} calls not by connection"))
        room = self._room(head + foot)
        worst = report.worst[: max(1, min(_WORST, room))]
        happened = self._happenings(report)[-max(0, room - len(worst) - 1) :]
        if happened and room > len(worst) + 1:
            foot += [Text(""), *happened]
        return Group(*head, *self._lines(report, worst), *foot, Text(""))

    def _room(self, others: list[Text | Table]) -> int:
        """Rows for connections and happenings, beside all else. On a screen the rest would be cut off."""
        if self._live is None:
            return _WORST + _HAPPENED + 1
        taken = len(self._console.render_lines(Group(*others)))
        return self._console.height - taken - 4  # its title, its head, an empty line, and the cursor's

    def _calls(self, report: Report) -> list[Text | Table]:
        calls = report.calls
        figures = calls.values()

        def a_second(unit: Unit, values: Iterable[int]) -> list[str]:
            return [amount(round(value / report.seconds), unit) for value in values]

        columns = [
            Column("call", list(calls), figures=False),
            Column("count", a_second("", (one.count for one in figures))),
            Column("bytes", a_second("B", (one.bytes for one in figures))),
            Column("failed", a_second("", (one.failed for one in figures))),
            Column("again", a_second("", (one.again for one in figures))),
        ]
        if self._source.everything:
            columns += [
                Column("p50", [_quantile(one.took, 0.5) for one in figures]),
                Column("p99", [_quantile(one.took, 0.99) for one in figures]),
                Column("how long, 256 ns … 16 s", [_bars(one.took, 8, 34) for one in figures], figures=False),
            ]
        columns.append(
            Column("sizes, 1 B … 16 MiB", [_bars(one.sizes, 0, 24) for one in figures], figures=False)
        )
        return [_title("calls, a second"), self._table("calls", columns, _CALLS)]

    def _lines(self, report: Report, worst: list[Line]) -> list[Text | Table]:
        columns = [
            Column("who", [self._name_of(line.cookie) or line.peer for line in worst], figures=False),
            Column("peer", [line.peer for line in worst], figures=False),
            Column("RTT", [amount(line.rtt, "µs") for line in worst]),
            Column("±", [amount(line.rtt_var, "µs") for line in worst]),
            Column("again", [f"{line.retransmitted:,}/{line.segments:,}" for line in worst]),
            Column("unsent", [amount(line.unsent, "B") for line in worst]),
        ]
        if report.probes:
            columns += [
                Column("sends", [_known(line.sends, "") for line in worst]),
                Column("short", [_known(line.short_sends, "") for line in worst]),
                Column("full", [_known(line.full, "µs") for line in worst]),
            ]
        columns += [
            Column("kept by peer", [amount(line.reader_limited, "µs") for line in worst]),
            Column("leaves at", [_known(line.delivery_rate, "B/s") for line in worst]),
        ]
        title = _title(_how_many(report))
        return [title, self._table("connections", columns, _LINES)]

    def _table(self, title: str, columns: list[Column], given_up: Sequence[str]) -> Table:
        """What there is room for. A column is as wide as it ever was: else it would come and go."""
        widths = {}
        for one in columns:
            width = max(map(cell_len, (one.name, *one.cells)))
            widths[one.name] = self._widest[title, one.name] = max(
                width, self._widest.get((title, one.name), 0)
            )
        first = columns[0]
        room = self._console.width
        least = min(widths[first.name], _LEAST_NAME)
        for name in given_up:
            others = sum(width + _BETWEEN for other, width in widths.items() if other != first.name)
            if least + others <= room:
                break
            widths.pop(name, None)
        others = sum(width + _BETWEEN for other, width in widths.items() if other != first.name)
        widths[first.name] = max(1, min(widths[first.name], room - others))
        table = Table(box=None, padding=(0, _BETWEEN, 0, 0), pad_edge=False)
        kept = [one for one in columns if one.name in widths]
        for one in kept:
            justify: JustifyMethod = "right" if one.figures else "left"
            width = widths[one.name]
            table.add_column(one.name, justify=justify, width=width, no_wrap=True, overflow="ellipsis")
        for row in zip(*(one.cells for one in kept), strict=True):
            table.add_row(*row)
        return table

    def _happenings(self, report: Report) -> list[Text]:
        told: list[Text] = []
        for what in report.happenings[-_HAPPENED:]:
            who = self._name_of(what.cookie) or what.peer
            told.append(
                Text(f"{what.kind}: {who} {what.detail}".rstrip(), "dim", no_wrap=True, overflow="ellipsis")
            )
        return told


def _in_all(sums: SocketSums) -> str:
    return (
        f"of all: {sums.short_sends:,} sends cut short, queues full for {amount(sums.full, 'µs')},"
        f" {sums.retransmits:,} packets sent again, {sums.overflows:,} dropped on arrival,"
        f" resets: {sums.resets_sent:,} sent, {sums.resets_received:,} received;"
        f" {sums.state_changes:,} changes of state"
    )


def _known(value: int | None, unit: Unit) -> str:
    return "" if value is None else amount(value, unit)


def _title(text: str) -> Text:
    return Text(text, "italic", no_wrap=True, overflow="ellipsis")


def _how_many(report: Report) -> str:
    if report.lines is None:
        return "connections: not known, see above"
    return f"connections: {report.lines:,}, those that stand out first"


def _machine(report: Report, room: int) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 3, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    machine, queue = report.machine, report.run_queue
    seconds = report.seconds
    pressure = ", ".join(f"{name} {share:.0%}" for name, share in machine.pressure.items())
    ran, delayed = _share(queue.ran, seconds), _share(queue.delayed, seconds)
    table.add_row("threads", f"{ran} run, {delayed} kept waiting")
    if queue.waits:
        told = f"p99 {_quantile(queue.waits, 0.99)}"
        drawn = f"{_bars(queue.waits, 8, 34)} 256 ns … 16 s, {told}"
        table.add_row("each wait", drawn if cell_len(drawn) + _LABELS <= room else told)
    table.add_row("machine", f"{machine.busy:.0%} of {machine.cores} cores busy, {machine.stolen:.0%} stolen")
    if pressure:
        table.add_row("waited for", pressure)
    return table


def _share(micros: int, seconds: float) -> str:
    return f"{micros / 1e6 / seconds:.1%}"


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
