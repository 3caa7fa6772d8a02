"""The AsyncAPI document of the JSON dialects, made from their tables and the types of `core`.

A channel a dialect: its requests with what they are answered by, and what comes without asking. The schemas
are msgspec's of the very types that decode and encode, so that the document cannot say otherwise.
Source: AsyncAPI 3.0.0 (asyncapi.com/docs/reference/specification/v3.0.0).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, get_args

from hubbub.core import answers, events
from hubbub.core.commands import RoomRole
from hubbub.core.errors import Refusal
from hubbub.wire import json_actions, length_json, ndjson_commands, websocket_json
from hubbub.wire.schemas import Schema, Schemas, object_of, one_of

_DESCRIPTION: Final = """\
The JSON dialects of Hubbub. Text lines and Protobuf have no part in this document.
A request that does not parse is refused, and the connection stays open; unknown members are ignored.
"""

_WEBSOCKET: Final = """\
A WebSocket; every JSON object is a text message. A binary message is a part of a file, in both directions:
16 bytes of its offer, the offset as u64, big-endian, and the bytes from there on.
"""
_LENGTH_JSON: Final = """\
TCP; before every JSON object its length in bytes as u32, big-endian. After `StartUpload` the client sends
`size` - `offset` bytes of a file without a length, after `StartDownload` it gets them.
"""

_JSON: Final = "application/json"
_ID: Final[Schema] = {
    "description": "Any string; the answer carries the same. Of a message it is also the message's id.",
    "anyOf": [{"type": "string", "minLength": 1, "maxLength": 64}, {"type": "null"}],
}
_ANSWERED_ID: Final[Schema] = {
    "description": "That of the request; null where it had none, or none that could be read.",
    "type": ["string", "null"],
}
_HEADERS: Final[Schema] = {
    "description": "`seq` rises with each request that is signed. A `token` has no effect.",
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "token": {"type": ["string", "null"]},
                "seq": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 2**53 - 1}, {"type": "null"}]},
            },
        },
        {"type": "null"},
    ],
}
_HMAC: Final[Schema] = {
    "description": "HMAC-SHA256, in hex, of the canonical form (RFC 8785) of the object without it.",
    "type": ["string", "null"],
}
_NAMES: Final[Schema] = {"type": "array", "items": {"type": "string"}}
_ROLES: Final[Schema] = {"type": "object", "additionalProperties": {"enum": [*get_args(RoomRole)]}}

_TYPES: Final = tuple(
    dict.fromkeys(
        (
            Refusal,
            *(row.payload for row in json_actions.ACTIONS.values()),
            *(kind for row in json_actions.ACTIONS.values() for kind in row.answers),
            *websocket_json.EVENTS.values(),
            *(row.payload for row in length_json.TYPES.values()),
            *length_json.ANSWERS.values(),
            *length_json.EVENTS.values(),
            *(payload for payload, _ in ndjson_commands.COMMANDS.values()),
            *ndjson_commands.EVENTS.values(),
            *ndjson_commands.SHAPES.values(),
            ndjson_commands.NdjsonSent,
        )
    )
)


def document(version: str) -> dict[str, object]:
    """The document, ready for `msgspec.json.encode`. `version` is that of the server."""
    schemas = Schemas(_TYPES)
    channels = [_websocket(schemas), _length_json(schemas), _ndjson(schemas)]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Hubbub", "version": version, "description": _DESCRIPTION},
        "defaultContentType": _JSON,
        "channels": {channel.name: channel.described() for channel in channels},
        "operations": {key: value for channel in channels for key, value in channel.operations.items()},
        "components": {"schemas": schemas.components},
    }


class _Channel:
    """A dialect's messages and operations, as they are added."""

    def __init__(self, name: str, address: str | None, description: str) -> None:
        self.name = name
        self.operations: dict[str, Schema] = {}
        self._address = address
        self._description = description
        self._messages: dict[str, Schema] = {}

    def described(self) -> Schema:
        """The channel object."""
        return {"address": self._address, "description": self._description, "messages": self._messages}

    def message(self, key: str, name: str, payload: Schema) -> str:
        """Add a message; return its key, in which AsyncAPI allows no slash."""
        key = key.replace("/", "-")
        self._messages[key] = {"name": name, "payload": payload}
        return key

    def request(self, name: str, payload: Schema, replies: Iterable[str]) -> None:
        """Add a request and what it may be answered by."""
        key = self.message(f"{name}.request", name, payload)
        answered = {"channel": self._ref(), "messages": [self._ref(reply) for reply in replies]}
        self._operate("receive", key, name, {"reply": answered} if answered["messages"] else {})

    def push(self, name: str, payload: Schema) -> None:
        """Add an event."""
        self._operate("send", self.message(f"{name}.event", name, payload), name, {})

    def _operate(self, action: str, message: str, name: str, more: Schema) -> None:
        self.operations[f"{self.name}.{message}"] = {
            "action": action,
            "channel": self._ref(),
            "title": name,
            "messages": [self._ref(message)],
            **more,
        }

    def _ref(self, message: str | None = None) -> Schema:
        return {"$ref": f"#/channels/{self.name}" + ("" if message is None else f"/messages/{message}")}


