from __future__ import annotations

import pytest

from hubbub.core import events
from hubbub.net.framing.frames import BINARY, TEXT, Frame
from hubbub.net.framing.websocket import WebSocket
from hubbub.server import dialects
from hubbub.server.dialects import Dialect

DATA = events.FileData("0123456789abcdef" * 2, 7, b"abc" * 100, last=True)


def frames(dialect: Dialect, data: bytes) -> list[Frame]:
    if dialect.gateway:  # a client's end: the server's frames are not masked
        return WebSocket(65_536, server=False, deflate=dialect is dialects.WEBSOCKET_DEFLATE).feed(data)
    return dialect.new_framing(65_536).feed(data)


@pytest.mark.parametrize(
    "dialect", [dialects.WEBSOCKET, dialects.WEBSOCKET_DEFLATE], ids=lambda one: one.name
)
def test_bytes_of_a_file_are_binary_messages_and_never_compressed(dialect: Dialect) -> None:
    data = dialect.event(DATA)
    assert data.endswith(DATA.data)
    [frame] = frames(dialect, data)
    assert frame == Frame(BINARY, bytes.fromhex(DATA.offer) + b"\0\0\0\0\0\0\0\7" + DATA.data)
    [told] = frames(dialect, dialect.event(events.FileProgress(DATA.offer, 7)))
    assert told.kind == TEXT


@pytest.mark.parametrize("dialect", [dialects.NDJSON, dialects.PROTOBUF], ids=lambda one: one.name)
def test_bytes_of_a_file_are_frames_as_all_others(dialect: Dialect) -> None:
    [frame] = frames(dialect, dialect.event(DATA))
    assert dialect.codec.decode_message(frame.payload) == DATA


@pytest.mark.parametrize("dialect", [dialects.TEXT, dialects.LENGTH_JSON], ids=lambda one: one.name)
def test_bytes_of_a_file_have_no_frame_where_they_travel_by_themselves(dialect: Dialect) -> None:
    assert dialect.event(DATA) == b""
