"""The client of EchoMesh: the codec reads what it builds, and it reads what the codec writes."""

from __future__ import annotations

import runpy
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubbub.core import answers, commands, events
from hubbub.net.framing.frames import Frame
from hubbub.net.framing.length_prefix import LengthPrefix, block
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Request
from hubbub.wire.protobuf import protobuf

CLIENT = Path(__file__).parents[1] / "echomesh" / "client.py"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The client's functions; it wants its message_pb2 in a folder `proto`."""
    (tmp_path / "proto").mkdir()
    shutil.copy(str(pb.__file__), tmp_path / "proto" / "message_pb2.py")
    monkeypatch.syspath_prepend(tmp_path)
    return runpy.run_path(str(CLIENT), run_name="client")


def frames(packet: bytes) -> list[Frame]:
    return LengthPrefix(65_536).feed(packet)


def test_its_login_is_understood(client: dict[str, Any]) -> None:
    [frame] = frames(client["create_login_request"]("test_user", "password123"))
    command = commands.Login("test_user", "password123", or_guest=True)
    assert protobuf.decode(frame, named=False) == Request(command, None, "MT_LOGIN_REQUEST")


@pytest.mark.parametrize(
    ("action", "command"),
    [
        ("RA_CREATE", commands.CreateRoom("roomA")),
        ("RA_JOIN", commands.JoinRoom("roomA")),
        ("RA_LEAVE", commands.LeaveRoom("roomA")),
    ],
)
def test_its_room_actions_are_understood(
    client: dict[str, Any], action: str, command: commands.Command
) -> None:
    number = getattr(client["message_pb2"], action)
    [frame] = frames(client["create_room_action_request"](number, "roomA", 3))
    assert protobuf.decode(frame, named=True) == Request(command, None, action, claimed_user_id=3)


def test_its_chat_message_is_understood(client: dict[str, Any]) -> None:
    [frame] = frames(client["create_chat_message"](3, "roomA", "Hello everyone in roomA!"))
    command = commands.Publish("Hello everyone in roomA!", "roomA")
    assert protobuf.decode(frame, named=True) == Request(command, None, "MT_CHAT_MSG", claimed_user_id=3)


def test_it_reads_what_the_server_says(client: dict[str, Any]) -> None:
    receive: Callable[[socket.socket], pb.EchoMsg] = client["receive_message"]
    login = Request(commands.Login("test_user"), None, "MT_LOGIN_REQUEST")
    said = events.MessagePosted("test_user", 3, "roomA", "Hello", "m1", "r1", "e1", 1, "now")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(10)
        ours.sendall(block(protobuf.encode_answer(login, answers.LoggedIn("test_user", 3, "t", "hubbub"))))
        response = receive(theirs)
        assert response.type == client["message_pb2"].MT_LOGIN_RESPONSE
        assert response.login_response.status_code == 0
        assert response.login_response.user_id == 3
        assert response.login_response.message == "Welcome, test_user."
        ours.sendall(block(protobuf.encode_event(said)))
        message = receive(theirs)
        assert message.type == client["message_pb2"].MT_CHAT_MSG
        told = message.chat_msg
        assert (told.user_id, told.room_id, told.content) == (3, "roomA", "Hello")
