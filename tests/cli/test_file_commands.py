"""`hubbub files`, as a person meets it: with a server and without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.file_requests import Requests, blobs, digest, requests, spooled
from serving import serving


def _hubbub(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout


def _blob(data: Path, content: bytes) -> Path:
    name = digest(content)
    return data / "files" / "blobs" / name[:2] / name[2:]


def test_kept_files_are_listed_checked_and_collected_with_a_server_and_without(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as server:
        line = server.ndjson()
        made = line.ask("auth/register", username="Alice", password="correct horse")
        alice = Requests(server, made["payload"]["token"])
        requests(server, "Bob")
        for metadata in ({"filename": "one"}, {"filename": "same"}, {"filename": "for Bob", "to": "Bob"}):
            content = b"another" if "to" in metadata else b"content"
            assert alice.put(content, **metadata).status == 204

        def look() -> None:
            rows = json.loads(_hubbub("files", "list", "--json", "--data", data))
            assert [(one["name"], one["size"], one["references"]) for one in rows] == [
                ("one", 7, 2),
                ("same", 7, 2),
                ("for Bob", 7, 1),
            ]
            assert {one["owner"] for one in rows} == {"Alice"}
            assert rows[0]["where"] == "lobby"
            assert "Alice" in rows[2]["where"]
            table = _hubbub("files", "list", "--data", data)
            assert len(table.splitlines()) == 4
            assert "for Bob" in table
            assert _hubbub("files", "verify", "--data", data) == "All 2 are sound (14 bytes).\n"
            sound = _blob(data, b"content").read_bytes()
            _blob(data, b"content").write_bytes(b"CONTENT")
            _blob(data, b"another").rename(tmp_path / "away")
            told = _hubbub("files", "verify", "--data", data, code=1)
            assert f"{digest(b'content')}: its bytes are others; it is needed for one, same\n" in told
            assert f"{digest(b'another')}: it is missing; it is needed for for Bob\n" in told
            assert "2 of 2 are damaged" in told
            _blob(data, b"content").write_bytes(sound)
            (tmp_path / "away").rename(_blob(data, b"another"))
            orphan = _blob(data, b"orphan")
            orphan.parent.mkdir(exist_ok=True)
            orphan.write_bytes(b"orphan")
            assert "1 that nobody needs removed (6 bytes)" in _hubbub("files", "gc", "--data", data)
            assert blobs(data) == sorted([digest(b"content"), digest(b"another")])

        look()
    look()


def test_an_upload_that_rests_is_given_up_by_gc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    with serving("--data", str(data)) as server:
        alice, _ = requests(server)
        assert alice.patch(alice.begin(9), 0, b"part").status == 204
        assert alice.put(b"whole").status == 204, "which is no upload that is given up"
    monkeypatch.setenv("HUBBUB_FILES_OFFER_SECONDS", "0.001")
    assert "1 uploads given up (4 bytes)" in _hubbub("files", "gc", "--data", data)
    assert spooled(data) == []
    assert "0 uploads given up" in _hubbub("files", "gc", "--data", data)
