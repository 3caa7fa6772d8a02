"""The helper process: it holds the privileges that probes take, so that the server needs none.

`python -m hubbub.observe.kernel.helper PID attach|look everything|usual`, with its line to the server as
standard input: see `dialogue`. It is two processes. The keeper does nothing but wait for the other one: where
that ends by accident (it calls a C library), or does nothing any more, the keeper starts it again, with what
the server has given up.
The one that looks is alone in reading what the kernel and the server say.

Both end with the server, also when that is killed: then the line ends, and the one that looks ends with its
keeper in any case (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the keeper stays as small as it can: the other one imports what it needs
    import socket

    from hubbub.observe.kernel.dialogue import Told
    from hubbub.observe.kernel.observer import Observer

BEAT: Final = 1.0
"""Seconds from one report to the next."""
PAUSES: Final = (0.5, 2.0, 10.0, 60.0)
"""Seconds before what has ended by accident is started again; after the last it is left."""
GOOD: Final = 600.0
"""Seconds after which an accident is forgotten."""
PARTING: Final = 5.0
"""Seconds that the one that looks has to end, once the server is gone."""
HUNG: Final = 6.0
"""Seconds without a sign of life after which the one that looks is ended, and so started again; …"""
BEGINNING: Final = 60.0
"""… and until its first one: attaching takes its time."""
MOST_WAITING: Final = 64
"""Questions that may wait for the first report; others are answered with nothing."""
_LINE: Final = 0
_SAID: Final = 3
"""Exit status of one that has said itself what went wrong."""
_KILLED_HUNG: Final = 256
"""No exit status there is: it hung."""
_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Keep somebody looking until the server is gone."""
    pid, attach, everything = int(sys.argv[1]), sys.argv[2] == "attach", sys.argv[3] == "everything"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C on the terminal is for the server
    failures = 0
    while True:
        began = time.monotonic()
        keeper = os.getpid()
        pulse, beat = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(pulse)
            os._exit(_look(pid, keeper, beat, attach=attach, everything=everything))
        os.close(beat)
        status = _ended(child, pulse)
        os.close(pulse)
        if status == 0:
            return 0
        failures = failures + 1 if time.monotonic() - began < GOOD else 1
        again = failures <= len(PAUSES)
        try:
            _tell_broken(status, again=again)
        except OSError:
            return 0
        if not again:
            return 1
        if _hung_up(PAUSES[failures - 1]):
            return 0


def _ended(child: int, pulse: int) -> int:
    """Wait for it; return its exit code, negative for a signal. It may neither hang nor outlive the line."""
    pidfd = os.pidfd_open(child)
    hung = False
    try:
        hung = _hangs(pidfd, pulse)
        if hung or (_hung_up(0.0) and not _readable(pidfd, PARTING)):
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(pidfd)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return _KILLED_HUNG if hung else status


def _hangs(pidfd: int, pulse: int) -> bool:
    """Wait until it ends or the line does: then false; or until it gives no sign of life any more.

    Twice half the time: where the machine itself stood still, it has its turn in between. That the server
    reads nothing, so that it waits with what it has to say, is no fault of its own.
    """
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(pulse, select.POLLIN)
    poll.register(_LINE, select.POLLRDHUP)
    patience, missed = BEGINNING, 0
    while missed < 2:
        ready = [descriptor for descriptor, _ in poll.poll(patience / 2 * 1000)]
        if pidfd in ready or _LINE in ready:
            return False
        if ready and not os.read(pulse, 4096):  # it is about to end
            poll.unregister(pulse)
        elif ready:
            patience, missed = HUNG, 0
        elif _writable():
            missed += 1
    return True


def _writable() -> bool:
    poll = select.poll()
    poll.register(_LINE, select.POLLOUT)
    return bool(poll.poll(0))


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _hung_up(seconds: float) -> bool:
    """Whether the server's end of the line is closed, or is within so many seconds."""
    poll = select.poll()
    poll.register(_LINE, select.POLLRDHUP)
    return bool(poll.poll(seconds * 1000))


def _tell_broken(status: int, *, again: bool) -> None:
    if status == _SAID and again:
        return
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    how = "it hung" if status == _KILLED_HUNG else how
    words = f'{{"type":"broke","reason":"{how}","again":{"true" if again else "false"}}}'
    os.write(_LINE, f"\n{words}\n".encode())  # behind whatever it had begun to say


def _look(pid: int, keeper: int, beat: int, *, attach: bool, everything: bool) -> int:
    """What the one that looks does: 0, the server is gone; else its exit status."""
    import socket

    from hubbub.observe.kernel.dialogue import Broke
    from hubbub.observe.kernel.observer import Observer, ObserverError

    line = socket.socket(fileno=_LINE)
    try:
        _end_with(keeper)
        try:
            observer = Observer(pid, "auto" if attach else "off", everything)
        except ObserverError:
            return 0
        attend(line, observer, beat)
    except (BrokenPipeError, ConnectionResetError):
        return 0
    except Exception as error:  # noqa: BLE001 (whatever it is, the server says it in its log)
        _say(line, Broke(f"{type(error).__name__}: {error}"[:500], again=True))
        return _SAID
    return 0  # what it has attached goes with it


def attend(line: socket.socket, observer: Observer, beat: int) -> None:
    """Report each second, and answer, until the line or the process that is observed ends; `beat` shows that
    it goes on."""
    import contextlib

    import msgspec

    from hubbub.observe.kernel.dialogue import MOST_ASKED, MOST_LINE, Ask, Began, Lines, Seen

    _say(line, Began(observer.source))
    poll = select.poll()
    poll.register(line, select.POLLIN)
    if observer.descriptor is not None:
        poll.register(observer.descriptor, select.POLLIN)
    decoder = msgspec.json.Decoder(Ask)
    heard = b""
    waiting: list[Ask] = []
    reported = False
    due = time.monotonic() + BEAT
    os.set_blocking(beat, False)
    while not observer.ended:
        with contextlib.suppress(BlockingIOError):  # its keeper has not looked: it will find enough of them
            os.write(beat, b".")
        ready = poll.poll(max(0.0, due - time.monotonic()) * 1000)
        if any(descriptor == line.fileno() for descriptor, _ in ready):
            more = line.recv(65_536)
            if not more:
                return
            *questions, heard = (heard + more).split(b"\n")
            if len(heard) > MOST_LINE:
                raise ValueError("a question has no end")
            waiting += map(decoder.decode, questions)
        if time.monotonic() >= due:
            _say(line, Seen(observer.report()))
            reported = True
            due = max(due + BEAT, time.monotonic() + BEAT / 2)
        if reported or len(waiting) > MOST_WAITING:  # before, there is no moment to compare with
            for ask in waiting:
                _say(line, Lines(ask.id, observer.lines(ask.lines[:MOST_ASKED]) if reported else []))
            waiting.clear()


def _say(line: socket.socket, told: Told) -> None:
    import msgspec

    line.sendall(msgspec.json.encode(told) + b"\n")


def _end_with(parent: int) -> None:
    """Have the kernel end this process with its parent."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it had ended before that
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
