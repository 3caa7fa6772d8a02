"""`hubbub serve` and `hubbub relay`."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import Any

from hubbub.cli.settings import WRONGLY_ASKED, load_settings, tell
from hubbub.server.config import parse_listen
from hubbub.server.probing import ProbesRefusedError
from hubbub.server.running import serve as run_server
from hubbub.server.running import serve_relay
from hubbub.server.storage import StorageError

FAILED = 1


def serve(arguments: Namespace) -> int:
    """Run the server until it is told to stop."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    tell(loaded.unknown)
    return _run(run_server(loaded.config))


def relay(arguments: Namespace) -> int:
    """Run the relay until it is told to stop."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    tell(loaded.unknown)
    listen = loaded.config.server.listen
    pinned = [text for text in listen if parse_listen(text).dialect not in (None, "relay")]
    if pinned:
        print(f"hubbub: the relay speaks no other dialect: {', '.join(pinned)}", file=sys.stderr)
        return WRONGLY_ASKED
    return _run(serve_relay(listen, loaded.config))


def _run(main: Coroutine[Any, Any, int]) -> int:
    run: Callable[[Coroutine[Any, Any, int]], int] = asyncio.run
    if importlib.util.find_spec("uvloop") is not None:  # not on Windows
        import uvloop

        run = uvloop.run
    try:
        return run(main)
    except (StorageError, ProbesRefusedError) as error:
        print(f"hubbub: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        # A port in use, an address that is not this machine's: asyncio's text says which one.
        print(f"hubbub: {error.strerror or error}", file=sys.stderr)
        return FAILED
