"""A log's life with everything going wrong: a random script, crashes, and what must be true behind them."""

from __future__ import annotations

import errno
import random
from collections import Counter
from collections.abc import Sequence

from hubbub.log.active import Written
from hubbub.log.batch import Batch
from hubbub.log.compaction import CompactionPlan, CompactionResult, compact
from hubbub.log.errors import ColdError, ReadOnlyError
from hubbub.log.log import Log
from hubbub.log.options import Options
from hubbub.log.verify import verify
from log.faults_model import Frame, Model, check_tags, observe
from log.simulated_files import Crashed, SimulatedFiles

NAMES = [b"", b"room", b"r", b"private/\0\xff", b"x" * 200]
KEYS = [b"", b"user/alice", b"user/bob", b"k" * 300]
FOREIGN = {
    "notes.txt": b"not yours",
    "00000000.seg.bak": b"copy",
    "compact-notes": b"",
    "MANIFEST.orig": b"{",
}
SIZES = (0, 1, 40, 40, 40, 300, 505, 700)
CYCLES = 5
STEPS = {
    "write": 30,
    "sync": 14,
    "settle": 14,
    "commit": 14,
    "compact": 14,
    "seal": 3,
    "tidy": 3,
    "check": 4,
    "epoch": 1,
}
WEIGHTS = tuple(STEPS.values())
LENGTH = 60


