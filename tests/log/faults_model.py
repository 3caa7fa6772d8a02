"""What a log must hold: the plainest thing that keeps streams, keyed records and tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hubbub.log.batch import Batch
from hubbub.log.layout import PUT, TRIM
from hubbub.log.log import Log

EVERYTHING = 1 << 40
Tag = tuple[bytes, int, bytes]


@dataclass(slots=True)
class State:
    """Everything that a reader can see."""

    streams: dict[bytes, list[bytes | None]] = field(default_factory=dict)
    low: dict[bytes, int] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)
    tags: list[tuple[Tag, float]] = field(default_factory=list)

    def copy(self) -> State:
        streams = {name: list(payloads) for name, payloads in self.streams.items()}
        return State(streams, dict(self.low), dict(self.keys), list(self.tags))

    def apply(self, frame: Frame) -> list[list[int]]:
        """Take in a frame. The offsets of its appends, batch by batch."""
        return [self._apply(batch, frame.time) for batch in frame.batches]

    def _apply(self, batch: Batch, time: float) -> list[int]:
        offsets = []
        for name, payload, tag in batch.appends:
            payloads = self.streams.setdefault(name, [])
            payloads.append(payload)
            self.low.setdefault(name, 1)
            offsets.append(len(payloads))
            if tag:
                self.tags.append(((name, len(payloads), tag), time))
        for kind, key, value in batch.records:
            if kind == PUT:
                self.keys[key] = value
            else:
                self.keys.pop(key, None)
        for kind, name, offset in batch.shifts:
            stream = self.streams.get(name)
            if stream is None:
                continue
            if kind == TRIM:
                self.low[name] = max(self.low[name], min(offset, len(stream) + 1))
                stream[: self.low[name] - 1] = [None] * (self.low[name] - 1)
            elif offset <= len(stream):
                stream[offset - 1] = None
        return offsets

    def differs(self, other: State) -> str:
        """Say where two states differ; nothing where they do not. Tags are compared elsewhere."""
        for name in sorted(self.streams.keys() | other.streams.keys()):
            ours, theirs = self.streams.get(name, []), other.streams.get(name, [])
            if len(ours) != len(theirs):
                return f"{name!r} has {len(ours)} payloads, not {len(theirs)}"
            if self.low.get(name) != other.low.get(name):
                return f"{name!r} begins at {self.low.get(name)}, not {other.low.get(name)}"
            for offset, (one, another) in enumerate(zip(ours, theirs, strict=True), 1):
                if one != another:
                    return f"{name!r} has at {offset} {_short(one)}, not {_short(another)}"
        for key in sorted(self.keys.keys() | other.keys.keys()):
            if self.keys.get(key) != other.keys.get(key):
                return f"key {key!r} is {_short(self.keys.get(key))}, not {_short(other.keys.get(key))}"
        return ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One commit group."""

    batches: Sequence[Batch]
    time: float


class Model:
    """What was asked for: `sure` was promised, `seen` is visible, `tip` is written."""

    def __init__(self) -> None:
        self.sure, self.seen, self.tip = State(), State(), State()
        self.unsure: list[Frame] = []  # written and not promised, in their order
        self.promised = self.visible = self.synced = self.written = 0

    def write(self, frame: Frame) -> list[list[int]]:
        self.unsure.append(frame)
        self.written += 1
        return self.tip.apply(frame)

    def settle(self) -> None:
        self.seen.apply(self.unsure[self.visible - self.promised])
        self.visible += 1
        self._promise()

    def cover(self, written: int) -> None:
        """Take in that a sync returned, which began when so many frames were written."""
        self.synced = written
        self._promise()

    def _promise(self) -> None:
        """What is durable and visible was acknowledged."""
        while self.promised < min(self.visible, self.synced):
            self.sure.apply(self.unsure.pop(0))
            self.promised += 1

    def give_up(self) -> None:
        """Drop what is not visible: it is never to come. The rest was made durable."""
        del self.unsure[self.visible - self.promised :]
        self.tip = self.seen.copy()
        self.written = self.visible
        self.cover(self.written)

    def finish(self) -> None:
        """Take in that the log was closed: all that was written is durable."""
        while self.visible < self.written:
            self.settle()
        self.cover(self.written)

    def resolve(self, found: State) -> int:
        """Take what was found after a crash for the truth; the number of visible frames that it took back.

        AssertionError where it cannot be: what was promised must be there, and behind it any number of frames
        in their order.
        """
        state = self.sure.copy()
        problem = found.differs(state)
        fits = -1 if problem else 0
        for count, frame in enumerate(self.unsure, 1):
            state.apply(frame)
            problem = found.differs(state)
            fits = fits if problem else count
        assert fits >= 0, (
            f"not what was promised, nor with any of {len(self.unsure)} frames behind it: {problem}"
        )
        lost = max(self.visible - self.promised - fits, 0)
        for frame in self.unsure[:fits]:
            self.sure.apply(frame)
        self.unsure.clear()
        self.promised = self.visible = self.synced = self.written = 0
        self.seen, self.tip = self.sure.copy(), self.sure.copy()
        return lost


def observe(log: Log, names: Iterable[bytes]) -> State:
    """Read everything."""
    state = State()
    for name in names:
        head = log.head(name)
        if not head:
            continue
        low = state.low[name] = log.first(name)
        found = log.read(name, 1, EVERYTHING)
        assert len(found) == head - low + 1, f"{name!r}: {len(found)} payloads from {low} to {head}"
        state.streams[name] = [*[None] * (low - 1), *found]
    state.keys = dict(log.scan())
    return state


def check_tags(found: list[Tag], state: State, since: float) -> None:
    """All that are young enough, and none that was never given."""
    known = dict(state.tags)
    assert len(found) == len(set(found)), "a tag came twice"
    wrong = [tag for tag in found if tag not in known]
    assert not wrong, f"never given: {wrong[:3]}"
    missing = [tag for tag, time in state.tags if time >= since and tag not in set(found)]
    assert not missing, f"tags are gone: {missing[:3]}"


def _short(payload: bytes | None) -> str:
    return "nothing" if payload is None else f"{payload[:8].hex()}… ({len(payload)} bytes)"
