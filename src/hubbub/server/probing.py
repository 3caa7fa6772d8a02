"""What the kernel sees of this server, as the server has it: from a helper process that holds the privileges.

When a helper runs is a matter of what it costs (a second Python, some 15 MiB) and of what it is good for:

- With the privilege to attach probes it runs from the start on: what was not counted cannot be asked later.
  The chat process then gives that privilege up (`privileges`).
- Without, all there is to see is what the kernel keeps anyway (TCP_INFO, `/proc`), so nobody pays for it
  until somebody asks. Then a helper begins to look, and ends when nobody has asked for a minute. It is a
  process here, too: with 10,000 connections a look takes tens of milliseconds, which the loop does not have.
- `probes.mode = "off"`: none, ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from hubbub.observe.kernel.dialogue import MOST_ASKED, MOST_LINE, Ask, Began, Broke, Lines, Seen, Told
from hubbub.observe.kernel.figures import Line, Report, Source
from hubbub.observe.kernel.helper import BEGINNING
from hubbub.observe.server_log import ServerLog
from hubbub.server import privileges
from hubbub.server.config import ProbeSettings

DEADLINE: Final = 4.0
"""Seconds that an answer may take: a helper that begins only now has to see two moments, a second apart."""
REST: Final = 60.0
"""Seconds without a question after which a helper without probes ends."""
SILENT: Final = 5.0
"""Seconds without a report after which what was seen is no longer what is, and nobody is asked any more."""
REPLACED: Final = 120.0
"""Seconds within which a keeper has somebody else look (see `helper`): then both are given up."""
RECENT: Final = 5
"""Reports that are at hand: one second alone says little."""
_BEGIN: Final = 10.0
"""Seconds that a helper may take to begin, on a slow machine, before `on` does not start, or one without
probes is given up. With them it has what its keeper gives it: the privileges would go with it."""
_PAUSES: Final = (1.0, 5.0, 30.0, 300.0)
"""Seconds before a helper that has failed is tried again; the last of them from then on."""
_GARBAGE: Final = 10
"""Lines that cannot be read, after which a helper is given up."""
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME")
"""What of the environment it gets: there are keys in it that are none of its business."""

_NOT_HERE: Final = "this system is not Linux"
_NO_RIGHT: Final = "that takes root's rights, or CAP_BPF with CAP_PERFMON"
_ENDED: Final = "the process that held them has ended"
_SILENT: Final = "the process that holds them says nothing"
_OFF: Final = "they are switched off"


class ProbesRefusedError(Exception):
    """The settings ask for probes, and there can be none: a sentence for people."""


class Probing:
    """Has a helper look, and keeps what it told last."""

    def __init__(self, settings: ProbeSettings, log: ServerLog) -> None:
        self.source = _without("the server begins")
        """Where figures come from. It changes once they are attached, and if their process is gone."""
        self.newest: Report | None = None
        """Of the last second; None: nothing looks just now."""
        self.recent: deque[Report] = deque(maxlen=RECENT)
        """Of the last seconds, the newest last."""
        self.on_report: Callable[[Report], None] = lambda _: None
        """Told of each, once it is `newest`."""
        self._settings = settings
        self._log = log
        self._helper: _Helper | None = None
        self._begun = asyncio.Event()  # it is known where figures come from
        self._attached: Source | None = None
        """As it was told: while somebody else begins to look, `source` differs."""
        self._failures = 0
        self._not_before = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, before the process has threads or listens: afterwards it may attach nothing itself.

        Raises ProbesRefusedError where there must be probes and cannot be.
        """
        why_not = self._why_not()
        if why_not is None:
            self._begin(attach=True)
            problem = privileges.give_up()
            if problem is not None:
                self._log.warned("the chat process keeps its right to probe the kernel", reason=problem)
            return
        self.source = _without(why_not)
        if self._settings.mode == "on":
            raise ProbesRefusedError(self._refusal())
        self._begun.set()
        if self._settings.mode == "auto":
            self._log.observing(self.source.sentence)

    def _why_not(self) -> str | None:
        if self._settings.mode == "off":
            return _OFF
        if sys.platform != "linux":
            return _NOT_HERE
        return None if privileges.may_probe() else _NO_RIGHT

    async def begun(self) -> None:
        """Wait until it is known what is attached, where the settings ask for probes.

        Raises ProbesRefusedError where there are none.
        """
        if self._settings.mode != "on":
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), _BEGIN)
        if not self.source.probes:
            raise ProbesRefusedError(self._refusal())

    def _refusal(self) -> str:
        why = self.source.missing.get("probes", "nobody says why")
        return f"kernel probes cannot be attached: {why} (probes.mode is on; auto goes without)"

    def watch(self) -> None:
        """Somebody looks: let there be reports for the next minute. Call it as often as you like."""
        if self._settings.mode == "off" or sys.platform != "linux":
            return
        loop = asyncio.get_running_loop()
        if self._helper is None and loop.time() >= self._not_before:
            self._begin(attach=False)
        if self._helper is not None and not self._helper.attach:
            if self._rest is not None:
                self._rest.cancel()
            self._rest = loop.call_later(REST, self._end_helper)

    async def lines(self, cookies: Sequence[int]) -> list[Line]:
        """What is known of these connections, by their cookies; those that are not known are left out.

        It never fails and takes at most `DEADLINE` seconds: then it is an empty list.
        """
        self.watch()
        helper = self._helper
        if helper is None or helper.silent or not cookies:
            return []
        asked = [cookies[at : at + MOST_ASKED] for at in range(0, len(cookies), MOST_ASKED)]
        found: list[Line] = []
        try:
            async with asyncio.timeout(DEADLINE):
                for some in asked:
                    found += await helper.ask(some)
        except TimeoutError:
            helper.silent = True
        except ConnectionError:
            pass
        return found

    async def close(self) -> None:
        """End it."""
        helper = self._helper
        self._end_helper()
        if helper is not None:
            await asyncio.wait([helper.task])

    # -- the helper

    def _begin(self, *, attach: bool) -> None:
        try:
            self._helper = _Helper(self._settings, self._heard, self._gone, attach=attach)
        except OSError as error:  # no descriptor, no process, no memory
            self._failed(str(error.strerror))
            self._begun.set()
        else:
            self._within((BEGINNING if attach else _BEGIN) + SILENT, self._fell_silent)

    def _end_helper(self) -> None:
        helper, self._helper = self._helper, None
        self._forget()
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if helper is not None:
            helper.end()

    def _forget(self) -> None:
        self.newest = None
        self.recent.clear()
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def _within(self, seconds: float, otherwise: Callable[[], None]) -> None:
        """Something is to be heard by then."""
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(seconds, otherwise)

    def _fell_silent(self) -> None:
        """It hangs. With probes, its keeper has the right to attach them, and has somebody else look."""
        helper = self._helper
        if helper is not None and helper.attach and self._attached is not None:
            self._log.warned("what looks into the kernel says nothing; the chat goes on without")
            self._wait_for_another(helper, _SILENT)
        else:
            self._give_up()

    def _wait_for_another(self, helper: _Helper, why: str) -> None:
        helper.silent = True
        self._forget()
        if helper.attach:
            self.source = _without(why)
        self._within(REPLACED, self._give_up)

    def _give_up(self) -> None:
        self._end_helper()
        self._failed("it says nothing")

    def _heard(self, helper: _Helper, told: Began | Seen | Broke | None) -> None:
        """`told` None: it was garbage."""
        if helper is not self._helper:
            return
        match told:
            case Began(source):
                helper.silent = False
                self._began(helper, source)
            case Seen(report):
                self._failures = 0
                helper.silent = False
                if helper.attach and self._attached is not None:  # it hung for a moment only
                    self.source = self._attached
                self.newest = report
                self.recent.append(report)
                self._within(SILENT, self._fell_silent)
                self.on_report(report)
            case Broke(reason, again):
                self._wait_for_another(helper, _ENDED)
                again_or_not = "it is started again" if again else "it is not started again"
                self._log.warned(f"what looks into the kernel has ended; {again_or_not}", reason=reason)
            case None if helper.garbage == 1:
                self._log.warned("what looks into the kernel says what nobody understands")
            case _:
                pass

    def _began(self, helper: _Helper, source: Source) -> None:
        if helper.attach:
            known = self._attached == source  # it was started again
            self.source = self._attached = source
            if not known:
                self._log.observing(source.sentence)
            self._begun.set()
            if not source.probes:  # refused: from here on it is as without the privilege
                self._end_helper()
        else:  # why there are no probes, we know better
            missing = {**source.missing, "probes": self.source.missing.get("probes", _ENDED)}
            self.source = msgspec.structs.replace(source, missing=missing)

    def _gone(self, helper: _Helper, error: BaseException | None) -> None:
        if error is not None:
            self._log.failed("hearing of the kernel", error)
        if helper is not self._helper:
            return  # it was told to
        self._end_helper()
        self._failed("it was ended")

    def _failed(self, reason: str) -> None:
        pause = _PAUSES[min(self._failures, len(_PAUSES) - 1)]
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + pause
        if self.source.probes or not self._begun.is_set():
            self.source = _without(_ENDED)
        self._begun.set()
        self._log.warned("what looks into the kernel is gone; the chat goes on without", reason=reason)


