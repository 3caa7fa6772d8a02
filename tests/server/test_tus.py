"""Uploads by tus 1.0.0, request by request, and what attackers make of it."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import time
from base64 import b64encode
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from server.file_requests import KIND, Requests, blobs, digest, noise, reply_of, requests, spooled
from serving import PATIENCE, NdjsonClient, Server, serving, until


def file_message(person: NdjsonClient) -> dict[str, object]:
    """The next message that is a file's."""
    while True:
        payload = person.get("message/new")["payload"]
        if "file" in payload:
            return dict(payload["file"])


def checksum(name: str, data: bytes) -> str:
    return f"{name} {b64encode(hashlib.new(name, data).digest()).decode()}"


# -- the protocol


def test_options_tell_what_it_can_do_and_need_nothing(server: Server) -> None:
    reply = Requests(server, None).ask("OPTIONS", "/files")
    assert reply.status == 204
    assert reply["Tus-Resumable"] == reply["Tus-Version"] == "1.0.0"
    assert set(reply["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "checksum", "termination",
    }  # fmt: skip
    assert set(reply["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256", "md5"}
    assert int(reply["Tus-Max-Size"]) == 4 * 1024**3


def test_an_upload_in_parts_becomes_a_message(server: Server) -> None:
    alice, line = requests(server)
    bob = server.ndjson("Bob")
    data = noise(3_000_000)
    created = alice.create(len(data), filename="photo.raw", filetype="image/x-raw", sha256=digest(data))
    assert created.status == 201
    path = created["Location"]
    assert parsedate_to_datetime(created["Upload-Expires"]).timestamp() > time.time() + 86_000
    assert alice.offset(path) == 0
    first = alice.patch(path, 0, data[:1_000_001])
    assert (first.status, first["Upload-Offset"]) == (204, "1000001")
    head = alice.ask("HEAD", path)
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("1000001", "3000000")
    assert head["Cache-Control"] == "no-store"
    assert f"filename {b64encode(b'photo.raw').decode()}" in head["Upload-Metadata"].split(",")
    last = alice.patch(path, 1_000_001, data[1_000_001:])
    assert (last.status, last["Upload-Offset"]) == (204, "3000000")
    told = file_message(bob)
    assert told == {
        "file": last["Hubbub-File"],
        "name": "photo.raw",
        "size": len(data),
        "type": "image/x-raw",
        "sha256": digest(data),
    }
    assert alice.ask("GET", last["Content-Location"]).body == data
    after = alice.ask("HEAD", path)
    assert (after.status, after["Upload-Offset"], after["Hubbub-File"]) == (200, "3000000", told["file"])
    again = alice.patch(path, 3_000_000, b"")
    assert (again.status, again["Hubbub-File"]) == (204, told["file"]), (
        "an answer that was lost is given again"
    )
    assert file_message(line) == told
    assert line.hears_nothing()


def test_creation_may_bring_bytes_some_or_all(server: Server) -> None:
    alice, line = requests(server)
    data = noise(300_000)
    some = alice.create(len(data), data[:100_000], filename="some")
    assert (some.status, some["Upload-Offset"]) == (201, "100000")
    assert alice.patch(some["Location"], 100_000, data[100_000:]).status == 204
    whole = alice.create(len(data), data, filename="whole")
    assert (whole.status, whole["Upload-Offset"]) == (201, "300000")
    assert whole["Location"].startswith("/files/")
    assert alice.ask("GET", whole["Content-Location"]).body == data
    assert [file_message(line)["name"] for _ in range(2)] == ["some", "whole"]


def test_an_empty_file_is_whole_when_it_is_made(server: Server) -> None:
    alice, line = requests(server)
    reply = alice.create(0, filename="nothing.txt")
    assert (reply.status, reply["Upload-Offset"]) == (201, "0")
    assert file_message(line)["sha256"] == digest(b"")
    assert alice.ask("GET", reply["Content-Location"]).body == b""


def test_a_body_in_chunks_counts_as_well(server: Server) -> None:
    alice, _ = requests(server)
    data = noise(500_000)
    path = alice.begin(len(data))
    parts = (data[at : at + 70_000] for at in range(0, len(data), 70_000))
    last = alice.patch(path, 0, parts)  # http.client: Transfer-Encoding
    assert last.status == 204, last
    assert alice.ask("GET", last["Content-Location"]).body == data


@pytest.mark.parametrize(
    "body", [b"0x5\r\ndata!\r\n0\r\n\r\n", b"5\ndata!\n0\r\n\r\n", b"5\r\ndata!XX0\r\n\r\n"]
)
def test_a_body_in_chunks_that_are_none_is_refused_at_once(server: Server, body: bytes) -> None:
    alice, _ = requests(server)
    path = alice.begin(9)
    lines = {"Host": "127.0.0.1", **alice.fields(Upload_Offset="0", Content_Type=KIND)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as sock:
        request = f"PATCH {path} HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        sock.sendall(request + body)  # in one piece, so that it is there before anybody asks for it
        reply = reply_of(sock)
    assert (reply.status, reply.error["code"], reply["Connection"]) == (400, "bad_request", "close")
    assert alice.offset(path) in (0, 5)


def test_to_one_person_it_is_a_private_message(server: Server) -> None:
    alice, _ = requests(server)
    bob, carol = server.ndjson("Bob"), server.ndjson("Carol")
    last = alice.put(b"for you", to="Bob", content="Look!")
    told = bob.get("message/private")["payload"]
    assert (told["text"], told["file"]["file"]) == ("Look!", last["Hubbub-File"])
    assert carol.hears_nothing()
    assert Requests(server, bob.welcome["token"]).ask("GET", last["Content-Location"]).body == b"for you"
    assert Requests(server, carol.welcome["token"]).ask("GET", last["Content-Location"]).status == 404


def test_a_file_for_one_person_reaches_nobody_else_of_that_name(server: Server) -> None:
    alice, _ = requests(server)
    gus = server.ndjson("Gus")
    meant = gus.welcome["user_id"]
    path = alice.begin(4, to="Gus", to_id=str(meant))
    assert f"to_id {b64encode(str(meant).encode()).decode()}" in alice.ask("HEAD", path)[
        "Upload-Metadata"
    ].split(",")
    assert gus.ask("auth/logout")["status"] == 200
    gus.close()
    stranger = server.ndjson("Gus")
    reply = alice.create(4, b"PIN!", filename="a.bin", to="Gus", to_id=str(meant))
    assert (reply.status, reply.error["code"], reply.error["field"]) == (404, "not_found", "to_id")
    for bad in ("0", "Gus", "-1", " 1", "1" * 17, str(2**53), "٣"):
        assert alice.create(4, filename="a.bin", to="Gus", to_id=bad).status == 400
    assert alice.patch(path, 0, b"PIN!").status == 204
    assert stranger.hears_nothing()


def test_post_stands_for_a_method_that_somebody_cannot_send(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(4)
    headers = {"Upload_Offset": "0", "Content_Type": KIND, "X_HTTP_Method_Override": "PATCH"}
    assert alice.ask("POST", path, b"data", **headers).status == 204


def test_100_continue_is_said_only_to_what_may_come(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(4)

    def asked(offset: int, length: int) -> socket.socket:
        headers = {"Upload_Offset": str(offset), "Content_Length": str(length), "Expect": "100-continue"}
        return alice.raw("PATCH", path, Content_Type=KIND, **headers)

    for offset, length, status in ((9, 4, 409), (0, 5, 413)):
        with asked(offset, length) as sock:
            assert reply_of(sock).status == status
    with asked(0, 4) as sock:
        assert sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"data")
        assert reply_of(sock).status == 204


def test_requests_behind_an_upload_on_one_connection_are_served(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(6)
    with alice.raw("PATCH", path, Upload_Offset="0", Content_Type=KIND, Content_Length="3") as sock:
        rows = "".join(f"{name}: {value}\r\n" for name, value in alice.fields().items())
        behind = f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1:{alice.port}\r\n{rows}\r\n"
        sock.sendall(b"abc" + behind.encode())
        assert reply_of(sock)["Upload-Offset"] == "3"


# -- checksums


def test_a_chunk_with_the_right_checksum_is_kept(server: Server) -> None:
    alice, _ = requests(server)
    data = noise(300_000)
    path = alice.begin(len(data))
    for at, name in ((0, "sha1"), (100_000, "sha256"), (200_000, "md5")):
        part = data[at : at + 100_000]
        assert alice.patch(path, at, part, Upload_Checksum=checksum(name, part)).status == 204
    assert alice.ask("GET", alice.ask("HEAD", path)["Content-Location"]).body == data


def test_a_chunk_with_a_wrong_checksum_is_not_kept_and_the_digest_of_all_stays_right(server: Server) -> None:
    alice, _ = requests(server)
    data = noise(200_000)
    path = alice.begin(len(data), sha256=digest(data))
    assert alice.patch(path, 0, data[:50_000]).status == 204
    wrong = alice.patch(path, 50_000, noise(150_000), Upload_Checksum=checksum("sha1", b"else"))
    assert wrong.status == 460
    assert alice.offset(path) == 50_000
    assert alice.patch(path, 50_000, data[50_000:]).status == 204


def test_a_chunk_that_breaks_off_was_never_checked_and_is_not_kept(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(100_000)
    headers = {"Upload_Checksum": checksum("sha1", b"x"), "Content_Length": "100000"}
    with alice.raw("PATCH", path, Upload_Offset="0", Content_Type=KIND, **headers) as sock:
        sock.sendall(b"x" * 50_000)
    assert alice.offset(path) == 0


def test_a_checksum_that_cannot_be_read_is_refused(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(4)
    for value in ("crc32 AAAA", "sha1 ***", "sha1 AAAAA", "sha1"):
        status = alice.patch(path, 0, b"data", Upload_Checksum=value).status
        assert status == (460 if value == "sha1" else 400), value
    assert alice.offset(path) == 0


# -- lost lines


def test_what_came_before_the_line_was_lost_is_kept(server: Server) -> None:
    alice, line = requests(server)
    data = noise(2_000_000)
    path = alice.begin(len(data))
    with alice.raw(
        "PATCH", path, Upload_Offset="0", Content_Type=KIND, Content_Length=str(len(data))
    ) as sock:
        sock.sendall(data[:777_777])
        sock.shutdown(socket.SHUT_WR)
        assert reply_of(sock).status == 400  # for whom it still reaches
    assert alice.offset(path) == 777_777
    assert alice.patch(path, 777_777, data[777_777:]).status == 204
    assert file_message(line)["sha256"] == digest(data)


def test_a_new_line_takes_the_place_of_one_that_is_half_open(server: Server) -> None:
    alice, line = requests(server)
    data = noise(400_000)
    path = alice.begin(len(data))
    headers = {"Content_Length": str(len(data)), "Expect": "100-continue"}
    with alice.raw("PATCH", path, Upload_Offset="0", Content_Type=KIND, **headers) as old:
        assert old.recv(1_000).startswith(b"HTTP/1.1 100")  # it writes
        old.sendall(data[:100_000])
        there = alice.offset(path)
        assert alice.patch(path, there, data[there:]).status == 204
        assert reply_of(old).status == 423
    assert file_message(line)["sha256"] == digest(data)


def test_a_sender_that_stalls_is_told_and_may_go_on() -> None:
    with serving(HUBBUB_FILES_STALL_SECONDS="0.6") as server:
        alice, _ = requests(server)
        path = alice.begin(8)
        with alice.raw("PATCH", path, Upload_Offset="0", Content_Type=KIND, Content_Length="8") as sock:
            sock.sendall(b"half")
            assert reply_of(sock).status == 408
        assert alice.offset(path) == 4
        assert alice.patch(path, 4, b"half").status == 204


def test_a_stop_keeps_what_came_and_says_so(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path / "data"))
    with serving(*flags) as server:
        made = server.ndjson().ask("auth/register", username="Alice", password="correct horse")
        token = made["payload"]["token"]
        alice = Requests(server, token)
        path = alice.begin(100_000)
        headers = {"Content_Length": "100000", "Expect": "100-continue"}
        with alice.raw("PATCH", path, Upload_Offset="0", Content_Type=KIND, **headers) as sock:
            assert sock.recv(1_000).startswith(b"HTTP/1.1 100")
            sock.sendall(b"x" * 60_000)
            server.signal(signal.SIGTERM)
            assert reply_of(sock).status == 503
    with serving(*flags) as server:
        alice = Requests(server, token)
        offset = alice.offset(path)
        assert 0 <= offset <= 60_000
        assert alice.patch(path, offset, b"x" * (100_000 - offset)).status == 204


# -- refusals


def test_faults_of_a_request_have_their_answers(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(10)
    assert alice.patch(path, 0, b"data", Content_Type="text/plain").status == 415
    assert alice.ask("PATCH", path, b"data", Content_Type=KIND).status == 400
    wrong = alice.patch(path, 3, b"data")
    assert (wrong.status, wrong["Upload-Offset"]) == (409, "0")
    assert alice.patch(path, 0, b"more than ten").status == 413
    version = alice.ask("HEAD", path, Tus_Resumable="0.2.2")
    assert (version.status, version["Tus-Version"]) == (412, "1.0.0")
    assert alice.ask("PUT", path).status == 405
    assert alice.ask("GET", "/files").status == 405
    assert alice.ask("HEAD", "/files/" + "0" * 32).status == 404
    assert alice.ask("HEAD", "/files/../../etc/passwd").status == 404
    nobody = Requests(server, "not-a-token").ask("HEAD", path)
    assert (nobody.status, nobody["WWW-Authenticate"]) == (401, "Bearer")
    refused = alice.create(10, filename="a", room="nowhere")
    assert (refused.status, refused.error["code"], refused.error["field"]) == (404, "not_found", "room")
    assert alice.offset(path) == 0


def test_a_length_that_is_none_is_refused(server: Server) -> None:
    alice, _ = requests(server)
    for length in ("-1", "", "1e3", "0x10", "9" * 20, "9" * 400, "1 2"):
        assert alice.create(length, filename="a").status == 400, length


def test_a_length_beyond_the_limit_is_refused(server: Server) -> None:
    alice, _ = requests(server)
    reply = alice.create(10**18, filename="a")
    assert (reply.status, reply.error["limit"]) == (413, "files.max_size")


def test_metadata_that_cannot_be_read_are_refused(server: Server) -> None:
    alice, _ = requests(server)
    for metadata in (
        *("filename", "filename !!!", "filename YQ==,filename YQ==", "filename /w=="),
        *("file\tname YQ==", "", ","),
    ):
        reply = alice.ask("POST", "/files", Upload_Length="1", Upload_Metadata=metadata)
        assert reply.status == 400, metadata


def test_what_is_not_said_to_be_for_anybody_is_not_for_everybody(server: Server) -> None:
    alice, _ = requests(server)
    for metadata in ("filename YQ==", "filename YQ==,rooom ZGVu", "filename YQ==,to_id NA=="):
        reply = alice.ask("POST", "/files", Upload_Length="1", Upload_Metadata=metadata)
        assert reply.status == 400, metadata
        assert b"'room' or a 'to'" in reply.body


def test_a_name_that_is_a_path_or_a_trick_is_refused(server: Server) -> None:
    alice, _ = requests(server)
    for name in ("../../etc/passwd", "a/b", "a\\b", "..", "a\0b", "CON", "a\u202egnp.exe", "x" * 10_000):
        reply = alice.create(1, filename=name)
        assert (reply.status, reply.error["field"]) == (400, "filename"), name


def test_more_bytes_than_announced_are_refused_in_chunks_too(server: Server) -> None:
    alice, _ = requests(server)
    path = alice.begin(10)
    assert alice.patch(path, 0, iter([b"ten bytes.", b"and more"])).status == 413
    assert alice.patch(path, alice.offset(path), b"").status in (204, 413)


def test_a_lying_digest_is_told_and_never_announced(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        alice, line = requests(server)
        path = alice.begin(5, sha256=digest(b"other"))
        lie = alice.patch(path, 0, b"these")
        assert (lie.status, lie.error["field"]) == (400, "sha256")
        assert alice.ask("HEAD", path).status == 404
        assert line.hears_nothing()
        until(lambda: spooled(tmp_path / "data") == [])
        assert blobs(tmp_path / "data") == []


def test_somebody_elses_upload_is_not_there(server: Server) -> None:
    alice, _ = requests(server)
    mallory, _ = requests(server, "Mallory")
    path = alice.begin(5)
    assert mallory.ask("HEAD", path).status == 404
    assert mallory.patch(path, 0, b"these").status == 404
    assert mallory.ask("DELETE", path).status == 404
    assert alice.offset(path) == 0


def test_a_page_of_another_site_does_not_get_in(server: Server) -> None:
    alice, _ = requests(server)
    reply = alice.ask("OPTIONS", "/files", Origin="https://evil.example")
    assert reply.status == 403
    assert "Access-Control-Allow-Origin" not in reply.headers
    own = alice.ask("OPTIONS", "/files", Origin=f"http://127.0.0.1:{server.port}")
    assert own.status == 204


def test_an_upload_that_is_ended_is_gone(tmp_path: Path) -> None:
    with serving("--data", str(tmp_path / "data")) as server:
        alice, line = requests(server)
        path = alice.begin(10)
        assert alice.patch(path, 0, b"some").status == 204
        assert len(spooled(tmp_path / "data")) == 1
        assert alice.ask("DELETE", path).status == 204
        assert alice.ask("HEAD", path).status == 404
        until(lambda: spooled(tmp_path / "data") == [])
        assert line.hears_nothing()


def test_two_uploads_cannot_share_the_last_bytes_of_a_quota() -> None:
    with serving(HUBBUB_FILES_QUOTA_USER="100000") as server:  # a guest has a tenth
        alice, _ = requests(server)
        other = Requests(server, alice.token)
        statuses = sorted(one.create(6_000, filename="a").status for one in (alice, other))
        assert statuses == [201, 413]


def test_one_person_has_only_so_many_open(server: Server) -> None:
    alice, _ = requests(server)
    statuses = [alice.create(1, filename="a").status for _ in range(101)]
    assert statuses == [201] * 100 + [429]


def test_the_body_of_an_upload_is_not_bound_by_that_of_other_requests() -> None:
    with serving(HUBBUB_HTTP_MAX_BODY="1000") as server:
        alice, _ = requests(server)
        assert alice.put(noise(100_000)).status == 204
        assert alice.ask("POST", "/health", b"x" * 1_001).status == 413


def test_nothing_of_a_token_is_logged() -> None:
    with serving("--log-level", "debug") as server:
        alice, _ = requests(server)
        alice.put(b"data")
    assert alice.token is not None
    assert "/files/" in server.log
    assert alice.token not in server.log
    assert json.dumps(alice.token) not in server.log
