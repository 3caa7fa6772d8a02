"""Logs for tests: small segments on a real disk, and a clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hubbub.log import Batch, Log, Options, compact

SMALL = Options(
    segment_bytes=16_384,
    preallocate=4096,
    checkpoint_bytes=4096,
    tail_bytes=2048,
    cache_bytes=16_384,
    tag_seconds=10,
)


@dataclass
class Place:
    """A directory with a log, and its time."""

    path: Path
    options: Options = SMALL
    now: float = 1_000_000.0
    opened: list[Log] = field(default_factory=list)

    def open(self, *, read_only: bool = False) -> Log:
        log = Log.open(self.path, self.options, read_only=read_only, clock=lambda: self.now)
        self.opened.append(log)
        return log

    def close(self) -> None:
        for log in self.opened:
            log.close()


def fill(log: Log, streams: int = 3, count: int = 40, size: int = 200) -> dict[bytes, list[bytes]]:
    """`count` payloads in each stream, round about, a commit each. Enough for several segments."""
    model: dict[bytes, list[bytes]] = {}
    for i in range(count):
        batch = Batch()
        for number in range(streams):
            name = b"room-%d" % number
            payload = b"%d:%d." % (number, i) + bytes([i % 256]) * size
            batch.append(name, payload, b"tag-%d-%d" % (number, i))
            model.setdefault(name, []).append(payload)
        batch.put(b"cursor", b"%d" % i)
        log.commit(batch)
    return model


def compacted(log: Log, place: Place) -> bool:
    """Seal and compact everything that may be. Whether there was anything."""
    place.now += place.options.tag_seconds + 1
    log.seal()
    plan = log.plan_compaction(everything=True)
    if plan is None:
        return False
    log.adopt(compact(plan))
    return True


def everything(log: Log) -> tuple[dict[bytes, list[bytes | None]], dict[bytes, bytes]]:
    """All that can be read."""
    return {name: log.read(name, 1, 1 << 30) for name in log.streams()}, dict(log.scan())
