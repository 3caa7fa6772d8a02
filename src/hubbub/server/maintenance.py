"""What is done now and then: old messages go, and the space of what is gone is given back.

Compaction runs in a process of its own, at the lowest priority: a thread would take turns with the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from hubbub.adapters.journal_log import LogJournal
from hubbub.adapters.python_child import python_child
from hubbub.core.entries import Change, Erased, Trim
from hubbub.core.modifications import trimmed
from hubbub.core.ports import JournalUnavailableError, Reader
from hubbub.log import CompactionPlan, CompactionResult, Log, LogError
from hubbub.observe.server_log import ServerLog
from hubbub.server.config import StorageSettings

ResultT = TypeVar("ResultT")

_COMPACT: Final = """
import os
from hubbub.log.compaction import main
getattr(os, "nice", int)(19)
raise SystemExit(main())
"""
"""The process that compacts: at the lowest priority, where the system has such."""
_STEP: Final = 64
"""Entries that are read at once where erased ones have to be passed over: they have no time."""


class Maintenance:
    """The task that does it, for one journal."""

    def __init__(
        self,
        settings: StorageSettings,
        journal: LogJournal,
        retention: Callable[[], Iterable[tuple[str, float]]],
        note: Callable[[Sequence[Change]], None],
        clock: Callable[[], float],
        log: ServerLog,
    ) -> None:
        """`retention` gives the streams that keep their entries for less than ever, and their days.

        `note` has changes kept. `clock` gives Unix time in seconds.
        """
        self._settings = settings
        self._journal = journal
        self._retention = retention
        self._note = note
        self._clock = clock
        self._log = log
        self._oldest: dict[str, str] = {}
        """When the first entry was written, of the streams that were looked at."""
        self._task: asyncio.Task[None] | None = None
        self._compacting = asyncio.Lock()
        self.beside = False
        """Whether a process compacts just now."""
        self.compactions = 0
        """How many have ended well."""

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End at once; a compaction that runs is given up, and harms nothing."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.maintain_seconds)
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 (the next round tries again)
                self._log.failed("maintain the storage", error)

    async def once(self) -> None:
        """One round."""
        if self._journal.why_read_only() is None:
            await self._trim()
        if self._settings.compact and self._journal.why_read_only() is None:
            await self._compact(lambda log: log.plan_compaction())

    # -- retention

    async def _trim(self) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        days = dict.fromkeys(await self._everything(), self._settings.keep_days)
        for stream, its in self._retention():
            if its > 0:
                days[stream] = min(its, days.get(stream) or its)
        self._oldest = {stream: at for stream, at in self._oldest.items() if stream in days}
        for number, (stream, its) in enumerate(days.items()):
            since = _stamp(now - timedelta(days=its))
            if self._oldest.get(stream, "") < since:
                await self._trim_one(stream, since)
            elif number % _STEP == 0:
                await asyncio.sleep(0)  # there may be many, and others wait for the loop

    async def _trim_one(self, stream: str, since: str) -> None:
        try:
            at, changes = await self._read(lambda reader: _old(reader, stream, since))
        except JournalUnavailableError:
            return  # told by the journal, if it is damage; the other streams can do without this one
        self._oldest[stream] = at
        if changes:
            self._note(changes)

    async def _everything(self) -> Iterable[str]:
        if self._settings.keep_days <= 0:
            return ()
        return await self._read(lambda reader: list(reader.streams("")))

    async def _read(self, query: Callable[[Reader], ResultT]) -> ResultT:
        told: asyncio.Future[ResultT | JournalUnavailableError] = asyncio.get_running_loop().create_future()

        def then(result: ResultT | JournalUnavailableError) -> None:
            if not told.done():
                told.set_result(result)

        self._journal.read(query, then)
        result = await told
        if isinstance(result, JournalUnavailableError):
            raise result
        return result

    # -- compaction

    async def compact_all(self) -> CompactionResult | None:
        """Compact whatever can be, now. None: there was nothing, or it failed and is in the log."""

        def plan(log: Log) -> CompactionPlan | None:
            log.seal()
            return log.plan_compaction(everything=True)

        return await self._compact(plan)

    async def _compact(self, choose: Callable[[Log], CompactionPlan | None]) -> CompactionResult | None:
        async with self._compacting:
            plan = await self._alone(choose)
            if plan is None:
                return None
            self.beside = True
            try:
                result = await self._compact_beside(plan)
            finally:
                self.beside = False
            if result is None:
                return None
            await self._alone(lambda log: log.adopt(result))
        self.compactions += 1
        self._log.compacted(len(result.segments), result.before, result.after)
        return result

    async def _compact_beside(self, plan: CompactionPlan) -> CompactionResult | None:
        async with python_child("-c", _COMPACT, stdin=asyncio.subprocess.PIPE) as child:
            output, errors = await child.communicate(plan.to_json().encode())
        if child.returncode:
            self._log.compaction_failed(child.returncode, errors.decode("utf-8", "replace").strip()[-500:])
            return None
        return CompactionResult.from_json(output.decode().splitlines()[-1])

    async def _alone(self, action: Callable[[Log], ResultT]) -> ResultT:
        done: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()

        def run(log: Log) -> None:
            if done.done():
                return
            try:
                done.set_result(action(log))
            except (LogError, OSError) as error:
                done.set_exception(error)

        self._journal.alone(run)
        return await done


def _old(reader: Reader, stream: str, since: str) -> tuple[str, Sequence[Change]]:
    """When the first entry that stays was written, and what makes the others go, and what is kept of them."""
    before, first, at = first_since(reader, stream, since)
    return at, [Trim(stream, first), *trimmed(reader, stream, first)] if first > before else ()


def first_since(reader: Reader, stream: str, since: str) -> tuple[int, int, str]:
    """The first offset of a stream, the first that is not older than `since`, and when that was written.

    An erased entry counts as old as the next that is not; at the end of the stream it is young.
    """
    first, last = reader.first(stream), reader.head(stream).offset
    low, high = first, last + 1
    at_high = ""
    while low < high:  # everything below `low` is old, `high` and above is young
        middle = (low + high) // 2 if low > first or at_high else low  # most often, the first is young
        at = _time_of(reader, stream, middle, last)
        if at is not None and at < since:
            low = middle + 1
        else:
            high, at_high = middle, at or ""
    return first, low, at_high


def _time_of(reader: Reader, stream: str, offset: int, last: int) -> str | None:
    """When the first entry from `offset` on that is not erased was written."""
    count = 1
    while offset <= last:
        for record in reader.entries(stream, offset, min(offset + count - 1, last)):
            if type(record.entry.body) is not Erased:
                return record.entry.at
        offset += count
        count = _STEP
    return None


def _stamp(time: datetime) -> str:
    """As the core writes times: they can be compared as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"