class _Helper:
    """One helper process, and the line to it."""

    def __init__(
        self,
        settings: ProbeSettings,
        heard: Callable[[_Helper, Began | Seen | Broke | None], None],
        gone: Callable[[_Helper, BaseException | None], None],
        *,
        attach: bool,
    ) -> None:
        """`attach`: with probes. Raises OSError where it cannot be started."""
        self.attach = attach
        self.silent = False
        """Whether it has nothing to say just now: then it is not asked either."""
        self.garbage = 0
        self._heard = heard
        self._gone = gone
        self._asked: dict[int, asyncio.Future[list[Line]]] = {}
        self._number = 0
        self._unsaid: list[bytes] = []  # while the line is made ready
        self._writer: asyncio.StreamWriter | None = None
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                self.process = _spawn(theirs.fileno(), settings, attach=attach)
        except BaseException:
            self._line.close()
            raise
        self.task = asyncio.get_running_loop().create_task(self._listen())
        self.task.add_done_callback(self._close)

    def end(self) -> None:
        """End it; who waits for an answer is told."""
        self.task.cancel()

    async def ask(self, cookies: Sequence[int]) -> list[Line]:
        """Ask, and wait for the answer. Raises ConnectionError where there will be none."""
        if self.task.done():
            raise ConnectionResetError
        self._number += 1
        number = self._number
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        self._say(msgspec.json.encode(Ask(number, list(cookies))) + b"\n")
        try:
            lines: list[Line] = await answer
        finally:
            del self._asked[number]
        return lines

    def _say(self, data: bytes) -> None:
        if self._writer is None:
            self._unsaid.append(data)
        else:
            self._writer.write(data)

    async def _listen(self) -> None:
        """Until the line ends, or nothing but garbage comes."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line, limit=MOST_LINE)
        self._writer.writelines(self._unsaid)
        decoder = msgspec.json.Decoder(Told)
        while self.garbage < _GARBAGE:
            try:
                data = await reader.readline()
                if not data:
                    return
                if data.isspace():
                    continue  # between the words of a helper that ended and those of the next
                self._take(decoder.decode(data))
            except ConnectionError:
                return
            except (msgspec.MsgspecError, ValueError):  # ValueError: longer than any line is
                self.garbage += 1
                self._take(None)

    def _take(self, told: Told | None) -> None:
        if isinstance(told, Lines):
            answer = self._asked.get(told.id)
            if answer is not None and not answer.done():
                answer.set_result(told.lines)
            return
        if isinstance(told, Broke):
            self._forget()
        self._heard(self, told)

    def _forget(self) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())

    def _close(self, task: asyncio.Task[None]) -> None:
        self._forget()
        if self._writer is None:
            self._line.close()
        else:
            self._writer.close()
        self.process.kill()
        self.process.wait()  # at once: nothing outlives that signal
        self._gone(self, None if task.cancelled() else task.exception())


def _spawn(line: int, settings: ProbeSettings, *, attach: bool) -> subprocess.Popen[bytes]:
    """Start it. Of ours it has nothing but its end of the line, which is its standard input."""
    # What it imports, it finds where we do, and never where somebody happens to stand.
    places = [place for place in sys.path if place and Path(place).is_absolute()]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    words = ["attach" if attach else "look", "everything" if settings.everything else "usual"]
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-P", "-m", "hubbub.observe.kernel.helper", str(os.getpid()), *words],
        stdin=line,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment, "PYTHONPATH": os.pathsep.join(places)},
        start_new_session=True,  # a Ctrl-C is for the server
    )


def _without(reason: str) -> Source:
    return Source(probes=False, missing={"probes": reason})
