"""Uploads by clients that others wrote: tuspy, and tus-js-client on Node."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed
from tusclient.storage.filestorage import FileStorage

from server.file_requests import Requests, digest, noise, requests
from serving import Server, serving

TUS = Path(__file__).parents[1] / "tus"


@pytest.fixture(name="alice")
def _alice(server: Server) -> Requests:
    return requests(server)[0]


def tuspy(alice: Requests) -> TusClient:
    headers = {"Authorization": f"Bearer {alice.token}"}
    return TusClient(f"http://127.0.0.1:{alice.port}/files", headers=headers)


def node(alice: Requests, path: Path, **asked: Any) -> dict[str, Any]:
    if shutil.which("node") is None or not (TUS / "node_modules" / "tus-js-client").is_dir():
        pytest.skip("tus-js-client (needs Node, and `npm ci` in tests/tus)")
    asked = {
        "endpoint": f"http://127.0.0.1:{alice.port}/files",
        "token": alice.token,
        "path": str(path),
        "metadata": {"filename": path.name, "room": "lobby"},
        **asked,
    }
    done = subprocess.run(
        ["node", TUS / "upload.mjs", json.dumps(asked)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def path_of(alice: Requests, url: str | None) -> str:
    assert url is not None
    return url.partition(str(alice.port))[2]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "some data.bin"
    path.write_bytes(noise(3_000_000))
    return path


# -- tuspy


def test_tuspy_uploads_whole_in_chunks_and_with_checksums(alice: Requests, path: Path) -> None:
    data = path.read_bytes()
    metadata = {
        "filename": path.name,
        "room": "lobby",
        "filetype": "application/x-test",
        "sha256": digest(data),
    }
    for chunk_size, upload_checksum in ((10_000_000, False), (400_000, True)):
        uploader = tuspy(alice).uploader(
            file_stream=BytesIO(data),
            chunk_size=chunk_size,
            metadata=metadata,
            upload_checksum=upload_checksum,
        )
        uploader.upload()
        assert uploader.offset == len(data)
        place = alice.ask("HEAD", path_of(alice, uploader.url))["Content-Location"]
        got = alice.ask("GET", place)
        assert (got.body, got["Content-Type"]) == (data, "application/x-test")


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # tuspy leaves that to the collector
def test_tuspy_goes_on_by_its_stored_url_after_the_server_was_killed(tmp_path: Path, path: Path) -> None:
    data = path.read_bytes()
    flags = ("--data", str(tmp_path / "data"))
    with serving(*flags) as server:
        line = server.ndjson()
        token = line.ask("auth/register", username="Alice", password="correct horse")["payload"]["token"]
        storage: Any = FileStorage(str(tmp_path / "urls.json"))  # type: ignore[no-untyped-call]
        alice = Requests(server, token)

        def uploader() -> Any:
            return tuspy(alice).uploader(
                str(path),
                chunk_size=700_000,
                metadata={"filename": "a", "room": "lobby"},
                store_url=True,
                url_storage=storage,
            )

        uploader().upload(stop_at=1_400_000)
        port = server.port
    with serving(*flags, listen=(f"127.0.0.1:{port}",)) as server:
        alice = Requests(server, token)
        again = uploader()
        assert again.offset == 1_400_000
        again.upload()
        place = alice.ask("HEAD", path_of(alice, again.url))["Content-Location"]
        assert alice.ask("GET", place).body == data
    storage.close()
    del again
    gc.collect()


def test_tuspy_uploads_nothing_at_all(alice: Requests) -> None:
    uploader = tuspy(alice).uploader(
        file_stream=BytesIO(), metadata={"filename": "empty", "room": "lobby"}, chunk_size=10
    )
    uploader.upload()
    assert alice.ask("HEAD", path_of(alice, uploader.url))["Hubbub-File"]


def test_tuspy_is_told_what_is_wrong(alice: Requests) -> None:
    with pytest.raises(TusCommunicationError) as refused:
        tuspy(alice).uploader(
            file_stream=BytesIO(b"x"), metadata={"filename": "../x", "room": "lobby"}, chunk_size=10
        ).upload()
    assert refused.value.status_code == 400
    lying = {"filename": "x", "room": "lobby", "sha256": digest(b"else")}
    with pytest.raises(TusUploadFailed) as failed:
        tuspy(alice).uploader(file_stream=BytesIO(b"x"), metadata=lying, chunk_size=10).upload()
    assert failed.value.status_code == 400
    assert b"SHA-256" in (failed.value.response_content or b"")


# -- tus-js-client


def test_tus_js_client_uploads_in_every_way_it_has(alice: Requests, path: Path) -> None:
    data = path.read_bytes()
    for asked in (
        {},
        {"chunkSize": 500_000},
        {"buffer": True},  # without a length: in chunks of HTTP
        {"buffer": True, "chunkSize": 500_000},
        {"duringCreation": True},
        {"duringCreation": True, "chunkSize": 500_000},
        {"overridePatchMethod": True},
    ):
        done = node(alice, path, **asked)
        assert done.get("offset") == str(len(data)), (asked, done)
        assert alice.ask("GET", done["place"]).body == data, asked


def test_tus_js_client_goes_on_where_it_broke_off(alice: Requests, path: Path) -> None:
    done = node(alice, path, stopAt=1)
    assert done["resumed"]
    assert alice.ask(
        "GET", alice.ask("HEAD", done["url"].partition(str(alice.port))[2])["Content-Location"]
    ).body == (path.read_bytes())


def test_tus_js_client_is_told_what_is_wrong_and_may_end_an_upload(alice: Requests, path: Path) -> None:
    wrong = node(alice, path, metadata={"filename": "../x", "room": "lobby"})
    assert (wrong["error"], json.loads(wrong["body"])["field"]) == (400, "filename")
    lie = node(alice, path, metadata={"filename": "x", "room": "lobby", "sha256": digest(b"else")})
    assert (lie["error"], json.loads(lie["body"])["field"]) == (400, "sha256")
    ended = node(alice, path, terminate=True)
    assert alice.ask("HEAD", path_of(alice, ended["url"])).status == 404
    assert alice.ask("GET", ended["place"]).body == path.read_bytes(), "what was announced stays"
