"""`hubbub why`: why somebody's chat is slow, in a sentence, with what says so."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from hubbub.cli.output import open_console, printing, whole_or_not
from hubbub.cli.settings import WRONGLY_ASKED, load_settings
from hubbub.core.names import USER_LIMIT, Invalid, normal
from hubbub.observe.kernel.facts import amount
from hubbub.server.config import MEMORY
from hubbub.server.control import ControlError, NoServerError, ask

if TYPE_CHECKING:
    from rich.console import Console

    from hubbub.observe.kernel.figures import Line
    from hubbub.server.why import Device, WhyView

SOMETHING: Final = 1
"""Something is wrong."""
NOBODY: Final = 3
"""Nobody has that name, or no server could be asked."""
PATIENCE: Final = 15.0
"""Seconds that the answer may take: a server takes five at most, if it does anything at all."""
_BARS: Final = "▁▂▃▄▅▆▇█"


def why(arguments: Namespace) -> int:
    """Ask the server that runs on the data directory."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    name = normal(arguments.user, USER_LIMIT)
    if isinstance(name, Invalid):
        _say(f"{arguments.user[:USER_LIMIT]!r} is not a name: {name.reason}")
        return WRONGLY_ASKED
    where = loaded.config.server.data
    if where == MEMORY:
        _say("a server in memory has no data directory to be asked by; name another's with --data")
        return WRONGLY_ASKED
    try:
        told = ask(Path(where), "why", within=PATIENCE, name=name)
    except NoServerError:
        _say(f"no server runs on {where}; is it another one? Name it with --data")
        return NOBODY
    except TimeoutError:
        _say(
            f"the server on {where} says nothing for {PATIENCE:.0f} s: it hangs, or was stopped;"
            " hubbub probe shows what the kernel sees of it"
        )
        return NOBODY
    except ControlError as error:
        _say(str(error))
        return NOBODY
    except OSError as error:
        _say(f"{where}: {error.strerror or error}")
        return NOBODY
    if told.get("type") == "Refusal":
        _say(str(told["message"]))
        return NOBODY
    with whole_or_not(), printing():
        if arguments.json:
            print(msgspec.json.format(msgspec.json.encode(told)).decode())
        else:
            _show(told)
    return 0 if told["verdict"]["cause"] == "nothing" else SOMETHING


def _say(sentence: str) -> None:
    print(f"hubbub: {sentence}", file=sys.stderr)


def _show(told: object) -> None:
    # Only now: they take a while to import, and a name that nobody has needs none of them.
    from hubbub.server.why import WhyView

    view = msgspec.convert(told, WhyView)
    console = open_console()
    console.print(f"{view.name}: {view.verdict.sentence}.", style="bold", soft_wrap=True)
    console.print(_whence(view), style="dim", soft_wrap=True)
    for device in view.connections:
        console.print()
        _show_device(console, device, alone=view.total == 1)
    if view.total > len(view.connections):
        console.print(f"\nand {view.total - len(view.connections):,} more connections")


def _whence(view: WhyView) -> str:
    many = "1 connection" if view.total == 1 else f"{view.total:,} connections"
    who = "account" if view.account else "guest"
    return f"{who}, {many}; figures by {view.source}"


def _show_device(console: Console, device: Device, *, alone: bool) -> None:
    from rich.table import Table

    rooms = f", in {', '.join(device.rooms)}" if device.rooms else ""
    tls = " over TLS" if device.secure else ""
    console.print(
        f"{device.name}: {device.dialect}{tls} from {device.address}{rooms}", style="cyan", soft_wrap=True
    )
    if not alone:
        console.print(f"  {device.verdict.sentence}", soft_wrap=True)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _figures(device):
        table.add_row(f"  {name}", value)
    console.print(table)


def _figures(device: Device) -> list[tuple[str, str]]:
    """What there is to tell of a connection, each with its name."""
    rows = [("waits in the server", f"{amount(device.queued, 'B')} to be sent")]
    if device.held_back:
        rows.append(("waits for its rate", f"{device.held_back:,} requests"))
    line = device.line
    if line is None:
        return [*rows, ("in the kernel", "not known on this system")]
    return [*rows, *_of_line(line), *_of_probes(line)]


def _of_line(line: Line) -> list[tuple[str, str]]:
    span = amount(line.span, "s")
    window = "not known" if line.window is None else amount(line.window, "B") if line.window else "closed"
    rows = [
        (
            "waits in the kernel",
            f"{amount(line.unsent, 'B')} unsent, {amount(line.queued, 'B')} not acknowledged",
        ),
        (
            "round-trip time",
            f"{amount(line.rtt, 'µs')} ± {amount(line.rtt_var, 'µs')}, {amount(line.rtt_min, 'µs')} at best",
        ),
        (
            "sent",
            f"{amount(line.sent, 'B')} in {span}: {line.segments:,} segments, {line.retransmitted:,} again",
        ),
        (
            "had to send for",
            f"{amount(line.busy, 'µs')} of {span}; kept back {amount(line.reader_limited, 'µs')} by the"
            f" client, {amount(line.buffer_limited, 'µs')} by our buffer",
        ),
        ("the client's window", window),
        ("leaves at", f"{_rate(line)}, {line.cwnd:,} segments at once"),
        ("last heard of", f"{amount(line.silent / 1000, 's')} ago; {line.backoff} timeouts in a row"),
    ]
    if line.unread:
        rows.append(("not read by the server", amount(line.unread, "B")))
    if line.rtt_past:
        rows.append(("its last minute", f"{_bars(line.rtt_past)} up to {amount(max(line.rtt_past), 'µs')}"))
        if line.rtt_var_past:
            most = amount(max(line.rtt_var_past), "µs")
            rows.append(("its spread", f"{_bars(line.rtt_var_past)} up to {most}"))
    return rows


def _rate(line: Line) -> str:
    return "not known" if line.delivery_rate is None else amount(line.delivery_rate, "B/s")


def _of_probes(line: Line) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    if line.sends is not None:
        rows.append(("calls to send", f"{line.sends:,}, {line.short_sends or 0:,} of them cut short"))
    if line.full is not None:
        rows.append(("send queue full for", amount(line.full, "µs")))
    if line.overflows:
        rows.append(("dropped on arrival", f"{line.overflows:,} packets"))
    if line.resets_sent or line.resets_received:
        rows.append(("resets", f"{line.resets_sent or 0:,} sent, {line.resets_received or 0:,} received"))
    if line.state_changes:
        rows.append(("changed its state", f"{line.state_changes:,} times, to {line.state}"))
    return rows


def _bars(values: tuple[int, ...]) -> str:
    """A picture of a row of values, a character each."""
    most = max(max(values), 1)
    return "".join(_BARS[min(value * len(_BARS) // most, len(_BARS) - 1)] for value in values)
