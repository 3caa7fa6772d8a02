"""The OpenAPI document is whole, and says what the tables say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

from hubbub.core.answers import History, RoomLeft
from hubbub.core.errors import Code, Refusal
from hubbub.wire.json_actions import ACTIONS
from hubbub.wire.openapi import LEFT_OUT, READS, REQUESTS, Endpoint, Me, document
from hubbub.wire.websocket_json import answer_data


class Query(msgspec.Struct):
    """What is asked for."""

    q: str
    most: int = 5


OTHERS = [
    Endpoint("get", "/things/{thing}", "One thing.", Me, query=Query, refusals=(404,), security="admin"),
    Endpoint("put", "/things/{thing}", "Keep one.", None, Query, status=204, headers=(("If-Match", "E"),)),
    Endpoint("get", "/raw", "Bytes.", "application/octet-stream"),
]
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document("1.2.3", OTHERS)))
METHODS = {"get", "head", "post", "put", "patch", "delete", "options"}
OPERATIONS = {
    f"{method} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def resolve(ref: str) -> Any:
    assert ref.startswith("#/"), ref
    found: Any = DOCUMENT
    for part in ref[2:].split("/"):
        found = found[part]
    return found


def valid(value: Any, schema: dict[str, Any]) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def test_it_is_openapi_3_1_of_this_version() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert {"openapi", "info", "paths", "components", "servers"} == set(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    refs = [one["$ref"] for one in walk(DOCUMENT) if isinstance(one.get("$ref"), str)]
    assert len(refs) > 300
    for ref in refs:
        resolve(ref)
    with pytest.raises(KeyError):
        resolve("#/components/schemas/Nothing")


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_whole(name: str) -> None:
    method, path = name.split(" ")
    operation = OPERATIONS[name]
    assert method in METHODS
    assert path.startswith("/")
    assert operation["summary"].endswith("."), operation["summary"]
    assert set(operation["security"][0] if operation["security"] else {}) <= set(
        DOCUMENT["components"]["securitySchemes"]
    )
    good = [status for status in operation["responses"] if status.startswith("2")]
    assert len(good) == 1
    for status, response in operation["responses"].items():
        assert re.fullmatch(r"[2-5]\d\d", status)
        assert "$ref" in response or response["description"]
    parameters = operation.get("parameters", [])
    keys = [(one["in"], one["name"]) for one in parameters]
    assert len(keys) == len(set(keys))
    assert {key for place, key in keys if place == "path"} == set(re.findall(r"\{(\w+)\}", path))
    for parameter in parameters:
        assert parameter["in"] in {"path", "query", "header", "cookie"}
        assert parameter["in"] != "path" or parameter["required"] is True
        jsonschema.Draft202012Validator.check_schema(parameter["schema"])
    assert method != "get" or "requestBody" not in operation


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values() if "operationId" in operation]
    assert len(ids) == len(set(ids)) == len(REQUESTS) + len(READS)


def test_every_action_is_there_or_left_out() -> None:
    assert set(ACTIONS) >= LEFT_OUT
    shown = {path.removeprefix("/api/v1/") for path in DOCUMENT["paths"] if path.startswith("/api/v1/")}
    assert shown == set(ACTIONS) - LEFT_OUT | {"me"}
    assert {name for name in shown if "get" in DOCUMENT["paths"][f"/api/v1/{name}"]} == READS | {"me"}


def test_a_refusal_fits_the_error_of_every_status() -> None:
    refusal = Refusal(Code.RATE_LIMITED, "Too often.", limit="limits.message_rate", retry_after=1.5)
    told = msgspec.json.decode(answer_data(refusal))
    assert told == {
        "code": "rate_limited",
        "message": "Too often.",
        "limit": "limits.message_rate",
        "retry_after": 1.5,
    }
    for status in DOCUMENT["components"]["responses"].values():
        schema = status["content"]["application/json"]["schema"]
        assert valid(told, schema)
        assert not valid({"message": "Too often."}, schema)


def test_every_code_has_a_status_that_is_described() -> None:
    assert {str(code.status) for code in Code} <= set(DOCUMENT["components"]["responses"])


def test_answers_are_those_of_the_websocket() -> None:
    def schema(action: str) -> dict[str, Any]:
        found: dict[str, Any] = OPERATIONS[f"post /api/v1/{action}"]["responses"]["200"]
        return dict(found["content"]["application/json"]["schema"])

    history = msgspec.json.decode(answer_data(History("room:1", [], False, "lobby")))
    assert valid(history, schema("history"))
    assert not valid({**history, "more": "no"}, schema("history"))
    assert valid(msgspec.json.decode(answer_data(RoomLeft("den"))), schema("leave"))
    assert valid({"username": "A", "user_id": 3, "role": "guest", "server": "h"}, schema("login"))


def test_a_query_is_the_payload() -> None:
    parameters = {one["name"]: one for one in OPERATIONS["get /api/v1/history"]["parameters"]}
    assert set(parameters) >= {"room", "with", "before", "after", "around", "limit"}
    assert valid(5, parameters["limit"]["schema"])
    assert not valid(0, parameters["limit"]["schema"])
    (search,) = [one for one in OPERATIONS["get /api/v1/search"]["parameters"] if one["required"]]
    assert search["name"] == "query"
    assert OPERATIONS["get /api/v1/sessions"]["parameters"] == []  # `end` would end one


def test_what_needs_a_login_says_so() -> None:
    both: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}]
    assert OPERATIONS["post /api/v1/publish"]["security"] == both
    assert OPERATIONS["get /api/v1/me"]["security"] == both
    assert OPERATIONS["post /api/v1/login"]["security"] == []
    cookie = DOCUMENT["components"]["securitySchemes"]["cookie"]
    assert (cookie["type"], cookie["in"]) == ("apiKey", "cookie")


def test_other_endpoints_are_described_as_they_are_given() -> None:
    got, put = (OPERATIONS[f"{method} /things/{{thing}}"] for method in ("get", "put"))
    assert [(one["in"], one["name"], one["required"]) for one in got["parameters"]] == [
        ("path", "thing", True),
        ("query", "q", True),
        ("query", "most", False),
    ]
    assert set(got["responses"]) == {"200", "404"}
    assert got["security"] == [{"bearer": []}, {"cookie": []}]
    assert "content" not in put["responses"]["204"]
    assert valid({"q": "x"}, put["requestBody"]["content"]["application/json"]["schema"])
    assert ("header", "If-Match") in {(one["in"], one["name"]) for one in put["parameters"]}
    assert "application/octet-stream" in OPERATIONS["get /raw"]["responses"]["200"]["content"]
