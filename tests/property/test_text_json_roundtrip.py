"""What one end encodes, the other decodes to the same; and nothing that a peer sends raises."""

from __future__ import annotations

import json
import string
import unicodedata
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core import answers, commands, events, file_commands, names
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.length_json import TYPES, length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import COMMANDS
from hubbub.wire.text import text
from hubbub.wire.text_commands import COMMANDS as VERBS


def decoded(codec: Codec, payload: bytes) -> Request:
    request = codec.decode(Frame(TEXT, payload), named=True)
    assert isinstance(request, Request)
    return request


# -- text, as far as it carries them: no id, no position, no room but in words

names_of_people = st.text(string.ascii_letters + string.digits + "_-.éЯ小", min_size=1, max_size=32)
plain = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=60)
words = plain.map(str.strip).filter(bool)
passwords = plain.filter(str.strip)
numbers_typed = st.integers(1, 10**15 - 1)
emoji = st.sampled_from(["+1", "👍", "❤\ufe0f", "🏳\ufe0f\u200d🌈"])
typed_commands = st.one_of(
    st.builds(commands.Publish, plain),
    st.builds(commands.Whisper, names_of_people, plain.filter(str.strip)),
    st.builds(commands.ListUsers),
    st.builds(commands.SetStatus, st.sampled_from(["away", "online"])),
    st.builds(commands.ListRooms),
    st.builds(commands.CreateRoom, names_of_people),
    st.builds(commands.JoinRoom, names_of_people),
    st.builds(commands.LeaveRoom),
    st.builds(commands.SetTopic, words),
    st.builds(commands.GetTopic),
    st.builds(commands.ListMembers),
    st.builds(commands.Ping),
    st.builds(commands.Quit),
    st.builds(commands.Login, st.none(), passwords),
    st.builds(commands.Register, st.none(), passwords),
    st.builds(commands.Logout),
    st.builds(commands.ChangePassword, words.filter(lambda old: " " not in old), passwords),
    st.builds(commands.ListSessions),
    st.builds(commands.EndSession, names_of_people),
    st.builds(commands.CreateRoom, names_of_people, st.booleans()),
    st.builds(commands.Invite, names_of_people),
    st.builds(commands.SetRole, names_of_people, st.sampled_from(get_args(commands.RoomRole))),
    st.builds(commands.GetRoom),
    st.builds(commands.SetRoom, private=st.booleans()),
    st.builds(commands.SetRoom, retain_days=st.integers(0, 10**5).map(float) | st.just(0.125)),
    st.builds(commands.GetHistory, limit=st.none() | numbers_typed),
    st.builds(commands.GetHistory, with_=names_of_people, before=numbers_typed),
    st.builds(commands.GetHistory, with_=names_of_people, after=numbers_typed, limit=numbers_typed),
    st.builds(commands.GetHistory, around=numbers_typed),
    st.builds(commands.Search, words),
    st.builds(commands.Edit, words, offset=numbers_typed),
    st.builds(commands.Edit, words.filter(lambda content: not content.startswith("#"))),
    st.builds(commands.Delete, offset=st.none() | numbers_typed),
    st.builds(commands.React, emoji, offset=st.none() | numbers_typed, remove=st.booleans()),
    st.builds(commands.Publish, words, reply_to=numbers_typed),
    st.builds(
        commands.Publish, words.filter(lambda said: not said.startswith("#")), reply_to=st.just(commands.LAST)
    ),
    st.builds(commands.GetUnread),
    st.builds(file_commands.ListFiles),
    st.builds(file_commands.AcceptFile, filename=st.none() | words),
    st.builds(file_commands.DeclineFile, filename=st.none() | words),
    st.builds(file_commands.GetFile, filename=words),
)
sizes = st.builds(lambda digits, zeros: digits * 10**zeros, st.integers(0, 999), st.integers(0, 12))
shown_events = st.one_of(
    st.builds(
        lambda sender, content: events.MessagePosted(sender, 0, "", content, "", "", "", 0, ""),
        names_of_people,
        plain,
    ),
    st.builds(
        lambda sender, content: events.WhisperPosted(sender, 0, "", 0, content, "", "", "", 0, ""),
        names_of_people,
        plain,
    ),
    st.builds(
        lambda sender, room, topic: events.TopicChanged(sender, 0, room, topic, "", "", 0, ""),
        names_of_people,
        names_of_people,
        plain | st.just(""),
    ),
    st.builds(
        lambda sender, target, content, room: events.MessageEdited(
            sender, 0, target, content, "", "", "", 0, "", room
        ),
        names_of_people,
        numbers_typed,
        plain,
        st.sampled_from([None, ""]),
    ),
    st.builds(
        lambda sender, target, room: events.MessageDeleted(sender, 0, target, "", "", "", 0, "", room),
        names_of_people,
        numbers_typed,
        st.sampled_from([None, ""]),
    ),
    st.builds(
        lambda sender, target, sign, removed, room: events.ReactionChanged(
            sender, 0, target, sign, "", "", "", 0, "", removed, room
        ),
        names_of_people,
        numbers_typed,
        emoji,
        st.booleans(),
        st.sampled_from([None, ""]),
    ),
    st.builds(
        lambda sender, room, private, days: events.RoomChanged(
            sender, 0, room, private, float(days), "", "", 0, ""
        ),
        names_of_people,
        names_of_people,
        st.booleans(),
        st.integers(0, 10**5),
    ),
    st.builds(
        lambda sender, name, role, room: events.RoleChanged(sender, 0, name, 0, role, room, "", "", 0, ""),
        names_of_people,
        names_of_people,
        st.sampled_from(get_args(commands.RoomRole)),
        names_of_people,
    ),
    st.builds(
        lambda sender, room: events.Mentioned(sender, 0, room, "", "", "", "", 0, ""),
        names_of_people,
        names_of_people,
    ),
    st.builds(
        lambda sender, room: events.RoomInvitation(sender, 0, room, "", "", "", 0, ""),
        names_of_people,
        names_of_people,
    ),
    st.builds(lambda name: events.Joined(name, 0, ""), names_of_people),
    st.builds(lambda name: events.Left(name, 0), names_of_people),
    st.builds(
        lambda seconds: events.GoingAway("drain", None if seconds is None else float(seconds)),
        st.none() | st.integers(1, 10**6),
    ),
    st.builds(events.GoingAway, st.sampled_from(["slow", "replaced", "idle", "policy", "disabled"])),
    st.builds(
        lambda sender, name, size: events.FileOffered(sender, 0, "", name, size, ""),
        names_of_people,
        plain,
        sizes,
    ),
    st.builds(lambda name: events.FileAccepted("", name, "", 0), plain),
    st.builds(lambda name: events.FileDeclined("", "", name, ""), plain),
    st.builds(lambda name: events.FileDone(name, "", ""), plain),
    st.builds(
        lambda name, reason, message: events.FileFailed("", name, "", reason, message),
        plain,
        st.sampled_from(get_args(events.FileFailure)),
        plain,
    ),
)


