"""The page as an app, in a real browser: it can be installed, opens without its server, and becomes newer."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from browser.starting import FLAGS
from hubbub.server.web.assets import CLIENT
from serving import Server, serving

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
READY = "navigator.serviceWorker.ready.then(() => true)"
CONTROLLED = "navigator.serviceWorker.controller !== null"
KEPT = "caches.keys().then((names) => names.filter((name) => name.startsWith('hubbub-')))"
REGISTRATION = "await navigator.serviceWorker.getRegistration()"
GIVEN_UP = f"({REGISTRATION}) === undefined"
"""The worker was asked for, and could not be installed: a browser forgets a first one then."""
SAY_WHEN_ASKED = """{
    const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
    const said = () => (globalThis.asked = true);
    navigator.serviceWorker.register = (...given) => register(...given).finally(said);
}"""
BUILD = "document.querySelector('meta[name=build]').content"


@pytest.fixture
def context(chromium: Path, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser with a profile on disk: nothing can be installed from a private one."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, args=list(FLAGS)
        )
        yield started
        started.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.pages[0]


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


def open_and_keep(page: Page, address: str) -> None:
    """Open the page, and wait until its worker has it."""
    page.goto(address)
    page.evaluate(READY)
    until(page, CONTROLLED)


def until(page: Page, condition: str) -> None:
    """Wait for something that the page has to be asked for: `wait_for_function` takes a promise for a yes."""
    wait = "await new Promise((done) => setTimeout(done, 20))"
    page.evaluate(f"(async () => {{ while (!({condition})) {wait}; }})()")


def package_of_build(build: str, folder: Path) -> str:
    """This server with another build of the same client: what an update of it is, to a browser."""
    package = folder / build / "hubbub"
    shutil.copytree(ROOT / "src" / "hubbub", package)  # what is compiled, too: it starts at once
    client = package / "server" / "web" / "client"
    own = (CLIENT / "build.txt").read_text()
    for name in ("index.html", "sw.js", "build.txt"):
        path = client / name
        path.write_text(path.read_text().replace(own, build))
        for coded in (client / f"{name}.br", client / f"{name}.gz"):
            coded.unlink(missing_ok=True)
    return str(package.parent)


def test_it_can_be_installed(page: Page, context: BrowserContext) -> None:
    with serving() as server:
        open_and_keep(page, url(server))
        devtools = context.new_cdp_session(page)
        manifest = devtools.send("Page.getAppManifest")
        assert manifest["errors"] == []
        assert json.loads(manifest["data"])["name"] == "Hubbub"
        assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []


def test_the_manifest_says_what_is_there() -> None:
    manifest = json.loads((CLIENT / "manifest.webmanifest").read_text())
    shortcuts = [icon for shortcut in manifest["shortcuts"] for icon in shortcut["icons"]]
    pictures = [icon for icon in (*manifest["icons"], *shortcuts) if icon["src"].endswith(".png")]
    assert len(pictures) == 6
    for icon in pictures:
        head = (CLIENT / icon["src"][1:]).read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", head[16:])
        assert icon["sizes"] == f"{width}x{height}"
    assert {icon["sizes"] for icon in pictures if icon.get("purpose") == "maskable"} == {"192x192", "512x512"}


def test_it_opens_without_its_server(page: Page) -> None:
    with serving() as server:
        address = url(server)
        open_and_keep(page, address)
        build = page.evaluate(BUILD)
    for path in ("", "dashboard", "playground", "?source=app#/room/lobby"):
        page.goto(address + path)
        expect(page.locator("#app > *").first).to_be_attached()
        assert page.evaluate(BUILD) == build


def test_it_answers_for_the_page_and_for_nothing_else(page: Page) -> None:
    with serving() as server:
        open_and_keep(page, url(server))
        script = page.evaluate("document.querySelector('script[src]').getAttribute('src')")
        others = (
            "/version",
            "/api/v1/none",
            "/files/none",
            "/blobs/none/a.png",
            "/ws",
            "/health",
            "/none.js",
        )
        for path in (script, *others):
            with page.expect_response(f"**{path}") as answered:
                page.evaluate("(path) => fetch(path)", path)
            assert answered.value.from_service_worker == (path == script), path
        assert page.reload().from_service_worker  # type: ignore[union-attr] # there is one


@pytest.mark.long
def test_a_newer_build_is_told_comes_with_the_next_load_and_old_ones_go(
    page: Page, context: BrowserContext, tmp_path: Path
) -> None:
    devtools = context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    page.add_init_script(
        "navigator.serviceWorker.addEventListener('message', ({data}) => { window.told = data.build; })"
    )
    builds = ["1111111111111111", "2222222222222222", "3333333333333333"]
    with serving() as server:
        open_and_keep(page, url(server))
        own, place = page.evaluate(BUILD), f"127.0.0.1:{server.port}"
    for before, build in zip([own, *builds], builds, strict=False):
        with serving(listen=(place,), PYTHONPATH=package_of_build(build, tmp_path)):
            # As after some time at rest: one in its work is let end it, and Chromium waits for 30 s at times.
            devtools.send("ServiceWorker.stopAllWorkers")
            page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
            until(page, f"window.told === {build!r}")
            assert page.evaluate(BUILD) == before  # nothing is taken from under a page that is open
            assert page.evaluate(KEPT) == [f"hubbub-{before}", f"hubbub-{build}"]
            page.reload()
            assert page.evaluate(BUILD) == build
    page.reload()  # without a server
    assert page.evaluate(BUILD) == builds[-1]


def test_a_worker_does_not_keep_a_mixture_of_builds(page: Page, tmp_path: Path) -> None:
    page.add_init_script(SAY_WHEN_ASKED)
    folder = package_of_build("1111111111111111", tmp_path)
    index = Path(folder) / "hubbub" / "server" / "web" / "client" / "index.html"
    index.write_text(index.read_text().replace("1111111111111111", "2222222222222222"))
    with serving(PYTHONPATH=folder) as server:
        page.goto(url(server))
        until(page, "globalThis.asked === true")  # it may be given up before one looks
        until(page, GIVEN_UP)
        assert page.evaluate(KEPT) == []


def test_a_full_disk_only_means_that_nothing_is_kept(page: Page, context: BrowserContext) -> None:
    with serving() as server:
        quota = {"origin": url(server)[:-1], "quotaSize": 1}
        context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url(server))
        expect(page.locator("#app > *").first).to_be_attached()
        until(page, GIVEN_UP)
        page.reload()
        expect(page.locator("#app > *").first).to_be_attached()
        assert faults == []


@pytest.mark.parametrize(
    "denied",
    [
        "delete Navigator.prototype.serviceWorker",
        "navigator.serviceWorker.register = () => Promise.reject(new DOMException('', 'SecurityError'))",
    ],
)
def test_without_workers_the_page_is_the_same(page: Page, context: BrowserContext, denied: str) -> None:
    context.add_init_script(denied)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    with serving() as server:
        page.goto(url(server))
        expect(page.locator("#app > *").first).to_be_attached()
        page.wait_for_load_state("networkidle")
        assert faults == []
