"""What is said in one dialect survives kill -9, and is in the history that every other dialect reads."""

from __future__ import annotations

from pathlib import Path

from hubbub.wire import message_pb2 as pb
from serving import Server

SAID = [
    ("Tess", "from text"),
    ("Jack", "from json"),
    ("Nora", "from ndjson"),
    ("Wanda", "from a websocket"),
    ("Proto", "from protobuf"),
]


def _say_in_all(server: Server) -> None:
    """One after the other: each waits until its own is kept."""
    reader = server.json("Reader")
    for number, (name, content) in enumerate(SAID):
        match number:
            case 0:
                server.text(name).say(content)
            case 1:
                server.json(name).say("Broadcast", content=content, id="j")
            case 2:
                server.ndjson(name).say("message/send", id="n", text=content)
            case 3:
                server.websocket(name).say("publish", "w", content=content)
            case _:
                message = pb.EchoMsg(type=pb.MT_CHAT_MSG)
                message.chat_msg.content = content
                server.protobuf(name).say(message)
        assert reader.get("NewMessage")["content"] == content


def _text_history(server: Server) -> list[tuple[str, str]]:
    client = server.text("ReaderT")
    client.say("/history")
    read: list[tuple[str, str]] = []
    while "End of history" not in (line := client.line()):
        if line.startswith("#"):
            name, _, content = line.partition(" ")[2].partition(": ")
            read.append((name, content))
    return read


def _histories(server: Server) -> dict[str, list[tuple[str, str]]]:
    json = server.json("ReaderJ")
    json.say("History", id="h")
    ndjson = server.ndjson("ReaderN")
    ndjson.say("message/history", id="h")
    websocket = server.websocket("ReaderW").ask("history")["data"]["messages"]
    protobuf = server.protobuf("ReaderP")
    protobuf.say(pb.EchoMsg(type=pb.MT_HISTORY, id="h", history=pb.History()))
    answer = protobuf.get(pb.MT_HISTORY_RESULT).history_result
    return {
        "text": _text_history(server),
        "json": [(one["from"], one["content"]) for one in json.get("History")["messages"]],
        "ndjson": [(one["from"], one["text"]) for one in _payload(ndjson.get("message/history"))["messages"]],
        "websocket": [(one["from"], one["content"]) for one in websocket],
        "protobuf": [(one.username, one.content) for one in answer.messages],
    }


def _payload(answer: dict[str, object]) -> dict[str, list[dict[str, str]]]:
    payload = answer["payload"]
    assert isinstance(payload, dict)
    return payload


def test_a_message_of_each_dialect_is_in_the_history_of_each_after_a_kill(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    first = Server(*data)
    _say_in_all(first)
    first.process.kill()
    first.process.wait()
    first.stop()
    second = Server(*data)
    try:
        for dialect, read in _histories(second).items():
            assert read == SAID, dialect
    finally:
        assert second.stop() == 0
