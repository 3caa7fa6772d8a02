"""Resume and removal over real sockets: what the fan-out has in hand is neither lost nor doubled."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from serving import JsonClient, serving


def _frame(kind: str, **fields: object) -> bytes:
    body = json.dumps({"type": kind, **fields}).encode()
    return struct.pack("!I", len(body)) + body


def _register(client: JsonClient, name: str) -> dict[str, Any]:
    client.say("Register", username=name, password=f"password of {name}")
    return client.get("Welcome")


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("account", [True, False])
def test_who_drops_and_resumes_under_load_is_told_each_message_once(
    account: bool, durable: bool, tmp_path: Path
) -> None:
    chance = random.Random(1)
    with serving("--limits", "off", "--data", str(tmp_path) if durable else ":memory:") as server:
        speaker, first = server.json("Speaker"), server.json()
        if account:
            place = _register(first, "Rita")["rooms"][0]
            login = {"username": "Rita", "password": "password of Rita"}
        else:
            first.say("Login", username="Rita")
            welcome = first.get("Welcome")
            place, login = welcome["rooms"][0], {"token": welcome["token"]}
        stream, epoch, last = place["stream"], place["epoch"], place["offset"]
        first.close()
        heard: list[str] = []
        for turn in range(15):
            speaker.send(b"".join(_frame("Broadcast", content=f"{turn}.{one}") for one in range(40)))
            client = server.json()
            positions = {stream: {"epoch": epoch, "offset": last}}
            client.send(_frame("Login", **login) + _frame("Resume", positions=positions))
            speaker.send(b"".join(_frame("Broadcast", content=f"{turn}.{one}") for one in range(40, 60)))
            wanted, resumed = chance.randrange(60), False
            while not resumed or wanted > 0:
                if resumed and last == 60 * (turn + 1):
                    break
                message = client.get()
                resumed = resumed or message["type"] == "Resumed"
                assert message["type"] not in ("Gap", "Error"), message
                if message["type"] == "NewMessage":
                    assert message["offset"] == last + 1
                    last = message["offset"]
                    heard.append(message["content"])
                    wanted -= 1
            client.close()
        assert heard == [f"{turn}.{one}" for turn in range(15) for one in range(60)][: len(heard)]
        assert last > 14 * 40


def test_who_is_taken_out_has_heard_all_that_was_said_before() -> None:
    with serving("--limits", "off") as server:
        owner, bob = server.json(), server.json()
        _register(owner, "Olga")
        _register(bob, "Bob")
        owner.say("Create", room="den")
        owner.get("Joined")
        bob.say("Join", room="den")
        bob.get("Joined")
        said = [_frame("Broadcast", content=f"{one}", room="den") for one in range(20)]
        owner.send(
            b"".join(said)
            + _frame("Role", user="Bob", role="none", room="den")
            + _frame("Broadcast", content="behind his back", room="den")
            + _frame("Broadcast", content="end", room="lobby")
        )
        heard: list[str] = []
        while not heard or heard[-1] != "end":
            message = bob.get()
            if message["type"] == "NewMessage":
                heard.append(message["content"])
            elif message["type"] == "RoleChanged":
                heard.append(message["role"])
        assert heard == [*(f"{one}" for one in range(20)), "none", "end"]