@given(typed_commands)
def test_text_commands(command: Command) -> None:
    assert decoded(text, text.encode_command(command)).command == command


@given(names_of_people)
def test_text_login(name: str) -> None:
    request = text.decode(Frame(TEXT, text.encode_command(commands.Login(name))), named=False)
    assert isinstance(request, Request)
    assert request.command == commands.Login(name)


@given(shown_events)
def test_text_events(event: Event) -> None:
    assert text.decode_message(text.encode_event(event)) == event


marks = st.fixed_dictionaries(
    {}, optional={"reply_to": numbers_typed, "edited_at": st.just(""), "room": names_of_people}
)


@given(names_of_people, plain, numbers_typed, marks)
def test_text_history(sender: str, content: str, offset: int, more: dict[str, Any]) -> None:
    view = answers.MessageView(sender, 0, content, "", "", "", offset, "", **more)
    placed = view.room is not None
    answer = answers.SearchResult([view], False) if placed else answers.History("", [view], False, "den")
    lines = text.encode_answer(Request(commands.GetHistory()), answer).split(b"\n")
    told = text.decode_message(lines[1])
    assert isinstance(told, Reply)
    assert isinstance(told.answer, answers.SearchResult if placed else answers.History)
    assert told.answer.messages == [view]


@given(st.text(), st.text(max_size=20), st.none() | st.text())
def test_whatever_a_history_holds_every_line_of_it_names_its_message(
    content: str, sign: str, name: str | None
) -> None:
    signs = [answers.Reaction(sign, 1, [])]
    file = None if name is None else answers.FileView("f", name, 5, "t", "s")
    view = answers.MessageView("Alice", 1, content, "i", "s", "e", 12, "", reactions=signs, file=file)
    answer = answers.History("s", [view], False, "den")
    shown = text.encode_answer(Request(commands.GetHistory()), answer).decode()
    assert shown.split("\n") == shown.splitlines()
    assert all(line.startswith(("#12 Alice: ", "#12 * ")) for line in shown.splitlines()[1:-1])


@given(names_of_people, st.none() | names_of_people, st.none() | names_of_people, plain, sizes)
def test_text_list_of_files(sender: str, to: str | None, room: str | None, name: str, size: int) -> None:
    offer = answers.OfferView("", sender, name, size, "running", to, None if to is not None else room)
    kept = answers.FileView("", name, size, "", "")
    lines = text.encode_answer(Request(file_commands.ListFiles()), answers.FileList([offer], [kept])).split(
        b"\n"
    )
    assert [text.decode_message(line) for line in lines] == [
        Reply(answers.FileList([offer], [])),
        Reply(answers.FileList([], [kept])),
    ]


