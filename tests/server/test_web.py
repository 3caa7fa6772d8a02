"""What HTTP serves, asked of a started server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette

from hubbub import __version__
from hubbub.server.web.app import build_app
from serving import Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def web(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "kind", "part"),
    [
        ("/asyncapi.json", "application/json", '"asyncapi"'),
    ],
)
def test_files_are_served_and_asked_for_once(web: httpx.Client, path: str, kind: str, part: str) -> None:
    found = web.get(path)
    assert (found.status_code, found.headers["content-type"]) == (200, kind)
    assert part in found.text
    again = web.get(path, headers={"If-None-Match": f'"other", W/{found.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert web.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    head = web.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(found.content))


def test_health_readiness_and_version(web: httpx.Client) -> None:
    assert web.get("/health").json() == {"status": "ok"}
    assert web.get("/ready").json() == {"status": "ok"}
    version = web.get("/version").json()
    assert version == {"name": "hubbub", "version": __version__, "client": version["client"]}
    assert web.get("/health").headers["cache-control"] == "no-store"


def test_the_asyncapi_document_is_of_this_version(web: httpx.Client) -> None:
    assert web.get("/asyncapi.json").json()["info"]["version"] == __version__


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/health/", 404)])
def test_what_is_not_there(web: httpx.Client, method: str, path: str, status: int) -> None:
    answer = web.request(method, path)
    assert answer.status_code == status
    assert answer.json() == {"code": "not_found", "message": "Not Found."}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_get_and_head_only(web: httpx.Client, method: str) -> None:
    answer = web.request(method, "/health")
    assert (answer.status_code, answer.json()["code"]) == (405, "unsupported")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/", "/health", "/nothing"])
def test_browsers_are_told_to_be_careful(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert "server" not in headers


def ask(app: Starlette, path: str) -> httpx.Response:
    """Ask an app without a server, for states that a started one does not come into by itself."""

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    return asyncio.run(main())


def test_a_server_that_cannot_serve_says_why() -> None:
    app = build_app(version="1", ready=lambda: "the disk is full")
    answer = ask(app, "/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the disk is full")
    assert ask(app, "/health").status_code == 200


def test_our_own_fault_tells_nothing() -> None:
    def ready() -> str:
        raise RuntimeError("the secret of the house")

    answer = ask(build_app(version="1", ready=ready), "/ready")
    assert answer.status_code == 500
    assert answer.json() == {"code": "internal", "message": "Internal error."}
    assert "content-security-policy" in answer.headers
