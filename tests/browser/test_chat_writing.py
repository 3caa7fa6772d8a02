"""Writing in a real browser: keys, input methods, drafts, edits, replies, reactions, and what is too long."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visiting import Visit, entry, log_in, say, visiting
from serving import Server, serving

pytestmark = pytest.mark.browser

COMPOSE = """(order) => {
    const box = document.querySelector('textarea');
    const key = (extra) => box.dispatchEvent(
        new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true, ...extra}));
    const composition = (type) =>
        box.dispatchEvent(new CompositionEvent(type, {bubbles: true, data: '你好'}));
    composition('compositionstart');
    box.value = '你好';
    const written = {bubbles: true, inputType: 'insertCompositionText', isComposing: true};
    box.dispatchEvent(new InputEvent('input', written));
    for (const step of order) {
        if (step === 'end') composition('compositionend');
        else key(step);
    }
}"""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("--limits", "off") as started:
        yield started


@pytest.fixture
def page(visit: Visit) -> Page:
    page = log_in(visit(), "alice")
    expect(box(page)).to_be_focused()
    return page


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message to")


def row(page: Page, text: str) -> Locator:
    own = page.locator(".content, .deleted").get_by_text(text)
    return page.get_by_role("log").get_by_role("article").filter(has=own)


def act(page: Page, text: str, name: str) -> None:
    """Choose something of a message's toolbar, or of its menu."""
    row(page, text).hover()
    bar = row(page, text).get_by_role("toolbar")
    expect(bar.get_by_role("button", name="More")).to_be_visible()  # it comes with the first sign of a hand
    if bar.get_by_role("button", name=name, exact=True).count() == 0:
        bar.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name=name).click()
    else:
        bar.get_by_role("button", name=name, exact=True).click()


def test_enter_sends_and_shift_enter_begins_a_line(page: Page) -> None:
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(box(page)).to_have_value("one\ntwo")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("")
    expect(page.locator(".content")).to_be_visible()
    assert page.locator(".content").inner_text() == "one\ntwo"
    page.keyboard.type("   ")
    page.keyboard.press("Enter")
    page.keyboard.type("after")
    page.keyboard.press("Enter")
    expect(row(page, "after")).to_be_visible()
    expect(page.get_by_role("log").get_by_role("article")).to_have_count(2)


@pytest.mark.parametrize(
    "order",
    [
        [{"isComposing": True}, "end"],  # Chromium, Firefox
        [{"isComposing": False, "keyCode": 229}, "end"],  # as older ones say it
        ["end", {"isComposing": False}],  # Safari
    ],
    ids=["composing", "229", "safari"],
)
def test_enter_of_an_input_method_sends_nothing(page: Page, order: list[object]) -> None:
    page.evaluate(COMPOSE, order)
    expect(box(page)).to_have_value("你好")
    say(page, "你好世界")  # the next one does, and it is the first that is there
    expect(page.get_by_role("log").get_by_role("article")).to_have_count(1)


def test_a_draft_of_each_conversation_survives_a_reload(page: Page) -> None:
    page.keyboard.type("half a thought")
    page.evaluate("location.hash = '#/talk/bob'")
    expect(page.get_by_role("textbox", name="Message to bob")).to_have_value("")
    page.keyboard.type("another")
    page.get_by_role("navigation").get_by_role("link", name="lobby").click()
    expect(page.get_by_role("textbox", name="Message to lobby")).to_have_value("half a thought")
    page.reload()
    expect(page.get_by_role("textbox", name="Message to lobby")).to_have_value("half a thought")


def test_arrow_up_edits_the_last_message(server: Server, page: Page) -> None:
    bob = server.websocket("bob")
    say(page, "helo wrld")
    bob.ask("publish", content="what?")
    expect(row(page, "what?")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("Editing a message")).to_be_visible()
    expect(box(page)).to_have_value("helo wrld")
    page.keyboard.press("Escape")
    expect(page.get_by_text("Editing a message")).to_have_count(0)
    expect(box(page)).to_have_value("")
    page.keyboard.press("ArrowUp")
    box(page).fill("hello world")
    server.signal(signal.SIGSTOP)
    page.keyboard.press("Enter")
    expect(box(page)).not_to_be_editable()  # what is written while it is being saved would be lost
    server.signal(signal.SIGCONT)
    expect(row(page, "hello world")).to_contain_text("(edited)")
    expect(box(page)).to_have_value("")
    assert bob.get("edited")["data"]["content"] == "hello world"


