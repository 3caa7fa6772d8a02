"""`hubbub doctor`: look at a deployment, and say what stands in its way."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

import msgspec

from hubbub.cli.output import open_console, printing, whole_or_not
from hubbub.cli.settings import WRONGLY_ASKED, gather_flags
from hubbub.server.doctor.address import parse_url
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.examination import examine
from hubbub.server.doctor.report import Level, Report
from hubbub.server.settings import Loaded, Problem, SettingsError, load

CODES: Final[dict[Level, int]] = {"ok": 0, "note": 0, "warning": 3, "failed": 1}
"""Exit codes. 2 is everywhere that a command was asked wrongly."""
_COLOURS: Final[dict[Level, str]] = {"ok": "green", "note": "cyan", "warning": "yellow", "failed": "bold red"}
_WIDEST: Final = 120


def doctor(arguments: Namespace) -> int:
    """Examine, print, and say by the exit code how it is."""
    try:
        if arguments.config is not None and not arguments.config.is_file():
            print(f"hubbub: {arguments.config}: there is no such file", file=sys.stderr)
            return WRONGLY_ASKED
    except OSError as error:  # where one may not look
        print(f"hubbub: {arguments.config}: {error.strerror}", file=sys.stderr)
        return WRONGLY_ASKED
    try:
        url = parse_url(arguments.url) if arguments.url is not None else None
    except ValueError as error:
        print(f"hubbub: --url: {error}", file=sys.stderr)
        return WRONGLY_ASKED
    loaded, problems = _settings(arguments)
    report = examine(Deployment(loaded, problems, url))
    with whole_or_not(), printing():
        if arguments.json:
            print(msgspec.json.encode(report).decode())
        else:
            _show(report)
    return CODES[report.level]


def _settings(arguments: Namespace) -> tuple[Loaded, tuple[Problem, ...]]:
    """Also such as no server would start with: that is a finding."""
    try:
        return load(gather_flags(arguments), os.environ, Path(".env"), arguments.config), ()
    except SettingsError as error:
        return error.loaded, error.problems


def _show(report: Report) -> None:
    if not sys.stdout.isatty():
        _list(report)
        return
    # Only now: it takes a while to import.
    from rich.table import Table
    from rich.text import Text

    console = open_console()
    console.width = min(console.width, _WIDEST)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    last = ""
    for finding in report.findings:
        said = Text(finding.found, style="" if finding.level != "ok" else "dim")
        name = finding.check if finding.check != last else ""
        table.add_row(Text(name), Text(finding.level, style=_COLOURS[finding.level]), said)
        if finding.advice:
            table.add_row("", "", Text(f"> {finding.advice}", style="italic"))
        last = finding.check
    console.print(table)
    console.print()
    console.print(Text(_summary(report), style=_COLOURS[report.level]))


def _list(report: Report) -> None:
    """For a file or a pipe: each finding is one line, and each advice another one."""
    for finding in report.findings:
        print(f"{finding.check:<12} {finding.level:<8} {finding.found}")
        if finding.advice:
            print(f"{'':<22}> {finding.advice}")
    print(f"\n{_summary(report)}")


def _summary(report: Report) -> str:
    counts = report.counts
    took = f"({report.seconds:.1f} s)"
    if report.level in ("ok", "note"):
        return f"All is well {took}."
    parts = []
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    if counts["warning"]:
        parts.append(f"{counts['warning']} warning{'s' * (counts['warning'] != 1)}")
    return f"{', '.join(parts)} {took}. What to do stands behind each >."
