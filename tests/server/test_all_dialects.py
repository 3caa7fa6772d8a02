"""Everybody in one room: each dialect at once, by real sockets, on one port."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hubbub.wire import message_pb2 as pb
from serving import Server, serving, until


def test_each_hears_all_the_others_in_one_order(server: Server) -> None:
    text, ws = server.text("Tess"), server.websocket("Wanda")
    js, nd, proto = server.json("Jay"), server.ndjson("Nora"), server.protobuf("Pia")
    text.say("from text")
    ws.say("publish", content="from ws", room="lobby")
    js.say("Broadcast", content="from json")
    nd.say("message/send", id="1", text="from ndjson")
    chat = pb.EchoMsg(type=pb.MT_CHAT_MSG)
    chat.chat_msg.content = "from protobuf"
    proto.say(chat)

    def pairs(of: list[tuple[str, str, int]]) -> list[tuple[str, str]]:
        assert [offset for _, _, offset in of] == list(range(1, 6)), "dense, from 1, in order"
        return [(name, content) for name, content, _ in of]

    heard_ws = pairs(
        [
            (m["data"]["from"], m["data"]["content"], m["data"]["offset"])
            for m in (ws.get("message") for _ in range(5))
        ]
    )
    heard_js = pairs(
        [(m["from"], m["content"], m["offset"]) for m in (js.get("NewMessage") for _ in range(5))]
    )
    heard_nd = pairs(
        [
            (m["payload"]["from"], m["payload"]["text"], m["payload"]["offset"])
            for m in (nd.get("message/new") for _ in range(5))
        ]
    )
    heard_pb = pairs(
        [
            (m.chat_msg.username, m.chat_msg.content, m.chat_msg.position.offset)
            for m in (proto.get(pb.MT_CHAT_MSG) for _ in range(5))
        ]
    )
    expected = {
        ("Tess", "from text"),
        ("Wanda", "from ws"),
        ("Jay", "from json"),
        ("Nora", "from ndjson"),
        ("Pia", "from protobuf"),
    }
    assert set(heard_ws) == expected
    assert heard_ws == heard_js == heard_nd == heard_pb
    text.settle()
    lines = [line for line in text.passed if not line.startswith("[Server]")]
    assert lines == [f"{name}: {content}" for name, content in heard_ws if name != "Tess"]


def test_whispers_cross_dialects_and_reach_both(server: Server) -> None:
    text, ws, js, nd = (
        server.text("Tess"),
        server.websocket("Wanda"),
        server.json("Jay"),
        server.ndjson("Nora"),
    )
    text.say("/w Wanda one")
    assert ws.get("private")["data"]["content"] == "one"
    js.say("Whisper", to="Tess", content="two")
    private = js.get("PrivateMessage")
    assert (private["from"], private["to"], private["content"]) == ("Jay", "Tess", "two")
    answer = nd.ask("message/send", conversation_id="label 7", target_id="Jay", text="three")
    assert answer["status"] == 200
    assert answer["payload"]["conversation_id"] == "label 7"
    assert js.get("PrivateMessage")["content"] == "three"
    assert nd.get("message/private")["payload"]["text"] == "three"
    text.settle()
    assert "[Private to Wanda] one" in text.passed
    assert "[Private from Jay] two" in text.passed
    assert not any("three" in line for line in text.passed)


def test_what_is_for_a_person_reaches_nobody_else_of_that_name(server: Server) -> None:
    ws, js, nd, proto = (
        server.websocket("Wanda"),
        server.json("Jay"),
        server.ndjson("Nora"),
        server.protobuf("Pia"),
    )
    gus = server.json("Gus")
    meant = gus.welcome["user_id"]
    assert "error" not in ws.ask("whisper", to="Gus", content="hello", to_id=meant)
    assert gus.get("PrivateMessage")["content"] == "hello"
    gus.say("Logout", id="bye")
    gus.get("LoggedOut")
    gus.close()
    stranger = server.websocket("Gus")
    for action, payload in (("whisper", {"content": "PIN"}), ("file_offer", {"filename": "f", "size": 1})):
        error = ws.ask(action, action, to="Gus", to_id=meant, **payload)["error"]
        assert (error["code"], error["field"]) == ("not_found", "to_id")
    js.say("Whisper", to="Gus", content="PIN", to_id=meant, id="1")
    js.say("FileOffer", to="Gus", filename="f", size=1, to_id=meant, id="2")
    refused = [js.get("Error") for _ in range(2)]
    assert [(error["id"], error["code"], error["field"]) for error in refused] == [
        ("1", "not_found", "to_id"),
        ("2", "not_found", "to_id"),
    ]
    for target in ("Gus", "@Gus"):
        answer = nd.ask("message/send", target_id=target, text="PIN", to_id=meant)
        assert (answer["status"], answer["error"]["field"]) == (404, "to_id")
    answer = nd.ask("file/offer", to="Gus", filename="f", size=1, to_id=meant)
    assert (answer["status"], answer["error"]["field"]) == (404, "to_id")
    whisper = pb.EchoMsg(type=pb.MT_WHISPER, id="1", whisper=pb.Whisper(to="Gus", content="PIN", to_id=meant))
    proto.say(whisper)
    offer = pb.FileOffer(to="Gus", filename="f", size=1, to_id=meant)
    proto.say(pb.EchoMsg(type=pb.MT_FILE_OFFER, id="2", file_offer=offer))
    for _ in range(2):
        error = proto.get(pb.MT_ERROR).error
        assert (error.status_code, error.field) == (pb.SC_NOT_FOUND, "to_id")
    assert stranger.hears_nothing()
    own = ws.ask("whisper", "own", to="Gus", content="hello", to_id=stranger.login["user_id"])
    assert "error" not in own
    assert stranger.get("private")["data"]["content"] == "hello"


def test_the_answer_comes_before_the_event_and_both_carry_the_id(server: Server) -> None:
    js = server.json("Jay")
    js.say("Broadcast", content="hi", id="mine")
    first, second = js.get(), js.get()
    assert (first["type"], first["id"]) == ("Ack", "mine")
    assert (second["type"], second["id"]) == ("NewMessage", "mine")
    assert {key: first[key] for key in ("stream", "epoch", "offset", "at")} == {
        key: second[key] for key in ("stream", "epoch", "offset", "at")
    }


def test_a_retry_gets_the_first_answer_and_nobody_hears_it_twice(server: Server) -> None:
    ws, js = server.websocket("Wanda"), server.json("Jay")
    first = ws.ask("publish", id="same", content="once", room="lobby")
    again = ws.ask("publish", id="same", content="changed meanwhile", room="lobby")
    assert again == first
    js.say("Broadcast", content="after")
    assert js.get("NewMessage")["content"] == "once"
    assert js.get("NewMessage")["content"] == "after"


def test_a_retry_after_a_dropped_line_gets_the_first_answer(server: Server) -> None:
    first = server.json("Jay")
    first.say("Broadcast", content="once", id="m1")
    ack = first.get("Ack")
    first.close()
    second = server.json()
    second.say("Login", token=first.welcome["token"])
    welcome = second.get()
    assert (welcome["username"], welcome["user_id"]) == ("Jay", first.welcome["user_id"])
    second.say("Broadcast", content="once", id="m1")
    assert second.get("Ack") == ack


def test_a_retry_in_flight_gets_the_same_answer(server: Server) -> None:
    js = server.json("Jay")
    for _ in range(2):
        js.say("Broadcast", content="once", id="m1")
    assert js.get("Ack") == js.get("Ack")


def test_a_half_open_session_is_replaced_by_its_token(server: Server) -> None:
    old, new = server.json("Jay"), server.json()
    new.say("Login", token=old.welcome["token"])
    assert new.get()["user_id"] == old.welcome["user_id"]
    assert old.get("GoingAway")["reason"] == "replaced"
    assert old.at_end()


def test_a_token_of_nobody_is_refused(server: Server) -> None:
    js = server.ndjson("Nora")
    for token in ("", "x", "1.00", f"{js.welcome['user_id']:x}.{'0' * 36}", "é.é", "9" * 5000):
        other = server.websocket()
        answer = other.ask("login", token=token)
        assert answer["error"]["code"] == "bad_credentials"


def test_requests_are_carried_out_in_order_and_pipelined(server: Server) -> None:
    ws = server.websocket("Wanda")
    for number in range(50):
        ws.say("publish", id=f"p{number}", content=str(number), room="lobby")
        ws.say("ping", id=f"x{number}")
    ws.say("join", id="j", room="den")
    ws.say("publish", id="d", content="in den", room="den")
    ws.say("leave", id="l", room="den")
    answers, events = [], []
    while "l" not in answers:
        message = ws.get()
        if message["type"] == "response":
            answers.append(message["id"])
        elif message.get("event") == "message":
            events.append(message["data"]["content"])
    expected = [f"{letter}{number}" for number in range(50) for letter in "px"]
    assert answers == [*expected, "j", "d", "l"]
    assert events == [*map(str, range(50)), "in den"], "said before it left, so heard"


def test_what_one_sends_is_seen_in_that_order_across_rooms(server: Server) -> None:
    sender, reader = server.websocket("Sender"), server.websocket("Reader")
    for one in (sender, reader):
        for room in ("a1", "b1"):
            assert one.ask("join", room=room)["type"] == "response"
    for number in range(100):
        if number % 3 == 2:
            sender.say("whisper", id=f"{number}", to="Reader", content=str(number))
        else:
            sender.say("publish", id=f"{number}", room="ab"[number % 2] + "1", content=str(number))
    seen: list[int] = []
    while len(seen) < 100:
        message = reader.get()
        if message.get("event") in ("message", "private"):
            seen.append(int(message["data"]["content"]))
    assert seen == list(range(100))


def test_presence_and_typing(server: Server) -> None:
    js, nd = server.json("Jay"), server.ndjson("Nora")
    js.say("Presence", status="busy")
    changed = nd.get("presence/changed")["payload"]
    assert (changed["username"], changed["status"]) == ("Jay", "busy")
    js.say("Presence", status="offline")
    assert nd.get("presence/changed")["payload"]["status"] == "away", "offline is shown as away"
    assert nd.ask("presence/typing", room="lobby")["status"] == 200
    assert js.get("UserTyping")["username"] == "Nora"
    assert nd.hears_nothing(), "what one does oneself is not news"
    js.say("Presence", id="p", status="busy")
    assert js.get() == {"type": "Presence", "status": "busy", "id": "p"}


def test_who_may_do_what_in_a_room_is_told_in_every_dialect(server: Server) -> None:
    ws, text, nd = server.websocket(), server.text("Tess"), server.ndjson("Nora")
    js, proto = server.json("Jay"), server.protobuf("Pia")
    ws.ask("register", username="Wanda", password="correct horse")
    ws.ask("create", room="den")
    text.say("/join den")
    until(lambda: text.line() == "[Server] You are now in 'den' (2 members).")
    nd.ask("room/join", room="den")
    js.say("Join", room="den", id="j")
    assert js.get("Joined")["members"] == 4
    joining = pb.EchoMsg(type=pb.MT_ROOM_ACTION)
    joining.room_action.action_type, joining.room_action.room_id = pb.RA_JOIN, "den"
    proto.say(joining)
    proto.get(pb.MT_ROOM_ACTION_RESPONSE)
    names = ["Jay", "Nora", "Pia", "Tess", "Wanda"]
    told = {"Wanda": "owner"}
    users = ws.ask("members", room="den")["data"]["users"]
    assert {one["username"]: one["role"] for one in users if "role" in one} == told
    assert [one["username"] for one in users] == names
    users = nd.ask("room/members", room="den")["payload"]["users"]
    assert {one["username"]: one["role"] for one in users if "role" in one} == told
    js.say("Members", room="den", id="m")
    listed = js.get("Members")
    assert (listed["users"], listed["roles"]) == (names, told)
    wanted = pb.EchoMsg(type=pb.MT_MEMBER_LIST_REQUEST)
    wanted.member_list_request.room_id = "den"
    proto.say(wanted)
    shown = proto.get(pb.MT_MEMBER_LIST).member_list.users
    assert [one.role for one in shown] == [pb.RR_UNSPECIFIED] * 4 + [pb.RR_OWNER]
    text.say("/members")
    until(lambda: text.line() == "[Server] Members of 'den' (5): Jay, Nora, Pia, Tess, Wanda (owner)")


def test_a_large_room_tells_no_comings_and_goings_but_counts() -> None:
    with serving(HUBBUB_ROOMS_ANNOUNCE_UP_TO="2") as server:
        first = server.json("One")
        server.json("Two")
        assert first.get()["username"] == "Two"
        server.json("Three")
        first.say("Members", id="m")
        members = first.get()
        assert (members["type"], members["count"]) == ("Members", 3), "Three was not announced"


def test_the_gateway(server: Server) -> None:
    one, two = server.websocket(), server.websocket()
    three = server.websocket("Logged")
    assert one.ask("echo", a=[1, "x"])["data"] == {"a": [1, "x"]}
    assert one.ask("get_connections")["data"] == {"count": 3}
    one.say("broadcast", note="all")
    for each in (one, two, three):
        assert each.get("broadcast")["data"] == {"note": "all"}
    answer = one.ask("send_to", connection_ids=[two.welcome["connection_id"]], payload={"note": "two"})
    assert answer["type"] == "response"
    assert two.get("broadcast")["data"] == {"note": "two"}
    assert three.hears_nothing()
    assert one.ask("nonsense")["error"] == {"code": "unknown_action", "message": "unknown action"}
    two.close()


def test_the_gateway_has_a_rate(server: Server) -> None:
    one = server.websocket()
    answers: list[dict[str, Any]] = []
    for number in range(30):
        one.say("broadcast", id=str(number), n=number)
    while len(answers) < 30:
        message = one.get()
        if message["type"] != "notification":
            answers.append(message)
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert len(refused) >= 15
    assert {answer["error"]["code"] for answer in refused} == {"rate_limited"}
    assert refused[0]["error"]["limit"] == "gateway.rate"
    assert refused[0]["error"]["retry_after"] > 0


def test_not_built_yet_and_not_known(server: Server) -> None:
    js, nd = server.json("Jay"), server.ndjson("Nora")
    js.say("Nonsense", id="2")
    assert js.get("Error")["code"] == "unknown_action"
    assert nd.ask("message/nonsense")["status"] == 404
    chat = server.protobuf("Pia")
    chat.say(pb.EchoMsg(type=pb.MT_VOICE_ANNOUNCE, voice_announce=pb.VoiceAnnounce()))
    assert chat.get(pb.MT_ERROR).error.status_code == pb.SC_UNSUPPORTED


def test_nothing_without_a_login(server: Server) -> None:
    js, nd, ws = server.json(), server.ndjson(), server.websocket()
    js.say("Broadcast", content="hi")
    assert js.get()["code"] == "unauthenticated"
    assert nd.ask("presence/list")["status"] == 401
    assert ws.ask("publish", content="x", room="lobby")["error"]["code"] == "unauthenticated"


def test_a_name_that_is_refused_closes_json_only(server: Server) -> None:
    server.text("Alice")
    js, nd, ws = server.json(), server.ndjson(), server.websocket()
    js.say("Login", username="Alice")
    assert js.get() == {
        "type": "Error",
        "msg": "Username 'Alice' is already taken.",
        "code": "name_taken",
        "field": "username",
    }
    assert js.at_end()
    assert nd.ask("auth/login", username="alice")["status"] == 409
    assert nd.ask("auth/login", username="a b")["error"]["code"] == "name_invalid"
    assert nd.ask("auth/login", username="Nora")["status"] == 200
    assert ws.ask("login", username="Alice")["error"]["code"] == "name_taken"
    assert ws.ask("login", username="Wanda")["type"] == "response"


def test_a_user_id_that_is_not_ones_own_is_refused(server: Server) -> None:
    pia, other = server.protobuf("Pia"), server.protobuf("Otto")
    chat = pb.EchoMsg(type=pb.MT_CHAT_MSG, id="c1")
    chat.chat_msg.content = "forged"
    chat.chat_msg.user_id = other.user_id
    pia.say(chat)
    assert pia.get(pb.MT_ERROR).error.status_code == pb.SC_FORBIDDEN
    chat.chat_msg.user_id = pia.user_id
    chat.chat_msg.content = "mine"
    pia.say(chat)
    assert other.get(pb.MT_CHAT_MSG).chat_msg.content == "mine"


def test_the_echomesh_client_runs_unchanged(tmp_path: Path) -> None:
    """The document's own script, on the document's own port, in a copy of the folder it asks for."""
    root = Path(__file__).parents[2]
    (tmp_path / "proto").mkdir()
    (tmp_path / "client.py").write_text((root / "tests/echomesh/client.py").read_text())
    source = root / "proto/message.proto"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{source.parent}",
            f"--python_out={tmp_path / 'proto'}",
            source.name,
        ],
        check=True,
    )
    with serving(listen=("localhost:8888",)):
        done = subprocess.run(
            [sys.executable, "client.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert "Login Response: Status=0, UserID=" in done.stdout
    assert "Received Chat Message: UserID=" in done.stdout
    assert "Content='Hello everyone in roomA!'" in done.stdout
    assert "error" not in done.stdout.lower()
