"""Tokens between runs: in a keyring that works, else in a file of one's own; never shown, never hanging."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null

from hubbub.client.errors import TokenFileError
from hubbub.client.tokens import Account, Login, TokenStore, config_directory, system_keyring

SECRET = "s3cr3t-token"
REFRESH = "r3fr3sh-token"
LOGIN = Login("http://chat.example:8080", "alice", SECRET, REFRESH, 1_900_000_000.0)
BOB = Login("http://chat.example:8080", "bob", "b")
ELSEWHERE = Login("https://other.example", "alice", "e")


class Memory(KeyringBackend):
    """A backend as the package `keyring` has them, which keeps what it is given."""

    priority = 5.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Forgetful(Memory):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Broken(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"no bus for {SECRET}")

    set_password = delete_password = get_password  # type: ignore[assignment]


class Hanging(Memory):
    def __init__(self, over: threading.Event) -> None:
        super().__init__()
        self._over = over

    def set_password(self, service: str, username: str, password: str) -> None:
        self._over.wait()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HUBBUB_NO_KEYRING": "1"}


@pytest.fixture
def keyed(tmp_path: Path) -> dict[str, str]:
    """With a keyring allowed."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_login_is_there_again(environ: dict[str, str]) -> None:
    store = TokenStore(environ)
    assert (store.get(), store.accounts(), store.default()) == (None, [], None)
    assert store.put(LOGIN) == "file"
    again = TokenStore(environ)
    assert again.get() == LOGIN
    assert again.get("http://chat.example:8080", "alice") == LOGIN
    assert again.get("HTTP://Chat.example:8080/") == LOGIN
    assert again.get("https://other.example") is None
    assert again.default() == Account(LOGIN.server, "alice")


def test_the_file_is_its_owners_alone_from_the_first_byte(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
    )
    modes: list[int] = []
    umask = os.umask(0)
    try:
        store = TokenStore(environ)
        store.put(LOGIN)
        store.put(BOB)
    finally:
        os.umask(umask)
    assert modes[::2] == [0o600, 0o600]  # and the directory after each
    assert mode(store.path) == 0o600
    assert mode(store.path.parent) == 0o700
    assert {path.name for path in store.path.parent.iterdir()} == {"tokens.json", "tokens.lock"}


def test_several_accounts_and_which_is_meant(environ: dict[str, str]) -> None:
    store = TokenStore(environ)
    for login in (LOGIN, BOB, ELSEWHERE):
        store.put(login)
    assert store.get() == ELSEWHERE  # the last one
    assert store.get(username="bob") == BOB
    assert store.get(LOGIN.server) is None  # two there, and neither is the default
    assert store.get(username="alice") == ELSEWHERE
    store.put(BOB, default=False)
    assert store.get() == ELSEWHERE
    store.put(Login(LOGIN.server, "alice", "new"))
    assert store.get(LOGIN.server) == Login(LOGIN.server, "alice", "new")
    assert store.accounts() == [
        Account(LOGIN.server, "alice"),
        Account(BOB.server, "bob"),
        Account(ELSEWHERE.server, "alice"),
    ]
    assert store.remove(LOGIN.server, "alice")
    assert not store.remove(LOGIN.server, "alice")
    assert store.default() is None
    assert store.get(LOGIN.server) == BOB
    assert SECRET not in store.path.read_text()


def test_nothing_that_is_printed_has_a_secret_in_it(environ: dict[str, str]) -> None:
    store = TokenStore(environ)
    store.put(LOGIN)
    for shown in (repr(LOGIN), str([LOGIN]), f"{LOGIN}", repr(store), repr(store._read())):
        assert SECRET not in shown
        assert REFRESH not in shown
    assert "alice" in repr(LOGIN)


def test_a_file_that_others_could_read_is_closed_and_said(environ: dict[str, str]) -> None:
    warnings: list[str] = []
    store = TokenStore(environ, warn=warnings.append)
    store.put(LOGIN)
    store.path.chmod(0o644)
    assert store.get() == LOGIN
    assert mode(store.path) == 0o600
    assert ["could be read by others" in warning for warning in warnings] == [True]
    store.get()
    assert len(warnings) == 1


@pytest.mark.parametrize("content", ["", "{", '{"accounts":[{"server":1}]}', '{"version":2}'])
def test_a_damaged_file_is_said_and_not_overwritten(environ: dict[str, str], content: str) -> None:
    store = TokenStore(environ)
    store.path.parent.mkdir(parents=True)
    store.path.write_text(content)
    store.path.chmod(0o600)
    for call in (store.get, store.accounts, lambda: store.put(LOGIN), lambda: store.remove("a", "b")):
        with pytest.raises(TokenFileError):
            call()
    assert store.path.read_text() == content


