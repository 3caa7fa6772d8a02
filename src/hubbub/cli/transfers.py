"""What `hubbub login`, `send` and `receive` share: which server, who one is, what is shown, how it ends."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import sys
import unicodedata
from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import Any, Final

from hubbub.cli.progress import Bar
from hubbub.client.connection import Address, Client, Identity
from hubbub.client.errors import ClientError, DigestError, RefusedError, TokenFileError, WrongCodeError
from hubbub.client.outcome import Outcome, Result
from hubbub.client.sign_in import Guest, KeptLogin
from hubbub.client.state import state_directory
from hubbub.client.tokens import TokenStore
from hubbub.net.errors import NetError

DONE, FAILED, WRONGLY_ASKED, NOT_WANTED, WRONG_CODE, WRONG_DIGEST = range(6)
INTERRUPTED: Final = 130

_CODES: Final = {
    Outcome.DONE: DONE,
    Outcome.FAILED: FAILED,
    Outcome.TIMED_OUT: FAILED,
    Outcome.DECLINED: NOT_WANTED,
    Outcome.CANCELLED: NOT_WANTED,
    Outcome.WRONG_CODE: WRONG_CODE,
    Outcome.DIGEST: WRONG_DIGEST,
}
_BIDI: Final = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))  # UAX #9 §2
_HOST, _PORT = "CLIENT_SERVER_HOST", "CLIENT_SERVER_PORT"
_DEFAULT: Final = ("127.0.0.1", 8080)


class WronglyAskedError(Exception):
    """The command line, or the environment, cannot be meant like this."""


def harmless(text: str) -> str:
    """A line as it may be shown: what a server or a peer says shall not steer the terminal."""
    return "".join("�" if _steers(one) else one for one in text)


def _steers(character: str) -> bool:
    if character.isprintable():
        return False
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return True
    return unicodedata.bidirectional(character) in _BIDI


def warn(text: str) -> None:
    """A line for a person."""
    print(f"hubbub: {harmless(text)}", file=sys.stderr, flush=True)


def store() -> TokenStore:
    """The kept logins."""
    return TokenStore(os.environ, warn=warn)


def address_of(arguments: Namespace, kept: TokenStore | None = None) -> Address:
    """The server: `--server`, else the environment's, else that of the last login, else the usual one.

    Raises WronglyAskedError, TokenFileError.
    """
    host, port = _DEFAULT
    tls = arguments.tls or arguments.ca is not None
    default = kept.default() if kept is not None and arguments.as_guest is None else None
    if arguments.server is not None:
        host, port = _split(arguments.server, "--server")
    elif _HOST in os.environ or _PORT in os.environ:
        host = os.environ.get(_HOST, host)
        port = _port(os.environ.get(_PORT, str(port)), _PORT)
        _no_password(host, _HOST)
    elif default is not None:
        scheme, _, rest = default.server.partition("://")
        host, port = _split(rest, "the kept login")
        tls = tls or scheme == "tls"
    return Address(host, port, _context(arguments.ca) if tls else None)


def _split(text: str, what: str) -> tuple[str, int]:
    _no_password(text, what)
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise WronglyAskedError(f"{what}: HOST:PORT is needed, not '{text}'")
    return host.removeprefix("[").removesuffix("]"), _port(port, what)


def _no_password(text: str, what: str) -> None:
    """Refuse one before a sentence repeats it."""
    if "@" in text:
        raise WronglyAskedError(f"{what}: HOST:PORT is needed, with no name or password before it")


def _port(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise WronglyAskedError(f"{what}: '{text}' is no port")
    return int(text)


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise WronglyAskedError(f"--ca: {ca}: {error}") from None


def identity_of(arguments: Namespace, address: Address, kept: TokenStore) -> Identity:
    """A guest, where `--as` names one, else who is logged in there. Raises WronglyAskedError."""
    if arguments.as_guest is not None:
        return Guest(arguments.as_guest, address.url, state_directory(os.environ))
    if kept.get(address.url) is None:
        raise WronglyAskedError(
            f"nobody is logged in at {address.url}: hubbub login, or --as NAME to be a guest there"
        )
    return KeptLogin(kept, address.url, None)


def client_of(arguments: Namespace) -> Client:
    """A client for a command. Raises WronglyAskedError, TokenFileError."""
    kept = store()
    address = address_of(arguments, kept)
    return Client(address, identity_of(arguments, address, kept), random=random.random)


class Shown:
    """A transfer as a person at a terminal sees it; implements `client.outcome.Observer`."""

    def __init__(self, what: str) -> None:
        self._what = harmless(what)
        self._bar: Bar | None = None
        self._of = ""

    def called(self, what: str) -> None:
        """This is what it is called."""
        self._what = harmless(what)

    def hashing(self, done: int, total: int) -> None:
        """See Observer."""
        self._show(f"reading {self._what}", done, total)
        if done == total:  # what follows may be a long wait for somebody to take it
            self.close()

    def moved(self, done: int, total: int) -> None:
        """See Observer."""
        self._show(self._what, done, total)

    def notice(self, text: str) -> None:
        """See Observer."""
        warn(text)

    def _show(self, what: str, done: int, total: int) -> None:
        if what != self._of:
            self.close()
            self._bar, self._of = Bar(what, total), what
        if self._bar is not None:
            self._bar.show(done)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._of = ""


def run(work: Callable[[], Coroutine[Any, Any, int]], when_stopped: str) -> int:
    """Run a command that uses a client; its exit code. `when_stopped`: how to go on after Ctrl-C."""
    try:
        return asyncio.run(work())
    except KeyboardInterrupt:
        warn(f"stopped. {when_stopped}".rstrip())
        return INTERRUPTED
    except WronglyAskedError as error:
        warn(str(error))
        return WRONGLY_ASKED
    except WrongCodeError as error:
        warn(str(error))
        return WRONG_CODE
    except DigestError as error:
        warn(str(error))
        return WRONG_DIGEST
    except NetError as error:
        warn(_why(error))
        return FAILED
    except (ClientError, RefusedError, TokenFileError) as error:
        warn(str(error))
        return FAILED
    except OSError as error:
        warn(str(error.strerror or error))
        return FAILED


def _why(error: NetError) -> str:
    """Where, and what went wrong; without the numbers of the system's errors."""
    cause = error.__cause__
    if not isinstance(cause, OSError) or isinstance(cause, ssl.SSLError) or cause.errno is None:
        return str(error)
    where = str(error).partition(": ")[0]
    reason = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror  # negative: of the resolver
    return f"{where} cannot be reached: {reason}."


def told(result: Result) -> int:
    """Say how it ended; the exit code."""
    if result.outcome is Outcome.DONE:
        print(harmless(result.message), file=sys.stderr, flush=True)
    else:
        warn(result.message)
    return _CODES[result.outcome]
