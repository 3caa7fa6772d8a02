"""The page under its policy, in a real browser: nothing of ours is refused, and nothing of others runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browser.visiting import log_in
from hubbub.server.web.assets import PAGE_PATHS
from serving import Server, serving

pytestmark = pytest.mark.browser

_WATCH = """
window.refused = [];
addEventListener("securitypolicyviolation", (event) =>
    window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_MARKUP = "<img src='/none' onerror='window.ran = true'><script>window.ran = true</script>"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.add_init_script(_WATCH)
    yield context.new_page()
    context.close()


def refused(page: Page) -> list[str]:
    found = page.evaluate("window.refused")
    assert isinstance(found, list)
    return found


def open_page(page: Page, server: Server, path: str = "/") -> list[str]:
    """Open it, and return what it says on its console, from then on."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://127.0.0.1:{server.port}{path}")
    expect(page.locator("#app > *").first).to_be_attached()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return said


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_nothing_of_the_page_is_refused(page: Page, server: Server, path: str) -> None:
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    page.on("websocket", lambda socket: asked.add(socket.url.split("/")[2]))
    said = open_page(page, server, path)
    page.wait_for_load_state("networkidle")
    assert refused(page) == []
    assert [line for line in said if re.search(r"polic|trusted|csp", line, re.IGNORECASE)] == []
    assert asked == {f"127.0.0.1:{server.port}"}


def test_nothing_of_a_talk_is_refused(page: Page, server: Server) -> None:
    said = open_page(page, server)
    log_in(page, "Alice")
    page.goto(f"http://127.0.0.1:{server.port}/#/room/lobby")
    box = page.get_by_role("textbox").last
    box.fill("**hello** `there` https://example.org :)")
    box.press("Enter")
    expect(page.get_by_role("log").get_by_text("hello")).to_be_visible()
    assert refused(page) == []
    assert [line for line in said if "polic" in line.lower()] == []


def test_what_is_slipped_into_the_page_does_not_run_and_is_seen(page: Page, server: Server) -> None:
    def slip_in(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("<body>", f"<body>{_MARKUP}"))

    page.route("**/", slip_in)
    open_page(page, server)
    expect(page.locator("img[src='/none']")).to_be_attached()
    assert page.evaluate("window.ran") is None
    assert {entry.split()[0] for entry in refused(page)} == {"script-src-attr", "script-src-elem"}


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = markup",
        "document.body.insertAdjacentHTML('beforeend', markup)",
        "document.write(markup)",
        "new DOMParser().parseFromString(markup, 'text/html')",
        "document.createElement('iframe').srcdoc = markup",
        "document.createElement('script').text = 'window.ran = true'",
        "document.createElement('script').src = '/sw.js'",
        "document.body.setAttribute('onclick', 'window.ran = true')",
        "trustedTypes.createPolicy('another', {createHTML: (text) => text})",
        "trustedTypes.createPolicy('svelte-trusted-html', {createHTML: (text) => text})",
        "new Worker('/sw.js')",
        "eval('window.ran = true')",
    ],
)
def test_text_does_not_become_markup_or_script(page: Page, server: Server, attempt: str) -> None:
    open_page(page, server)
    # From a task of the page: what the debugger evaluates by itself is under no policy.
    outcome = page.evaluate(
        "([attempt, markup]) => new Promise((done) => setTimeout(() => {"
        f"  try {{ {attempt}; done('done'); }} catch (error) {{ done(error.name); }}"
        "}))",
        [attempt, _MARKUP],
    )
    assert outcome in ("TypeError", "EvalError")
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_the_page_talks_to_its_own_server_alone(page: Page, server: Server, scheme: str) -> None:
    open_page(page, server)
    with serving() as other:
        talk = {
            "http": "(url) => fetch(url + '/version', {mode: 'no-cors'}).then(() => 'open', () => 'closed')",
            "ws": """(url) => new Promise((done) => {
                const socket = new WebSocket(url + "/ws");
                socket.onopen = () => done("open");
                socket.onerror = () => done("closed");
            })""",
        }[scheme]
        for port, outcome in ((server.port, "open"), (other.port, "closed")):
            assert page.evaluate(talk, f"{scheme}://127.0.0.1:{port}") == outcome
        [entry] = refused(page)
        assert entry.startswith(f"connect-src {scheme}://127.0.0.1:{other.port}")


def test_a_picture_that_is_not_sent_yet_can_be_shown(page: Page, server: Server) -> None:
    open_page(page, server)
    width = page.evaluate(
        """async () => {
            const blob = await (await fetch("/icons/192.png")).blob();
            const picture = new Image();
            picture.src = URL.createObjectURL(blob);
            await picture.decode();
            return picture.naturalWidth;
        }"""
    )
    assert width == 192
    assert refused(page) == []


def test_nobody_puts_the_page_into_a_frame(page: Page, server: Server) -> None:
    around = f"http://localhost:{server.port}/around"
    frame = f"<iframe src='http://127.0.0.1:{server.port}/'></iframe>"
    page.route(around, lambda route: route.fulfill(content_type="text/html", body=frame))
    page.goto(around)
    page.wait_for_load_state("networkidle")
    assert page.frames[1].locator("#app").count() == 0
    assert page.frames[1].url.startswith("chrome-error://")
