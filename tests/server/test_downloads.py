"""Kept files by HTTP: ranges, conditions, tickets, readers that go away; and offers, while they are sent."""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing, suppress
from email.utils import formatdate, parsedate_to_datetime
from http.client import HTTPSConnection, IncompleteRead
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trustme
from PIL import Image

from contracts.buckets import Buckets
from server.file_requests import KIND, Requests, blobs, digest, noise, reply_of, requests
from serving import PATIENCE, NdjsonClient, Server, serving, until

Kept = tuple[Requests, str, bytes]


@pytest.fixture(name="kept")
def _kept(server: Server) -> Kept:
    """Somebody, the path of a file, and its bytes."""
    alice, _ = requests(server)
    data = noise(1_000_000)
    return alice, alice.put(data)["Content-Location"], data


def link(person: NdjsonClient, file: str) -> str:
    """The path of a link, with its ticket."""
    return str(person.ask("file/get", file=file)["payload"]["url"])


def delete(person: NdjsonClient, message: dict[str, Any]) -> None:
    where = {key: message[key] for key in ("stream", "offset")}
    assert person.ask("message/delete", f"delete {where['offset']}", **where)["status"] == 200


def descriptors(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def test_a_file_comes_with_what_a_cache_and_a_browser_need(kept: Kept) -> None:
    alice, path, data = kept
    whole = alice.ask("GET", path)
    assert (whole.status, whole.body) == (200, data)
    assert whole["ETag"] == f'"{digest(data)}"'
    assert whole["Accept-Ranges"] == "bytes"
    assert whole["Cache-Control"] == "private, max-age=31536000, immutable"
    assert abs(parsedate_to_datetime(whole["Last-Modified"]).timestamp() - time.time()) < 60
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Content-Security-Policy"].startswith("sandbox")
    assert whole["Content-Disposition"].startswith("attachment;")
    head = alice.ask("HEAD", path)
    assert (head.status, head.body, head["Content-Length"]) == (200, b"", "1000000")
    other_name = path.rpartition("/")[0] + "/what-ever.html"
    assert alice.ask("GET", other_name).body == data
    assert alice.ask("GET", path.rpartition("/")[0]).body == data


def test_ranges(kept: Kept) -> None:
    alice, path, data = kept
    size = len(data)
    for value, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-99999", 5, 100_000),
        ("bytes=999999-", size - 1, size),
        ("bytes=500000-99999999", 500_000, size),
        ("bytes=-1", size - 1, size),
        ("bytes=-100000", size - 100_000, size),
        ("bytes=0-", 0, size),
        ("bytes=-99999999", 0, size),
    ):
        part = alice.ask("GET", path, Range=value)
        assert (part.status, part.body) == (206, data[start:end]), value
        assert part["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part["Content-Length"] == str(end - start)
    for value in (
        "bytes=0-1,5-6",
        "bytes=9-5",
        "bytes=-",
        "lines=1-2",
        "bytes=a-b",
    ):
        assert alice.ask("GET", path, Range=value).status == 200, value
    for value in ("bytes=1000000-", "bytes=99999999-", "bytes=-0"):
        none = alice.ask("GET", path, Range=value)
        assert (none.status, none["Content-Range"]) == (416, f"bytes */{size}"), value
    assert alice.ask("HEAD", path, Range="bytes=0-0").status == 200, "§14.2: Range is for GET"


def test_conditions(kept: Kept) -> None:
    alice, path, data = kept
    etag = f'"{digest(data)}"'
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = alice.ask("GET", path, If_None_Match=value)
        assert (same.status, same.body, same["ETag"]) == (304, b"", etag), value
    assert alice.ask("GET", path, If_None_Match='"other"').status == 200
    modified = alice.ask("HEAD", path)["Last-Modified"]
    for value, status in (
        (etag, 206),
        (modified, 206),
        ('"other"', 200),
        (f"W/{etag}", 200),
        (formatdate(0, usegmt=True), 200),
        ("nonsense", 200),
    ):
        assert alice.ask("GET", path, Range="bytes=1-2", If_Range=value).status == status, value


def test_the_connection_is_kept_and_requests_in_one_go_are_all_answered(kept: Kept) -> None:
    alice, path, data = kept
    with alice.raw("GET", path) as sock:
        rows = "".join(f"{name}: {value}\r\n" for name, value in alice.fields().items())
        for _ in range(3):
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{alice.port}\r\n{rows}\r\n".encode())
        reader = sock.makefile("rb")
        for _ in range(4):
            while reader.readline() != b"\r\n":
                pass
            assert reader.read(len(data)) == data
        assert not select.select([sock], [], [], 0)[0]


def test_what_is_not_there_or_not_for_somebody_is_not_found(server: Server) -> None:
    alice, line = requests(server)
    mallory, _ = requests(server, "Mallory")
    line.ask("room/create", room="den")
    secret = alice.put(b"secret", room="den")
    assert secret.status == 204, secret
    path = secret["Content-Location"]
    assert alice.ask("GET", path).status == 200
    assert mallory.ask("GET", path).status == 404
    for wrong in (
        "/blobs/",
        "/blobs",
        "/blobs/" + "0" * 32,
        "/blobs/../../etc/passwd",
        "/blobs/%2e%2e/x",
        path + "/x",
    ):
        assert alice.ask("GET", wrong).status == 404, wrong
    assert Requests(server, None).ask("GET", path).status == 401
    assert Requests(server, "nonsense").ask("GET", path).status == 401
    assert alice.ask("POST", path).status == 405
    assert alice.ask("GET", path, Origin="https://evil.example").status == 403


def test_a_deleted_message_takes_its_file_along(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        alice, line = requests(server)
        first, second = alice.put(b"the same"), alice.put(b"the same")
        assert blobs(tmp_path / "data") == [digest(b"the same")]
        messages = [line.get("message/new")["payload"] for _ in range(2)]
        delete(line, messages[0])
        assert alice.ask("GET", first["Content-Location"]).status == 404
        assert alice.ask("GET", second["Content-Location"]).body == b"the same"
        delete(line, messages[1])
        assert alice.ask("GET", second["Content-Location"]).status == 404
        until(lambda: blobs(tmp_path / "data") == [])


# -- tickets


def test_a_ticket_is_for_one_file_and_once() -> None:
    with serving("--log-level", "debug") as server:
        alice, line = requests(server)
        one, other = alice.put(b"one"), alice.put(b"other")
        nobody = Requests(server, None)
        path = link(line, one["Hubbub-File"])
        ticket = path.partition("ticket=")[2]
        assert nobody.ask("GET", f"/blobs/{other['Hubbub-File']}/x?ticket={ticket}").status == 401
        assert nobody.ask("GET", f"{path}&ticket={ticket}").status == 401
        assert nobody.ask("HEAD", path)["Content-Length"] == "3", "which does not use it up"
        assert nobody.ask("GET", path).body == b"one"
        assert nobody.ask("HEAD", path).status == 401
        again = nobody.ask("GET", path)
        assert (again.status, again["Cache-Control"]) == (401, "no-store")
        assert nobody.ask("GET", f"/blobs/{one['Hubbub-File']}/x?ticket=").status == 401
    assert ticket
    assert ticket not in server.log
    assert "/blobs/" in server.log


def test_a_ticket_ends_with_its_time() -> None:
    with serving(HUBBUB_FILES_LINK_SECONDS="0.05") as server:
        alice, line = requests(server)
        path = link(line, alice.put(b"one")["Hubbub-File"])
        made = time.monotonic()
        until(lambda: time.monotonic() > made + 0.1)
        assert Requests(server, None).ask("GET", path).status == 401


def test_a_ticket_counts_only_while_its_person_may_read(server: Server) -> None:
    alice, line = requests(server)
    bob = server.ndjson("Bob")
    line.ask("room/create", room="den")
    bob.ask("room/join", room="den")
    path = link(bob, alice.put(b"inside", room="den")["Hubbub-File"])
    assert bob.ask("room/leave", room="den")["status"] == 200
    assert Requests(server, None).ask("GET", path).status == 404


def test_a_ticket_ends_with_its_account(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with serving("--data", data) as server:
        alice, carol = server.json("Alice"), server.ndjson()
        token = carol.ask("auth/register", username="Carol", password="correct horse")["payload"]["token"]
        kept = link(carol, Requests(server, token).put(b"kept")["Hubbub-File"])
        bob = server.text("Bob")
        bob.say("/register correct horse")
        bob.settle()
        alice.say("FileOffer", to="Bob", filename="a.bin", size=4)
        while "offers you a.bin" not in bob.line():
            pass
        bob.say("/accept a.bin")
        live = "/blobs/" + bob.line().partition("/blobs/")[2]
        for name in ("Bob", "Carol"):
            hubbub = [sys.executable, "-m", "hubbub", "user", "disable", name, "--data", data]
            subprocess.run(hubbub, check=True, capture_output=True, timeout=60)
        nobody = Requests(server, None)
        assert nobody.ask("GET", kept).status == 401
        assert nobody.ask("GET", live).status == 401


# -- pictures


def test_a_picture_has_a_small_one(server: Server) -> None:
    alice, line = requests(server)
    picture = BytesIO()
    Image.new("RGB", (640, 480), "red").save(picture, "PNG")
    kept = alice.put(picture.getvalue(), filename="red.png")
    told = line.get("message/new")["payload"]["file"]
    assert told["file"] == kept["Hubbub-File"]
    assert (told["thumbnail"]["width"], told["thumbnail"]["height"]) == (320, 240)
    small = alice.ask("GET", f"/blobs/{told['thumbnail']['file']}/x")
    assert (small.status, small["Content-Type"]) == (200, "image/webp")
    assert Image.open(BytesIO(small.body)).size == (320, 240)
    by_link = line.ask("file/get", file=told["thumbnail"]["file"])["payload"]
    linked = Requests(server, None).ask("GET", by_link["url"])
    assert (linked.body, by_link["size"]) == (small.body, len(small.body))
    assert small["Vary"] == "Authorization, Cookie"
    whole = alice.ask("GET", kept["Content-Location"])
    assert (whole.body, whole["Content-Type"]) == (picture.getvalue(), "image/png")
    assert whole["Content-Disposition"].startswith("inline;")


# -- readers that go away, or read slowly


def test_readers_that_go_away_leave_nothing_open(server: Server) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("descriptors of a process (needs /proc)")
    alice, _ = requests(server)
    path = alice.put(noise(20_000_000))["Content-Location"]
    alice.ask("GET", path)
    before = descriptors(server)
    for _ in range(30):
        with alice.raw("GET", path) as sock:
            assert sock.recv(1_000).startswith(b"HTTP/1.1 200")
    until(lambda: descriptors(server) <= before)
    assert len(alice.ask("GET", path).body) == 20_000_000


def test_a_slow_reader_gets_everything_and_others_are_not_held_up(server: Server) -> None:
    alice, line = requests(server)
    data = noise(20_000_000)
    path = alice.put(data)["Content-Location"]
    line.get("message/new")
    with alice.raw("GET", path) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        assert line.ask("heartbeat")["status"] == 200
        assert alice.ask("GET", path).body == data
        assert reply_of(sock).body == data


def test_many_readers_at_once_each_get_all_of_it(server: Server) -> None:
    alice, line = requests(server)
    data = noise(3_000_000)
    path = alice.put(data)["Content-Location"]
    line.get("message/new")
    socks = [alice.raw("GET", path) for _ in range(30)]
    assert line.ask("heartbeat")["status"] == 200
    for sock in socks:
        with sock:
            assert reply_of(sock).body == data


def test_a_reader_that_reads_nothing_is_cut() -> None:
    with serving(HUBBUB_FILES_STALL_SECONDS="0.6") as server:
        alice, _ = requests(server)
        path = alice.put(noise(20_000_000))["Content-Location"]
        before = descriptors(server)
        with alice.raw("GET", path):
            until(lambda: descriptors(server) > before)
            until(lambda: descriptors(server) <= before)


def test_a_stop_cuts_a_download_at_its_deadline() -> None:
    with serving(HUBBUB_SERVER_DRAIN_SECONDS="0.3") as server:
        alice, _ = requests(server)
        path = alice.put(noise(20_000_000))["Content-Location"]
        sock = alice.raw("GET", path)
        assert sock.recv(1_000).startswith(b"HTTP/1.1 200")
        assert server.stop() == 0
        sock.close()


def test_bytes_that_are_not_there_are_no_file(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        alice, _ = requests(server)
        data = noise(100_000)
        path = alice.put(data)["Content-Location"]
        (blob,) = (tmp_path / "data" / "files" / "blobs").glob("??/*")
        os.truncate(blob, 99_000)
        with alice.raw("GET", path) as sock, pytest.raises((ConnectionError, IncompleteRead)):
            reply_of(sock)
        blob.unlink()
        assert alice.ask("GET", path).status == 404


# -- by other ways


def test_files_come_and_go_under_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving("--tls-cert", str(cert), "--tls-key", str(key)) as server:
        alice, _ = requests(server)  # on the same port without, to upload as well
        data = noise(3_000_000)
        path = alice.begin(len(data))
        connection = HTTPSConnection("127.0.0.1", server.port, context=context, timeout=PATIENCE)
        with closing(connection):
            fields = alice.fields(Upload_Offset="0", Content_Type=KIND)
            connection.request("PATCH", path, data, fields)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (204, b"")
            place = answer.headers["Content-Location"]
            for _ in range(2):  # and the connection is kept
                connection.request("GET", place, headers=alice.fields())
                assert connection.getresponse().read() == data


def test_files_in_a_bucket_come_as_those_in_a_directory(tmp_path: Path) -> None:
    buckets = Buckets()
    try:
        env = {
            "HUBBUB_BLOBS_STORE": "s3",
            "HUBBUB_BLOBS_S3_BUCKET": buckets.new(),
            "HUBBUB_BLOBS_S3_ENDPOINT": buckets.endpoint,
            "HUBBUB_BLOBS_S3_ALLOW_HTTP": "on",
            "HUBBUB_BLOBS_S3_ACCESS_KEY": "key",
            "HUBBUB_BLOBS_S3_SECRET_KEY": "secret",
        }
        with serving("--data", str(tmp_path / "data"), **env) as server:
            alice, line = requests(server)
            data = noise(3_000_000)
            path = alice.put(data)["Content-Location"]
            assert alice.ask("GET", path).body == data
            assert alice.ask("GET", path, Range="bytes=1000000-2000000").body == data[1_000_000:2_000_001]
            delete(line, line.get("message/new")["payload"])
            assert alice.ask("GET", path).status == 404
            path = alice.put(data)["Content-Location"]
            buckets.stop()
            away = alice.ask("GET", path)
            assert (away.status, away.error["code"]) == (503, "read_only")
            refused = alice.put(noise(10))
            assert (refused.status, refused.error["code"]) == (503, "read_only")
    finally:
        buckets.stop()


def test_an_offer_is_fetched_by_a_link_while_it_is_sent(server: Server) -> None:
    alice, bob = server.json("Alice"), server.text("Bob")
    data = noise(3_000_000)

    def offered(name: str) -> str:
        alice.say("FileOffer", to="Bob", filename=name, size=len(data))
        while f"offers you {name}" not in bob.line():
            pass
        bob.say(f"/accept {name}")
        return "/blobs/" + bob.line().partition("/blobs/")[2]

    nobody = Requests(server, None)
    path = offered("whole.png")
    assert nobody.ask("HEAD", path).status == 401, "which does not use it up"
    with nobody.raw("GET", path) as sock:
        assert alice.get("StartUpload")["filename"] == "whole.png"
        alice.send(data)
        reply = reply_of(sock)
    assert (reply.status, reply.body, reply["Cache-Control"]) == (200, data, "no-store")
    assert reply["Content-Disposition"].startswith("attachment;")
    assert alice.get("FileDone")["sha256"] == digest(data)
    assert nobody.ask("GET", path).status == 401
    path = offered("half.png")
    with nobody.raw("GET", path) as sock:
        alice.get("StartUpload")
        alice.send(data[:1_000])
        assert sock.recv(10).startswith(b"HTTP/1.1 2")
        alice.close()
        read = 0
        with suppress(ConnectionError):
            read = sum(map(len, iter(lambda: sock.recv(65_536), b"")))
        assert read < len(data), "half a file never looks whole"


# -- space, and bytes that rot


def test_one_person_keeps_only_so_many_files() -> None:
    with serving(HUBBUB_FILES_MAX_FILES_USER="20", HUBBUB_FILES_MAX_FILES="3") as server:  # a guest: a tenth
        alice, _ = requests(server)
        assert [alice.put(b"").status for _ in range(2)] == [204, 204]
        refused = alice.create(1, filename="a")
        assert (refused.status, refused.error["limit"]) == (413, "files.max_files_user")
        bob, _ = requests(server, "Bob")
        assert bob.put(b"").status == 204
        refused = bob.create(1, filename="a")
        assert (refused.status, refused.error["limit"]) == (413, "files.max_files")


def test_a_blob_that_was_cut_short_gets_its_bytes_anew(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        alice, _ = requests(server)
        content = os.urandom(5_000)
        first = alice.put(content)
        (blob,) = (tmp_path / "data" / "files" / "blobs").glob("*/*")
        os.truncate(blob, 100)
        again = alice.put(content)
        for kept in (first, again):
            assert alice.ask("GET", kept["Content-Location"]).body == content
