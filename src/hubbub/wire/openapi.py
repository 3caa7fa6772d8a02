"""The OpenAPI document of what HTTP serves, made from the table of actions and the types of `core`.

Actions are requests of their own: the payload is the body, and what the WebSocket tells as `data` the answer.
What else is served is a list of Endpoints, which whoever serves it gives.
Source: OpenAPI 3.1.0 (spec.openapis.org/oas/v3.1.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from hubbub.core.errors import Code, Refusal
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.json_payloads import LoginPayload, RegisterPayload
from hubbub.wire.schemas import Schema, Schemas, one_of

PREFIX: Final = "/api/v1"

LEFT_OUT: Final = frozenset(
    {
        "resume",  # what was missed since: of those who hear something
        "typing",
        "file_offer",  # their bytes need a line
        "file_accept",
        "file_start",
        "file_finish",
        "echo",  # of WebSockets among themselves
        "broadcast",
        "send_to",
        "get_connections",
    }
)
"""Actions that make no sense as one request."""
ENTRIES: Final = frozenset({"login", "register", "refresh"})
"""By which somebody comes in, who needs no token yet."""
REQUESTS: Final = tuple(name for name in ACTIONS if name not in LEFT_OUT)
"""Actions that can be asked for by `POST /api/v1/ACTION` …"""
READS: Final = frozenset({"history", "rooms", "list", "members", "unread", "files", "search", "sessions"})
"""… and by GET too: they change nothing. The payload is the query then."""
ONLY_BY_POST: Final = {"sessions": frozenset({"end"})}
"""Members of a payload that would change something."""

KEY: Final = "Idempotency-Key"

Method = Literal["get", "head", "post", "put", "patch", "delete", "options"]
Security = Literal["anybody", "login", "admin", "metrics"]


class Me(msgspec.Struct, frozen=True):
    """Who somebody is. `role`: guest, member or admin. `server`: what it calls itself."""

    username: str
    user_id: int
    role: str
    server: str


class CookieLoginPayload(LoginPayload):
    """Of `login`. With `cookie` the answer sets one, and tells no token."""

    cookie: bool = False


class CookieRegisterPayload(RegisterPayload):
    """Of `register`. With `cookie` the answer sets one, and tells no token."""

    cookie: bool = False


class Endpoint(NamedTuple):
    """Something else that HTTP serves. `answer` is a type, or a media type where it is not JSON."""

    method: Method
    path: str
    """With its parameters in braces."""
    summary: str
    answer: type | str | None = None
    """None: it has no body."""
    payload: type | str | None = None
    """Of its body, as `answer`."""
    query: type | None = None
    """A struct whose members are its query parameters."""
    status: int = 200
    refusals: tuple[int, ...] = ()
    """Statuses of errors that it may have."""
    security: Security = "anybody"
    headers: tuple[tuple[str, str], ...] = ()
    """Names of request headers, and what each says."""
    tag: str = "server"


_DESCRIPTION: Final = """\
What Hubbub serves by HTTP: actions of its WebSocket as single requests, files, and what operators ask for.
Unknown members of a payload are ignored. See /asyncapi.json for the WebSocket itself.
"""
_SCHEMES: Final[Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token that a login answers with.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "hubbub_8080",
        "description": "Set by a login with `cookie`. Its name ends with the port that the client asked for.",
    },
    "metrics": {"type": "http", "scheme": "bearer", "description": "The token of the settings."},
}
_SECURITY: Final[dict[Security, list[Schema]]] = {
    "anybody": [],
    "login": [{"bearer": []}, {"cookie": []}],
    "admin": [{"bearer": []}, {"cookie": []}],
    "metrics": [{"metrics": []}, {}],
}
_JSON: Final = "application/json"
_STATUSES: Final = {
    400: "What was asked cannot be understood, or is not allowed in this form.",
    401: "Whoever asks must log in, or the login failed.",
    403: "That is not for whoever asks.",
    404: "There is no such thing, or none that whoever asks may know of.",
    405: "Not by this method.",
    409: "The name is taken, or the guest is here by another connection.",
    412: "The version of the protocol is another one.",
    413: "It is larger than a setting allows.",
    415: "The body is of another media type.",
    416: "No such part of it.",
    423: "Somebody else is at it.",
    429: "Too often, or too many: see `retry_after`.",
    500: "A fault of the server.",
    501: "This is not supported.",
    503: "The server cannot write just now, and says why.",
}


def statuses(action: str) -> tuple[int, ...]:
    """The statuses of errors that an action may be refused with."""
    most = {code.status for code in Code} - {Code.INTERNAL.status, Code.UNSUPPORTED.status}
    return tuple(sorted(most | {415, 500} - ({409} if action in READS else set())))


def document(version: str, others: Sequence[Endpoint] = ()) -> dict[str, object]:
    """The document, ready for `msgspec.json.encode`. `version` is that of the server."""
    endpoints = [*_own(), *others]
    schemas = Schemas(_types(endpoints))
    paths: dict[str, dict[str, Schema]] = {}
    for name in REQUESTS:
        path = paths.setdefault(f"{PREFIX}/{name}", {})
        path["post"] = _action(schemas, name)
        if name in READS:
            path["get"] = _read(schemas, name)
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = _described(schemas, endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hubbub", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": _SCHEMES,
            "responses": {
                str(status): {"description": words, "content": _content(schemas.ref(Refusal))}
                for status, words in _STATUSES.items()
            },
        },
    }


def _own() -> list[Endpoint]:
    return [
        Endpoint("get", f"{PREFIX}/me", "Who asks.", Me, refusals=(401,), security="login", tag="api"),
        Endpoint("get", "/openapi.json", "This document.", _JSON),
        Endpoint("get", "/asyncapi.json", "The document of the WebSocket and the raw dialects.", _JSON),
    ]


def _types(endpoints: Iterable[Endpoint]) -> list[type]:
    """Each once, and the refusal, which all may be answered with."""
    rows = [ACTIONS[name] for name in REQUESTS]
    given = (kind for one in endpoints for kind in (one.answer, one.payload, one.query))
    return list(
        dict.fromkeys(
            (
                Refusal,
                CookieLoginPayload,
                CookieRegisterPayload,
                *(row.payload for row in rows),
                *(kind for row in rows for kind in row.answers),
                Me,
                *(kind for kind in given if isinstance(kind, type)),
            )
        )
    )


def _content(schema: Schema, kind: str = _JSON) -> Schema:
    return {kind: {"schema": schema}}


def _summary(kind: type) -> str:
    """The first line of what a type says of itself."""
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _refusals(numbers: Iterable[int]) -> Schema:
    return {str(number): {"$ref": f"#/components/responses/{number}"} for number in numbers}


# -- actions


def _action(schemas: Schemas, name: str) -> Schema:
    row = ACTIONS[name]
    cookies: dict[str, type] = {"login": CookieLoginPayload, "register": CookieRegisterPayload}
    payload = cookies.get(name, row.payload)
    needed = bool(schemas.of(payload).get("required"))
    operation: Schema = {
        "operationId": name,
        "summary": _summary(payload),
        "tags": ["api"],
        "requestBody": {"required": needed, "content": _content(schemas.ref(payload))},
        "responses": _responses(schemas, name),
        "security": _SECURITY["anybody" if name in ENTRIES else "login"],
    }
    if name not in ENTRIES and name != "logout":
        operation["parameters"] = [_key()]
    return operation


def _read(schemas: Schemas, name: str) -> Schema:
    payload = schemas.of(ACTIONS[name].payload)
    return {
        "operationId": f"{name}.get",
        "summary": _summary(ACTIONS[name].payload),
        "tags": ["api"],
        "parameters": _parameters(payload, ONLY_BY_POST.get(name, frozenset())),
        "responses": _responses(schemas, name),
        "security": _SECURITY["login"],
    }


def _responses(schemas: Schemas, name: str) -> Schema:
    told = [schemas.ref(kind) for kind in ACTIONS[name].answers]
    if name in ("login", "register"):
        told.append(schemas.ref(Me))
    good: Schema = {"description": "It was done.", "content": _content(one_of(told))}
    if name in ("login", "register", "logout"):
        good["headers"] = {"Set-Cookie": {"schema": {"type": "string"}}}
    return {"200": good, **_refusals(statuses(name))}


def _key() -> Schema:
    return {
        "name": KEY,
        "in": "header",
        "required": False,
        "description": "The request's id: a message with an id that was seen before is not said again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    }


def _parameters(payload: Schema, without: frozenset[str] = frozenset()) -> list[Schema]:
    required = payload.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in payload.get("properties", {}).items()
        if name not in without
    ]


# -- what else there is


def _described(schemas: Schemas, endpoint: Endpoint) -> Schema:
    good: Schema = {"description": endpoint.summary}
    if endpoint.answer is not None:
        good["content"] = _body(schemas, endpoint.answer)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _braced(endpoint.path)
    ]
    if endpoint.query is not None:
        parameters += _parameters(schemas.of(endpoint.query))
    parameters += [
        {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string"}}
        for name, words in endpoint.headers
    ]
    described: Schema = {
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "responses": {str(endpoint.status): good, **_refusals(endpoint.refusals)},
        "security": _SECURITY[endpoint.security],
    }
    if parameters:
        described["parameters"] = parameters
    if endpoint.payload is not None:
        described["requestBody"] = {"required": True, "content": _body(schemas, endpoint.payload)}
    return described


def _body(schemas: Schemas, kind: type | str) -> Schema:
    if isinstance(kind, str):
        return _content({}, kind)
    return _content(schemas.ref(kind))


def _braced(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{") and part.endswith("}")]
