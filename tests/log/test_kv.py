"""The example: a key-value store, run as its reader would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KV = Path(__file__).parents[2] / "examples" / "kv.py"


def kv(directory: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(KV), str(directory), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


def test_what_is_set_is_there_for_the_next_process(tmp_path: Path) -> None:
    place = tmp_path / "kv"
    assert kv(place, "set", "user:1", "Ada") == (0, "", "")
    assert kv(place, "set", "user:2", "王小明") == (0, "", "")
    assert kv(place, "set", "user:1", "Ada Lovelace") == (0, "", "")
    assert kv(place, "set", "room:1", "lobby") == (0, "", "")
    assert kv(place, "get", "user:1") == (0, "Ada Lovelace\n", "")
    assert kv(place, "get", "user:3") == (1, "", "")
    assert kv(place, "list", "user:") == (0, "user:1\tAda Lovelace\nuser:2\t王小明\n", "")
    assert kv(place, "del", "user:1") == (0, "", "")
    assert kv(place, "del", "user:1") == (1, "", "")
    assert kv(place, "list") == (0, "room:1\tlobby\nuser:2\t王小明\n", "")


def test_errors_are_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    code, out, err = kv(tmp_path, "set", "a", "b")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("kv: not a log")
    assert kv(tmp_path / "none", "get", "a")[0] == 2
    assert kv(tmp_path / "log", "set", "k" * 5000, "b")[2].startswith(
        "kv: a key of 5000 bytes is over the limit"
    )
