"""`hubbub user`, the first admin and the demo, as a person meets them: with a server and without one."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import pytest

from serving import PATIENCE, Server, serving


def _hubbub(*arguments: str | Path, stdin: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def _accounts(data: Path) -> dict[str, dict[str, Any]]:
    return {one["username"]: one for one in json.loads(_hubbub("user", "list", "--json", "--data", data))}


def _login(server: Server, name: str, password: str) -> int:
    """The status that a login gets."""
    client = server.ndjson()
    client.say("auth/login", id="1", username=name, password=password)
    return int(client.get()["status"])


def test_accounts_are_made_and_changed_while_no_server_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "is an account now, as admin" in _hubbub(
        "user", "add", "Zoe", "--role", "admin", "--data", data, stdin="a password of hers\n"
    )
    assert "already taken" in _hubbub("user", "add", "zoe", "--data", data, stdin="x\n", code=1)
    assert "not valid" in _hubbub("user", "add", "Z o", "--data", data, stdin="x\n", code=1)
    assert "password is needed" in _hubbub("user", "add", "Yves", "--data", data, stdin="\n", code=1)
    assert "not found" in _hubbub("user", "disable", "nobody", "--data", data, code=1)
    _hubbub("user", "role", "Zoe", "member", "--data", data)
    _hubbub("user", "disable", "Zoe", "--data", data)
    assert _accounts(data)["Zoe"]["disabled"] is True
    assert _accounts(data)["Zoe"]["role"] == "member"
    _hubbub("user", "enable", "Zoe", "--data", data)
    _hubbub("user", "passwd", "Zoe", "--data", data, stdin="another one\n")
    with serving("--data", str(data)) as server:
        assert _login(server, "Zoe", "a password of hers") == 401
        assert _login(server, "Zoe", "another one") == 200
    assert list(_accounts(data)) == ["Zoe"], "there was an account, so no first admin was made"


def test_accounts_of_a_running_server_are_changed_by_its_socket(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as server:
        _hubbub("user", "add", "Zoe", "--data", data, stdin="a password of hers\n")
        client = server.ndjson()
        client.say("auth/login", id="1", username="Zoe", password="a password of hers")
        assert client.get()["status"] == 200
        assert _accounts(data)["Zoe"]["online"] is True
        _hubbub("user", "disable", "Zoe", "--data", data)
        while client.get()["command"] != "server/going_away":
            pass
        assert _login(server, "Zoe", "a password of hers") == 403
        _hubbub("user", "enable", "Zoe", "--data", data)
        assert _login(server, "Zoe", "a password of hers") == 200


def test_the_first_admin_has_a_password_in_a_file_of_the_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as server:
        file = data / "admin-password"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        password = file.read_text().strip()
        assert len(password) >= 16
        assert str(file) in server.banner
        assert password not in server.banner
        assert _login(server, "admin", password) == 200
        assert _accounts(data)["admin"]["role"] == "admin"
    assert password not in server.log
    with serving("--data", str(data)) as server:
        assert "First account" not in server.banner, "only once"
        assert _login(server, "admin", password) == 200


def test_on_a_terminal_its_password_is_shown_and_written_nowhere(tmp_path: Path) -> None:
    data = tmp_path / "data"
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 200))
    server = subprocess.Popen(
        [sys.executable, "-m", "hubbub", "serve", "--listen", "127.0.0.1:0", "--data", str(data)],
        stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    watchdog = threading.Timer(PATIENCE, server.kill)
    watchdog.start()
    try:
        shown = b""
        while b"To stop" not in shown:
            shown += os.read(ours, 4096)
        found = re.search(rb"its password is (\S+)", shown)
        assert found is not None
        assert not (data / "admin-password").exists()
        everything = b"".join(one.read_bytes() for one in data.rglob("*") if one.is_file())
        assert found[1] not in everything
    finally:
        watchdog.cancel()
        server.terminate()
        server.wait(PATIENCE)
        os.close(ours)


def test_the_demo_knows_alice_and_bob_and_keeps_nothing() -> None:
    assert 'data = ":memory:"' in _hubbub("config", "show", "--demo")
    with serving("--demo") as server:
        assert "alice and bob" in server.banner
        assert _login(server, "alice", "alice") == 200
        assert _login(server, "bob", "bob") == 200
        assert _login(server, "bob", "alice") == 401


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_a_demo_is_for_this_machine_alone(listen: str) -> None:
    assert "not for this machine alone" in _hubbub("serve", "--demo", "--listen", listen, code=2)


def test_a_demo_is_not_kept(tmp_path: Path) -> None:
    assert "not kept" in _hubbub("serve", "--demo", "--data", tmp_path / "data", code=2)
    assert not (tmp_path / "data").exists()