def test_an_edit_leaves_the_draft_alone(page: Page) -> None:
    say(page, "first")
    page.keyboard.type("a draft")
    act(page, "first", "Edit")
    box(page).fill("second" + "\nline" * 9)
    act(page, "first", "Copy text")
    page.wait_for_function("""() => {
        const [said, form] = ['.toast', 'form.composer'].map((one) => document.querySelector(one));
        return said?.getBoundingClientRect().bottom <= form.getBoundingClientRect().top;
    }""")  # short words cover nothing of it
    box(page).fill("second")
    page.keyboard.press("Enter")
    expect(row(page, "second")).to_be_visible()
    expect(box(page)).to_have_value("a draft")


def test_what_a_guest_who_is_gone_was_to_be_told_can_be_copied_or_discarded(
    server: Server, page: Page
) -> None:
    with server.websocket("Hans") as hans:
        hans.ask("whisper", to="alice", content="hi")
        entry(page, "Hans").click()
        page.get_by_role("textbox", name="Message to Hans").fill("never <b>mind</b>")
    told = page.get_by_role("status").filter(has_text="Hans was a guest and is gone.")
    expect(told).to_be_attached()
    page.get_by_role("button", name="Copy text", exact=True).click()
    expect(page.locator(".toast")).to_be_visible()
    kept = page.get_by_role("main").get_by_text("never <b>mind</b>")
    expect(kept).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(kept).to_have_count(0)
    expect(page.get_by_role("button", name="Discard")).to_have_count(0)


def test_a_message_is_deleted_after_a_question(page: Page) -> None:
    say(page, "a slip")
    act(page, "a slip", "Delete…")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("a slip")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(page, "a slip")).to_be_visible()
    act(page, "a slip", "Delete…")
    dialog.get_by_role("button", name="Delete").click()
    expect(row(page, "This message was deleted.")).to_be_visible()
    expect(row(page, "a slip")).to_have_count(0)


def test_a_reply_and_reactions(server: Server, page: Page) -> None:
    bob = server.websocket("bob")
    offset = bob.ask("publish", id="q1", content="tea or coffee?")["data"]["offset"]
    act(page, "tea or coffee?", "Reply")
    expect(page.get_by_text("Replying to bob")).to_be_visible()
    expect(box(page)).to_be_focused()
    say(page, "the green one")
    said = bob.get("message")
    while said["data"]["content"] != "the green one":
        said = bob.get("message")
    assert said["data"]["reply_to"] == offset
    expect(page.get_by_text("Replying to bob")).to_have_count(0)
    act(page, "or coffee?", "Add a reaction")
    page.get_by_role("dialog", name="Emoji").get_by_role("searchbox").fill("tea")
    page.keyboard.press("Enter")
    own = page.get_by_role("button", name="🍵, 1: alice")
    expect(own).to_have_attribute("aria-pressed", "true")
    stream = said["data"]["stream"]
    bob.ask("react", id="r1", stream=stream, offset=offset, emoji="🍵")
    both = page.get_by_role("button", name="🍵, 2: alice, bob")
    both.click()
    expect(page.get_by_role("button", name="🍵, 1: bob")).to_have_attribute("aria-pressed", "false")


