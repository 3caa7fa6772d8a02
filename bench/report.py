"""What becomes of the figures: verdicts on the targets, and tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import DRIVER_BOUND, IdleRow, Row, StartupRow
from bench.scenarios import Idle, Scenario, Startup

BEGIN = "<!-- figures: written by `python bench/run.py --write` -->"
END = "<!-- end of figures -->"


@dataclass(slots=True)
class Figures:
    """All that one run brought."""

    facts: dict[str, str]
    rounds: int
    rows: list[Row] = field(default_factory=list)
    idle: list[IdleRow] = field(default_factory=list)
    startup: StartupRow | None = None
    skipped: list[str] = field(default_factory=list)
    """A sentence for each thing that was not measured, naming what was missing or went wrong."""

    def of(self, scenario: str, server: str) -> list[Row]:
        return [row for row in self.rows if row.scenario == scenario and row.server == server]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and what was measured. `met` None: not measured."""

    subject: str
    target: str
    measured: str
    met: bool | None


def ratio(figures: Figures, scenario: str, peer: str, of: Callable[[Row], float]) -> float | None:
    """Hubbub over the peer: the median of the ratios of each round in which both ran."""
    peers = {row.round: of(row) for row in figures.of(scenario, peer)}
    ours = {row.round: of(row) for row in figures.of(scenario, "hubbub")}
    ratios = [ours[number] / peers[number] for number in ours.keys() & peers.keys()]
    return statistics.median(ratios) if ratios else None


def _per_wall_second(row: Row) -> float:
    return row.result.per_second


def _per_cpu_second(row: Row) -> float:
    return row.per_cpu_second


def _fan_out(figures: Figures, scenario: Scenario) -> Iterable[Verdict]:
    one_in_flight = scenario.load.in_flight == scenario.load.rooms
    for wanted in scenario.ratios:
        by_cpu = ratio(figures, scenario.name, wanted.peer, _per_cpu_second)
        by_wall = ratio(figures, scenario.name, wanted.peer, _per_wall_second)
        measured = "not measured"
        if by_cpu is not None and by_wall is not None:
            measured = f"{by_cpu:.2f} ×" + (f" (by the clock {by_wall:.2f} ×)" if one_in_flight else "")
        subject = f"{scenario.name}, deliveries a CPU second against {wanted.peer}"
        met = None if by_cpu is None else by_cpu >= wanted.at_least
        yield Verdict(subject, f"≥ {wanted.at_least:g} ×", measured, met)
    if scenario.p99_ms is not None:
        rows = figures.of(scenario.name, "hubbub")
        faults = sum(row.faults for row in rows)
        p99 = statistics.median([row.result.latency_ms.p99 for row in rows]) if rows else 0.0
        yield Verdict(
            f"{scenario.name}, p99 at a fixed rate; none lost, doubled or out of order",
            f"≤ {scenario.p99_ms:g} ms; 0",
            f"{p99:.1f} ms; {faults}" if rows else "not measured",
            p99 <= scenario.p99_ms and faults == 0 if rows else None,
        )


def _at_rest(figures: Figures, idle: Idle) -> Iterable[Verdict]:
    row = next((row for row in figures.idle if row.server == "hubbub"), None)
    count = f"{idle.connections:,}"
    limit = idle.bytes_each / 1024
    yield Verdict(
        f"memory of an idle connection, {count} logged in and in a room",
        f"≤ {limit:g} KiB",
        f"{row.pss_each / 1024:.2f} KiB" if row else "not measured",
        row.pss_each <= idle.bytes_each if row else None,
    )
    yield Verdict(
        f"{count} logins in a row",
        f"≤ {idle.logins_seconds:g} s",
        f"{row.logins_seconds:.1f} s" if row else "not measured",
        row.logins_seconds <= idle.logins_seconds if row else None,
    )


def _starting(row: StartupRow | None, startup: Startup) -> Iterable[Verdict]:
    limit = startup.help_factor * row.bare + startup.help_extra_seconds if row else 0.0
    formula = f"≤ {startup.help_factor:g} × bare + {startup.help_extra_seconds * 1000:.0f} ms"
    yield Verdict(
        "`hubbub --help`, against bare `python -c pass`",
        f"{formula} = {limit * 1000:.0f} ms" if row else formula,
        f"{row.help * 1000:.0f} ms (bare: {row.bare * 1000:.0f} ms)" if row else "not measured",
        row.help <= limit if row else None,
    )
    yield Verdict(
        "`hubbub serve` accepts",
        f"≤ {startup.accept_seconds:g} s",
        f"{row.accept:.2f} s" if row else "not measured",
        row.accept <= startup.accept_seconds if row else None,
    )


