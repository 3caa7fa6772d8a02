"""What `/openapi.json` tells of all that is no action: a list, so that the document stays data."""

from __future__ import annotations

from typing import Final, Literal

from hubbub.server.web import arrival, entrance
from hubbub.wire.admin_payloads import ADMIN_PATH, ADMIN_ROUTES, NoQuery
from hubbub.wire.openapi import Endpoint

_RESUMABLE: Final = ("Tus-Resumable", "1.0.0")
_JSON: Final = "application/json"
_BYTES: Final = "application/octet-stream"
_PIECE: Final = "application/offset+octet-stream"
_METHODS: Final[dict[str, Literal["get", "post", "patch", "delete"]]] = {
    "GET": "get",
    "POST": "post",
    "PATCH": "patch",
    "DELETE": "delete",
}
_ADMINS: Final = {
    "GET": (429,),
    "POST": (409, 413, 415, 429, 501, 503),
    "PATCH": (404, 413, 415, 429, 503),
    "DELETE": (404, 429, 503),
}
"""Statuses of errors that requests of admins may have besides."""
_RANGE: Final = (("Range", "A part of it (RFC 9110 §14)."), ("If-None-Match", "The ETag of what one has."))

ENDPOINTS: Final = (
    Endpoint("get", entrance.PATH, "Which ways in are open to whoever asks.", entrance.Entrance, tag="api"),
    Endpoint("get", "/health", "Whether the process answers.", _JSON),
    Endpoint("get", "/ready", "Whether it can serve; if not, why not.", _JSON, refusals=(503,)),
    Endpoint("get", "/version", "Which version it is, and which build of the web client.", _JSON),
    arrival.ARRIVAL_ENDPOINT,
    Endpoint(
        "post",
        "/files",
        "Begin an upload (tus 1.0.0, tus.io): `Location` says where its bytes go.",
        status=201,
        refusals=(400, 401, 403, 404, 412, 413, 415, 429, 503),
        security="login",
        headers=(
            _RESUMABLE,
            ("Upload-Length", "Bytes of the file."),
            ("Upload-Metadata", "`filename`, `filetype`, `room` or `to`, `sha256`; each value in Base64."),
        ),
        tag="files",
    ),
    Endpoint(
        "head",
        "/files/{upload}",
        "How far an upload is: `Upload-Offset`.",
        refusals=(401, 404, 412),
        security="login",
        headers=(_RESUMABLE,),
        tag="files",
    ),
    Endpoint(
        "patch",
        "/files/{upload}",
        "Go on with an upload.",
        payload=_PIECE,
        status=204,
        refusals=(400, 401, 403, 404, 409, 412, 413, 415, 423, 503),
        security="login",
        headers=(_RESUMABLE, ("Upload-Offset", "Where these bytes begin.")),
        tag="files",
    ),
    Endpoint(
        "delete",
        "/files/{upload}",
        "Give an upload up.",
        status=204,
        refusals=(401, 404, 412),
        security="login",
        headers=(_RESUMABLE,),
        tag="files",
    ),
    Endpoint(
        "get",
        "/blobs/{file}/{name}",
        "A kept file; its name is for people, and anything does. A `ticket` in the query stands for a login.",
        _BYTES,
        refusals=(401, 404, 416),
        security="login",
        headers=_RANGE,
        tag="files",
    ),
    Endpoint(
        "get",
        "/blobs/{file}/thumbnail",
        "The small picture of a picture.",
        "image/webp",
        refusals=(401, 404),
        security="login",
        tag="files",
    ),
    *(
        Endpoint(
            _METHODS[row.method],
            ADMIN_PATH + row.path,
            row.summary,
            row.answer,
            row.body,
            None if row.query is NoQuery else row.query,
            row.status,
            refusals=(400, 401, 403, *_ADMINS[row.method]),
            security="admin",
            tag="admin",
        )
        for row in ADMIN_ROUTES
    ),
)
