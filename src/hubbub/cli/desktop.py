"""`hubbub desktop`: the window, with a server of its own or somebody's."""

from __future__ import annotations

import os
import signal
import sys
import threading
import webbrowser
from argparse import Namespace
from pathlib import Path
from typing import Final

import hubbub
from hubbub import __version__
from hubbub.client.desktop.account import Accounts
from hubbub.client.desktop.address import Origin, read_address
from hubbub.client.desktop.choosing import choose
from hubbub.client.desktop.display import see_display
from hubbub.client.desktop.errors import AddressError, DesktopError, NoToolkitError
from hubbub.client.desktop.local import Local
from hubbub.client.desktop.own_server import OwnServer
from hubbub.client.desktop.probe import probe
from hubbub.client.desktop.remembered import Memory
from hubbub.client.desktop.single import Doorbell, ring
from hubbub.client.desktop.toolkit import Toolkit
from hubbub.client.desktop.window import DesktopWindow
from hubbub.client.desktop.words import words
from hubbub.client.errors import BusyError
from hubbub.client.state import state_directory
from hubbub.server.config import MEMORY, default_data
from hubbub.server.control import ControlError, NoServerError, ask

DONE, FAILED, WRONGLY_ASKED = range(3)
_SETTINGS: Final = ("HUBBUB_", "WEBSOCKET_", "SERVER_")
"""Variables that are meant for a server somebody runs; the window's own has its defaults."""
_ICON: Final = "server/web/client/icons/192.png"


def desktop(arguments: Namespace) -> int:
    """Show the window until it is closed, or bring the one to the front that is there."""
    directory = state_directory(os.environ)
    try:
        given = None if arguments.url is None else read_address(arguments.url)
    except AddressError as error:
        _warn(str(error))
        return WRONGLY_ASKED
    try:
        memory = Memory(directory)
    except BusyError:
        return _second(directory, given)
    except OSError as error:
        _warn(f"{error.filename or directory}: {error.strerror or error}")
        return FAILED
    try:
        return _first(arguments, directory, memory, given)
    except (DesktopError, OSError) as error:
        _warn(str(error))
        return FAILED
    finally:
        memory.close()


def _second(directory: Path, given: Origin | None) -> int:
    if given is not None and not _is_there(given):
        return FAILED
    if not ring(directory, None if given is None else str(given)):
        _warn("another window of yours is open, and does not answer")
        return FAILED
    print("Hubbub is open already: its window comes to the front.")
    return DONE


def _is_there(origin: Origin) -> bool:
    try:
        probe(origin)
    except DesktopError as error:
        _warn(str(error))
        return False
    return True


def _first(arguments: Namespace, directory: Path, memory: Memory, given: Origin | None) -> int:
    data = arguments.data or os.environ.get("HUBBUB_DATA") or default_data()
    if data != MEMORY:
        data = str(Path(data).absolute())
    shown: list[DesktopWindow] = []  # once there is one

    def ended(code: int) -> None:
        for window in shown:
            window.server_ended(code)

    own = OwnServer(data, _environment(), ended)
    local = Local(own, lambda: _running(data), memory.now.port)
    toolkit = _toolkit(arguments.toolkit)
    try:
        home = local.origin() if given is None else given
        probe(home)
        if given is not None:
            memory.keep(memory.now.with_server(str(given)))
        if toolkit is None:
            return _in_browser(home, local)
        profile = directory / "desktop"
        accounts = Accounts(profile, os.environ, _warn)
        window = DesktopWindow(toolkit, memory, accounts, local, words(os.environ), home)
        bell = Doorbell(directory, window.rung)
        shown.append(window)
        try:
            window.run(profile, _icon(), __version__)
        finally:
            shown.clear()
            bell.close()
            accounts.close()
            window.keep()
    finally:
        local.stop()
    return DONE


def _toolkit(wanted: str | None) -> Toolkit | None:
    """None: there is none, and the browser has to do. Raises DesktopError."""
    see_display(os.environ)
    try:
        import webview  # noqa: F401 (is it there at all?)

        return choose(wanted, os.environ, __version__)
    except ImportError:
        reason = "the extra 'desktop' is not installed (pip install 'hubbub[desktop]')"
    except NoToolkitError as error:
        if wanted is not None:
            raise
        reason = f"neither GTK's WebKit nor Qt can be used ({error})"
    _warn(f"{reason}, so the browser shows it")
    return None


def _in_browser(home: Origin, local: Local) -> int:
    """Where there is no toolkit; the server, if it is our own, runs until it is told to stop."""
    webbrowser.open(f"{home}/")
    if not local.is_own:
        return DONE
    print(f"Hubbub is at {home}/ until you press Ctrl-C.", flush=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(1.0):  # a wait without end would not hear signals on every system
        pass
    return DONE


def _running(data: str) -> str | None:
    """Where the server is that runs on this directory; None: none does."""
    if data == MEMORY:
        return None
    try:
        where = ask(Path(data), "where")
    except (NoServerError, OSError):
        return None
    except ControlError as error:  # of a version that does not know the question
        raise DesktopError(f"A server runs on {data}, and does not say where: {error}") from None
    if not where:
        raise DesktopError(f"The server that runs on {data} serves no page.")
    return str(where[0])


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}


def _icon() -> Path | None:
    icon = Path(hubbub.__file__).with_name(_ICON.partition("/")[0]) / _ICON.partition("/")[2]
    return icon if icon.is_file() else None


def _warn(text: str) -> None:
    print(f"hubbub: {text}", file=sys.stderr, flush=True)
