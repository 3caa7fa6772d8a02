"""Bad input, slow peers, limits, timers: each gets its answer, and nobody else notices."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import struct
from pathlib import Path

import pytest

from hubbub.net.framing.frames import BINARY, CLOSE
from hubbub.net.framing.websocket import masked_frame
from hubbub.wire import message_pb2 as pb
from serving import Client, Server, serving, until


def _others_are_fine(server: Server) -> None:
    """A newcomer is served as if nothing had happened."""
    with server.ndjson(f"Witness{os.urandom(3).hex()}") as witness:
        assert witness.ask("heartbeat")["status"] == 200


@pytest.mark.parametrize("byte", [b"\x00", b"\x16", b"G", b"\x00\x00\x00\x05"])
def test_one_byte_and_then_silence_costs_the_others_nothing(server: Server, byte: bytes) -> None:
    """That it wakes nobody either is in tests/net/test_doorman.py."""
    peer = server._met(Client(server.port))
    peer.send(byte)
    _others_are_fine(server)


def test_the_first_bytes_may_come_one_by_one(server: Server) -> None:
    peer = server._met(Client(server.port))
    witness = server.ndjson("Witness")
    body = b'{"type":"Login","username":"Slow"}'
    for byte in struct.pack("!I", len(body)) + body:
        peer.send(bytes((byte,)))
        assert witness.ask("heartbeat")["status"] == 200, "the server has had a turn in between"
    size = struct.unpack("!I", peer.read(4))[0]
    assert b'"Welcome"' in peer.read(size)


def test_a_peer_that_sends_one_byte_and_ends(server: Server) -> None:
    for data in (b"G", b"\x00", b"\x16"):
        peer = server._met(Client(server.port))
        peer.send(data)
        peer.end()
        assert peer.at_end()
    _others_are_fine(server)


def test_silence_ends_after_its_time_and_speech_does_not() -> None:
    with serving(
        HUBBUB_TIMERS_FIRST_BYTES="0.5",
        HUBBUB_TIMERS_FRAME="0.5",
        HUBBUB_TIMERS_PING="0.5",
        HUBBUB_TIMERS_IDLE="1.5",
    ) as server:
        silent = server._met(Client(server.port))
        half_head = server._met(Client(server.port))
        half_head.send(b"GET / HTTP/1.1\r\nHo")
        begun = server.json("Jay")
        begun.send(struct.pack("!I", 100) + b"{")
        nameless = server._met(Client(server.port))
        idle = server.ndjson("Nora")
        person = server.text("Tess")
        assert silent.at_end()
        assert nameless.at_end()
        assert b"408" in half_head.sock.recv(1000)
        assert begun.get("GoingAway")["reason"] == "idle"
        assert idle.get()["command"] in ("presence/joined", "heartbeat")
        assert idle.get("heartbeat")["payload"] == {}
        assert idle.get("server/going_away")["payload"]["reason"] == "idle"
        person.settle()  # a person who only reads is left in peace


def test_who_answers_pings_stays() -> None:
    with serving(HUBBUB_TIMERS_PING="0.5", HUBBUB_TIMERS_IDLE="2.5") as server:
        js, ws = server.json("Jay"), server.websocket("Wanda")
        for _ in range(8):
            assert js.get("Ping")
            js.say("Pong")
            frame = ws.frame()
            while frame.kind != 9:
                frame = ws.frame()
            ws.send(masked_frame(frame.payload, b"abcd", 10))
        assert ws.ask("ping")["type"] == "response"


def test_lengths_over_the_limit(server: Server) -> None:
    early = server.json()
    early.send(struct.pack("!I", 70_000) + b"{")
    error = early.get()
    assert (error["type"], error["code"]) == ("Error", "too_large")
    assert early.at_end()
    js = server.json("Jay")
    js.say("Broadcast", content="x" * 70_000, id="1")
    error = js.get("Error")
    assert (error["code"], error["limit"]) == ("too_large", "messages.max_content")
    js.say("Broadcast", content="x" * 65_536, id="2")
    assert js.get("Ack")["offset"] == 1
    js.send(struct.pack("!I", 0x00FFFFFF + 1)[:4])
    assert js.get("Error")["code"] == "too_large"
    assert js.at_end()
    proto = server.protobuf()
    proto.send(b"\x00\x02\x00\x00\x08")
    assert proto.get(pb.MT_ERROR).error.status_code == pb.SC_TOO_LARGE
    assert proto.at_end()
    nd = server.ndjson()
    nd.send(b'{"command":"' + b"x" * 70_000 + b'"}\n')
    assert nd.get()["status"] == 413
    assert nd.ask("auth/login", username="Nora")["status"] == 200
    ws = server.websocket()
    ws.send(masked_frame(b"x" * 70_000, b"abcd"))
    frame = ws.frame()
    assert (frame.kind, frame.code) == (CLOSE, 1009)


def test_garbage_in_every_dialect_is_answered_and_the_connection_kept(server: Server) -> None:
    js, nd, ws, proto = (
        server.json("Jay"),
        server.ndjson("Nora"),
        server.websocket("Wanda"),
        server.protobuf("Pia"),
    )
    for body in (
        b"{",
        b"[]",
        b"\xff",
        b'{"type":7}',
        b'{"type":"Broadcast"}',
        b'{"type":"Broadcast","content":7}',
        b"{" * 5000,
    ):
        js.send(struct.pack("!I", len(body)) + body)
        assert js.get("Error")["code"] in ("bad_request", "unknown_action")
    for body in (
        b"{",
        b"{}",
        b'{"command":7}',
        b"\x80",
        b'{"command":"message/send","payload":{"text":7}}',
        b'{"a":' * 5000,
    ):
        nd.send(body + b"\n")
        answer = nd.get()
        while "status" not in answer:
            answer = nd.get()
        assert answer["status"] == 400
    for text in (
        "{",
        "[]",
        '{"type":"request"}',
        '{"type":"request","action":"publish","payload":7}',
        "[" * 5000,
    ):
        ws.send_text(text)
        answer = ws.get()
        while answer["type"] == "notification":
            answer = ws.get()
        assert answer["type"] == "error"
    for size, code in ((23, "bad_request"), (24, "not_found")):  # of a part of a file
        ws.send(masked_frame(b"\x00" * size, b"abcd", BINARY))
        assert ws.get()["error"]["code"] == code
    proto.send(struct.pack("!I", 3) + b"\x0a\xff\xff")
    assert proto.get(pb.MT_ERROR).error.status_code == pb.SC_BAD_REQUEST
    lying = pb.EchoMsg(type=pb.MT_CHAT_MSG)
    lying.login_request.username = "x"
    proto.say(lying)
    assert proto.get(pb.MT_ERROR).error.status_code == pb.SC_BAD_REQUEST
    _others_are_fine(server)


def test_a_member_that_never_reads_is_closed_and_the_others_hear_everything() -> None:
    with serving("--limits", "off", HUBBUB_LIMITS_MAX_BACKLOG="200000") as server:
        deaf, reader, sender = server.json("Deaf"), server.ndjson("Reader"), server.text("Sender")
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        count = 400
        for number in range(count):
            sender.say(f"{number:06}" + "x" * 30_000)
            if number % 20 == 19:  # at the reader's pace, so that only the deaf one is slow
                for back in range(20):
                    text = reader.get("message/new")["payload"]["text"]
                    assert int(text[:6]) == number - 19 + back
        assert reader.ask("presence/list")["payload"]["users"][0]["username"] == "Reader", "Deaf is gone"
        server.stop()
        slow = [line for line in server.log.splitlines() if '"slow"' in line]
        assert len(slow) == 1
        assert '"Deaf"' in slow[0]


def test_input_that_waits_is_bounded_for_all_together() -> None:
    """Each is within its own limits, and all of them together are not."""
    with serving(HUBBUB_LIMITS_MAX_INPUT="200000") as server:
        holders = [server.json(f"Holder{number}") for number in range(4)]
        for holder in holders[:3]:
            holder.send(struct.pack("!I", 100_000) + b"{" + b" " * 60_000)
            _others_are_fine(server)
        holders[3].send(struct.pack("!I", 100_000) + b"{" + b" " * 60_000)
        error = holders[3].get("Error")
        assert (error["code"], error["limit"]) == ("rate_limited", "limits.max_input")
        assert error["retry_after"] == 5.0
        assert holders[3].at_end()
        _others_are_fine(server)
        ws = server.websocket("Wanda")
        ws.send(masked_frame(b" " * 100_000, b"abcd")[:60_000])
        message = ws.get()
        while message["type"] == "notification":
            message = ws.get()
        assert message["error"]["limit"] == "limits.max_input"
        frame = ws.frame()
        assert (frame.kind, frame.code) == (CLOSE, 1013)


def test_rates_are_back_pressure_and_lose_nothing() -> None:
    with serving(HUBBUB_LIMITS_MESSAGE_RATE="200", HUBBUB_LIMITS_MESSAGE_BURST="50") as server:
        js = server.json("Jay")
        for number in range(250):
            js.say("Broadcast", content=str(number), id=f"m{number}")
        offsets = [js.get("Ack")["offset"] for _ in range(250)]
        assert offsets == list(range(1, 251))


def test_beyond_the_burst_one_waits_and_nobody_else_does() -> None:
    with serving(HUBBUB_LIMITS_MESSAGE_RATE="0.001", HUBBUB_LIMITS_MESSAGE_BURST="20") as server:
        js, witness = server.json("Jay"), server.ndjson("Nora")
        for number in range(30):
            js.say("Broadcast", content=str(number), id=f"m{number}")
        heard = [witness.get("message/new")["payload"]["text"] for _ in range(19)]
        assert heard == [str(number) for number in range(19)], "the login was the first of the twenty"
        # What Jay is owed later would stand before this in the room.
        assert witness.ask("message/send", text="and I?")["payload"]["offset"] == 20
        kay = server.json("Kay")
        kay.say("Broadcast", content="first", id="k1")
        kay.say("Unread", id="k2")  # which counts as all that is left
        kay.say("Broadcast", content="later", id="k3")
        assert kay.get("UnreadList")["id"] == "k2"
        assert witness.ask("message/send", "q2", text="and now?")["payload"]["offset"] == 22


def test_far_beyond_the_rate_the_rest_is_refused() -> None:
    with serving(
        HUBBUB_LIMITS_MESSAGE_RATE="10", HUBBUB_LIMITS_MESSAGE_BURST="10", HUBBUB_LIMITS_MAX_QUEUED="20"
    ) as server:
        nd = server.ndjson("Nora")
        nd.send(b"".join(b'{"command":"heartbeat","id":"%d"}\n' % number for number in range(3000)))
        statuses = [nd.get()["status"] for _ in range(60)]
        assert 429 in statuses
        assert 200 in statuses


def test_connections_of_one_address_are_bounded() -> None:
    with serving(HUBBUB_LIMITS_MAX_CONNECTIONS="5") as server:
        kept = [server.ndjson(f"N{number}") for number in range(5)]
        surplus = server._met(Client(server.port))
        head, _, body = surplus.sock.makefile("rb").read().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 10\r\n" in head + b"\r\n"
        assert json.loads(body) == {
            "code": "rate_limited",
            "message": "This server takes no more connections now. Try again later.",
            "limit": "limits.max_connections",
            "retry_after": 10.0,
        }
        kept[0].close()
        until(lambda: _can_log_in(server))
    # Behind a proxy all come from loopback, and count.
    with serving(HUBBUB_LIMITS_MAX_PER_ADDRESS="3", HUBBUB_WEB_TRUSTED_PROXIES="127.0.0.1") as server:
        for _ in range(3):
            server._met(Client(server.port))
        surplus = server._met(Client(server.port))
        assert b'"limit":"limits.max_per_address"' in surplus.sock.makefile("rb").read()


def _can_log_in(server: Server) -> bool:
    newcomer = server.ndjson()
    try:
        return bool(newcomer.ask("auth/login", username="Newcomer")["status"] == 200)
    except (EOFError, OSError, ValueError):  # closed, with or without a word
        return False


def test_guests_and_the_open_gateway_end_behind_a_proxy() -> None:
    with serving(HUBBUB_WEB_PUBLIC_HOSTS="chat.example.org") as server:
        ws = server.websocket()
        assert ws.ask("login", username="Wanda")["error"]["code"] == "forbidden"
        assert ws.ask("broadcast", a=1)["error"]["code"] == "unauthenticated"
        assert ws.ask("echo", a=1)["data"] == {"a": 1}
        text = server.text()
        text.say("Tess")
        assert text.line().startswith("[Server] Guests are not let in here.")
        assert text.at_end()


def test_ten_thousand_that_say_nothing() -> None:
    """They wait with the doorman, cost no handler, and are closed in time; the others talk on."""
    count = 10_000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 100:
        pytest.skip(f"needs {count + 100} file descriptors, and the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with serving(HUBBUB_TIMERS_FIRST_BYTES="60") as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
        try:
            alice, bob = server.text("Alice"), server.text("Bob")
            bob.say("hello")
            assert alice.lines(2) == ["[Server] Bob has joined.", "Bob: hello"]
        finally:
            for one in silent:
                one.close()
        _others_are_fine(server)


def test_stopping_says_goodbye_and_ends_well() -> None:
    with serving() as server:
        text, js, nd = server.text("Tess"), server.json("Jay"), server.ndjson("Nora")
        ws, proto = server.websocket("Wanda"), server.protobuf("Pia")
        text.settle()
        js.say("Broadcast", content="last words", id="l")
        assert js.get("Ack")
        server.process.terminate()
        away = js.get("GoingAway")
        assert away["reason"] == "drain"
        assert 1.0 <= away["retry_after"] <= 4.0
        assert js.at_end()
        assert nd.get("server/going_away")["payload"]["reason"] == "drain"
        assert ws.get("going_away")["data"]["reason"] == "drain"
        frame = ws.frame()
        assert (frame.kind, frame.code) == (CLOSE, 1012)
        assert proto.get(pb.MT_GOING_AWAY).going_away.reason == "drain"
        lines = []
        while (line := text.line()) and not line.startswith("[Server] Going down"):
            lines.append(line)
        assert "Jay: last words" in lines


def test_what_is_acknowledged_when_the_server_stops_was_heard(server: Server) -> None:
    js, witness = server.json("Jay"), server.ndjson("Nora")
    for number in range(500):
        js.say("Broadcast", content=str(number), id=f"m{number}")
    server.process.terminate()
    acked = []
    while (message := js.get())["type"] != "GoingAway":
        if message["type"] == "Ack":
            acked.append((message["id"], message["offset"]))
        else:
            assert message["type"] in ("NewMessage", "UserJoined")
    assert js.at_end()
    heard = []
    while (push := witness.get())["command"] != "server/going_away":
        if push["command"] == "message/new":
            heard.append((push["payload"]["message_id"], push["payload"]["offset"]))
    assert server.process.wait(10) == 0
    assert acked == [(f"m{number}", number + 1) for number in range(len(acked))]
    assert heard == acked


def test_a_peer_that_does_not_close_does_not_hold_up_the_stop() -> None:
    with serving(HUBBUB_SERVER_DRAIN_SECONDS="0.5") as server:
        server.text("Tess")
        server.json("Jay")
        server.process.terminate()
        assert server.process.wait(10) == 0


def test_an_answer_larger_than_the_backlog_arrives_whole() -> None:
    """Who asked for it is not slow: what one is sent unasked is what is bounded."""
    with serving(HUBBUB_LIMITS_MAX_BACKLOG="100000") as server:
        ws, js = server.websocket("Wanda"), server.json("Jay")
        blob = "x" * 12_000_000
        ws.say("echo", id="big", blob=blob)
        js.say("Broadcast", content="meanwhile", id="m")
        assert js.get("Ack")
        answer = ws.get()
        while answer["id"] != "big":
            answer = ws.get()
        assert answer["data"] == {"blob": blob}
        assert ws.get("message")["data"]["content"] == "meanwhile"


def test_who_does_not_read_its_answers_is_not_read_either() -> None:
    """So requests pile up at the sender, and cost the server nothing."""
    with serving("--limits", "off") as server:
        ws = server.websocket("Wanda")
        before = _resident(server.process.pid)
        request = masked_frame(
            b'{"id":"e","type":"request","action":"echo","payload":"%s"}' % (b"x" * 60_000), b"abcd"
        )
        ws.sock.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200_000_000:
                sent += ws.sock.send(request[sent % len(request) :])
        assert sent < 100_000_000, "the window closed"
        assert _resident(server.process.pid) - before < 40_000_000
        ws.sock.settimeout(10)
        for _ in range(sent // len(request)):
            assert len(ws.get()["data"]) == 60_000


def _resident(pid: int) -> int:
    """Bytes of memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_peer_that_stopped_reading_for_good_is_closed() -> None:
    with serving(HUBBUB_TIMERS_PING="0.5", HUBBUB_TIMERS_IDLE="1.0") as server:
        ws, witness = server.websocket("Wanda"), server.text("Tess")
        witness.settle()
        ws.say("echo", blob="x" * 15_000_000)  # more than the kernel takes for somebody who does not read
        assert witness.line() == "[Server] Wanda has left."


def test_long_answers_that_nobody_reads_are_bounded_for_all_together() -> None:
    with serving("--limits", "off", HUBBUB_LIMITS_MAX_OUTPUT="2500000") as server:
        sender = server.json("Sender")
        for number in range(60):
            sender.say("Broadcast", content="x" * 60_000, id=str(number))
            assert sender.get("Ack")
        deaf = [server.json(f"Deaf{number}") for number in range(20)]
        for one in deaf:
            one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for number in range(12):
                one.say("History", id=f"h{number}", limit=500)
        reader = server.ndjson("Reader")

        def refused() -> bool:
            answer = reader.ask("message/history", limit=500)
            return bool(answer.get("error", {}).get("limit") == "limits.max_output")

        until(refused)
        for one in deaf:
            one.close()
        until(lambda: not refused())
