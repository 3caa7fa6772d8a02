"""docs/protocol.md stays true: its examples go through the codecs, and no verb is missing from it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf import text_format
from msgspec.structs import replace

from hubbub.core.answers import History, MessageView, SearchResult
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.core.file_commands import SendChunk
from hubbub.net.framing.frames import BINARY, TEXT, Frame
from hubbub.net.framing.length_prefix import LengthPrefix, block
from hubbub.wire import json_actions, ndjson_commands, text_commands, websocket_json
from hubbub.wire import length_json as length_tables
from hubbub.wire import message_pb2 as pb
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.length_json import length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.protobuf import protobuf
from hubbub.wire.protobuf_tables import CODES
from hubbub.wire.text import text

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
CODECS: dict[str, Codec] = {
    "text": text,
    "length": length_json,
    "ndjson": ndjson,
    "websocket": websocket_json.websocket_json,
    "protobuf": protobuf,
}
FENCED = re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NOTIFICATION = re.compile(rb'^\{"id":"[0-9a-f-]{36}","type":"notification"')


def blocks(dialect: str) -> list[str]:
    return [body for name, body in FENCED if name == dialect]


def lines(body: str) -> Iterator[tuple[str, bytes]]:
    """Arrow and payload of each line."""
    for line in body.splitlines():
        arrow, payload = line[:2], line[2:]
        assert arrow in ("→ ", "← "), line
        yield arrow, payload.encode()


def frames(body: str) -> Iterator[tuple[str, bytes]]:
    """The same of Protobuf, where a line of bytes is followed by what is in it."""
    pairs = body.splitlines()
    for shown, content in zip(pairs[::2], pairs[1::2], strict=True):
        [frame] = LengthPrefix(65_536).feed(bytes.fromhex(shown[2:]))
        assert text_format.Parse(content, pb.EchoMsg()) == pb.EchoMsg.FromString(frame.payload), content
        yield shown[:2], frame.payload


def anonymous(payload: bytes) -> bytes:
    """A notification without its own id, which counts up."""
    return NOTIFICATION.sub(b'{"id":"","type":"notification"', payload)


def members(request: bytes) -> dict[str, Any]:
    """A request as an object, without what it may as well leave out, and without a label."""
    told: dict[str, Any] = msgspec.json.decode(request)
    if "target_id" in told.get("payload", {}):
        told["payload"].pop("conversation_id", None)
        told["payload"]["target_id"] = told["payload"]["target_id"].removeprefix("@")
    return {name: value for name, value in told.items() if value not in (None, {})}


def whole(page: list[bytes]) -> History | SearchResult:
    """The answer that was told in these lines."""
    answers = [told.answer for line in page if isinstance(told := text.decode_message(line), Reply)]
    pieces = [answer for answer in answers if isinstance(answer, History | SearchResult)]
    messages: list[MessageView] = []
    for view in chain.from_iterable(piece.messages for piece in pieces):
        if messages and messages[-1].offset == view.offset and view.sender:
            content = f"{messages[-1].content}\n{view.content}"
            view = replace(messages.pop(), content=content)
        elif not view.sender:
            view = replace(messages.pop(), reactions=view.reactions)
        messages.append(view)
    return replace(pieces[0], messages=messages, more=any(piece.more for piece in pieces))


class Conversation:
    """One example: requests are decoded, and what the server says is read and written anew."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.requests: list[Request] = []
        self.due = b""
        """What the codec itself answered to the last request, and the example must show next."""
        self.page: list[bytes] = []
        """Lines of a history or a search in text: together they are one answer."""

    def client_says(self, payload: bytes) -> None:
        self.settle()
        kind = BINARY if self.codec is protobuf else TEXT
        request = self.codec.decode(Frame(kind, payload), named=bool(self.requests))
        if isinstance(request, Request):
            self.requests.append(request)
            if isinstance(request.command, Refusal):
                self.due = self.codec.encode_answer(request, request.command)
            elif self.codec not in (protobuf, text):
                spoken = self.codec.encode_command(request.command, request.id)
                assert members(payload) == members(spoken)
        else:
            assert request is not None
            self.due = request

    def server_says(self, payload: bytes) -> None:
        if self.due:
            assert payload == self.due
            self.due = b""
            return
        told = self.read(payload)
        if isinstance(told, Reply) and self.codec is text and isinstance(told.answer, History | SearchResult):
            self.page.append(payload)
            return
        self.settle()
        if isinstance(told, Reply):
            asked = [request for request in self.requests if told.id in (None, request.id)]
            assert self.codec.encode_answer(asked[-1], told.answer) == payload
        else:
            own = payload.startswith(b"[Private to")
            assert anonymous(self.codec.encode_event(told, own)) == anonymous(payload)

    def settle(self) -> None:
        """Nothing is left of what was said before."""
        assert not self.due
        if self.page:
            assert text.encode_answer(self.requests[-1], whole(self.page)) == b"\n".join(self.page)
            self.page = []

    def read(self, payload: bytes) -> Event | Reply:
        if self.codec is CODECS["websocket"]:
            actions = {request.id: request.verb for request in self.requests if request.id is not None}
            return websocket_json.websocket_json.decode_message(payload, actions)
        return self.codec.decode_message(payload)


