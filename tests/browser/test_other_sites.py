"""A page of another site, in a real browser that is signed in here: what it sends has no effect."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from serving import Server, serving

pytestmark = pytest.mark.browser

ASK = """async ([url, options]) => {
    try {
        const answer = await fetch(url, {credentials: "include", ...options});
        return [answer.type, answer.status];
    } catch { return ["refused", 0]; }
}"""
WEBSOCKET = """(url) => new Promise((told) => {
    const line = new WebSocket(url);
    line.onopen = () => told("open");
    line.onerror = () => told("refused");
})"""
FORM = """(url) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: url, enctype: "text/plain"});
    const field = Object.assign(document.createElement("input"), {name: '{"content":"forged', value: '"}'});
    form.append(field);
    document.body.append(form);
    form.submit();
}"""


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Elsewhere</title><p>Hello.")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of another site on this machine. To a browser another port of a name is the same site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site.server_address[1]
        site.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--demo") as started:
        yield started


def _signed_in(page: Page, server: Server) -> None:
    page.goto(f"http://localhost:{server.port}/version")
    body = '{"username":"alice","password":"alice","cookie":true}'
    options = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": body}
    assert page.evaluate(ASK, ["/api/v1/login", options]) == ["basic", 200]
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate(ASK, ["/api/v1/me", {}]) == ["basic", 200]
    assert page.evaluate(WEBSOCKET, f"ws://localhost:{server.port}/ws") == "open"


def _said(server: Server) -> list[str]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}/api/v1/") as web:
        token = web.post("login", json={"username": "bob", "password": "bob"}).json()["token"]
        history: Any = web.get("history", headers={"Authorization": f"Bearer {token}"}).json()
    return [message["content"] for message in history["messages"]]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])  # of the same site, and of another one
def test_it_can_neither_ask_nor_listen_nor_show(
    browser: Browser, server: Server, elsewhere: int, host: str
) -> None:
    with closing(browser.new_context()) as context:
        page = context.new_page()
        _signed_in(page, server)
        ours = f"http://localhost:{server.port}"
        page.goto(f"http://{host}:{elsewhere}/")
        json = {"headers": {"Content-Type": "application/json"}, "body": '{"content":"forged"}'}
        plain = {"mode": "no-cors", "body": '{"content":"forged"}'}
        for options in (json, plain):
            told = page.evaluate(ASK, [f"{ours}/api/v1/publish", {"method": "POST", **options}])
            assert told in (["refused", 0], ["opaque", 0])
        assert page.evaluate(ASK, [f"{ours}/api/v1/history", {}]) == ["refused", 0]
        assert page.evaluate(WEBSOCKET, f"ws://localhost:{server.port}/ws") == "refused"
        page.evaluate(FORM, f"{ours}/api/v1/publish")
        page.wait_for_url(f"{ours}/api/v1/publish")
        assert "forbidden" in page.content() or "unauthenticated" in page.content()
        page.goto(f"http://{host}:{elsewhere}/")
        page.evaluate("(url) => document.body.innerHTML = `<iframe src=${url}></iframe>`", f"{ours}/version")
        page.wait_for_function("frames.length === 1")
        framed = page.frames[1]
        framed.wait_for_load_state()
        assert "hubbub" not in framed.content()
        assert _said(server) == []
        page.goto(f"{ours}/version")  # and whoever is signed in still is
        assert page.evaluate(ASK, ["/api/v1/me", {}]) == ["basic", 200]
