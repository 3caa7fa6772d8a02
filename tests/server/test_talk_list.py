"""The list of one's rooms and talks, and reading a talk whose other side is gone, by real clients."""

from __future__ import annotations

from hubbub.wire import message_pb2 as pb
from serving import Server, until


def test_a_talk_with_a_guest_who_is_gone_is_listed_and_read_in_every_dialect(server: Server) -> None:
    web = server.websocket()
    web.ask("register", username="Bob", password="correct horse")
    guest = server.ndjson("Guest")
    sent = guest.ask("message/send", target_id="Bob", text="psst")["payload"]
    guest.ask("message/react", stream=sent["stream"], offset=1, emoji="+1")
    listed = web.ask("unread", all=True)["data"]["streams"]
    talk = next(one for one in listed if one.get("with") == "Guest")
    assert (talk["stream"], talk["offset"], "gone" in talk) == (sent["stream"], 2, False)
    assert talk["unread"] == 1, "a sign is no message"
    assert talk["at"] >= sent["at"]
    (shown,) = web.ask("unread")["data"]["streams"]
    assert (shown["with"], shown["unread"]) == ("Guest", 1)
    text = server.text()
    text.say("Bob")
    text.say("/login correct horse")
    assert text.lines(3)[1:] == ["[Server] You are logged in as 'Bob'.", "[Server] Unread: @Guest (1)"]
    guest.close()
    until(lambda: "Guest" not in str(web.ask("list")["data"]))
    web.ask("read", stream=sent["stream"], offset=1)
    assert web.ask("unread")["data"] == {"streams": []}
    talk = web.ask("unread", all=True)["data"]["streams"][-1]
    assert (talk["with"], talk["unread"], talk["read"], talk["gone"]) == ("Guest", 0, 2, True)
    history = web.ask("history", stream=talk["stream"])["data"]
    assert [one["content"] for one in history["messages"]] == ["psst"]

    lines = server.ndjson()
    lines.ask("auth/login", username="Bob", password="correct horse")
    listed = lines.ask("message/unread", all=True)["payload"]["streams"]
    assert (listed[-1]["gone"], listed[-1]["unread"]) == (True, 0)
    found = lines.ask("message/history", stream=talk["stream"])["payload"]["messages"]
    assert [one["text"] for one in found] == ["psst"]

    framed = server.json()
    framed.say("Login", username="Bob", password="correct horse")
    framed.get("Welcome")
    framed.say("Unread", all=True)
    listed = framed.get("UnreadList")["streams"]
    assert (listed[-1]["with"], listed[-1]["unread"]) == ("Guest", 0)
    framed.say("History", stream=talk["stream"])
    assert [one["content"] for one in framed.get("History")["messages"]] == ["psst"]

    binary = server.protobuf()
    login = pb.EchoMsg(type=pb.MT_LOGIN_REQUEST)
    login.login_request.username, login.login_request.password = "Bob", "correct horse"
    binary.say(login)
    binary.get(pb.MT_LOGIN_RESPONSE)
    wanted = pb.EchoMsg(type=pb.MT_UNREAD)
    wanted.unread.all = True
    binary.say(wanted)
    view = binary.get(pb.MT_UNREAD_LIST).unread_list.streams[-1]
    assert (view.with_username, view.gone, view.position.at) == ("Guest", True, talk["at"])
    assert view.unread == 0
    wanted = pb.EchoMsg(type=pb.MT_HISTORY)
    wanted.history.stream = view.position.stream
    binary.say(wanted)
    (message,) = binary.get(pb.MT_HISTORY_RESULT).history_result.messages
    assert message.content == "psst"
    binary.say(pb.EchoMsg(type=pb.MT_UNREAD))
    assert list(binary.get(pb.MT_UNREAD_LIST).unread_list.streams) == []
