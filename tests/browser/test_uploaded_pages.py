"""What somebody uploaded, opened in a real browser at our own address: nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page

from server.file_requests import Requests, requests
from serving import NdjsonClient, Server, serving

pytestmark = pytest.mark.browser

_RUN = "fetch('/ran', {method: 'POST'})"
_HTML = f'<!doctype html><script>{_RUN}</script><img src=x onerror="{_RUN}">'.encode()
_SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_RUN}"><script>{_RUN}</script></svg>'.encode()
_XHTML = f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{_RUN}</script></html>'.encode()
_JS = _RUN.encode()

FILES = [
    ("page.html", "text/html", _HTML),
    ("page.txt", "text/plain", _HTML),
    ("page.png", "image/png", _HTML),
    ("page.bin", "", _HTML),
    ("picture.svg", "image/svg+xml", _SVG),
    ("picture.webp", "image/webp", _SVG),
    ("page.xhtml", "application/xhtml+xml", _XHTML),
    ("page.xml", "text/xml", _XHTML),
    ("code.js", "text/javascript", _JS),
    ("code.txt", "text/plain", _JS),
]
_FRAMES = (
    "<iframe src='{0}'></iframe><object data='{1}'></object><embed src='{2}'><script src='{3}'></script>"
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def _link(line: NdjsonClient, server: Server, file: str) -> str:
    url = str(line.ask("file/get", file=file)["payload"]["url"])
    return f"http://127.0.0.1:{server.port}{url}"


def _watched(page: Page) -> list[str]:
    ran: list[str] = []
    page.context.on("request", lambda one: ran.append(one.url) if one.url.endswith("/ran") else None)
    return ran


@pytest.mark.parametrize(("name", "kind", "data"), FILES)
def test_nothing_of_a_file_runs_on_our_origin(
    browser: Browser, server: Server, name: str, kind: str, data: bytes
) -> None:
    alice, line = requests(server)
    file = alice.put(data, filename=name, filetype=kind)["Hubbub-File"]
    page = browser.new_context().new_page()
    ran = _watched(page)
    try:
        page.goto(_link(line, server, file))
    except Error as error:  # which is how a browser that saves a file tells it
        assert "Download is starting" in str(error)  # noqa: PT017
    # The worst place that it could be opened from: a page of our own that holds to no policy.
    around = f"http://127.0.0.1:{server.port}/around"
    body = _FRAMES.format(*(_link(line, server, file) for _ in range(4)))
    page.route(around, lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto(around)
    page.wait_for_load_state("networkidle")
    assert ran == []
    page.context.close()


def test_that_something_had_run_would_be_seen(browser: Browser, server: Server) -> None:
    page = browser.new_context().new_page()
    ran = _watched(page)
    place = f"http://127.0.0.1:{server.port}/page"
    page.route(place, lambda route: route.fulfill(content_type="text/html", body=_HTML.decode()))
    page.goto(place)
    page.wait_for_load_state("networkidle")
    assert ran
    assert Requests(server, None).ask("GET", "/health").status == 200
    page.context.close()