class Episode:
    """Everything comes from `seed`. `run` raises AssertionError where the log breaks its promise."""

    def __init__(self, seed: int, disk: type[SimulatedFiles] = SimulatedFiles) -> None:
        self.rng = random.Random(seed)
        self.files = disk(self.rng)
        self.model = Model()
        self.now = 1e6
        self.counts = Counter[str]()
        self.trace: list[str] = []
        self.interval = self.rng.random() < 0.25
        self.tag_seconds = self.rng.choice((5.0, 60.0))
        self.options = Options(
            segment_bytes=self.rng.choice((700, 2000, 6000)),
            preallocate=self.rng.choice((0, 512, 5000)),
            checkpoint_bytes=self.rng.choice((300, 1500, 1 << 20)),
            mark_seconds=self.rng.choice((0.0, 2.0, 1e9)),
            tag_seconds=self.tag_seconds,
            tail_bytes=self.rng.choice((0, 1000)),
            cache_bytes=8192,
            compact_segments=2,
            compact_bytes=self.rng.choice((4000, 1 << 20)),
        )
        self.flying: list[Written] = []
        self.drawn: list[str] = []  # epochs
        self.epoch_known = ""
        self.foreign = False
        self.plan: CompactionPlan | None = None
        self.result: CompactionResult | None = None
        self.was_closed = False

    def run(self) -> None:
        for cycle in range(CYCLES):
            self.note(f"— cycle {cycle}")
            self.arrange_faults()
            try:
                self.live()
            except Crashed:
                self.note(f"crashed at call {self.files.calls}")
            self.counts["crashes"] += 1
            self.counts["calls"] += self.files.calls
            if self.rng.random() < 0.3 and cycle < CYCLES - 1:
                self.note("kill -9")
                self.files = self.files.killed()
            else:
                self.note("power cut")
                self.files = self.files.power_cut()
            self.check_foreign()
        self.files.cold = 0.0
        log = self.open()
        self.resolve(log, closed=self.was_closed)
        log.close()
        findings = list(verify("", files=self.files))
        assert not findings, f"not sound after all: {findings}"

    def arrange_faults(self) -> None:
        rng, files = self.rng, self.files
        files.crash_at = rng.randrange(1, rng.choice((12, 60, 250)))
        if rng.random() < 0.25:
            files.sync_fails_at = rng.randrange(1, 100)
            files.sync_errno = rng.choice((errno.EIO, errno.EIO, errno.ENOSPC))
        if rng.random() < 0.25:
            begin = rng.randrange(1, 100)
            files.full = range(begin, begin + rng.randrange(1, 40))

    def open(self, *, read_only: bool = False) -> Log:
        return Log.open(
            "", self.options, files=self.files, clock=self.clock, new_epoch=self.epoch, read_only=read_only
        )

    # --- one process

    def live(self) -> None:
        self.flying.clear()
        self.plan = self.result = None
        if self.rng.random() < 0.15 and "MANIFEST" in self.files.directory:
            self.look()
        closed, self.was_closed = self.was_closed, False
        try:
            log = self.open()
        except OSError as error:
            self.excuse(error)
            self.check_handles()
            return
        self.resolve(log, closed=closed)
        self.add_foreign()
        for _ in range(LENGTH):
            try:
                self.step(log)
            except (OSError, ReadOnlyError) as error:
                self.excuse(error)
                if log.failure is not None and not self.mend(log):
                    break
        if self.rng.random() < 0.5:
            self.close(log)

    def look(self) -> None:
        """Open for reading only: it changes nothing, and shows what the next writer will find."""
        before = self.files.calls
        log = self.open(read_only=True)
        found = observe(log, NAMES)
        log.close()
        assert self.files.calls == before, "reading has written"
        self.check_handles()
        state = self.model.sure.copy()
        problem = found.differs(state)
        for frame in self.model.unsure:
            if not problem:
                break
            state.apply(frame)
            problem = found.differs(state)
        assert not problem, f"a reader sees what is not there: {problem}"

    def resolve(self, log: Log, *, closed: bool) -> None:
        lost = self.model.resolve(observe(log, NAMES))
        self.note(f"opened, {lost} visible frames lost, closed in order: {log.closed_cleanly}")
        assert not (lost and log.closed_cleanly), "a loss that nobody would notice"
        assert not closed or log.closed_cleanly, "it was closed in order, and forgot it"
        assert not lost or self.interval
        assert log.epoch in self.drawn[self.drawn.index(self.epoch_known) if self.epoch_known else 0 :]
        self.epoch_known = log.epoch
        self.check(log)

    def mend(self, log: Log) -> bool:
        """After a failure: reading goes on, and when there is space, so does writing."""
        self.plan = self.result = None
        self.check(log)
        for _ in range(40):
            before = self.files.calls
            if log.recover():
                assert log.failure is None
                self.note("recovered")
                self.counts["recovered"] += 1
                self.flying.clear()
                self.model.give_up()
                self.check(log)
                return True
            if self.files.calls == before:
                return False
        raise AssertionError("there is space, and it does not recover")

    def close(self, log: Log) -> None:
        failed = log.failure is not None
        self.note("close")
        try:
            log.close()
        except OSError as error:
            self.excuse(error)
        else:
            self.was_closed = not failed and not self.files.faulted
            if not failed:
                self.model.finish()
        self.check_handles()

    # --- steps

    def step(self, log: Log, kinds: Sequence[str] = tuple(STEPS), weights: Sequence[int] = WEIGHTS) -> None:
        self.now += self.rng.choice((0.0, 0.01, 1.0, 3.0))
        (kind,) = self.rng.choices(kinds, weights)
        self.note(kind)
        self.counts[kind] += 1
        match kind:
            case "write":
                self.write(log)
            case "sync":
                self.sync(log)
            case "settle":
                self.settle(log)
            case "commit" if not self.flying:
                self.commit(log)
            case "compact":
                self.compact(log)
            case "seal" if not self.flying:
                log.seal()
            case "tidy":
                log.tidy()
            case "check":
                self.check(log)
            case "epoch":
                self.epoch_known = log.new_epoch()
            case _:
                pass

    def batch(self) -> Batch:
        rng, batch = self.rng, Batch()
        for _ in range(rng.choice((0, 1, 1, 2, 5))):
            tag = rng.randbytes(8) if rng.random() < 0.5 else b""
            batch.append(rng.choice(NAMES), rng.randbytes(rng.choice(SIZES)), tag)
        while rng.random() < 0.3:
            if rng.random() < 0.7:
                batch.put(rng.choice(KEYS), rng.randbytes(rng.choice(SIZES)))
            else:
                batch.delete(rng.choice(KEYS))
        while rng.random() < 0.2:
            name = rng.choice(NAMES)
            head = len(self.model.tip.streams.get(name, ()))
            batch.erase(name, rng.randrange(1, head + 3))
        if rng.random() < 0.1:
            name = rng.choice(NAMES)
            head = len(self.model.tip.streams.get(name, ()))
            batch.trim(name, rng.randrange(1, head + 3))
        return batch

    def write(self, log: Log) -> None:
        frame = Frame([self.batch() for _ in range(self.rng.choice((1, 1, 2, 4)))], self.now)
        try:
            written = log.write(frame.batches)
        except Crashed:
            self.model.write(frame)  # who knows
            raise
        self.flying.append(written)
        expected = self.model.write(frame)
        assert written.offsets == expected, f"offsets {written.offsets}, not {expected}"

    def sync(self, log: Log) -> None:
        """Sync, perhaps with more written and settled while it is under way."""
        before = self.model.written
        if self.rng.random() < 0.4:
            self.files.during_sync = lambda: self.beside_sync(log)
        try:
            log.sync()
        finally:
            self.files.during_sync = None
        self.model.cover(before)

    def beside_sync(self, log: Log) -> None:
        """What the owner's thread may do meanwhile."""
        self.files.during_sync = None
        self.note("beside it:")
        try:
            if log._writer._manifest_lock.locked():  # the owner would wait for the other thread
                self.step(log, ("write", "settle", "tidy", "check"), (6, 3, 1, 1))
            else:
                self.step(log, ("write", "settle", "compact", "epoch"), (5, 3, 4, 1))
        except (OSError, ReadOnlyError) as error:
            self.excuse(error)

    def settle(self, log: Log) -> None:
        ready = len(self.flying) if self.interval else self.model.synced - self.model.visible
        for _ in range(self.rng.randrange(ready + 1)):
            log.settle(self.flying.pop(0))
            self.model.settle()

    def commit(self, log: Log) -> None:
        batch = self.batch()
        frame = Frame([batch], self.now)
        try:
            offsets = log.commit(batch)
        except (Crashed, ReadOnlyError):
            self.model.write(frame)  # nothing was promised, and nothing denied
            raise
        expected = self.model.write(frame)[0]
        assert offsets == expected, f"offsets {offsets}, not {expected}"
        self.model.settle()
        self.model.cover(self.model.written)

    def compact(self, log: Log) -> None:
        """One of the three steps, with others in between."""
        if self.result is not None:
            result, self.result = self.result, None
            self.note(f"adopt {result}")
            log.adopt(result)
            self.counts["adopted"] += 1
        elif self.plan is not None:
            plan, self.plan = self.plan, None
            self.note(f"carry out {plan}")
            self.result = compact(plan, files=self.files)
        else:
            self.plan = log.plan_compaction(everything=self.rng.random() < 0.2)

    # --- looking

    def check(self, log: Log) -> None:
        """What is visible is what should be."""
        problem = observe(log, NAMES).differs(self.model.seen)
        assert not problem, f"what is visible is wrong: {problem}"
        rng, seen = self.rng, self.model.seen
        for name, payloads in seen.streams.items():
            head, low = len(payloads), seen.low[name]
            first, count = rng.randrange(1, head + 2), rng.choice((1, 1, 3, 7))
            expected = payloads[max(first, low) - 1 : first + count - 1]
            assert self.read(log, name, first, count) == expected, f"{name!r}: {count} from {first}"
        check_tags(list(log.tags()), seen, self.now - self.tag_seconds)
        assert list(log.streams()) == sorted(seen.streams)

    def read(self, log: Log, name: bytes, first: int, count: int) -> list[bytes | None]:
        for _ in range(100):
            try:
                return log.read(name, first, count, wait=False)
            except ColdError as cold:
                cold.warm()
        return log.read(name, first, count)

    def add_foreign(self) -> None:
        for name, data in FOREIGN.items():
            if name not in self.files.directory:
                self.files.overwrite(name, data)
        self.foreign = True

    def check_handles(self) -> None:
        left = [file.name for file in self.files.handles]
        assert not left, f"left open: {left}"

    def check_foreign(self) -> None:
        for name, data in FOREIGN.items() if self.foreign else ():
            assert self.files.contents(name) == data, f"{name} was touched"

    def clock(self) -> float:
        return self.now

    def epoch(self) -> str:
        self.drawn.append(f"epoch {len(self.drawn)}")
        return self.drawn[-1]

    def excuse(self, error: Exception) -> None:
        """Let the log fail, but only behind a fault."""
        self.note(f"failed: {error}")
        assert self.files.faulted, f"failed for no reason: {error}"

    def note(self, text: str) -> None:
        self.trace.append(text)