def verdicts(
    figures: Figures, scenarios: Iterable[Scenario], idle: Idle | None, startup: Startup | None
) -> list[Verdict]:
    """Each target of what was asked for, with what was measured."""
    found = [verdict for scenario in scenarios for verdict in _fan_out(figures, scenario)]
    if idle:
        found += _at_rest(figures, idle)
    if startup:
        found += _starting(figures.startup, startup)
    return found


def _median(rows: list[Row], of: Callable[[Row], float]) -> float:
    return statistics.median(of(row) for row in rows)


def _notes(rows: list[Row]) -> str:
    notes = []
    if _median(rows, lambda row: row.driver_share) > DRIVER_BOUND:
        notes.append("driver at its limit")
    closed = sum(row.result.closed for row in rows)
    if closed:
        notes.append(f"{closed} members cut off")
    refusal = next((row.result.refusal for row in rows if row.result.refusal), "")
    if refusal:
        notes.append(f"refused: {refusal[:60]}")
    return ", ".join(notes)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    titles = list(head)
    return [_line(titles), _line("---" for _ in titles), *(_line(row) for row in body), ""]


def _scenario_table(figures: Figures, scenario: Scenario) -> list[str]:
    body = []
    for name in ("hubbub", *scenario.peers):
        rows = figures.of(scenario.name, name)
        if not rows:
            continue
        faults = [
            sum(row.result.lost for row in rows),
            sum(row.result.duplicates for row in rows),
            sum(row.result.out_of_order for row in rows),
        ]
        body.append(
            (
                name,
                f"{_median(rows, _per_cpu_second) / 1000:,.0f}",
                f"{_median(rows, _per_wall_second) / 1000:,.0f}",
                f"{_median(rows, lambda row: row.server_share):.0%}",
                f"{_median(rows, lambda row: row.driver_share):.0%}",
                f"{_median(rows, lambda row: row.result.latency_ms.p50):.1f}",
                f"{_median(rows, lambda row: row.result.latency_ms.p99):.1f}",
                " / ".join(str(count) for count in faults),
                _notes(rows),
            )
        )
    head = (
        "server",
        "thousand deliveries a CPU second",
        "a second by the clock",
        "server CPU",
        "driver CPU",
        "p50 ms",
        "p99 ms",
        "lost / doubled / out of order",
        "",
    )
    return [f"**{scenario.name}**: {scenario.title}", "", *_table(head, body)]


def tables(
    figures: Figures, scenarios: Iterable[Scenario], idle: Idle | None, startup: Startup | None
) -> str:
    """The whole report in Markdown."""
    chosen = list(scenarios)
    words = {True: "met", False: "**missed**", None: "–"}
    facts = ", ".join(f"{name} {value}" for name, value in figures.facts.items())
    rounds = "1 round" if figures.rounds == 1 else f"medians of {figures.rounds} rounds"
    lines = [f"Machine: {facts}. Figures: {rounds}.", ""]
    lines += _table(
        ("what", "target", "measured", ""),
        ((v.subject, v.target, v.measured, words[v.met]) for v in verdicts(figures, chosen, idle, startup)),
    )
    for scenario in chosen:
        lines += _scenario_table(figures, scenario)
    if figures.idle:
        lines += [f"**Idle**: {figures.idle[0].connections:,} connections, opened one after the other", ""]
        lines += _table(
            ("server", "KiB each (PSS)", "KiB each (RSS)", "seconds to open all"),
            (
                (
                    row.server,
                    f"{row.pss_each / 1024:.2f}",
                    f"{row.rss_each / 1024:.2f}",
                    f"{row.logins_seconds:.1f}",
                )
                for row in figures.idle
            ),
        )
    lines += [f"Not measured: {sentence}" for sentence in figures.skipped]
    return "\n".join(lines).rstrip() + "\n"


def write_block(readme: Path, report: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the report between the marks in the README. ValueError where a mark is missing."""
    before, found, rest = readme.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"{readme.name} lacks its marks")
    readme.write_text(f"{before}{begin}\n{report}{end}{after}")
