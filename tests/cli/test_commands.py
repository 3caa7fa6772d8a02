"""The `hubbub` command as a person runs it: in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from hubbub import __version__
from hubbub.cli.config import as_toml
from hubbub.cli.parser import build_parser
from hubbub.server.config import Config, LimitSettings, ServerSettings
from serving import serving

FOREIGN = ("HUBBUB_", "WEBSOCKET_", "SERVER_")


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | more


def hubbub(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hubbub", *arguments],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has imported when it is done."""
    code = (
        "import sys; from hubbub.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stderr.split())


def test_version(tmp_path: Path) -> None:
    for arguments in (["version"], ["--version"]):
        done = hubbub(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"hubbub {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["version"]])
def test_help_pays_for_nothing_heavy(arguments: Sequence[str]) -> None:
    heavy = {"msgspec", "starlette", "h11", "structlog", "uvloop", "asyncio", "google.protobuf", "tomllib"}
    assert not loaded_by(*arguments) & heavy


def test_config_show_pays_for_no_server() -> None:
    assert not loaded_by("config", "show") & {"starlette", "structlog", "uvloop", "google.protobuf"}


@pytest.mark.parametrize(
    "arguments", [[], ["no-such"], ["serve", "--no-such"], ["serve", "--limits", "maybe"]]
)
def test_what_is_asked_wrongly(tmp_path: Path, arguments: Sequence[str]) -> None:
    done = hubbub(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: hubbub" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_password_in_what_is_not_understood_is_not_said_again(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["doctor", "https://bob:hun ter2@h"], ["probe", "--pid", "https://bob:hunter2@h"]):
        with pytest.raises(SystemExit):
            build_parser().parse_args(arguments)
        told = capsys.readouterr().err
        assert "…@h" in told
        assert "hun" not in told.replace("hubbub", "")


@pytest.mark.parametrize("command", ["serve", "relay", "config show", "config check"])
def test_settings_that_cannot_stand_are_named_and_nothing_starts(tmp_path: Path, command: str) -> None:
    done = hubbub(*command.split(), "--listen", "nowhere", cwd=tmp_path, HUBBUB_LIMITS_MAX_LINE="x")
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert (
        first
        == "hubbub: environment HUBBUB_LIMITS_MAX_LINE: limits.max_line: must be a whole number, not 'x'"
    )
    assert second.startswith("hubbub: --listen: server.listen: 'nowhere' is not HOST:PORT")


def test_config_check(tmp_path: Path) -> None:
    done = hubbub("config", "check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "The settings are fine.\n")
    unknown = hubbub("config", "check", cwd=tmp_path, HUBBUB_LIMITS_MAX_LINES="1")
    assert unknown.returncode == 2
    assert "did you mean HUBBUB_LIMITS_MAX_LINE?" in unknown.stderr


def test_config_show_names_sources_and_can_be_read_back(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HUBBUB_NAME=from env file\n")
    done = hubbub("config", "show", "--limits", "off", cwd=tmp_path, SERVER_PORT="1")
    assert done.returncode == 0
    assert 'name = "from env file"  # .env:1 HUBBUB_NAME' in done.stdout
    assert 'listen = ["127.0.0.1:1"]  # environment SERVER_PORT' in done.stdout
    assert "enforce = false  # --limits" in done.stdout
    assert "max_line = 65536  # default" in done.stdout
    assert "# cert is not set  # default" in done.stdout
    (tmp_path / "hubbub.toml").write_text(done.stdout)
    (tmp_path / ".env").unlink()
    again = hubbub("config", "show", cwd=tmp_path)
    assert tomllib.loads(again.stdout) == tomllib.loads(done.stdout)


def test_toml_of_difficult_texts() -> None:
    listen = ['a"b\\c\n\x7f', "é"]
    config = Config(server=ServerSettings(listen=listen), limits=LimitSettings(message_rate=1e300))
    found = tomllib.loads(as_toml(config, {}))
    assert found["server"]["listen"] == listen
    assert found["limits"]["message_rate"] == 1e300


def test_a_reader_that_has_enough_is_no_fault(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hubbub", "config", "show"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["version"], ["config", "show"]])
def test_a_disk_that_is_full_where_it_is_printed_to(tmp_path: Path, arguments: Sequence[str]) -> None:
    """What is less than a buffer waits until the end."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hubbub", *arguments],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"hubbub: standard output: No space left on device\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_another_fault_prints_no_line_of_its_own(tmp_path: Path, unbuffered: str) -> None:
    """Where a command fails, it may be the output's fault: that is known without writing into it.

    What is longer than the buffer is lost where it cannot be written, and so is all without one.
    """
    code = "import sys; from hubbub import cli; cli._run = lambda *_: %s; sys.exit(cli.main(['version']))"
    elsewhere, printed = "open('/dev/full', 'w', 1).write('x\\n')", "print('x' * 100_000)"
    done = []
    for what, place in ((elsewhere, tmp_path / "out"), (printed, Path("/dev/full"))):
        with place.open("wb") as out:
            command = [sys.executable, "-c", code % what]
            variables = environment(PYTHONUNBUFFERED=unbuffered)
            done.append(
                subprocess.run(command, stdout=out, stderr=subprocess.PIPE, env=variables, check=False)
            )
    assert (tmp_path / "out").read_bytes() == b""
    assert done[0].stderr.endswith(b"OSError: [Errno 28] No space left on device\n")
    assert done[1].stderr == b"hubbub: standard output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_output_is_nothing_else(tmp_path: Path, closed: str) -> None:
    command = ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-m", "hubbub", "config", "show"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_output_of_few_letters(tmp_path: Path) -> None:
    done = hubbub("config", "show", cwd=tmp_path, HUBBUB_SERVER_NAME="茶 house", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert 'name = "? house"' in done.stdout


@pytest.mark.parametrize("command", ["serve", "relay"])
def test_a_port_in_use_is_one_line(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = hubbub(command, "--listen", address, "--log-level", "error", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("hubbub: ")
    assert address in line
    assert "in use" in line


def test_the_relay_speaks_no_other_dialect(tmp_path: Path) -> None:
    done = hubbub("relay", "--listen", "127.0.0.1:0=json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "hubbub: the relay speaks no other dialect: 127.0.0.1:0=json\n"


def test_the_relay_hands_each_line_to_everybody(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hubbub", "relay", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "nc " in line)
        port = int(line.split()[-1])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as one,
            socket.create_connection(("127.0.0.1", port), timeout=10) as two,
        ):
            for sock in (one, two):  # who is heard by himself is in
                sock.sendall(b"hello\n")
                assert sock.makefile("rb").readline() == b"hello\n"
            two.sendall(b"from two\n")
            assert b"from two\n" in one.makefile("rb")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_well(number: signal.Signals) -> None:
    with serving("--log-format", "json") as server:
        server.signal(number)
        assert server.process.wait(timeout=10) == 0


def test_a_resting_http_connection_does_not_hold_up_a_stop() -> None:
    with serving(HUBBUB_DRAIN_SECONDS="60") as server, httpx.Client() as client:
        assert client.get(f"http://127.0.0.1:{server.port}/health").status_code == 200
        server.signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0


def test_unknown_variables_are_warned_of_and_the_server_starts() -> None:
    with serving(HUBBUB_LIMITS_MAX_LINES="1") as server:
        assert server.port > 0
    assert "HUBBUB_LIMITS_MAX_LINES: is not a setting" in server.log