EXAMPLES = [
    pytest.param(dialect, body, id=f"{dialect}-{number}")
    for dialect in CODECS
    for number, body in enumerate(blocks(dialect))
]


@pytest.mark.parametrize(("dialect", "body"), EXAMPLES)
def test_an_example_is_what_is_sent(dialect: str, body: str) -> None:
    conversation = Conversation(CODECS[dialect])
    said = list(frames(body) if dialect == "protobuf" else lines(body))
    assert said
    for arrow, payload in said:
        if arrow == "→ ":
            conversation.client_says(payload)
        else:
            conversation.server_says(payload)
    conversation.settle()


def test_every_dialect_has_examples() -> None:
    others = {"relay", "length-bytes", "websocket-bytes", "client", "signed", "signature"}
    assert {name for name, _ in FENCED} == {*CODECS, *others}
    assert all(len(blocks(dialect)) >= 2 for dialect in CODECS)


def test_the_frame_that_is_shown_in_bytes_is_that_of_the_first_example() -> None:
    [body] = blocks("length-bytes")
    _, first = next(lines(blocks("length")[0]))
    assert bytes.fromhex(body[2:]) == block(first)


def test_the_binary_message_that_is_shown_is_a_part_of_the_file_of_the_examples() -> None:
    [body] = blocks("websocket-bytes")
    request = websocket_json.websocket_json.decode(Frame(BINARY, bytes.fromhex(body[2:])), named=True)
    assert isinstance(request, Request)
    assert isinstance(request.command, SendChunk)
    assert (request.command.offset, len(request.command.data)) == (65_536, 4)
    assert f'"offer":"{request.command.offer}"' in "".join(blocks("websocket"))


def test_the_relay_gives_back_what_came() -> None:
    [body] = blocks("relay")
    [(_, sent), (_, received)] = lines(body)
    assert sent == received


def test_the_client_of_the_page_works() -> None:
    [body] = blocks("client")
    functions: dict[str, Any] = {}
    exec(compile(body, "docs/protocol.md", "exec"), functions)
    send: Callable[[socket.socket, object], None] = functions["send"]
    receive: Callable[[socket.socket], object] = functions["receive"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        theirs.settimeout(10)
        send(theirs, {"type": "Login", "username": "Älice"})
        [frame] = LengthPrefix(65_536).feed(ours.recv(65_536))
        request = length_json.decode(frame, named=False)
        assert isinstance(request, Request)
        assert request.verb == "Login"
        ours.sendall(block(b'{"type":"Pong"}'))
        assert receive(theirs) == {"type": "Pong"}


def test_no_verb_is_missing() -> None:
    verbs = {
        *text_commands.COMMANDS,
        *length_tables.TYPES,
        *ndjson_commands.COMMANDS,
        *json_actions.ACTIONS,
        *pb.MsgType.keys(),
    } - {"/quit", "MT_UNSPECIFIED"}  # told elsewhere; none
    assert {verb for verb in verbs if f"`{verb}`" not in PAGE} == set()


def test_no_event_is_missing() -> None:
    shown = "".join(body for name, body in FENCED if name in ("length", "ndjson", "websocket"))
    events = {
        *(f'{{"type":"{name}"' for name in length_tables.EVENTS),
        *(f'{{"command":"{name}","payload"' for name in ndjson_commands.EVENTS),
        *(f'"event":"{name}"' for name in websocket_json.EVENTS),
    }
    assert {event for event in events if event not in shown} == set()


def test_every_code_is_in_the_table() -> None:
    for code in Code:
        assert f"| `{code}` | {code.status} | `{pb.StatusCode.Name(CODES[code])}` |" in PAGE
