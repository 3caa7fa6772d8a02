"""Files in the conversation: pictures, sounds and films in a real browser, and who may fetch them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from browser.sending import card, fetched, file, moving, panel, send
from browser.visiting import (
    PHONE,
    Visit,
    ask,
    check_axe,
    check_width,
    log_in,
    register,
    say,
    visiting,
)
from server.file_requests import Requests
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="document.title=1"/>'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving("--data", str(tmp_path / "data"), "--limits", "off") as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server, "net::ERR_ABORTED") as visit:
        yield visit


def picture(width: int, height: int, form: str = "PNG") -> bytes:
    written = BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(written, form)
    return written.getvalue()


def moving_picture() -> bytes:
    written = BytesIO()
    one, two = (Image.new("RGB", (90, 60), colour) for colour in ("red", "blue"))
    one.save(written, "GIF", save_all=True, append_images=[two], duration=200, loop=0)
    return written.getvalue()


def sound() -> bytes:
    samples = b"\x80" * 8_000
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(samples),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        8_000,
        8_000,
        1,
        8,
        b"data",
        len(samples),
    )
    return head + samples


def view(page: Page, name: str) -> Locator:
    return page.get_by_role("log").get_by_role("button", name=f"View {name}")


def loaded(picture: Locator) -> None:
    picture.page.wait_for_function(
        "(one) => one.complete && one.naturalWidth > 0", arg=picture.element_handle()
    )


def test_a_picture_is_looked_at_and_the_focus_comes_back(visit: Visit) -> None:
    page = log_in(visit(), "alice")
    send(page, file("wide.png", picture(1_600, 900)))
    small = view(page, "wide.png")
    expect(small).to_be_visible()
    loaded(small.locator("img"))
    check_axe(page, "picture")
    dialog = page.get_by_role("dialog", name="Picture: wide.png")
    small.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    loaded(dialog.get_by_role("img"))
    check_axe(page, "viewer")
    check_width(page, "viewer")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(small).to_be_focused()
    small.click()
    dialog.get_by_role("img").click()
    expect(dialog).to_be_visible()  # on it: one looks on
    page.mouse.click(5, 400)
    expect(dialog).to_have_count(0)
    small.click()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(small).to_be_focused()
    assert fetched(page, "wide.png") == picture(1_600, 900)


def test_the_place_of_a_picture_is_kept_while_it_loads(visit: Visit) -> None:
    page = log_in(visit(), "alice")
    shapes = {"wide.png": (2_000, 40), "tall.png": (40, 2_000), "large.png": (900, 900), "tiny.png": (4, 4)}
    send(page, *(file(name, picture(*shape)) for name, shape in shapes.items()))
    expect(card(page, "tiny.png")).to_be_visible()
    for name in shapes:
        loaded(view(page, name).locator("img"))
    say(page, "below them")
    heights = {name: view(page, name).bounding_box() for name in shapes}
    for name, found in heights.items():
        assert found is not None
        assert found["width"] >= 48 <= found["height"], name
    page.route("**/blobs/**", lambda route: None)  # never answered
    page.reload()
    expect(page.get_by_text("below them")).to_be_visible()
    for name, found in heights.items():
        now = view(page, name).bounding_box()
        assert now is not None
        assert found is not None
        assert (now["width"], now["height"]) == (found["width"], found["height"]), name
    page.unroute_all(behavior="ignoreErrors")


def test_what_is_no_picture_is_a_card(visit: Visit) -> None:
    page = log_in(visit(), "alice")
    sent = {
        "broken.png": ("image/png", b"no picture"),
        "drawing.svg": ("image/svg+xml", SVG),
        "page.html": ("text/html", b"<b>"),
    }
    send(page, *(file(name, data, kind) for name, (kind, data) in sent.items()))
    for name, (_, data) in sent.items():
        assert fetched(page, name) == data
        expect(view(page, name)).to_have_count(0)
    expect(page.get_by_role("log").locator("img")).to_have_count(0)
    assert page.title() != "1"


def test_a_moving_picture_moves_and_a_sound_plays(visit: Visit) -> None:
    page = log_in(visit(viewport=PHONE), "alice")
    page.get_by_role("navigation").get_by_role("link", name="lobby").click()
    send(page, file("moving.gif", moving_picture(), "image/gif"), file("tone.wav", sound(), "audio/wav"))
    view(page, "moving.gif").click()
    shown = page.get_by_role("dialog").get_by_role("img")
    loaded(shown)
    assert (
        shown.evaluate("(one) => fetch(one.src).then((it) => it.headers.get('content-type'))") == "image/gif"
    )
    for name in ("Download moving.gif", "Close"):
        expect(page.get_by_role("dialog").get_by_label(name)).to_be_in_viewport(ratio=1)
    check_axe(page, "viewer on a phone")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    player = page.get_by_role("log").locator("audio")
    expect(player).to_be_visible()
    player.evaluate("(one) => one.play()")
    page.wait_for_function("(one) => one.currentTime > 0.1", arg=player.element_handle())
    check_width(page, "media")
    check_axe(page, "media")


def test_a_private_file_is_fetched_by_its_members_alone(server: Server, visit: Visit) -> None:
    people: dict[str, Page] = {}
    for name in ("alice", "bob", "mallory"):
        register(server, name, "correct horse")
        people[name] = log_in(visit(), name, "correct horse")
    token = ask(server, "POST", "/api/v1/login", {"username": "alice", "password": "correct horse"})[1][
        "token"
    ]
    for action, given in (
        ("create", {"room": "den", "private": True}),
        ("invite", {"room": "den", "to": "bob"}),
    ):
        status, told = ask(server, "POST", f"/api/v1/{action}", given, token)
        assert status == 200, told
    bobs = ask(server, "POST", "/api/v1/login", {"username": "bob", "password": "correct horse"})[1]["token"]
    assert ask(server, "POST", "/api/v1/join", {"room": "den"}, bobs)[0] == 200
    data = picture(400, 300)
    put = Requests(server, token).put(data, filename="secret.png", room="den")
    address = put["Content-Location"]
    seen = people["bob"]
    seen.evaluate("location.hash = '#/room/den'")
    loaded(view(seen, "secret.png").locator("img"))
    assert fetched(seen, "secret.png") == data
    small = view(seen, "secret.png").locator("img").get_attribute("src")
    assert small is not None
    for path in (address, small):
        statuses = {
            name: page.evaluate("(path) => fetch(path, {cache: 'no-store'}).then((it) => it.status)", path)
            for name, page in people.items()
        }
        assert statuses == {"alice": 200, "bob": 200, "mallory": 404}, path
    stranger = visit()
    assert stranger.evaluate("(path) => fetch(path).then((it) => it.status)", address) == 401


def test_the_panel_covers_neither_what_is_written_nor_what_is_told(visit: Visit) -> None:
    themes: tuple[dict[str, object], ...] = (
        {},
        {"viewport": PHONE},
        {"locale": "zh-CN", "color_scheme": "dark"},
    )
    for number, options in enumerate(themes):
        page = log_in(visit(**options), f"alice{number}")
        page.get_by_role("navigation").get_by_role("link", name="lobby").click()
        send(page, *(file(f"CON.{one}", b"") for one in range(8)))
        expect(panel(page).get_by_role("listitem")).to_have_count(8)
        expect(moving(page, "CON.7").locator(".bad")).to_be_visible()
        page.locator("form.composer textarea").fill("line\n" * 30)
        boxes = [panel(page).bounding_box(), page.locator("form.composer").bounding_box()]
        upper, lower = boxes
        assert upper is not None
        assert lower is not None
        assert upper["y"] + upper["height"] <= lower["y"], options
        toasts = 76 + 4 * 60  # pixels at the bottom
        assert upper["y"] + upper["height"] <= page.evaluate("innerHeight") - toasts, options
        check_width(page, str(options))
        check_axe(page, str(options))
