"""What becomes of the figures: ratios by round, verdicts, flags, and the block in the README."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.drive import Latency, Load, Result
from bench.measure import IdleRow, Row, StartupRow
from bench.report import BEGIN, END, Figures, tables, verdicts, write_block
from bench.scenarios import Idle, Ratio, Scenario, Startup

CLOSED = Scenario("X", "ten members", Load(members=10, in_flight=8), ("redis",), (Ratio("redis", 1.5),))
PACED = Scenario("Y", "at a fixed rate", Load(members=10, rate=10), (), p99_ms=40)


def _row(
    server: str,
    number: int,
    *,
    deliveries: int = 1_000,
    cpu: float = 1.0,
    driver: float = 0.5,
    scenario: str = "X",
    p99: float = 5.0,
    lost: int = 0,
) -> Row:
    result = Result(
        deliveries=deliveries,
        seconds=1.0,
        per_second=float(deliveries),
        driver_cpu_seconds=driver,
        sent=100,
        delivered_in_all=deliveries,
        closed=0,
        setup_seconds=0.1,
        lost=lost,
        duplicates=0,
        out_of_order=0,
        other_frames=0,
        latency_ms=Latency(samples=deliveries, p50=1.0, p99=p99, max=p99),
        refusal="",
    )
    return Row(scenario, server, number, cpu, result)


def _figures(*rows: Row) -> Figures:
    return Figures({"cores": "2"}, 3, list(rows))


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    # 2, 3 and 8; the ratio of the medians would be 8, the mean of the ratios 4.33.
    figures = _figures(
        _row("hubbub", 0, deliveries=100),
        _row("redis", 0, deliveries=50),
        _row("hubbub", 1, deliveries=900),
        _row("redis", 1, deliveries=300),
        _row("hubbub", 2, deliveries=800),
        _row("redis", 2, deliveries=100),
        _row("redis", 3, deliveries=1),  # Hubbub failed in that round: it does not count
    )
    (verdict,) = verdicts(figures, [CLOSED], None, None)
    assert (verdict.measured, verdict.met) == ("3.00 ×", True)


def test_it_is_taken_by_the_servers_cpu_second() -> None:
    figures = _figures(_row("hubbub", 0, cpu=1.0), _row("redis", 0, deliveries=2_000, cpu=4.0))
    (verdict,) = verdicts(figures, [CLOSED], None, None)
    assert verdict.measured == "2.00 ×"


def test_a_miss_is_called_a_miss() -> None:
    figures = _figures(_row("hubbub", 0), _row("redis", 0))
    (verdict,) = verdicts(figures, [CLOSED], None, None)
    assert verdict.met is False
    assert "**missed**" in tables(figures, [CLOSED], None, None)


def test_without_the_peer_nothing_is_claimed() -> None:
    figures = _figures(_row("hubbub", 0))
    figures.skipped.append("redis (redis-server is missing).")
    (verdict,) = verdicts(figures, [CLOSED], None, None)
    assert (verdict.measured, verdict.met) == ("not measured", None)
    assert "Not measured: redis (redis-server is missing)." in tables(figures, [CLOSED], None, None)


@pytest.mark.parametrize(("p99", "lost", "met"), [(39.0, 0, True), (41.0, 0, False), (39.0, 1, False)])
def test_at_a_fixed_rate_both_the_latency_and_the_losses_count(p99: float, lost: int, met: bool) -> None:
    figures = _figures(_row("hubbub", 0, scenario="Y", p99=p99, lost=lost))
    (verdict,) = verdicts(figures, [PACED], None, None)
    assert verdict.met is met


def test_a_driver_at_its_limit_is_flagged() -> None:
    bound = tables(_figures(_row("hubbub", 0, driver=0.95)), [CLOSED], None, None)
    free = tables(_figures(_row("hubbub", 0, driver=0.85)), [CLOSED], None, None)
    assert "driver at its limit" in bound
    assert "driver at its limit" not in free


@pytest.mark.parametrize(("pss", "seconds", "met"), [(4_096.0, 20.0, True), (4_097.0, 20.1, False)])
def test_connections_at_rest(pss: float, seconds: float, met: bool) -> None:
    figures = _figures()
    figures.idle.append(IdleRow("hubbub", 10_000, pss, pss, seconds))
    assert [verdict.met for verdict in verdicts(figures, [], Idle(), None)] == [met, met]


@pytest.mark.parametrize(("helped", "accept", "met"), [(0.1, 1.0, True), (0.101, 1.001, False)])
def test_start_up(helped: float, accept: float, met: bool) -> None:
    figures = _figures()
    figures.startup = StartupRow(bare=0.02, help=helped, accept=accept)
    assert [verdict.met for verdict in verdicts(figures, [], None, Startup())] == [met, met]


def test_the_block_in_the_readme_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_block(readme, "new\n")
    assert readme.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"


def test_a_readme_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\n")
    with pytest.raises(ValueError, match="marks"):
        write_block(readme, "new\n")
    assert readme.read_text() == f"before\n{BEGIN}\n"
