"""Requests in bad company: a begun line behind a goodbye, a cut frame, a refusal among what is in flight."""

from __future__ import annotations

import json
import struct
import time

import pytest

from hubbub.net.framing.frames import PING, PONG, Frame
from hubbub.net.framing.websocket import masked_frame
from serving import PATIENCE, Server, serving


def _block(kind: str, /, **fields: object) -> bytes:
    body = json.dumps({"type": kind, **fields}).encode()
    return struct.pack("!I", len(body)) + body


def test_a_line_begun_behind_a_goodbye_is_not_held_for_ever() -> None:
    with serving(HUBBUB_LIMITS_MAX_INPUT="200000") as server:
        for number in range(5):
            leaver = server.text()
            leaver.send(f"Leaver{number}\n/quit\n".encode() + b"x" * 60_000)
            assert leaver.line() == "[Server] Goodbye."
            assert leaver.at_end()
            leaver.close()
        newcomer = server.json("Newcomer")
        ping = _block("Ping")
        newcomer.send(ping + ping[:5])
        assert newcomer.get("Pong")
        newcomer.send(ping[5:])
        assert newcomer.get()["type"] == "Pong", "the input of those who left counts no more"


def test_a_frame_whose_end_we_do_not_read_is_not_late() -> None:
    rate = {"HUBBUB_LIMITS_MESSAGE_BURST": "10", "HUBBUB_LIMITS_MESSAGE_RATE": "20"}
    with serving(HUBBUB_TIMERS_FRAME="1", **rate) as server:
        sender = server.json("Sender")
        count = 60
        blocks = b"".join(_block("Broadcast", content="x", id=f"{n}") for n in range(count))
        sender.send(blocks[:-5])
        assert sender.get("Ack")["id"] == "0"
        sender.send(blocks[-5:])  # while those before it wait for the rate, for longer than a frame may take
        for number in range(1, count):
            assert sender.get("Ack")["id"] == str(number)


def test_a_message_gets_no_younger_by_control_frames_in_it() -> None:
    with serving(HUBBUB_TIMERS_FRAME="1") as server:
        holder = server.websocket("Holder")
        begun = bytearray(masked_frame(b'{"id":', b"mask"))
        begun[0] &= 0x7F  # the first of several fragments
        holder.send(bytes(begun))
        deadline = time.monotonic() + PATIENCE
        frame = Frame(PONG, b"")
        while frame.kind == PONG and time.monotonic() < deadline:
            holder.send(masked_frame(b"", b"mask", PING))
            frame = holder.frame()
            holder.silent(0.2)
        assert b'"reason":"idle"' in frame.payload


@pytest.mark.parametrize("named", [False, True])
def test_a_length_over_the_limit_names_the_limit(named: bool) -> None:
    with serving(HUBBUB_LIMITS_MAX_FRAME="100000") as server:
        peer = server.json("Named" if named else None)
        peer.send(struct.pack("!I", 200_000) + b"{")
        error = peer.get("Error")
        assert error["code"] == "too_large"
        assert error["limit"] == ("limits.max_frame" if named else "limits.max_frame_before_login")
        assert peer.at_end()


def _answers(server: Server, *blocks: bytes) -> list[tuple[str, str]]:
    peer = server.json("Peer")
    peer.send(b"".join(blocks))
    answers: list[tuple[str, str]] = []
    while len(answers) < len(blocks):
        message = peer.get()
        if message["type"] != "NewMessage":
            answers.append((message["type"], message["id"]))
    return answers


def test_a_refusal_comes_behind_what_was_asked_before() -> None:
    with serving() as server:
        assert _answers(
            server,
            _block("Broadcast", content="kept", id="1"),
            _block("Broadcast", content="refused", id="2", room="nowhere"),
            _block("Broadcast", content="kept", id="3"),
            _block("Whisper", to="Nobody", content="refused", id="4"),
            _block("Ping", id="5"),
        ) == [("Ack", "1"), ("Error", "2"), ("Ack", "3"), ("Error", "4"), ("Pong", "5")]


def test_the_first_answer_again_comes_behind_what_was_asked_before() -> None:
    with serving() as server:
        first = server.json("First")
        first.say("Broadcast", content="once", id="a")
        assert first.get("Ack")["offset"] == 1
        retry = _block("Broadcast", content="retry", id="a")
        first.send(_block("Broadcast", content="new", id="b") + retry)
        acks = first.get("Ack"), first.get("Ack")
        assert [(ack["id"], ack["offset"]) for ack in acks] == [("b", 2), ("a", 1)]


def test_a_retry_gets_the_first_answer_whatever_its_content() -> None:
    with serving() as server:
        peer = server.json("Peer")
        server.json("Friend")
        for kind, to in (("Broadcast", {}), ("Whisper", {"to": "Friend"})):
            peer.say(kind, content="first", id="a", **to)
            first = peer.get("Ack")
            for content in ("", "x" * 65_537):
                peer.say(kind, content=content, id="a", **to)
                assert peer.get("Ack") == first
                peer.say(kind, content=content, id="new", **to)
                assert peer.get("Error")["field"] == "content", "which only a retry is spared"


def test_a_login_that_fails_leaves_the_former_session_alone() -> None:
    with serving() as server:
        server.json("Bob")
        alice = server.json("Alice")
        thief = server.json()
        thief.say("Login", token=alice.welcome["token"], username="Bob")
        assert thief.get()["code"] == "name_taken"
        alice.say("Ping")
        assert alice.get("Pong")
        successor = server.json()
        successor.say("Login", token=alice.welcome["token"], username="ALICE")
        assert successor.get("Welcome")["user_id"] == alice.welcome["user_id"]
        assert alice.get("GoingAway")["reason"] == "replaced"


def test_a_refused_message_names_the_field_that_its_sender_wrote() -> None:
    with serving() as server:
        peer = server.ndjson("Peer")
        for field, payload in (
            ("text", {"text": ""}),
            ("target_id", {"text": "x", "target_id": "@nobody"}),
            ("target_id", {"text": "x", "target_id": "#nowhere"}),
            ("target_id", {"text": "x", "target_id": "nobody"}),
            ("conversation_id", {"text": "x", "conversation_id": "nowhere"}),
        ):
            assert peer.ask("message/send", **payload)["error"]["field"] == field
        assert peer.ask("room/leave", room="nowhere")["error"]["field"] == "room"
