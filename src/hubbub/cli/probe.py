"""`hubbub probe`: what the kernel sees of a running server, from outside it."""

from __future__ import annotations

import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import msgspec

from hubbub.cli.output import write
from hubbub.cli.settings import WRONGLY_ASKED, load_settings, load_unchecked
from hubbub.observe.kernel.figures import Report, Source
from hubbub.server.config import MEMORY
from hubbub.server.control import ControlError, NoServerError, ask, process_on

if TYPE_CHECKING:
    from hubbub.observe.kernel.observer import Observer
    from hubbub.observe.kernel.records import TracedCall

FAILED: Final = 1
"""It could not be observed."""
NOBODY: Final = 3
"""No server runs on the data directory."""
BEAT: Final = 1.0
"""Seconds from one report to the next."""
TRACE_BEAT: Final = 0.1
"""Seconds between two looks at what was traced."""
ANSWER: Final = 0.5
"""Seconds for the server to say who is behind its connections: one that hangs is to be seen, too."""
HANGS: Final = 10.0
"""Seconds after which one that did not say it is asked again."""


class Names:
    """Who is behind a connection, by its cookie: as the server says, where it can be asked."""

    def __init__(self, directory: Path | None) -> None:
        """Without a directory nobody is known."""
        self._directory = directory
        self._known: dict[int, str] = {}
        self._asked = -BEAT

    def of(self, cookie: int | None) -> str:
        """The user's name; empty: nobody, or nobody knows."""
        return self._known.get(cookie, "") if cookie is not None else ""

    def learn(self) -> None:
        """Ask the server, at most once a second."""
        now = time.monotonic()
        if self._directory is None or now - self._asked < BEAT:
            return
        self._asked = now
        try:
            told = ask(self._directory, "cookies", within=ANSWER)
        except TimeoutError:
            self._asked = now + HANGS - BEAT
            return
        except (NoServerError, ControlError, OSError):  # it stops, or is of another version
            return
        self._known = {int(cookie): str(name) for cookie, name in told.items()}


def probe(arguments: Namespace) -> int:
    """Observe until the server ends, the time is over, or Ctrl-C."""
    pid = arguments.pid
    loaded = load_settings(arguments) if pid is None else load_unchecked(arguments)
    if isinstance(loaded, int):
        return loaded
    data = loaded.config.server.data
    directory = None if data == MEMORY else Path(data)
    try:
        running = None if directory is None else process_on(directory)
    except OSError as error:
        if pid is None:
            _say(f"{data}: {error.strerror or error}")
            return FAILED
        running = None
    if pid is None:
        if directory is None:
            _say("a server in memory has no data directory to be found by; name its process with --pid")
            return WRONGLY_ASKED
        if running is None:
            _say(f"no server runs on {data}; name another directory with --data, or a process with --pid")
            return NOBODY
        pid = running
    return _observe(arguments, pid, Names(directory if running == pid else None))


def _observe(arguments: Namespace, pid: int, names: Names) -> int:
    # Only now: what reads the kernel takes a while to import.
    from hubbub.observe.kernel.observer import Observer, ObserverError
    from hubbub.observe.kernel.probes import ProbesError

    leader = _leader(pid)
    if leader not in (None, pid):
        _say(f"{pid} is a thread of process {leader}; name that one with --pid")
        return FAILED
    try:
        observer = Observer(pid, "on" if arguments.trace else "auto", arguments.all)
    except ObserverError as error:
        _say(str(error))
        return FAILED
    except ProbesError as error:
        _say(f"calls are traced by probes alone, and there are none: {error}")
        return FAILED
    stop = _Stop(arguments.duration)
    try:
        if arguments.trace:
            _trace(observer, names, stop, as_json=arguments.json)
        else:
            _report(observer, names, stop, as_json=arguments.json)
        if observer.ended:
            _say("the server has ended")
        return 0
    finally:
        observer.close()


def _leader(pid: int) -> int | None:
    """The process whose thread has this number; its own is that of its first thread. None: nobody tells."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("Tgid:"):
                return int(line.split()[1])
    except OSError:
        pass
    return None


class _Stop:
    """When to end: after a time, or at Ctrl-C, with what there is to say at the end."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one at once

    def wait(self, due: float) -> bool:
        """Sleep until then. True: it is over."""
        if self._end is not None:
            due = min(due, self._end)
        while not self._asked and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, TRACE_BEAT))
        return self._asked or (self._end is not None and time.monotonic() >= self._end)


# -- reports


def _report(observer: Observer, names: Names, stop: _Stop, *, as_json: bool) -> None:
    from hubbub.cli.probe_view import View

    view = None if as_json else View(observer.source, names.of)
    if view is None:
        _print({"source": observer.source})
    due = time.monotonic() + BEAT
    over = False
    try:
        while not over:
            over = stop.wait(due) or observer.ended
            due = max(due + BEAT, time.monotonic() + BEAT / 2)
            report = observer.report()
            names.learn()
            if view is None:
                users = {str(line.cookie): names.of(line.cookie) for line in report.worst}
                _print({"report": report, "users": users})
            else:
                view.show(report)
    finally:
        if view is not None:
            view.end()


def _print(told: dict[str, Source | Report | dict[str, str]]) -> None:
    write(msgspec.json.encode(told).decode() + "\n")


# -- every call


def _trace(observer: Observer, names: Names, stop: _Stop, *, as_json: bool) -> None:
    count, over = 0, False
    with observer.trace() as trace:
        _say(f"{observer.source.sentence}; Ctrl-C ends it")
        if not as_json:
            write(f"{'time':15}  {'call':7}  {'user':16}  {'fd':>5}  {'result':>9}  {'took':>10}\n")
        while not over:
            over = stop.wait(time.monotonic() + TRACE_BEAT) or observer.ended
            while calls := trace.calls():
                if any(one.cookie is not None and not names.of(one.cookie) for one in calls):
                    names.learn()
                count += len(calls)
                line = _as_json if as_json else _as_text
                write("".join([line(one, names.of(one.cookie)) for one in calls]))
        lost = trace.lost
    _say(f"{count:,} calls; {lost:,} more were lost" if lost else f"{count:,} calls; none was lost")


def _as_json(one: TracedCall, user: str) -> str:
    told = {**one._asdict(), "error": one.error, "user": user or None}
    return msgspec.json.encode(told).decode() + "\n"


def _as_text(one: TracedCall, user: str) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(one.at)) + f"{one.at % 1:.6f}"[1:]
    result = one.error or str(one.result)
    took = "" if one.took is None else f"{one.took / 1000:,.1f} µs"
    fd = "" if one.fd is None else str(one.fd)
    return f"{clock:15}  {one.call:7}  {user:16}  {fd:>5}  {result:>9}  {took:>10}\n"


def _say(sentence: str) -> None:
    print(f"hubbub: {sentence}", file=sys.stderr)