def test_a_file_of_somebody_else_is_refused(environ: dict[str, str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("root (to give a file away)")
    store = TokenStore(environ)
    store.put(LOGIN)
    os.chown(store.path, 65534, 65534)
    with pytest.raises(TokenFileError, match="somebody else"):
        store.get()


def test_processes_that_log_in_at_once_lose_nothing(environ: dict[str, str]) -> None:
    program = (
        "import sys\nfrom hubbub.client.tokens import Login, TokenStore\n"
        "store = TokenStore({'XDG_CONFIG_HOME': sys.argv[1], 'HUBBUB_NO_KEYRING': '1'})\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(20): store.put(Login('http://a', f'{sys.argv[2]}{n}', 't'))\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, environ["XDG_CONFIG_HOME"], name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        with writer:
            assert writer.wait() == 0
    assert len(TokenStore(environ).accounts()) == 40


def test_a_crash_in_the_middle_leaves_the_file_before(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TokenStore(environ)
    store.put(LOGIN)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            store.put(BOB)
    assert store.get() == LOGIN
    store.put(BOB)
    assert store.get() == BOB


# -- the keyring


def test_a_keyring_has_the_secrets_and_the_file_has_none(keyed: dict[str, str]) -> None:
    ring = Memory()
    store = TokenStore(keyed, keyring=lambda: ring)
    assert store.put(LOGIN) == "keyring"
    text = store.path.read_text()
    assert SECRET not in text
    assert REFRESH not in text
    assert TokenStore(keyed, keyring=lambda: ring).get() == LOGIN
    assert len(ring.kept) == 1
    assert store.remove(LOGIN.server, "alice")
    assert ring.kept == {}
    assert "alice" not in store.path.read_text()


def test_without_its_keyring_a_login_is_not_there(keyed: dict[str, str]) -> None:
    TokenStore(keyed, keyring=Memory).put(LOGIN)
    assert TokenStore(keyed, keyring=lambda: None).get() is None


def test_what_somebody_else_put_into_the_keyring_is_no_login(keyed: dict[str, str]) -> None:
    ring, warnings = Memory(), list[str]()
    store = TokenStore(keyed, keyring=lambda: ring, warn=warnings.append)
    store.put(LOGIN)
    ring.kept = dict.fromkeys(ring.kept, "garbage")
    assert store.get() is None
    assert len(warnings) == 1


@pytest.mark.parametrize("backend", [Forgetful, Broken])
def test_a_keyring_that_does_not_keep_is_not_used(keyed: dict[str, str], backend: type[Memory]) -> None:
    warnings: list[str] = []
    store = TokenStore(keyed, keyring=backend, warn=warnings.append)
    assert store.put(LOGIN) == "file"
    assert store.get() == LOGIN
    assert SECRET not in "".join(warnings)
    assert len(warnings) == (1 if backend is Broken else 0)


def test_a_keyring_that_hangs_does_not_hang_us(keyed: dict[str, str]) -> None:
    over, warnings = threading.Event(), list[str]()
    store = TokenStore(keyed, keyring=lambda: Hanging(over), warn=warnings.append, keyring_seconds=0.05)
    try:
        assert store.put(LOGIN) == "file"
        assert store.put(BOB) == "file"  # it is not asked again
        assert warnings == ["The keyring did not answer in 0.05 seconds."]
    finally:
        over.set()


def test_a_keyring_that_cannot_even_be_looked_for(keyed: dict[str, str]) -> None:
    def find() -> None:
        raise RuntimeError("broken entry point")

    warnings: list[str] = []
    store = TokenStore(keyed, keyring=find, warn=warnings.append)
    assert store.put(LOGIN) == "file"
    assert store.get() == LOGIN
    assert len(warnings) == 1


def test_the_environment_can_forbid_it(environ: dict[str, str]) -> None:
    ring = Memory()
    assert TokenStore(environ, keyring=lambda: ring).put(LOGIN) == "file"
    assert ring.kept == {}


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, chainer.ChainerBackend, Memory])
def test_only_a_backend_that_keeps_something_counts(
    backend: type[KeyringBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend())
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [])
    found = system_keyring()
    assert (found is not None) == (backend is Memory)


def test_where_the_file_is() -> None:
    assert config_directory({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/hubbub")
    assert config_directory({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}) == Path("/h/.config/hubbub")
    assert config_directory({"HOME": "/h"}) == Path("/h/.config/hubbub")
