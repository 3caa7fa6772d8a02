"""Why somebody's chat is slow: what the kernel knows of his connections, joined to who he is.

The kernel names a socket by its cookie, which it is asked for once. Content has no field in any of this.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hubbub.observe.kernel.figures import Line, Report, Source
from hubbub.observe.kernel.verdict import Verdict

Spoken = Literal["text", "json", "protobuf", "ndjson", "websocket", "http", "relay"]
"""What is spoken on a connection: `http` and `relay` are not of the chat, so nobody is behind them."""


class Device(msgspec.Struct, frozen=True):
    """One connection of somebody's. `id` and `name` are those of `/admin/connections`.

    `queued`: bytes that wait over what the kernel takes; `held_back`: requests that wait for their rate.
    `line` is null where the kernel does not tell.
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
    """The answer. `verdict` is that of the connection that is worst off; `name` as its owner writes it.

    `online` may be true without connections: somebody who comes by single requests over HTTP.
    """

    name: str
    user_id: int
    account: bool
    online: bool
    verdict: Verdict
    connections: tuple[Device, ...]
    source: str
    """Where the figures come from, in a sentence."""


class JoinedLine(msgspec.Struct, frozen=True):
    """A line of a report, with who is behind it: nulls where nobody has logged in, or none of it is chat."""

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
    lines: tuple[JoinedLine, ...] = ()
    happenings: tuple[JoinedHappening, ...] = ()
