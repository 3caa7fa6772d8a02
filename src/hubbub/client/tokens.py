"""Tokens of logins, kept between runs: in the system's keyring, else in a file of its owner's alone.

Which accounts there are, and which is meant where none is named, always stands in the file
`$XDG_CONFIG_HOME/hubbub/tokens.json`; what is secret stands there only where there is no keyring that works.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar

import msgspec

from hubbub.client.durable import sync_directory
from hubbub.client.errors import TokenFileError

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

SERVICE: Final = "hubbub"
"""What our entries in a keyring are called."""
KEYRING_SECONDS: Final = 20.0
"""How long a keyring may take, in seconds: it may ask somebody for a password, or hang on a dead bus."""
NO_KEYRING: Final = "HUBBUB_NO_KEYRING"
"""Environment: anything but empty or 0, and the keyring is left alone."""

Where = Literal["keyring", "file"]


class Login(msgspec.Struct, frozen=True, omit_defaults=True):
    """A login at a server, by its URL. `expires_at`: seconds since 1970. Printed, it shows no secret."""

    server: str
    username: str
    token: str
    refresh_token: str | None = None
    expires_at: float | None = None

    def __repr__(self) -> str:
        return f"Login(server={self.server!r}, username={self.username!r}, token=…)"


class Account(msgspec.Struct, frozen=True, order=True):
    """Whose login it is, and where."""

    server: str
    username: str


class Keyring(Protocol):
    """What we need of a backend of the package `keyring`."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept, or None."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        ...


class _Entry(msgspec.Struct, omit_defaults=True):
    server: str
    username: str
    login: Login | None = None  # None: it is in the keyring


class _File(msgspec.Struct, omit_defaults=True):
    version: int = 1
    default: Account | None = None
    accounts: list[_Entry] = []


