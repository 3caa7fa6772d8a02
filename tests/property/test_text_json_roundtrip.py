"""What one end encodes, the other decodes to the same; and nothing that a peer sends raises."""

from __future__ import annotations

import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core import commands, events, names
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, CLOSE, FAILED, PING, PONG, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Codec, Reply, Request
from hubbub.wire.length_json import TYPES, length_json
from hubbub.wire.ndjson import ndjson
from hubbub.wire.ndjson_commands import COMMANDS
from hubbub.wire.text import COMMANDS as VERBS
from hubbub.wire.text import text


def decoded(codec: Codec, payload: bytes) -> Request:
    request = codec.decode(Frame(TEXT, payload), named=True)
    assert isinstance(request, Request)
    return request


# -- text, as far as it carries them: no id, no position, no room but in words

names_of_people = st.text(string.ascii_letters + string.digits + "_-.éЯ小", min_size=1, max_size=32)
plain = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=60)
words = plain.map(str.strip).filter(bool)
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
)
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
    st.builds(lambda name: events.Joined(name, 0, ""), names_of_people),
    st.builds(lambda name: events.Left(name, 0), names_of_people),
    st.builds(
        lambda seconds: events.GoingAway("drain", None if seconds is None else float(seconds)),
        st.none() | st.integers(1, 10**6),
    ),
    st.builds(events.GoingAway, st.sampled_from(["slow", "replaced", "idle", "policy"])),
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


@given(names_of_people, plain)
def test_text_whisper_to_its_author(to: str, content: str) -> None:
    own = text.encode_event(events.WhisperPosted("Me", 1, to, 2, content, "i", "s", "e", 1, ""), own=True)
    assert text.decode_message(own) == events.WhisperPosted("", 0, to, 0, content, "", "", "", 0, "")


@given(st.text())
def test_whatever_is_said_every_line_of_it_names_its_author(content: str) -> None:
    event = events.MessagePosted("Alice", 1, "den", content, "i", "s", "e", 1, "")
    shown = text.encode_event(event).decode()
    assert all(line.startswith("Alice: ") for line in shown.splitlines())
    assert shown.split("\n") == shown.splitlines()
    assert not any(unicodedata.bidirectional(character) in _TURNING for character in shown)


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
