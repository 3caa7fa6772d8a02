"""Who one is at a server, over restarts: the token of the page's cookie, in the system's keyring.

The cookie is `HttpOnly`, so no script reads it; the view keeps it in memory alone, and what is kept of it
between two runs is here. A store of the window's own: it and `hubbub login` do not take each other's tokens.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from hubbub.client.desktop.address import Origin
from hubbub.client.errors import TokenFileError
from hubbub.client.tokens import Login, TokenStore

_WHOSE: Final = "the desktop window"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._-]{1,512}")  # as the server makes them


class Accounts:
    """One token a server. It is written by a thread of its own, since a keyring may ask somebody first."""

    def __init__(self, profile: Path, environ: Mapping[str, str], warn: Callable[[str], None]) -> None:
        """`profile` is the folder of the file that says which there are, or has them where no keyring is."""
        self._store = TokenStore({**environ, "XDG_CONFIG_HOME": str(profile)}, warn=warn)
        self._warn = warn
        self._known: dict[Origin, str | None] = {}
        self._changes: SimpleQueue[tuple[Origin, str | None] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="accounts", daemon=True)
        self._writer.start()

    def token(self, origin: Origin) -> str | None:
        """Return what signs in there."""
        try:
            login = self._store.get(str(origin), _WHOSE)
        except TokenFileError as error:
            self._warn(str(error))
            return None
        token = None if login is None or _TOKEN.fullmatch(login.token) is None else login.token
        self._known[origin] = token
        return token

    def told(self, origin: Origin, token: str | None) -> None:
        """Keep what the server set, or forget it (None). In the loop's thread."""
        if token is not None and _TOKEN.fullmatch(token) is None:
            return
        if self._known.get(origin) != token:
            self._known[origin] = token
            self._changes.put((origin, token))

    def close(self, seconds: float = 5.0) -> None:
        """Wait for what is not written yet."""
        self._changes.put(None)
        self._writer.join(seconds)

    def _write(self) -> None:
        while (change := self._changes.get()) is not None:
            origin, token = change
            try:
                if token is None:
                    self._store.remove(str(origin), _WHOSE)
                else:
                    self._store.put(Login(str(origin), _WHOSE, token), default=False)
            except (OSError, TokenFileError) as error:
                self._warn(f"The sign-in is not remembered: {error}")
