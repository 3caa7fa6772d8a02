"""The page to try the WebSocket by hand, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import PHONE, Visit, check_axe, check_width, visiting
from impaired import Impaired, Plan
from serving import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server) as open_page:
        yield open_page


def opened(visit: Visit, **options: object) -> Page:
    page = visit("/playground", **options)
    expect(state(page)).to_have_text("connected")
    return page


def state(page: Page) -> Locator:
    return page.locator("#line-state")


def frames(page: Page, way: str = "") -> Locator:
    return page.locator(f"#frames article{way}")


def outcome(page: Page) -> Locator:
    return page.get_by_role("region", name="At one click").get_by_role("status")


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Log in as guest").click()
    expect(state(page)).to_have_text(f"connected as {name}")


def send(page: Page, text: str) -> None:
    page.get_by_label("What goes out").fill(text)
    page.get_by_label("What goes out").press("Control+Enter")


def request(page: Page, action: str, **payload: object) -> None:
    send(page, json.dumps({"id": "{{id}}", "type": "request", "action": action, "payload": payload}))


def test_two_people_talk(visit: Visit) -> None:
    alice, bob = opened(visit), opened(visit)
    log_in(alice, "Alice")
    log_in(bob, "Bob")
    expect(frames(alice, ".received").filter(has_text='"joined"')).to_contain_text("Bob")
    alice.get_by_label("Message", exact=True).fill("hello Bob")
    alice.keyboard.press("Enter")
    expect(outcome(alice)).to_contain_text(re.compile(r"Published, offset \d+ · [\d.]+ (µs|ms)"))
    for page in (alice, bob):
        expect(frames(page, ".received").filter(has_text='"event": "message"')).to_contain_text("hello Bob")
    request(bob, "whisper", to="Alice", content="only you")
    expect(frames(alice, ".received").filter(has_text='"event": "private"')).to_contain_text("only you")
    request(alice, "list")
    expect(frames(alice, ".received").last).to_contain_text('"username": "Bob"')
    request(bob, "whisper", to="Carol", content="and you?")
    expect(frames(bob, ".received").last).to_contain_text("User 'Carol' not found.")


def test_gateway_at_one_click(visit: Visit) -> None:
    one, two = opened(visit), opened(visit)
    one.get_by_role("button", name="Count connections").click()
    expect(outcome(one)).to_contain_text("2 connected · ")
    one.get_by_label("Payload, any JSON").fill('{"a": [1, "é"]}')
    one.get_by_role("button", name="Echo").click()
    expect(outcome(one)).to_contain_text('Echo: {"a":[1,"é"]} · ')
    one.get_by_role("button", name="Broadcast").click()
    expect(outcome(one)).to_contain_text("Sent to 2 connections")
    for page in (one, two):
        told = frames(page, ".received").filter(has_text='"event": "broadcast"')
        expect(told.locator("code")).to_contain_text('"a": [\n      1,\n      "é"')
    one.get_by_label("Payload, any JSON").fill("{broken")
    one.get_by_role("button", name="Echo").click()
    expect(outcome(one)).to_contain_text("Not JSON")


def test_frames_as_they_stand(visit: Visit) -> None:
    page = opened(visit)
    text = page.get_by_label("What goes out")
    page.get_by_label("Template").select_option("send_to")
    expect(text).to_have_value(re.compile(r'"action": "send_to"'))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(frames(page, ".received").filter(has_text='"count": 1')).to_have_count(1)
    sent = frames(page, ".sent").last
    expect(sent).to_contain_text(re.compile(r'"id": "[0-9a-f-]{36}"'))
    expect(sent).to_contain_text(re.compile(r'"connection_ids": \[\s*"[0-9a-f-]{36}"'))
    answer = frames(page, ".received").filter(has_text='"count": 1')
    expect(answer.locator(".trip")).to_have_text(re.compile(r"^[\d.]+ (µs|ms|s)$"))

    send(page, '{"id": "x1", "type":')
    expect(page.locator("#verdict")).to_contain_text("No JSON; it is sent as it stands")
    expect(frames(page, ".sent").last.locator("code")).to_have_text('{"id": "x1", "type":')
    expect(frames(page, ".received").last).to_contain_text("This is not valid JSON")

    page.get_by_label("Kind of frame").select_option("bytes")
    text.fill("7d 44")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(frames(page, ".sent").last).to_contain_text("00000000  7d 44")
    expect(frames(page, ".received").last).to_contain_text("bad_request")
    text.fill("7")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_the_list_is_filtered_held_still_and_cleared(visit: Visit) -> None:
    page = opened(visit)
    for action in ("ping", "rooms"):
        request(page, action)
    expect(frames(page)).to_have_count(6)  # connected, welcome, and two of each
    page.get_by_label("Filter").fill("REQUEST")
    expect(frames(page)).to_have_count(2)
    page.get_by_label("Direction").select_option("received")
    expect(page.get_by_text("No frame has that")).to_be_visible()
    page.get_by_label("Filter").fill("")
    page.get_by_label("Direction").select_option("event")
    expect(frames(page)).to_have_text(re.compile("Connected to /ws, subprotocol hubbub.v1"))
    page.get_by_label("Direction").select_option("all")
    page.get_by_role("button", name="Pause").click()
    request(page, "ping")
    page.get_by_role("button", name="Resume (2 new)").click()
    expect(frames(page)).to_have_count(8)
    page.get_by_role("button", name="Clear").click()
    expect(frames(page)).to_have_count(0)
    expect(page.get_by_text("No frames yet")).to_be_visible()


def test_only_the_newest_frames_are_kept(visit: Visit, server: Server) -> None:
    page = opened(visit)
    log_in(page, "Reader")
    writer = server.text("Writer")
    writer.send(b"".join(b"line %d\n" % n for n in range(1_100)))
    writer.settle()
    expect(frames(page).last).to_contain_text("line 1099", timeout=30_000)
    assert frames(page).count() == 1_000
    expect(page.get_by_text("1,000 of 1,000 frames")).to_be_visible()
    writer.close()


def test_markup_stays_text(visit: Visit) -> None:
    page = opened(visit)
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    page.get_by_label("Payload, any JSON").fill(json.dumps(markup))
    page.get_by_role("button", name="Echo").click()
    expect(outcome(page)).to_contain_text(markup)
    expect(frames(page, ".received").last).to_contain_text(markup)
    assert page.locator("#frames img, #frames b").count() == 0


def test_copying_has_all_of_a_frame(visit: Visit) -> None:
    page = opened(visit, permissions=["clipboard-read", "clipboard-write"])
    long = "x" * 20_000
    page.get_by_label("Payload, any JSON").fill(json.dumps(long))
    page.get_by_role("button", name="Echo").click()
    received = frames(page, ".received").last
    expect(received.get_by_role("button", name="Show all")).to_be_visible()
    received.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert json.loads(copied)["data"] == long
    received.get_by_role("button", name="Show all").click()
    expect(received.locator("code")).to_contain_text("x" * 20_000)


def test_disconnect_and_come_back_by_the_keyboard(visit: Visit) -> None:
    page = opened(visit)
    log_in(page, "Keys")
    page.get_by_role("button", name="Disconnect").focus()
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text("not connected")
    expect(frames(page).last).to_contain_text("Closed with 1000: a normal end")
    page.get_by_role("button", name="Publish").focus()
    page.keyboard.press("Enter")
    expect(outcome(page)).to_have_text("Not connected: nothing was sent")
    page.get_by_role("button", name="Connect", exact=True).focus()
    page.keyboard.press("Space")
    expect(state(page)).to_have_text("connected")


def test_every_control_is_reached_by_the_tabulator(visit: Visit) -> None:
    page = opened(visit)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the frames")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#frames")).to_be_focused()
    controls = page.locator("button:enabled, input:enabled:not([tabindex='-1']), select, textarea, a").count()
    page.evaluate("document.activeElement.blur()")
    seen = set()
    for _ in range(controls + 5):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(seen) >= controls


def test_another_path_is_refused_and_told(browser: Browser, server: Server) -> None:
    with visiting(browser, server, "WebSocket connection to") as visit:
        _try_another_path(opened(visit))


def _try_another_path(page: Page) -> None:
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_label("Path").fill("/nothing")
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(state(page)).to_have_text("connection lost (1006)")
    expect(frames(page).last).to_contain_text("the line broke without a goodbye, or the server refused it")
    page.get_by_label("Path").fill("/ws")
    page.get_by_label("Subprotocol").fill("(")
    page.get_by_role("button", name="Reconnect").click()
    expect(frames(page).last).to_contain_text("The browser did not try to connect")


def test_a_lost_connection_can_be_taken_up_again(browser: Browser, server: Server) -> None:
    with Impaired(server.port, 1, Plan()) as line:
        page = browser.new_page(locale="en-GB", service_workers="block")
        page.goto(f"http://127.0.0.1:{line.port}/playground")
        log_in(page, "Erin")
        page.get_by_label("Template").select_option("join")
        page.get_by_role("button", name="Send", exact=True).click()
        expect(frames(page, ".received").last).to_contain_text('"room": "den"')
        line.cut()
        expect(state(page)).to_have_text("connection lost (1006)")
        page.get_by_role("button", name="Reconnect").click()
        expect(state(page)).to_have_text("connected as Erin")
        expect(frames(page, ".received").filter(has_text='"room": "den"')).to_have_count(2)
        page.get_by_label("Room", exact=True).fill("den")
        page.get_by_label("Message", exact=True).fill("back again")
        page.keyboard.press("Enter")
        told = frames(page, ".received").filter(has_text='"event": "message"')
        expect(told).to_contain_text("back again")
        page.context.close()


def test_saved_requests(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    saved = page.get_by_role("region", name="Saved requests")
    odd = '{"no": JSON, <b>"at all"</b>'
    page.get_by_label("What goes out").fill(odd)
    page.get_by_role("button", name="Save …").click()
    page.get_by_role("dialog").get_by_label("Name").fill("<i>odd</i>")
    page.keyboard.press("Enter")
    expect(saved.get_by_role("listitem")).to_have_text("<i>odd</i>")
    page.get_by_label("Template").select_option("ping")
    page.get_by_role("button", name="Save …").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_have_value("ping")
    page.get_by_role("dialog").get_by_label("Name").fill("<i>odd</i>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There is one of that name already")
    page.get_by_role("dialog").get_by_label("Name").fill("ping")
    page.keyboard.press("Enter")

    page.reload()
    expect(state(page)).to_have_text("connected")
    expect(saved.get_by_role("listitem")).to_have_count(2)
    saved.get_by_role("button", name="Put “<i>odd</i>” into the editor").or_(
        saved.get_by_role("button", name="<i>odd</i>", exact=True)
    ).first.click()
    expect(page.get_by_label("What goes out")).to_have_value(odd)
    saved.get_by_role("button", name="Rename “ping”").click()
    page.get_by_role("dialog").get_by_label("Name").fill("pong")
    page.keyboard.press("Enter")
    expect(saved.get_by_role("listitem").last).to_have_text("pong")

    with page.expect_download() as download:
        saved.get_by_role("button", name="Export").click()
    file = tmp_path / "requests.json"
    download.value.save_as(file)
    assert [one["name"] for one in json.loads(file.read_text())["requests"]] == ["<i>odd</i>", "pong"]

    saved.get_by_role("button", name="Delete “pong”").click()
    expect(saved.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(saved.get_by_role("listitem")).to_have_count(2)

    other = opened(visit)  # another browser: it has nothing
    kept = other.get_by_role("region", name="Saved requests").get_by_role("listitem")
    expect(kept).to_have_count(0)
    assert other.get_by_role("region", name="Saved requests").aria_snapshot().count("Import") == 1
    other.get_by_label("Import").set_input_files(file)
    expect(kept).to_have_text(["<i>odd</i>", "pong"])
    file.write_text('{"requests": [')
    other.get_by_label("Import").set_input_files(file)
    expect(other.get_by_text("This file holds no saved requests")).to_be_visible()
    expect(kept).to_have_count(2)


def test_a_browser_that_keeps_nothing(visit: Visit) -> None:
    page = visit("/health")
    refusing = "{get() { throw new DOMException('no', 'SecurityError') }}"
    page.context.add_init_script(f"Object.defineProperty(window, 'localStorage', {refusing})")
    page.goto(page.url.replace("/health", "/playground"))
    expect(state(page)).to_have_text("connected")
    page.get_by_role("button", name="Save …").click()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The browser keeps nothing for this page")).to_be_visible()
    expect(page.get_by_role("region", name="Saved requests").get_by_role("listitem")).to_have_count(1)


def test_the_cookie_is_taken_where_there_is_one(visit: Visit) -> None:
    page = opened(visit)
    page.get_by_role("button", name="Use my sign-in").click()
    expect(outcome(page)).to_contain_text("no sign-in came with this connection")
    origin = page.url.removesuffix("/playground")
    answer = page.request.post(
        f"{origin}/api/v1/register",
        data={"username": "Frank", "password": "correct horse", "cookie": True},
        headers={"Origin": origin},
    )
    assert answer.ok, answer.text()
    page.reload()
    page.get_by_role("button", name="Use my sign-in").click()
    expect(state(page)).to_have_text("connected as Frank")
    assert "refresh_token" not in page.locator("#frames").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_it_is_accessible(visit: Visit, scheme: str, phone: bool) -> None:
    size = {"viewport": PHONE, "has_touch": True} if phone else {}
    page = opened(visit, color_scheme=scheme, **size)
    request(page, "fly", content="w" * 300)
    expect(frames(page, ".received").last).to_contain_text("unknown action")
    check_axe(page, "playground")
    check_width(page, "playground")
    if phone:
        page.get_by_role("button", name="Clear").scroll_into_view_if_needed()
        expect(page.get_by_role("button", name="Clear")).to_be_in_viewport()
    page.get_by_role("button", name="Save …").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_axe(page, "saving")


def test_chinese(visit: Visit) -> None:
    page = visit("/playground", locale="zh-CN")
    expect(state(page)).to_have_text("已连接")
    page.get_by_label("你的名字").fill("小明")
    page.get_by_role("button", name="以访客身份登录").click()
    expect(state(page)).to_have_text("已连接，身份：小明")
    page.get_by_role("button", name="断开").click()
    expect(frames(page).last).to_contain_text("连接已关闭，代码 1000：正常结束")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    check_axe(page, "Chinese")
