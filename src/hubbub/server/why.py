"""Why somebody's chat is slow: what the kernel knows of his connections, joined to who he is.

The kernel names a socket by its cookie, which it is asked for once. Content has no field in any of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, get_args

import msgspec
from msgspec.structs import replace

from hubbub.core import names
from hubbub.core.errors import Code, Refusal
from hubbub.observe.kernel.evidence import Evidence, House, Others
from hubbub.observe.kernel.figures import WORST, Line, Report, Source
from hubbub.observe.kernel.verdict import Cause, Verdict, rank, verdict
from hubbub.server.control import Action, ControlError, Progress
from hubbub.server.dialects import base_of
from hubbub.server.house import house
from hubbub.server.session import Connection
from hubbub.server.sockets import SPAN, Cookies, Sockets, median_rtt, waiting
from hubbub.server.whose import Whose, behind, departed, named

if TYPE_CHECKING:
    from hubbub.server.readings import Readings
    from hubbub.server.sampling import Sampler
    from hubbub.server.surroundings import Surroundings

MOST: Final = 100
"""Connections of one person in one answer: those for which most bytes wait, then the oldest."""
OTHERS_ASKED: Final = 100
"""Connections of others whose round-trip time is looked at, evenly spread over all."""
ROOMS_NAMED: Final = 10
"""Of one connection, those that it came into first."""
_SHARED: Final = ("loop", "disk", "machine")  # causes that all connections have
_OURS: Final = ("limits", "loop", "disk", "machine")  # causes that are no matter of a connection

Spoken = Literal["text", "json", "protobuf", "ndjson", "websocket"]


class Observing(Protocol):
    """Who looks into the kernel (see `probing`)."""

    @property
    def source(self) -> Source:
        """Where the figures come from."""
        ...

    @property
    def newest(self) -> Report | None:
        """Of the last second; None: nothing looks just now."""
        ...

    @property
    def recent(self) -> Sequence[Report]:
        """Of the last seconds, the newest last."""
        ...

    def watch(self) -> None:
        """Let there be reports for the next minute."""
        ...

    async def lines(self, cookies: Sequence[int]) -> list[Line]:
        """What is known of these connections."""
        ...


class Device(msgspec.Struct, frozen=True):
    """One connection of somebody's. `id` and `name` are those of `/admin/connections`.

    `queued`: bytes that wait over what the kernel takes; `held_back`: requests that wait for their rate.
    `rooms` has at most ten. `line` is null where the kernel does not tell.
    """

    id: int
    name: str
    rooms: tuple[str, ...]
    dialect: Spoken
    address: str
    secure: bool
    queued: int
    held_back: int
    verdict: Verdict
    line: Line | None = None


class WhyView(msgspec.Struct, frozen=True):
    """The answer. `verdict` is that of the connection that is worst off, which comes first in `connections`;
    `name` as its owner writes it.

    `total` counts all connections, also those past the limit of a hundred. `online` may be true without any:
    somebody who comes by single requests over HTTP.
    """

    name: str
    user_id: int
    account: bool
    online: bool
    verdict: Verdict
    total: int
    connections: tuple[Device, ...]
    source: str
    """Where the figures come from, in a sentence."""


class JoinedLine(msgspec.Struct, frozen=True):
    """A line of a report, with who is behind it.

    Nulls: it is none of the chat (HTTP, the relay), or nobody knows yet; without `user` nobody has logged in.
    """

    line: Line
    verdict: Verdict
    id: int | None = None
    name: str | None = None
    dialect: Spoken | None = None
    user: str | None = None
    user_id: int | None = None
    rooms: tuple[str, ...] = ()


class JoinedHappening(msgspec.Struct, frozen=True):
    """A happening (see `Happening`), with whose connection it was, as far as that is known."""

    at: float
    kind: Literal["opened", "closed", "retransmit", "reset_sent", "reset_received", "overflow", "full"]
    peer: str
    detail: str = ""
    id: int | None = None
    name: str | None = None
    user: str | None = None


class KernelView(msgspec.Struct, frozen=True):
    """What the kernel knows of the server. `sentence` says where it is from.

    `report` is the newest, null before there is one; its `worst` and `happenings` are empty, since they are
    in `lines` (the worst first) and `happenings` (the newest last), with who is behind them.
    """

    source: Source
    sentence: str
    report: Report | None
    lines: list[JoinedLine] = []
    happenings: list[JoinedHappening] = []


class Why:
    """Puts the evidence together."""

    def __init__(
        self,
        shared: Surroundings[Connection],
        readings: Readings,
        sampler: Sampler,
        observing: Observing,
        *,
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._shared = shared
        self._readings = readings
        self._sampler = sampler
        self._observing = observing
        self._pause = pause
        self._sockets = Sockets()
        self._cookies = Cookies(shared.open)

    def actions(self) -> Mapping[str, Action]:
        """For `Control`."""
        return {"why": self._answer, "cookies": self._behind}

    async def _behind(self, arguments: dict[str, Any], _: Progress) -> object:  # noqa: ARG002
        """For `hubbub probe`, which sees sockets: whose is which, by the cookies of all that are open."""
        known = [(one, one.user) for one in self._shared.open.values()]
        return {str(self._cookies.of(one)): user.name for one, user in known if user is not None}

    async def _answer(self, arguments: dict[str, Any], _: Progress) -> object:
        """That nobody has that name is an answer, too: `hubbub why` has an exit code for it."""
        name = arguments.get("name")
        if not isinstance(name, str):
            raise ControlError("The request is not valid: it has no name.")
        return await self.ask(name)

    # -- about one person

    async def ask(self, name: str) -> WhyView | Refusal:
        """The answer. It takes a second where nobody has looked at his connections before."""
        wanted = names.normal(name, names.USER_LIMIT)
        if not isinstance(wanted, str):
            message = f"Username '{name[:64]}' is not valid: {wanted.reason}"
            return Refusal(Code.NAME_INVALID, message, field="name")
        if named(self._shared, wanted) is None:
            return _unknown(wanted)
        connections = self._of(wanted)
        lines = await self._look(connections[:MOST])
        found = named(self._shared, wanted)
        if found is None:  # a guest who left meanwhile
            return _unknown(wanted)
        house = self._house()
        own = set(connections)
        others = self._others(own)
        devices = [
            self._device(one, self._evidence(one, lines.get(one.number), house, others))
            for one in connections[:MOST]
            if one.number in self._shared.open  # else it closed meanwhile
        ]
        devices.sort(key=_order)
        return self._view(found, devices, len(connections), Evidence(house=house, others=others))

    def _view(self, found: Whose, devices: list[Device], total: int, without: Evidence) -> WhyView:
        online = self._shared.service.people.by_id(found.id) is not None
        if devices:
            judged = devices[0].verdict
            if total > 1 and judged.cause != "nothing" and judged.cause not in _SHARED:
                sentence = f"{devices[0].name}, of {total:,} connections: {judged.sentence}"
                judged = replace(judged, sentence=sentence)
        else:
            left = departed(self._shared, lambda one: one.user_id == found.id)
            if left is not None:
                without = replace(without, parted=left.reason, parted_ago=self._shared.clock() - left.at)
            judged = verdict(without)
            here = "comes by single requests over HTTP" if online else "is not here: no connection is open"
            judged = replace(judged, sentence=f"{here}; {judged.sentence}")
        return WhyView(
            found.name,
            found.id,
            self._shared.service.people.reserved(found.id),
            online,
            judged,
            total,
            tuple(devices),
            self._observing.source.sentence,
        )

    def _of(self, name: str) -> list[Connection]:
        """The connections of whoever has that name, those first for which most bytes wait, here or in the
        kernel."""
        user = self._shared.service.people.find(name)
        found = [one for one in user.sessions if isinstance(one, Connection)] if user is not None else []
        return sorted(found, key=lambda one: (-waiting(one.stream), one.number))

    async def _look(self, connections: Sequence[Connection]) -> dict[int, Line]:
        """Their lines, by their numbers: as whoever looks has them, else as the sockets themselves tell."""
        cookies = {cookie: one for one in connections if (cookie := self._cookies.of(one))}
        seen = await self._observing.lines(list(cookies)) if cookies else []
        lines = {cookies[one.cookie].number: one for one in seen if one.cookie in cookies}
        left = {cookie: one for cookie, one in cookies.items() if one.number not in lines}
        told = self._look_ourselves(left)
        if any(not line.span for line in told.values()):  # since it opened: nothing of just now
            await self._pause(SPAN)
            told = self._look_ourselves(left)
        return {**lines, **told}

    def _look_ourselves(self, left: dict[int, Connection]) -> dict[int, Line]:
        looked = ((one.number, self._sockets.look(cookie, one.stream)) for cookie, one in left.items())
        return {number: line for number, line in looked if line is not None}

    def _device(self, one: Connection, known: Evidence) -> Device:
        return Device(
            one.number,
            one.name,
            _rooms(one),
            base_of(one.dialect.name),  # type: ignore[arg-type] # it is one of them
            one.address,
            one.stream.secure,
            known.backlog,
            known.held_back,
            _judged(one, known),
            known.line,
        )

    # -- the evidence

    def _evidence(self, one: Connection, line: Line | None, house: House, others: Others) -> Evidence:
        rate, held_back = self._shared.rate, one.held_back
        return Evidence(
            line=line,
            backlog=one.stream.backlog,
            held_back=held_back,
            held_for=held_back / rate if rate else 0.0,
            house=house,
            others=others,
        )

    def _house(self) -> House:
        return house(self._readings, self._sampler, self._observing.recent)

    def _others(self, own: set[Connection]) -> Others:
        """Of those who are not him, some."""
        connections = self._shared.open.values()
        step = max(1, len(connections) // OTHERS_ASKED)
        some = islice(islice(connections, 0, None, step), OTHERS_ASKED)
        return Others(*median_rtt(one.stream for one in some if one not in own))

    # -- about everybody

    def kernel(self, most: int = WORST) -> KernelView:
        """What was seen in the last second, with at most so many lines.

        Nobody may have looked yet: then ask again in a second.
        """
        self._observing.watch()
        source, report = self._observing.source, self._observing.newest
        if report is None:
            return KernelView(source, source.sentence, None)
        shown = replace(report, worst=[], happenings=[])
        return KernelView(source, source.sentence, shown, self.joined(report, most), self.happened(report))

    def joined(self, report: Report, most: int = WORST) -> list[JoinedLine]:
        """The worst lines, with who is behind them and what is wrong."""
        self._cookies.learn()
        house = self._house()
        others = Others(max(0, report.rtt_count - 1), report.rtt_median)
        return [self._joined(line, house, others) for line in report.worst[:most]]

    def verdicts(self) -> dict[Cause, int]:
        """How many connections have each cause just now. Empty: nobody looks.

        Those that stand out are judged one by one; of all others counts what is the same for everybody.
        """
        report = self._observing.newest
        if report is None:
            return {}
        told: dict[Cause, int] = dict.fromkeys(get_args(Cause), 0)
        for one in self.joined(report):
            told[one.verdict.cause] += 1
        told[verdict(Evidence(house=self._house())).cause] += max(0, (report.lines or 0) - len(report.worst))
        return told

    def _joined(self, line: Line, house: House, others: Others) -> JoinedLine:
        one = self._cookies.behind(line.cookie)
        if one is None:
            return JoinedLine(line, verdict(Evidence(line=line, house=house, others=others)))
        user = one.user
        return JoinedLine(
            line,
            _judged(one, self._evidence(one, line, house, others)),
            one.number,
            one.name,
            base_of(one.dialect.name),  # type: ignore[arg-type] # it is one of them
            None if user is None else user.name,
            None if user is None else user.id,
            _rooms(one),
        )

    def happened(self, report: Report) -> list[JoinedHappening]:
        """What happened, with whom it happened to."""
        self._cookies.learn()
        gone = {one.number: one for one in self._shared.departed}
        told: list[JoinedHappening] = []
        for what in report.happenings:
            number = self._cookies.number(what.cookie)
            whose = behind(self._shared, number or 0, gone)
            told.append(JoinedHappening(what.at, what.kind, what.peer, what.detail, number, *whose))
        return told


def _judged(one: Connection, known: Evidence) -> Verdict:
    """What is wrong; behind a proxy that is seen as far as the proxy, which has the connection to him."""
    judged = verdict(known)
    if one.address == one.stream.peer or judged.cause in _OURS:
        return judged
    seen = f"{judged.sentence}; as far as its proxy, {one.stream.peer}"
    return replace(judged, sentence=seen)


def _order(one: Device) -> tuple[int, int, int]:
    """The worst first."""
    unsent = one.queued + (one.line.unsent if one.line is not None else 0)
    return rank(one.verdict), -unsent, one.id


def _unknown(name: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"User '{name}' not found.", field="name")


def _rooms(one: Connection) -> tuple[str, ...]:
    return tuple(room.name for room in one.rooms[:ROOMS_NAMED])