def _websocket(schemas: Schemas) -> _Channel:
    channel = _Channel("websocket", "/ws", _WEBSOCKET)
    refusal = schemas.ref(Refusal)
    error = object_of({"id": _ANSWERED_ID, "type": {"const": "error"}, "data": refusal, "error": refusal})
    refused = channel.message("error", "error", error)
    for name, row in json_actions.ACTIONS.items():
        request = {"id": _ID, "type": {"const": "request"}, "action": {"const": name}}
        needed = schemas.of(row.payload).get("required", [])
        payload = object_of(
            {**request, "payload": schemas.ref(row.payload)}, ["id"] if needed else ["id", "payload"]
        )
        told = {} if answers.Echoed in row.answers else one_of([schemas.ref(kind) for kind in row.answers])
        response = object_of({"id": _ANSWERED_ID, "type": {"const": "response"}, "data": told})
        channel.request(name, payload, [channel.message(f"{name}.response", name, response), refused])
    for name, event in websocket_json.EVENTS.items():
        told = {} if event is events.Announcement else schemas.ref(event)
        own_id = {"type": "string", "format": "uuid"}
        notification = {"type": {"const": "notification"}, "event": {"const": name}}
        channel.push(name, object_of({"id": own_id, **notification, "data": told}))
    return channel


def _length_json(schemas: Schemas) -> _Channel:
    channel = _Channel("length_json", None, _LENGTH_JSON)
    replies = {
        answer: channel.message(f"{name}.answer", name, _flat(name, _length_json_answer(schemas, answer)))
        for name, answer in length_json.ANSWERS.items()
    }
    for name, row in length_json.TYPES.items():
        answered = [] if name == "Pong" else [replies[kind] for kind in (*row.answers, Refusal)]
        channel.request(name, _flat(name, schemas.of(row.payload)), answered)
    for name, event in length_json.EVENTS.items():
        channel.push(name, _flat(name, schemas.of(event), with_id=False))
    return channel


def _flat(name: str, schema: Schema, with_id: bool = True) -> Schema:
    """An object that has `type`, and `id` where it may, among its own members."""
    head: Schema = {"type": {"const": name}}
    if with_id:
        head["id"] = _ID
    required = ["type", *schema.get("required", [])]
    closed = {name: schema[name] for name in ("additionalProperties",) if name in schema}
    return {"type": "object", "properties": {**head, **schema["properties"]}, "required": required, **closed}


def _length_json_answer(schemas: Schemas, answer: type) -> Schema:
    """The members of an answer, with the names and the brevity of this dialect."""
    schema = schemas.of(answer)
    properties = schema["properties"]
    if answer is Refusal:
        return _renamed(schema, {"message": "msg"})
    if answer is answers.UserList:
        return {**schema, "properties": {**properties, "users": _NAMES}}
    if answer is answers.MemberList:
        return {**schema, "properties": {**properties, "users": _NAMES, "roles": _ROLES}}
    return schema


def _ndjson(schemas: Schemas) -> _Channel:
    channel = _Channel("ndjson", None, "TCP; every JSON object is a line.")
    answered = {"command": {"type": ["string", "null"]}, "id": _ANSWERED_ID, "status": {"type": "integer"}}
    refused = channel.message("error", "error", object_of({**answered, "error": schemas.ref(Refusal)}))
    for name, (payload, kinds) in ndjson_commands.COMMANDS.items():
        head = {"command": {"const": name}, "id": _ID, "headers": _HEADERS, "hmac": _HMAC}
        needed = schemas.of(payload).get("required", [])
        request = object_of(
            {**head, "payload": schemas.ref(payload)},
            ["id", "headers", "hmac", *([] if needed else ["payload"])],
        )
        said = {"command": {"const": name}, "id": _ANSWERED_ID, "status": {"const": 200}}
        told = one_of([schemas.ref(_ndjson_shape(name, kind)) for kind in kinds])
        response = object_of({**said, "payload": told})
        channel.request(name, request, [channel.message(f"{name}.response", name, response), refused])
    for name, event in ndjson_commands.EVENTS.items():
        pushed = schemas.ref(_ndjson_shape(name, event))
        channel.push(name, object_of({"command": {"const": name}, "payload": pushed}))
    return channel


def _ndjson_shape(name: str, told: type) -> type:
    """What it is told as in this dialect."""
    if name == "message/send":
        return ndjson_commands.NdjsonSent
    return ndjson_commands.SHAPES.get(told, told)


def _renamed(schema: Schema, names: dict[str, str]) -> Schema:
    properties = {names.get(name, name): value for name, value in schema["properties"].items()}
    return {
        **schema,
        "properties": properties,
        "required": [names.get(name, name) for name in schema["required"]],
    }