@given(names_of_people, plain)
def test_text_whisper_to_its_author(to: str, content: str) -> None:
    own = text.encode_event(events.WhisperPosted("Me", 1, to, 2, content, "i", "s", "e", 1, ""), own=True)
    assert text.decode_message(own) == events.WhisperPosted("", 0, to, 0, content, "", "", "", 0, "")


@given(st.text(), st.none() | st.text())
def test_whatever_is_said_every_line_of_it_names_its_author(content: str, name: str | None) -> None:
    file = None if name is None else answers.FileView("f", name, 5, "t", "s")
    event = events.MessagePosted("Alice", 1, "den", content, "i", "s", "e", 1, "", file=file)
    shown = text.encode_event(event).decode()
    assert all(line.startswith("Alice: ") for line in shown.splitlines())
    assert shown.split("\n") == shown.splitlines()
    assert not any(unicodedata.bidirectional(character) in _TURNING for character in shown)


@given(st.text(), st.text())
def test_whatever_a_file_is_called_it_is_told_in_one_line_of_the_server(name: str, said: str) -> None:
    kept = answers.FileView("f", name, 5, "t", "s")
    offer = answers.OfferView("o", "Alice", name, 5, "offered")
    listed = answers.FileList([offer], [kept])
    told = [
        text.encode_event(events.FileOffered("Alice", 1, "Bob", name, 5, "o")),
        text.encode_event(events.FileAccepted("Bob", name, "o", 0)),
        text.encode_event(events.FileDeclined("Alice", "Bob", name, "o")),
        text.encode_event(events.FileDone(name, "o", "s")),
        text.encode_event(events.FileFailed("Alice", name, "o", "lost", said)),
        *text.encode_answer(Request(file_commands.ListFiles()), listed).split(b"\n"),
    ]
    assert len(told) == 7
    for line in told:
        assert line.startswith(b"[Server] ")
        assert len(line.decode().splitlines()) == 1


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

# -- whatever comes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
members = st.sampled_from(
    [
        *("id", "username", "token", "password_sha256", "hmac", "headers", "payload"),
        *("room", "topic", "content", "text", "to", "target_id", "conversation_id", "reply_to", "status"),
        *("stream", "offset", "positions", "with", "before", "limit", "query", "emoji", "role", "end", "new"),
        *("offer", "filename", "size", "sha256", "data", "file", "from", "hello"),
    ]
)
objects = st.dictionaries(members, json_values, max_size=5)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


near_requests = st.one_of(
    st.builds(lambda body, name: dumped({**body, "type": name}), objects, st.sampled_from(sorted(TYPES))),
    st.builds(
        lambda body, payload, name: dumped({"payload": payload, **body, "command": name}),
        objects,
        objects,
        st.sampled_from(sorted(COMMANDS)),
    ),
    st.builds(lambda verb, rest: f"{verb}{rest}".encode(), st.sampled_from(sorted(VERBS)), st.text()),
)
kinds = st.sampled_from([TEXT, BINARY, TEXT, TEXT, CLOSE, PING, PONG, TOO_LONG, FAILED])


@pytest.mark.parametrize("codec", [text, length_json, ndjson])
@given(
    kind=kinds,
    payload=st.binary(max_size=100) | json_values.map(dumped) | near_requests,
    named=st.booleans(),
)
def test_no_bytes_of_a_client_raise_and_every_refusal_can_be_told(
    codec: Codec, kind: int, payload: bytes, named: bool
) -> None:
    request = codec.decode(Frame(kind, payload, 1009), named)
    if isinstance(request, Request) and isinstance(request.command, Refusal):
        assert codec.encode_answer(request, request.command)


@pytest.mark.parametrize("codec", [text, length_json, ndjson])
@given(payload=st.binary(max_size=100) | json_values.map(dumped) | near_requests)
def test_no_bytes_of_a_server_raise_anything_but_value_error(codec: Codec, payload: bytes) -> None:
    try:
        message = codec.decode_message(payload)
    except ValueError:
        return
    assert isinstance(message, Event | Reply)


# -- names


@given(st.text(max_size=80))
def test_a_normal_name_is_its_own_normal_form_and_fits_into_a_line(name: str) -> None:
    normal = names.normal(name, names.USER_LIMIT)
    if isinstance(normal, str):
        assert names.normal(normal, names.USER_LIMIT) == normal
        assert 1 <= len(normal) <= names.USER_LIMIT
        assert len(normal.split()) == 1
        assert not set(normal) & set("[]:@#/'\",")


@given(names_of_people)
def test_names_that_fold_to_the_same_collide(name: str) -> None:
    for variant in (name.upper(), name.lower(), name.swapcase()):
        normal = names.normal(variant, names.USER_LIMIT)
        if isinstance(normal, str) and normal.casefold() == name.casefold():
            assert names.key(normal) == names.key(name)
