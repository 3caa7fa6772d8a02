"""Signed requests of the NDJSON dialect, by a client that shares no code with the server."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from hubbub.core import commands
from hubbub.core.errors import Code
from hubbub.net.framing.frames import TEXT, Frame
from hubbub.server.signing import Signing, signing_fault, with_key
from hubbub.wire.codec import Reply, Request, Signature
from hubbub.wire.ndjson import ndjson
from serving import NdjsonClient, Server


def signature(key: str, request: dict[str, Any]) -> str:
    """Python's JSON is the canonical form already where there are no floats and no names beyond the BMP."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(bytes.fromhex(key), canonical.encode(), hashlib.sha256).hexdigest()


class Signer:
    """A client that is logged in with a key."""

    def __init__(self, server: Server, name: str = "Alice") -> None:
        self.client: NdjsonClient = server.ndjson()
        self.welcome = self.client.ask("auth/login", username=name, hmac=True)["payload"]
        self.key: str = self.welcome["hmac_key"]

    def request(self, command: str, seq: object, /, **payload: object) -> dict[str, Any]:
        made = {"command": command, "id": f"s{seq}", "headers": {"seq": seq}, "payload": payload}
        return {**made, "hmac": signature(self.key, made)}

    def send(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request as it is."""
        self.client.send(json.dumps(request).encode() + b"\n")
        while True:
            answer = self.client.get()
            if "status" in answer:
                return answer

    def ask(self, command: str, seq: object, /, **payload: object) -> dict[str, Any]:
        return self.send(self.request(command, seq, **payload))


def faults(answer: dict[str, Any]) -> tuple[int, str, str]:
    return answer["status"], answer["error"]["code"], answer["error"]["field"]


def test_who_asked_for_a_key_signs_from_then_on(server: Server) -> None:
    alice, hears = Signer(server), server.ndjson("Bob")
    assert len(bytes.fromhex(alice.key)) == 32
    assert alice.ask("message/send", 1, text="signed: “ü”")["status"] == 200
    assert hears.get("message/new")["payload"]["text"] == "signed: “ü”"
    assert alice.ask("presence/list", 10)["status"] == 200, "numbers rise, and may leave some out"
    assert alice.ask("presence/list", 11)["status"] == 200
    assert Signer(server, "Carol").key != alice.key


def test_what_is_not_signed_well_has_no_effect(server: Server) -> None:
    alice, hears = Signer(server), server.ndjson("Bob")
    first = alice.request("message/send", 5, text="first")
    assert alice.send(first)["status"] == 200
    assert hears.get("message/new")["payload"]["text"] == "first"

    again = {**first, "id": "t"}  # signed under another id
    assert faults(alice.send(again)) == (401, "bad_credentials", "hmac")
    assert faults(alice.send(first)) == (401, "bad_credentials", "seq"), "replayed"
    assert faults(alice.ask("message/send", 4, text="x")) == (401, "bad_credentials", "seq"), "late"

    changed = alice.request("message/send", 6, text="hers")
    changed["payload"]["text"] = "forged"
    assert faults(alice.send(changed)) == (401, "bad_credentials", "hmac")
    renumbered = alice.request("message/send", 6, text="hers")
    renumbered["headers"]["seq"] = 7
    assert faults(alice.send(renumbered)) == (401, "bad_credentials", "hmac")

    bare = alice.request("message/send", 6, text="hers")
    del bare["hmac"]
    assert faults(alice.send(bare)) == (401, "unauthenticated", "hmac")
    assert faults(alice.send({**bare, "hmac": None})) == (401, "unauthenticated", "hmac")
    assert faults(alice.send({**bare, "hmac": "é"})) == (401, "bad_credentials", "hmac")
    assert faults(alice.ask("message/send", None, text="x")) == (401, "unauthenticated", "seq")
    huge = alice.request("presence/typing", 6, n=2**60)
    assert faults(alice.send(huge)) == (400, "bad_request", "hmac")

    assert hears.hears_nothing()
    assert alice.ask("message/send", 6, text="hers")["status"] == 200, "6 was not used up"
    assert hears.get("message/new")["payload"]["text"] == "hers"


def test_the_order_and_spacing_of_a_signed_request_do_not_matter(server: Server) -> None:
    alice = Signer(server)
    request = alice.request("presence/list", 1)
    request["hmac"] = request["hmac"].upper()
    turned = dict(reversed(request.items()))
    alice.client.send(b" " + json.dumps(turned).encode().replace(b":", b" : ") + b"\r\n")
    assert alice.client.get()["status"] == 200


def test_where_there_is_no_key_nothing_can_be_signed(server: Server) -> None:
    alice = server.ndjson("Alice")
    request = {"command": "presence/list", "id": "s", "headers": {"seq": 1}, "hmac": "00"}
    alice.send(json.dumps(request).encode() + b"\n")
    assert faults(alice.get()) == (401, "bad_credentials", "hmac")
    assert alice.ask("presence/list")["status"] == 200


def test_a_login_that_is_refused_brings_no_key(server: Server) -> None:
    server.text("Alice")
    other = server.ndjson()
    answer = other.ask("auth/login", username="Alice", hmac=True)
    assert (answer["status"], "payload" in answer) == (409, False)
    assert other.ask("auth/login", username="Bob")["status"] == 200
    assert other.ask("presence/list")["status"] == 200, "no key, so nothing is signed"


def test_logging_out_ends_it(server: Server) -> None:
    alice = Signer(server)
    assert alice.ask("auth/logout", 1)["status"] == 200
    assert alice.client.ask("auth/login", username="Alice")["status"] == 200
    assert alice.client.ask("presence/list")["status"] == 200


def test_a_token_in_the_headers_has_no_effect(server: Server) -> None:
    token = server.ndjson("Alice").welcome["token"]
    other = server.ndjson()
    request = {"command": "presence/list", "id": "s", "headers": {"token": token}}
    other.send(json.dumps(request).encode() + b"\n")
    assert other.get()["error"]["code"] == "unauthenticated"


def test_the_example_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    [example] = re.findall(r"^```json signed\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [code] = re.findall(r"^```python signature\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    login, welcome, signed, accepted = (line[2:].encode() for line in example.splitlines())
    key = json.loads(welcome)["payload"]["hmac_key"]

    asks = ndjson.decode(Frame(TEXT, login), named=False)
    assert isinstance(asks, Request)
    request, signing = with_key(asks, lambda size: bytes.fromhex(key)[:size])
    told = ndjson.decode_message(welcome)
    assert isinstance(told, Reply)
    assert ndjson.encode_answer(request, told.answer) == welcome

    sends = ndjson.decode(Frame(TEXT, signed), named=True)
    assert isinstance(sends, Request)
    assert signing_fault(signing, sends, private=True) is None
    told = ndjson.decode_message(accepted)
    assert isinstance(told, Reply)
    assert ndjson.encode_answer(sends, told.answer) == accepted

    functions: dict[str, Any] = {}
    exec(compile(code, "docs/protocol.md", "exec"), functions)
    unsigned = json.loads(signed)
    assert functions["signature"](key, {**unsigned}) != unsigned["hmac"]
    assert unsigned.pop("hmac") == functions["signature"](key, unsigned)


@pytest.mark.parametrize("private", [True, False])
def test_a_key_is_told_where_nobody_reads_along(private: bool) -> None:
    asks = Request(commands.Login("Alice"), signing_key="")
    fault = signing_fault(None, asks, private=private)
    assert (fault is None) == private
    if fault is not None:
        assert (fault.code, fault.field) == (Code.FORBIDDEN, "hmac")


def test_a_key_is_drawn_for_each_login() -> None:
    drawn = [bytes([number]) * 32 for number in (1, 2)]
    request, signing = with_key(Request(commands.Login("Alice"), signing_key=""), lambda _: drawn.pop())
    assert request.signing_key == "02" * 32
    other = Signing(b"\1" * 32)
    message = b'{"command":"heartbeat","headers":{"seq":1}}'
    mac = hmac.new(b"\2" * 32, message, hashlib.sha256).hexdigest()
    signed = Request(commands.Ping(), signature=Signature(mac, 1, message))
    assert signing_fault(other, signed, private=True) is not None
    assert signing_fault(signing, signed, private=True) is None
