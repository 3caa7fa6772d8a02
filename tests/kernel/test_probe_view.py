"""Reports of `hubbub probe` on screens of any size: what stands there is whole."""

from __future__ import annotations

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import ConsoleDimensions

from hubbub.cli.probe_view import View
from hubbub.observe.kernel.figures import CallFigures, Happening, Line, Report, RunQueue, SocketSums, Source

NAMES = ["a-name-of-thirty-two-letters-abc", "茶博士", ""]
CALL = CallFigures(
    count=1_234_567, bytes=98_765, failed=12, again=34, took={50: 3, 90: 1}, sizes={20: 2, 60: 1}
)
REPORT = Report(
    at=0.0,
    seconds=1.0,
    probes=True,
    calls={"send": CALL, "receive": CALL, "wait": CALL, "sync": CALL},
    run_queue=RunQueue(delayed=12_345, ran=678_901, waits={50: 3, 90: 1}),
    sockets=SocketSums(),
    lines=3,
    worst=[
        Line(
            cookie=number,
            local="127.0.0.1:8080",
            peer=f"198.51.100.{number}:50000",
            state="established",
            span=10.0,
            rtt=44_100,
            rtt_var=9_123,
            segments=4_321,
            retransmitted=1_234,
            unsent=187_000,
            reader_limited=3_210_000,
            delivery_rate=5_432_100,
            sends=7_654,
            short_sends=321,
            full=2_222_000,
        )
        for number in range(3)
    ],
    happenings=[Happening(at=0.0, kind="closed", cookie=1, local="", peer="") for _ in range(9)],
)


def shown(width: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    view = View(Source(probes=True, everything=True), NAMES.__getitem__)
    view._console.width = width
    view.show(REPORT)
    return capsys.readouterr().out.splitlines()


def rows_of(rows: list[str]) -> list[set[str]]:
    """The words of a row of each table: of a call, and of a connection."""
    return [set(next(row for row in rows if row.startswith(first)).split()) for first in ("send ", "茶博士")]


@pytest.mark.parametrize("width", range(24, 140, 4))
def test_no_figure_is_cut_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(width, capsys)
    assert max(map(cell_len, rows)) <= width
    for some, whole in zip(rows_of(rows), rows_of(shown(200, capsys)), strict=True):
        assert some <= whole
    assert {"1,234,567", "44", "ms"} <= set.union(*rows_of(rows))


def test_at_eighty_columns_what_matters_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(80, capsys)
    heads = [row.split() for row in rows if row.startswith(("call ", "who "))]
    assert heads == [
        ["call", "count", "bytes", "failed", "again", "p50", "p99"],
        ["who", "peer", "RTT", "again", "unsent", "kept", "by", "peer"],
    ]
    assert any(row.startswith("a-name-of-thir") and "…" in row for row in rows)  # a name gives way


def test_who_has_no_name_is_told_by_where_he_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert any(row.startswith("198.51.100.2:50000 ") for row in shown(50, capsys))


def test_a_column_does_not_come_and_go(capsys: pytest.CaptureFixture[str]) -> None:
    """It has been wide once, so there is no room for another one, though now there would be."""
    view = View(Source(probes=True), NAMES.__getitem__)
    view._console.width = 80
    small = msgspec.structs.replace(REPORT, calls={"send": CallFigures(count=1)})
    heads = []
    for report in (small, REPORT, small):
        view.show(report)
        [head] = [row for row in capsys.readouterr().out.splitlines() if row.startswith("call ")]
        heads.append(head)
    assert heads[1] == heads[2] != heads[0]


@pytest.mark.parametrize("height", [20, 24, 30, 50])
def test_a_screen_has_as_many_rows_as_fit(
    height: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one, and the sums at the end, are on it."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    view = View(Source(probes=True, everything=True), NAMES.__getitem__)
    monkeypatch.undo()
    view._console.size = ConsoleDimensions(80, height)
    drawn = view._console.render_lines(view._draw(REPORT))
    view.end()
    capsys.readouterr()
    assert len(drawn) <= height - 1
    text = ["".join(segment.text for segment in line) for line in drawn]
    assert any("those that stand out" in line for line in text)
    assert sum("closed: " in line for line in text) == {20: 0, 24: 1, 30: 6, 50: 6}[height]