def test_names_and_emoji_are_completed_by_keyboard(server: Server, page: Page) -> None:
    for name in ("bob", "bert", "carol"):
        server.websocket(name)
    page.keyboard.type("hello @b")
    options = page.get_by_role("option")
    expect(options).to_have_text([re.compile("bert"), re.compile("bob")])
    expect(box(page)).to_have_attribute("aria-activedescendant", re.compile("-0$"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("hello @bob ")
    expect(options).to_have_count(0)
    page.keyboard.type("@zz")
    expect(options).to_have_count(0)
    page.keyboard.type(" :tad")
    expect(options.first).to_contain_text(":tada:")
    page.keyboard.press("Tab")
    expect(box(page)).to_have_value("hello @bob @zz 🎉 ")
    page.keyboard.type(":heart")
    expect(options.first).to_contain_text(":heart:")
    page.keyboard.type(":")
    expect(box(page)).to_have_value("hello @bob @zz 🎉 ❤️")
    expect(options).to_have_count(0)
    page.keyboard.type(" ")
    page.keyboard.type(":pi")
    expect(options.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.keyboard.press("Enter")
    expect(row(page, "hello @bob")).to_contain_text("🎉 ❤️ :pi")
    page.keyboard.type("and you, @Carol")
    expect(options).to_have_text([re.compile("carol")])
    page.keyboard.press("Enter")  # there is nothing to complete
    expect(row(page, "and you, @Carol")).to_be_visible()


def test_who_comes_while_a_name_is_written_is_among_the_choices(server: Server, page: Page) -> None:
    for name in ("bob", "bodo"):
        server.websocket(name)
    page.keyboard.type("hello @b")
    options = page.get_by_role("option")
    expect(options).to_have_text([re.compile("bob"), re.compile("bodo")])
    page.keyboard.press("ArrowDown")
    server.websocket("bert")
    expect(options).to_have_text([re.compile("bert"), re.compile("bob"), re.compile("bodo")])
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("hello @bodo ")


def test_an_emoji_is_picked_where_the_caret_is(page: Page) -> None:
    page.keyboard.type("ab")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Emoji", exact=True).click()
    picker = page.get_by_role("dialog", name="Emoji")
    expect(picker.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("a😃b")
    expect(box(page)).to_be_focused()
    expect(picker).to_have_count(0)


def test_what_is_too_long_is_told_and_not_sent(page: Page) -> None:
    box(page).fill("x" * 65_537)
    expect(page.get_by_text("One byte too many")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.keyboard.press("Control+End")
    page.keyboard.press("Backspace")
    expect(page.get_by_text("Room for 0 more")).to_be_visible()
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("")
    expect(page.get_by_role("log").get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("button", name="Show all")).to_be_visible()


def test_64_kib_are_pasted_and_sent(server: Server, page: Page) -> None:
    bob = server.websocket("bob")
    text = ("paste " * 11_000)[:65_536].strip()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    box(page).focus()
    page.keyboard.press("Control+v")
    expect(box(page)).to_have_value(text)
    height = box(page).bounding_box()
    assert height is not None
    assert height["height"] <= 330
    page.keyboard.press("Enter")
    assert bob.get("message")["data"]["content"] == text


def test_what_cannot_be_sent_waits_and_is_sent_later(browser: Browser, server: Server) -> None:
    with visiting(browser, server, "ERR_INTERNET_DISCONNECTED") as visit:
        page = log_in(visit(), "alice")
        expect(box(page)).to_be_focused()
        page.context.set_offline(True)
        expect(page.get_by_role("log")).to_be_attached()
        page.keyboard.type("patience")
        page.keyboard.press("Enter")
        expect(row(page, "patience")).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator("article.sent", has_text="patience")).to_have_count(1, timeout=30_000)


def test_a_refused_message_can_be_sent_again_or_discarded(browser: Browser) -> None:
    with serving(HUBBUB_MESSAGES_MAX_CONTENT="20") as strict, visiting(browser, strict) as visit:
        page = log_in(visit(), "alice")
        expect(box(page)).to_be_focused()
        page.keyboard.type("much longer than twenty bytes")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Not sent")
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_role("alert")).to_contain_text("Not sent")
        page.get_by_role("button", name="Discard").click()
        expect(row(page, "much longer")).to_have_count(0)


def test_others_see_that_somebody_types(page: Page, visit: Visit) -> None:
    other = log_in(visit(), "bob")
    expect(box(other)).to_be_focused()
    page.bring_to_front()
    box(page).focus()
    page.keyboard.type("thinking")
    expect(other.get_by_text("alice is typing…")).to_be_visible()
    page.keyboard.press("Enter")
    expect(other.get_by_text("alice is typing…")).to_have_count(0)


def test_the_topic_is_changed_in_the_header(page: Page) -> None:
    page.get_by_role("button", name="Add a topic").click()
    field = page.get_by_role("textbox", name="Topic")
    expect(field).to_be_focused()  # it is fetched with what hands need, and these were the first of them
    page.keyboard.type("Tea <b>at</b> five")
    page.keyboard.press("Enter")
    topic = page.get_by_role("button", name="Tea <b>at</b> five")
    expect(topic).to_be_visible()
    topic.click()
    expect(field).to_be_focused()
    page.keyboard.type("never mind")
    page.keyboard.press("Escape")
    expect(topic).to_be_visible()
