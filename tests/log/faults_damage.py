"""A sound log, one thing in its directory spoilt, and what may come of it: a refusal, or what was there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hubbub.log.batch import Batch
from hubbub.log.errors import CorruptError, LogError
from hubbub.log.log import Log
from hubbub.log.verify import verify
from log.faults_episode import FOREIGN, KEYS, LENGTH, Episode
from log.faults_model import State, check_tags
from log.simulated_files import SimulatedFiles
from log.simulated_pages import SECTOR


class Spoilt(Episode):
    """A life without a fault, and damage behind it."""

    may_close = True

    def run(self) -> None:
        self.make()
        assert not self.verify()
        name = self.choose()
        self.note(f"{self.spoil(name)} {name}")
        found = self.verify()
        for _ in range(2):  # what was refused is not mended in silence
            self.judge()
        assert found or not self.counts["refused"], "verify has not found it"

    def make(self) -> None:
        """Fill a directory, and end so that all of it is proved durable."""
        log = self.open()
        self.add_foreign()
        for _ in range(2 * LENGTH):
            self.step(log)
        log.sync()
        self.model.cover(self.model.written)
        for written in self.flying:
            log.settle(written)
            self.model.settle()
        self.prove(log)
        if self.may_close and self.rng.random() < 0.5:
            log.close()
            self.files = self.files.power_cut()
            self.open().close()  # makes anew the indexes that were torn
        self.files = self.files.killed()
        assert not self.model.unsure

    def prove(self, log: Log) -> None:
        """Let the mark tell of all."""
        log.tidy()

    def verify(self) -> list[str]:
        before = self.files.calls
        try:
            found = [str(one) for one in verify("", files=self.files)]
        except LogError as error:
            found = [str(error)]
        assert self.files.calls == before, "verify has written"
        self.check_handles()
        self.trace += found
        return found

    def choose(self) -> str:
        ours = [name for name in self.files.directory if name not in FOREIGN and self.files.contents(name)]
        kind = self.rng.choice(sorted({name.rpartition(".")[2] for name in ours}))
        return self.rng.choice([name for name in ours if name.endswith(kind)])

    def spoil(self, name: str) -> str:
        rng, files = self.rng, self.files
        data = bytearray(files.contents(name))
        at = rng.randrange(len(data))
        match rng.randrange(7):
            case 0 | 1:
                data[at] ^= 1 << rng.randrange(8)
                what = f"a bit flipped at {at} of"
            case 2:
                length = min(SECTOR, len(data) - at // SECTOR * SECTOR)
                data[at // SECTOR * SECTOR : at // SECTOR * SECTOR + length] = bytes(length)
                what = f"a sector of zeros at {at // SECTOR * SECTOR} of"
            case 3:
                data[at : at + 40] = rng.randbytes(len(data[at : at + 40]))
                what = f"noise at {at} of"
            case 4:
                del data[at:]
                what = f"cut at {at}:"
            case 5:
                files.unlink(name)
                files.sync_directory()
                return "removed:"
            case _:
                ending = name.rpartition(".")[2]
                other = rng.choice([one for one in files.directory if one.endswith(ending)])
                theirs = files.contents(other)
                files.overwrite(other, bytes(data))
                data[:] = theirs
                what = f"swapped with {other}:"
        files.overwrite(name, bytes(data))
        return what

    def judge(self) -> None:
        try:
            log = self.open()
        except CorruptError as error:
            self.refused(error)
            return
        except LogError as error:
            self.note(f"refused: {error}")
            self.check_handles()
            return
        self.survey(log, self.model.sure)
        log.close()
        self.check_handles()

    def survey(self, log: Log, expected: State) -> None:
        """Each thing is what it was, or refused."""
        assert list(log.streams()) == sorted(expected.streams)
        for name, payloads in expected.streams.items():
            assert log.head(name) == len(payloads), f"{name!r} ends at {log.head(name)}, not {len(payloads)}"
            assert log.first(name) == expected.low[name]
            for offset in range(expected.low[name], len(payloads) + 1):
                self.ask(lambda: log.read(name, offset, 1), payloads[offset - 1 : offset])  # noqa: B023
            for count in (3, len(payloads)):
                first = max(len(payloads) + 1 - count, expected.low[name])
                self.ask(lambda: log.read(name, first, count), payloads[first - 1 :])  # noqa: B023
        for key in KEYS:
            self.ask(lambda: log.get(key), expected.keys.get(key))  # noqa: B023
        self.ask(lambda: dict(log.scan()), expected.keys)
        self.ask(lambda: check_tags(list(log.tags()), expected, self.now - self.tag_seconds), None)

    def ask(self, question: Callable[[], object], answer: object) -> None:
        try:
            found = question()
        except CorruptError as error:
            self.refused(error)
        else:
            assert found == answer, f"served as if it were sound: {found!r:.100}, not {answer!r:.100}"

    def refused(self, error: CorruptError) -> None:
        self.note(f"refused: {error}")
        self.counts["refused"] += 1
        assert error.file in str(error)
        assert error.offset >= 0


class Unmarked(Spoilt):
    """The same where the mark is old: only the frames tell how far they were durable.

    So one that is gone with all behind it could not be told from one that was never there: a bit is flipped.
    """

    may_close = False

    def __init__(self, seed: int, disk: type[SimulatedFiles] = SimulatedFiles) -> None:
        super().__init__(seed, disk)
        self.options = replace(self.options, mark_seconds=1e9)

    def prove(self, log: Log) -> None:
        """Let an empty frame tell of all before it. The first of the two may begin a segment."""
        for _ in range(2):
            written = log.write([Batch()])
            log.sync()
            log.settle(written)

    def spoil(self, name: str) -> str:
        data = bytearray(self.files.contents(name))
        at = self.rng.randrange(len(data))
        data[at] ^= 1 << self.rng.randrange(8)
        self.files.overwrite(name, bytes(data))
        return f"a bit flipped at {at} of"


class Shortened(Spoilt):
    """The same where the last frame is spoilt: only the mark tells that it was there."""

    may_close = False

    def choose(self) -> str:
        return max(name for name in self.files.directory if name.endswith(".seg"))

    def spoil(self, name: str) -> str:
        data = bytearray(self.files.contents(name).rstrip(b"\0"))
        data[-1] ^= 1
        self.files.overwrite(name, bytes(data))
        return "the last byte changed of"