class TokenStore:
    """Logins by server and user name. Safe between processes; each call reads and writes by itself.

    `warn` is told, in whole sentences, of what a person should know: a keyring that does not answer, a file
    that others could read.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        keyring: Callable[[], Keyring | None] | None = None,
        warn: Callable[[str], None] = lambda _: None,
        keyring_seconds: float = KEYRING_SECONDS,
    ) -> None:
        self.path = config_directory(environ) / "tokens.json"
        self._warn = warn
        self._seconds = keyring_seconds
        self._find: Callable[[], Keyring | None] = system_keyring if keyring is None else keyring
        if environ.get(NO_KEYRING, "0") not in ("", "0"):
            self._find = lambda: None
        self._found: Keyring | None = None
        self._looked = False

    def accounts(self) -> list[Account]:
        """All that are kept, in order."""
        return sorted(Account(entry.server, entry.username) for entry in self._read().accounts)

    def default(self) -> Account | None:
        """The one that is meant where none is named: of the last login."""
        return self._read().default

    def get(self, server: str | None = None, username: str | None = None) -> Login | None:
        """The login at a server, of a user; of the default account where either is not given and fits.

        With a server alone and no default there: the only account at it. Raises TokenFileError.
        """
        file = self._read()
        server = None if server is None else _normal(server)
        fitting = [
            entry
            for entry in file.accounts
            if server in (None, entry.server) and username in (None, entry.username)
        ]
        usual = [entry for entry in fitting if Account(entry.server, entry.username) == file.default]
        if len(fitting) != 1 and not usual:
            return None
        entry = (usual or fitting)[0]
        return entry.login if entry.login is not None else self._from_keyring(entry)

    def put(self, login: Login, *, default: bool = True) -> Where:
        """Keep it, in the place of one of the same account; returns where. Raises TokenFileError, OSError."""
        login = msgspec.structs.replace(login, server=_normal(login.server))
        where: Where = "keyring" if self._into_keyring(login) else "file"
        account = Account(login.server, login.username)
        with self._changing() as file:
            file.accounts = [entry for entry in file.accounts if not _is(entry, account)]
            kept = login if where == "file" else None
            file.accounts.append(_Entry(login.server, login.username, kept))
            if default or file.default is None:
                file.default = account
        return where

    def remove(self, server: str, username: str) -> bool:
        """Forget a login. False: there was none."""
        account = Account(_normal(server), username)
        with self._changing() as file:
            left = [entry for entry in file.accounts if not _is(entry, account)]
            gone = [entry for entry in file.accounts if _is(entry, account)]
            file.accounts = left
            if file.default == account:
                file.default = None
        if any(entry.login is None for entry in gone):
            self._asked(lambda keyring: keyring.delete_password(SERVICE, _key(account)), None)
        return bool(gone)

    # -- the keyring

    def _into_keyring(self, login: Login) -> bool:
        """True where it is there, which is seen by reading it again: some backends only say so."""
        text = msgspec.json.encode(login).decode()
        key = _key(Account(login.server, login.username))

        def keep(keyring: Keyring) -> bool:
            keyring.set_password(SERVICE, key, text)
            return keyring.get_password(SERVICE, key) == text

        return self._asked(keep, otherwise=False)

    def _from_keyring(self, entry: _Entry) -> Login | None:
        key = _key(Account(entry.server, entry.username))
        text = self._asked(lambda keyring: keyring.get_password(SERVICE, key), None)
        try:
            return None if text is None else msgspec.json.decode(text, type=Login)
        except msgspec.MsgspecError:
            self._warn("What the keyring has for this account is not ours. Log in again.")
            return None

    def _asked(self, question: Callable[[Keyring], T], otherwise: T) -> T:
        """Ask the keyring in a thread that may be left behind: a backend that hangs must not hang us."""
        answers: list[T] = []

        def ask() -> None:
            try:
                if not self._looked:
                    self._found = self._find()
                    self._looked = True
                if self._found is not None:
                    answers.append(question(self._found))
            except Exception as error:  # noqa: BLE001 - every backend has its own
                self._warn(f"The keyring cannot be used ({type(error).__name__}).")  # never its text
                self._give_up()

        thread = threading.Thread(target=ask, name="keyring", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if thread.is_alive():
            self._warn(f"The keyring did not answer in {self._seconds:g} seconds.")
            self._give_up()
            return otherwise
        return answers[0] if answers else otherwise

    def _give_up(self) -> None:
        self._found = None
        self._find = lambda: None
        self._looked = True

    # -- the file

    def _read(self) -> _File:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return _File()
        except OSError as error:
            raise TokenFileError(f"{self.path} cannot be read: {error.strerror}.") from error
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(descriptor)
            if sys.platform != "win32":
                if status.st_uid != os.geteuid():
                    raise TokenFileError(f"{self.path} belongs to somebody else.")
                if stat.S_IMODE(status.st_mode) & 0o077:
                    os.fchmod(descriptor, 0o600)
                    self._warn(f"{self.path} could be read by others. It no longer can; log in again.")
            data = opened.read()
        try:
            file = msgspec.json.decode(data, type=_File)
        except msgspec.MsgspecError:
            raise TokenFileError(f"{self.path} is damaged. Remove it, and log in again.") from None
        if file.version != 1:
            raise TokenFileError(f"{self.path} is of a later version of Hubbub.")
        return file

    @contextmanager
    def _changing(self) -> Iterator[_File]:
        """Read, let change, write: one process at a time, and the whole file or the one before."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path.with_name("tokens.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            file = self._read()
            yield file
            self._write(msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
        finally:
            os.close(lock)

    def _write(self, data: bytes) -> None:
        temporary = self.path.with_name("tokens.json.tmp")
        temporary.unlink(missing_ok=True)  # of a crash; nobody else is here
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(descriptor)
        temporary.replace(self.path)
        sync_directory(self.path.parent)


def config_directory(environ: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/hubbub`, by default `~/.config/hubbub` (XDG Base Directory Specification 0.8)."""
    given = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not given.is_absolute():  # "all paths set in these environment variables must be absolute"
        home = environ.get("HOME")
        given = (Path(home) if home else Path.home()) / ".config"
    return given / "hubbub"


def system_keyring() -> Keyring | None:
    """The backend that the package `keyring` chose, where it is one that keeps something."""
    import keyring  # here, because it looks for backends, which takes a tenth of a second

    backend = keyring.get_keyring()
    # `fail` has priority 0, `null` -1, and a chain of none is below both.
    return backend if backend.priority > 0 else None


def _normal(server: str) -> str:
    return server.rstrip("/").lower()


def _key(account: Account) -> str:
    return f"{account.username} at {account.server}"


def _is(entry: _Entry, account: Account) -> bool:
    return (entry.server, entry.username) == (account.server, account.username)
