"""`hubbub log`: look into the log, check it, make it smaller. Most of it works beside a running server."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator

import msgspec

from hubbub.adapters.log_reading import LogReader
from hubbub.cli.data import FAILED, Data, with_data
from hubbub.cli.output import whole_or_not
from hubbub.cli.progress import progress
from hubbub.log import Log, LogError, compact, verify
from hubbub.server.control import ControlError, NoServerError, ask
from hubbub.server.storage import reopen

_AT_ONCE = 1_000
"""Entries read together."""


def check(arguments: Namespace) -> int:
    """`hubbub log verify`: read everything, and say what is damaged and where."""
    return with_data(arguments, _verify)


def _verify(data: Data) -> int:
    found = 0
    with progress("verifying") as told, whole_or_not():
        for finding in verify(data.log, told):
            found += 1
            print(f"{finding.file}, offset {finding.offset}: {finding.problem}")
        print(f"{found} found. Nothing was changed." if found else "The log is sound.")
    return FAILED if found else 0


def stat(arguments: Namespace) -> int:
    """`hubbub log stat`: counts and sizes."""

    def show(data: Data) -> int:
        with Log.open(data.log, read_only=True) as log:
            found = log.stat()
        rows: list[tuple[str, object]] = [
            ("directory", data.log),
            ("epoch", found.epoch),
            ("streams", f"{found.streams:,}"),
            ("records", f"{found.keys:,}"),
            ("entries", f"{found.entries:,}"),
            ("of these dead", f"{found.dead:,}"),
            ("segments", f"{found.segments:,}"),
            ("bytes", f"{found.bytes:,}"),
        ]
        for name, value in rows:
            print(f"{name:<14} {value}")
        return 0

    return with_data(arguments, show)


def dump(arguments: Namespace) -> int:
    """`hubbub log dump`: entries as JSON, one a line."""

    def show(data: Data) -> int:
        with Log.open(data.log, read_only=True) as log:
            for line in _lines(log, arguments.stream, arguments.first, arguments.count):
                sys.stdout.buffer.write(line + b"\n")
        return 0

    return with_data(arguments, show)


def _lines(log: Log, stream: str | None, first: int, count: int | None) -> Iterator[bytes]:
    reader = LogReader(log, wait=True)
    left = sys.maxsize if count is None else count
    for name in reader.streams("") if stream is None else (stream,):
        head = reader.head(name).offset
        for begin in range(max(first, reader.first(name)), head + 1, _AT_ONCE):
            for record in reader.entries(name, begin, min(begin + _AT_ONCE - 1, head)):
                if not left:
                    return
                left -= 1
                entry = record.entry
                yield msgspec.json.encode(
                    {
                        "stream": name,
                        "offset": record.offset,
                        "id": entry.id,
                        "at": entry.at,
                        "body": entry.body,
                    }
                )


def shrink(arguments: Namespace) -> int:
    """`hubbub log compact`: give back what is erased, too old or overwritten."""
    return with_data(arguments, _compact)


def _compact(data: Data) -> int:
    with progress("compacting", "parts") as told:
        try:
            done = ask(data.directory, "compact", lambda part: told(int(part * 100), 100))
            before, after = int(done["before"]), int(done["after"])
        except NoServerError:
            before, after = _compact_here(data, told)
        except ControlError as error:
            raise LogError(str(error)) from None
    if before:
        print(f"{before:,} bytes before, {after:,} now.")
    else:
        print("Nothing could be compacted. What is recent stays as it is: retries may still come for it")
        print("(messages.dedupe_seconds).")
    return 0


def _compact_here(data: Data, told: object) -> tuple[int, int]:
    assert callable(told)  # noqa: S101 (what progress yields)
    with reopen(data.directory, data.config) as log:
        log.seal()
        before = log.stat().bytes
        plan = log.plan_compaction(everything=True)
        if plan is None:
            return 0, 0
        log.adopt(compact(plan, told))
        return before, log.stat().bytes


def rebuild_index(arguments: Namespace) -> int:
    """`hubbub log rebuild-index`: make the search index anew from the log."""

    def build(data: Data) -> int:
        from hubbub.adapters.search_rebuild import rebuild

        try:
            with progress("indexing", "entries") as told:
                done = ask(data.directory, "rebuild-index", lambda part: told(int(part * 100), 100))
        except NoServerError:
            held = reopen(data.directory, data.config)  # no server may start
            with held, progress("indexing", "entries") as told:
                done = rebuild(data.log, data.index, told, anew=True)
        except ControlError as error:
            raise LogError(str(error)) from None
        print(f"{done:,} entries indexed.")
        return 0

    return with_data(arguments, build)
