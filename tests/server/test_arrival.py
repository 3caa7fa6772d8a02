"""`GET /arrival`, of a real server: what the asker's own request said, a line at a time."""

from __future__ import annotations

import json

import httpx

from hubbub.server.web.arrival import PIECES
from serving import serving


def test_it_tells_how_a_request_arrived() -> None:
    with serving("--config", "/dev/null") as server:
        root = f"http://127.0.0.1:{server.port}"
        claimed = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        with httpx.stream("GET", f"{root}/arrival", headers=claimed) as answer:
            assert answer.headers["cache-control"] == "no-store"
            pieces = [json.loads(line) for line in answer.iter_lines()]
        assert [piece["piece"] for piece in pieces] == [1, 2, 3, 4] == list(range(1, PIECES + 1))
        expected = {"address": "127.0.0.1", "scheme": "http", "host": f"127.0.0.1:{server.port}"}
        assert expected.items() <= pieces[0].items()  # nobody is believed who is no trusted proxy
        assert httpx.head(f"{root}/arrival").status_code == 200
        assert httpx.post(f"{root}/arrival").status_code == 405


def test_a_trusted_proxy_is_believed() -> None:
    with serving(HUBBUB_WEB_TRUSTED_PROXIES="127.0.0.1") as server:
        claimed = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        answer = httpx.get(f"http://127.0.0.1:{server.port}/arrival", headers=claimed)
        first = json.loads(answer.text.splitlines()[0])
        assert (first["address"], first["scheme"], first["secure"]) == ("192.0.2.7", "https", False)


def test_pieces_come_one_by_one() -> None:
    """The first one is there while the last one is not yet sent."""
    with serving() as server:
        client = server.text()
        client.send(b"GET /arrival HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while b'"piece":1' not in client.buffer:
            client._more()
        assert b'"piece":4' not in client.buffer
        while b'"piece":4' not in client.buffer:
            client._more()
