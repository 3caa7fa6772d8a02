"""The engine of the web client in a real browser, without its markup: what it shows is what the server has.

The server is killed, stopped and started anew, the network is cut, pages are reloaded in the middle of
sending; in the end nothing is lost and nothing is doubled, which another client's history says.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.starting import FLAGS
from serving import PATIENCE, Server

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = """<!doctype html><title>Hubbub</title><meta name=build content=own>
<script type=module src=/engine.js></script>"""
LONG = 60_000.0
"""Milliseconds that a page has to come back: waits between tries grow to a quarter of a minute."""
SENT = "chat.current.timeline.messages.every(one => one.state === 'sent')"

SENT_ONES = "chat.current.timeline.messages.filter(one => one.state === 'sent').length"

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The engine as one script."""
    node = runpy.run_path(str(ROOT / "scripts" / "web.py"))["node"]()
    assert node is not None
    out = tmp_path_factory.mktemp("engine")
    command = [str(node), str(Path(__file__).parent / "engine" / "build.mjs"), str(out)]
    subprocess.run(command, cwd=ROOT / "web", check=True, timeout=120)
    return (out / "engine.js").read_text("utf-8")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    # The page itself does not come from the server, which may be down when it is reloaded: to the browser
    # it is from elsewhere then, and may not reach loopback.
    flags = [*FLAGS, "--disable-features=LocalNetworkAccessChecks"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield started
        started.close()


class House:
    """A server with its log on disk, that comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.data = str(folder)
        self.settings: dict[str, str] = {}
        self.port = 0
        self.start()
        self.port = self.server.port

    def kill(self) -> None:
        self.server.signal(signal.SIGKILL)
        self.server.process.wait(PATIENCE)
        for pipe in (self.server.process.stdout, self.server.process.stderr):
            if pipe is not None:
                pipe.close()

    def start(self) -> None:
        listen = [f"127.0.0.1:{self.port}"]
        self.server = Server("--data", self.data, listen=listen, env=self.settings)

    def restart(self, *pages: Page) -> None:
        """Kill it and start it anew, once the pages have noticed."""
        self.kill()
        for page in pages:
            page.wait_for_function("chat.line !== 'online'")
        self.start()
        for page in pages:
            page.evaluate("chat.retryNow()")  # as the button does it

    def history(self, room: str = "lobby") -> list[dict[str, Any]]:
        """All that the server has of a room, as another client sees it."""
        with self.server.websocket("Reader") as reader:
            messages: list[dict[str, Any]] = []
            more = True
            while more:
                after = messages[-1]["offset"] if messages else 0
                page = reader.ask("history", room=room, after=after, limit=500)["data"]
                messages += page["messages"]
                more = page["more"]
        return messages


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    yield house
    house.server.signal(signal.SIGCONT)
    assert house.server.stop() == 0, house.server.log
    assert "Traceback" not in house.server.log, house.server.log


@pytest.fixture
def visit(browser: Browser, house: House, script: str) -> Iterator[Visit]:
    """Open the page, in a browser of its own or in that of `beside`; nothing may fail in it."""
    faults: list[str] = []

    def dress(context: BrowserContext) -> BrowserContext:
        context.set_default_timeout(LONG)
        context.route("**/engine", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        context.route("**/engine.js", lambda one: one.fulfill(body=script, content_type="text/javascript"))
        return context

    def open_page(
        name: str | None = None, password: str | None = None, beside: Page | None = None, first: str = ""
    ) -> Page:
        context = dress(browser.new_context()) if beside is None else beside.context
        context.add_init_script(first)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{error}\n{error.stack}"))
        page.goto(f"http://127.0.0.1:{house.port}/engine")
        if name is not None:
            page.wait_for_function("chat.phase === 'signed-out'")
            kind = "signIn" if password is None else "register"
            page.evaluate(f"([name, password]) => chat.{kind}(name, password)", [name, password])
        page.wait_for_function("chat.settled && chat.current?.timeline.loading === 'none'")
        return page

    yield open_page
    for context in browser.contexts:
        context.close()
    assert faults == []


def shown(page: Page) -> list[list[Any]]:
    """What the page shows, from its first message on."""
    found: list[list[Any]] = page.evaluate(
        "chat.current.timeline.messages.map(one => [one.offset, one.from, one.content])"
    )
    return found


def on_server(house: House) -> list[list[Any]]:
    return [[one["offset"], one["from"], one["content"]] for one in house.history()]


def shows_all(page: Page, house: House, count: int) -> None:
    """The page comes to show so many messages, all sent, and they are the server's."""
    page.wait_for_function(f"chat.settled && chat.current.timeline.messages.length >= {count} && {SENT}")
    assert shown(page) == on_server(house)
    assert len(shown(page)) == count
    keys = page.evaluate("chat.current.timeline.messages.map(one => one.key)")
    assert len(set(keys)) == len(keys)


def write_on(page: Page, count: int) -> None:
    """Write a message every few milliseconds, on whatever line there is."""
    page.evaluate(
        """count => {
          let written = 0;
          const timer = setInterval(() => {
            chat.current.send(`${chat.me.name} ${written++}`);
            if (written === count) clearInterval(timer);
          }, 15);
        }""",
        count,
    )


def test_a_server_that_is_killed_loses_and_doubles_nothing(visit: Visit, house: House) -> None:
    pages = [visit("alice", "correct horse"), visit("Guest")]
    for page in pages:
        write_on(page, 120)
    for so_many in (30, 90):
        pages[0].wait_for_function(f"{SENT_ONES} >= {so_many}")
        house.kill()
        for page in pages:
            page.wait_for_function("chat.line !== 'online'")
        house.start()  # they come back by themselves
    for page in pages:
        shows_all(page, house, 240)
    for name in ("alice", "Guest"):
        said = [content for _, sender, content in on_server(house) if sender == name]
        assert said == [f"{name} {i}" for i in range(120)]  # in order, each once


@pytest.mark.long
def test_a_stopped_server_is_noticed_and_what_was_written_goes_out_later(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    os.kill(house.server.process.pid, signal.SIGSTOP)
    page.evaluate("chat.current.send('are you there')")
    page.wait_for_function("chat.line !== 'online'")
    assert page.evaluate("chat.current.timeline.messages.at(-1).state") == "sending"
    os.kill(house.server.process.pid, signal.SIGCONT)
    shows_all(page, house, 1)


@pytest.mark.long
def test_a_cut_network_is_noticed_and_what_was_missed_is_told(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    other.evaluate("chat.current.send('before')")
    page.wait_for_function("chat.current.timeline.messages.length === 1")
    page.context.set_offline(True)
    house.server.signal(signal.SIGSTOP)  # a browser may leave a line open that it already has
    page.wait_for_function("chat.line !== 'online'")
    house.server.signal(signal.SIGCONT)
    other.wait_for_function("chat.settled")
    other.evaluate("chat.current.send('meanwhile')")
    other.wait_for_function(f"chat.current.timeline.messages.length === 2 && {SENT}")
    other.evaluate("chat.current.edit(chat.current.timeline.messages[0], 'before, edited')")
    other.evaluate("chat.current.react(chat.current.timeline.messages[0], '+1')")
    page.evaluate("chat.current.send('from the tunnel')")
    assert page.evaluate("chat.current.timeline.messages.length") == 2
    page.context.set_offline(False)
    for one in (page, other):
        shows_all(one, house, 3)
    first = page.evaluate("chat.current.timeline.messages[0]")
    assert (first["edited"], first["reactions"][0]["count"]) == (True, 1)


def test_what_was_not_sent_and_what_was_being_written_survive_a_reload(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    page.evaluate("chat.current.send('sent')")
    shows_all(page, house, 1)
    house.server.signal(signal.SIGSTOP)
    page.evaluate("for (let i = 0; i < 5; i++) chat.current.send(`unsent ${i}`)")
    page.evaluate("chat.current.draft = 'half a sen'")
    page.evaluate("chat.current.editing = chat.current.timeline.messages[0]")
    page.evaluate("chat.current.rewritten = 'sent, and sai'")
    page.reload()
    page.wait_for_function("chat.phase === 'starting'")
    house.server.signal(signal.SIGCONT)
    page.wait_for_function("chat.settled && chat.current !== null")
    shows_all(page, house, 6)
    written = ["sent", *(f"unsent {i}" for i in range(5))]
    assert [content for _, _, content in on_server(house)] == written
    assert page.evaluate("chat.current.draft") == "half a sen"
    page.wait_for_function("chat.current.editing?.content === 'sent'")
    assert page.evaluate("chat.current.rewritten") == "sent, and sai"


def test_what_goes_to_a_room_that_one_was_put_out_of_is_said_with_its_words(
    visit: Visit, house: House
) -> None:
    page, owner = visit("alice", "correct horse"), visit("bob", "battery staple")
    owner.evaluate("chat.createRoom('den', false)")
    page.evaluate("chat.openRoom('den')")
    page.evaluate("chat.session.line.close()")
    page.evaluate("for (const words of ['first', 'second']) chat.current.send(words)")
    owner.evaluate("chat.current.setRole('alice', 'none')")
    page.evaluate("chat.session.line.open()")
    said = "chat.settled && chat.stranded.length === 2"
    page.wait_for_function(said)
    page.reload()
    page.wait_for_function(said)
    told = "chat.stranded.map(one => [one.room, one.content, /den/.test(one.failed)])"
    assert page.evaluate(told) == [["den", "first", True], ["den", "second", True]]
    page.evaluate("chat.discard(chat.stranded[0].id)")
    page.evaluate("chat.openRoom('den')")  # in again: it is there, and can be sent
    page.wait_for_function("chat.stranded.length === 0")
    page.wait_for_function("chat.current.timeline.messages.at(-1)?.state === 'failed'")
    page.evaluate("chat.current.retry(chat.current.timeline.messages.at(-1))")
    page.wait_for_function(SENT)
    assert [words for _, _, words in shown(page)] == ["second"]


def test_a_tab_that_is_closed_leaves_its_unsent_messages_to_another(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    second = visit(beside=page)
    house.server.signal(signal.SIGSTOP)
    second.evaluate("for (let i = 0; i < 3; i++) chat.current.send(`left ${i}`)")
    page.evaluate("chat.current.send('mine')")
    second.close()
    page.wait_for_function("chat.current.timeline.messages.length === 4")
    house.server.signal(signal.SIGCONT)
    shows_all(page, house, 4)
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes('outbox'))") == []


def test_two_tabs_show_the_same_read_together_and_sign_out_together(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    second, other = visit(beside=page), visit("Guest")
    for one in (page, second):
        one.evaluate("chat.current.send(`from ${Math.random()}`)")
    other.evaluate("chat.current.send('hello both')")
    for one in (page, second):
        shows_all(one, house, 3)
        one.wait_for_function("chat.current.unread === 1")
    page.evaluate("chat.current.seen(3)")
    second.wait_for_function("chat.current.unread === 0")
    page.evaluate("localStorage.setItem(`tus::hubbub ${chat.me.id} talk bob plan.pdf`, '{}')")
    second.evaluate("chat.current.draft = 'what is saved a moment later'")
    page.evaluate("chat.signOut()")
    second.wait_for_function("chat.phase === 'signed-out'")
    assert page.evaluate("chat.phase") == "signed-out"
    assert page.evaluate("Object.keys(localStorage).filter(key => /outbox|drafts|last|tus/.test(key))") == []
    assert [one.evaluate("location.hash") for one in (page, second)] == ["#/", "#/"]
    second.evaluate("chat.signIn('alice', 'correct horse')")
    page.wait_for_function("chat.settled && chat.me.name === 'alice'")
    second.evaluate("chat.signIn('alice', 'correct horse')")  # over what both have, which ends
    page.wait_for_function("chat.settled && chat.phase === 'here'")


def test_whoever_is_called_in_an_open_room_is_told_so_until_it_is_seen(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    other.evaluate("chat.current.send('hello @alice')")
    page.wait_for_function("chat.current.unread === 1 && chat.current.mentions === 1")  # scrolled up, say
    page.evaluate("chat.current.seen(chat.current.head)")
    page.wait_for_function("chat.current.unread === 0 && chat.current.mentions === 0")


def test_where_events_were_left_out_it_is_counted_anew(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    page.evaluate("chat.openTalk('Guest')")
    lobby = "chat.conversations[0]"
    say = "async words => { for (const one of words) await chat.request('publish', one) }"
    deaf = "chat.engine.event = one => one.name === 'message' || chat.engine.batch.push(one)"
    unread = "async count => (await chat.request('unread', { all: true })).streams[0].unread === count"

    def left_out(*words: str) -> None:
        """Of what is said, the page hears nothing but who calls its name."""
        page.evaluate(f"void ({deaf})")
        other.evaluate(say, [{"room": "lobby", "content": one} for one in words])
        page.wait_for_function(unread, arg=len(words))
        page.evaluate("delete chat.engine.event")

    left_out("one", "two, @alice", "three")
    other.evaluate("chat.current.send('four')")  # behind a hole
    page.wait_for_function(f"{lobby}.unread === 4 && {lobby}.mentions === 1")
    page.evaluate(f"chat.open({lobby}.key)")
    page.evaluate("chat.current.seen(4)")
    page.wait_for_function(f"{lobby}.unread === 0 && {lobby}.mentions === 0")
    page.wait_for_function(unread, arg=0)
    page.evaluate("chat.openTalk('Guest')")

    left_out("five", "six")
    page.evaluate(
        """async () => {
          const { stream, epoch, offset } = (await chat.request("unread", {})).streams[0];
          chat.engine.event({ name: "gap", data: { stream, epoch, offset } }); // as a server says it
        }"""
    )
    page.wait_for_function(f"{lobby}.unread === 2 && {lobby}.mentions === 0")


def test_a_room_that_was_there_is_not_shown_as_private_for_the_asking(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    other.evaluate("chat.openRoom('den')")
    other.wait_for_function("chat.current.name === 'den'")
    shown = "async name => { const room = await chat.createRoom(name, true); return room.private }"
    assert page.evaluate(shown, "den") is False
    assert page.evaluate(shown, "vault") is True


UNTIL_IT_IS_TOLD = """async () => {
    for (;;) {
        const { streams } = await chat.current.chat.line.request("unread", { all: true });
        if (streams.some((one) => one.read === 2)) return;
        await new Promise((done) => setTimeout(done, 20));
    }
}"""


def test_the_divider_stands_where_one_had_read_to(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    other.evaluate("for (let i = 0; i < 4; i++) chat.current.send(`${i}`)")
    page.wait_for_function("chat.current.unread === 4")
    page.evaluate("chat.current.seen(2)")
    page.wait_for_function("chat.current.unread === 2")
    page.evaluate(UNTIL_IT_IS_TOLD)  # a page that goes tells it, too, but perhaps when the next one has asked
    page.reload()
    page.wait_for_function("chat.settled && chat.current !== null")
    assert page.evaluate("[chat.current.timeline.dividerAfter, chat.current.unread]") == [2, 2]


def test_a_refused_message_stays_with_its_reason_and_can_be_discarded(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    page.evaluate("chat.current.send('x'.repeat(70000))")
    page.evaluate("chat.current.send('fits')")
    page.wait_for_function("chat.current.timeline.messages.some(one => one.state === 'failed')")
    page.wait_for_function("chat.current.timeline.messages[0].content === 'fits'")
    failed = page.evaluate("chat.current.timeline.messages.at(-1)")
    assert failed["error"].startswith("The message is longer")
    page.evaluate("chat.current.discard(chat.current.timeline.messages.at(-1))")
    shows_all(page, house, 1)


def test_a_reload_in_the_middle_of_sending_doubles_nothing(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    page.evaluate("for (let i = 0; i < 60; i++) chat.current.send(`burst ${i}`)")
    page.wait_for_function(f"{SENT_ONES} > 5")
    page.reload()
    page.wait_for_function("chat.settled && chat.current !== null")
    shows_all(page, house, 60)
    assert [content for _, _, content in on_server(house)] == [f"burst {i}" for i in range(60)]


def test_what_waits_for_a_guest_reaches_nobody_else_of_that_name(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    with house.server.websocket("Hans") as hans:
        stream = hans.ask("whisper", to="alice", content="hi")["data"]["stream"]
        page.wait_for_function("stream => chat.conversations.some(one => one.key === stream)", arg=stream)
        page.evaluate("stream => chat.open(stream)", stream)
        page.wait_for_function("chat.current.timeline.messages.length === 1 && chat.current.peer !== null")
    house.kill()
    page.wait_for_function("chat.line !== 'online'")
    page.evaluate("chat.current.send('my PIN is 1234')")
    house.start()
    with house.server.websocket("Hans") as stranger:
        page.evaluate("chat.retryNow()")
        page.wait_for_function("chat.settled && chat.current.timeline.messages.at(-1).state === 'failed'")
        stranger.say("ping", "asked")
        heard = list(iter(lambda: stranger.get().get("event"), None))  # up to the answer, which is none
        assert "private" not in heard
        page.wait_for_function("chat.current.gone && chat.current.peer === null")
        assert [words for _, _, words in shown(page)] == ["hi", "my PIN is 1234"]
        stranger.say("whisper", to="alice", content="hello")
        page.wait_for_function("chat.conversations.filter(one => one.name === 'Hans').length === 2")
        page.reload()  # the address says which of the two it was
        page.wait_for_function(
            "stream => chat.settled && chat.current?.key === stream && chat.current.gone", arg=stream
        )
        page.wait_for_function("chat.current.timeline.messages.length === 2")
        assert [words for _, _, words in shown(page)] == ["hi", "my PIN is 1234"]


def test_a_private_talk_begins_with_its_first_message_and_is_there_after_a_reload(
    visit: Visit, house: House
) -> None:
    page, other = visit("alice", "correct horse"), visit("bob", "correct horse")
    page.evaluate("chat.openTalk('bob').send('psst')")
    other.wait_for_function("chat.conversations.length === 2 && chat.conversations[1].unread === 1")
    other.evaluate("chat.open(chat.conversations[1].key)")
    other.wait_for_function("chat.current.timeline.messages.length === 1")
    other.reload()
    other.wait_for_function("chat.settled && chat.current?.timeline.messages.length === 1")
    assert other.evaluate("[chat.current.name, chat.current.key.slice(0, 5), location.hash]") == [
        "alice",
        "talk:",
        "#/talk/alice",
    ]


def test_what_cannot_be_told_is_read_anew(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("bob", "correct horse")
    other.evaluate("for (let i = 0; i < 5; i++) chat.current.send(`early ${i}`)")
    for one in (page, other):
        shows_all(one, house, 5)
    house.settings["HUBBUB_ROOMS_RESUME_ENTRIES"] = "3"
    page.context.set_offline(True)  # no line can be made, so it misses what follows
    house.restart(page, other)
    other.wait_for_function("chat.settled")
    other.evaluate("for (let i = 0; i < 10; i++) chat.current.send(`late ${i}`)")
    other.evaluate("chat.current.remove(chat.current.timeline.messages[1])")
    shows_all(other, house, 15)
    page.context.set_offline(False)
    shows_all(page, house, 15)
    assert page.evaluate("chat.current.unread") == 14, "one is deleted"
    page.evaluate("chat.current.seen(chat.current.head)")
    page.wait_for_function("chat.current.unread === 0")


def test_a_guest_comes_back_to_a_server_that_has_forgotten_everything(visit: Visit, house: House) -> None:
    house.data = ":memory:"
    house.restart()
    page = visit("Guest")
    page.evaluate("chat.openRoom('den')")
    page.wait_for_function("chat.current.name === 'den'")
    page.evaluate("chat.current.send('old')")
    page.wait_for_function(f"chat.current.timeline.messages.length === 1 && {SENT}")
    before = page.evaluate("chat.me.id")
    house.kill()
    page.wait_for_function("chat.line !== 'online'")
    page.evaluate("chat.current.send('new')")
    house.start()
    page.wait_for_function(f"chat.settled && chat.me.id !== {before}")
    page.evaluate("chat.openRoom('den')")
    page.wait_for_function("chat.current.name === 'den'")
    page.wait_for_function("chat.stranded.length === 1")  # it is another room, whatever its name
    assert page.evaluate("[chat.stranded[0].room, chat.stranded[0].content]") == ["den", "new"]
    assert page.evaluate("chat.current.timeline.messages.length") == 0
    assert [one["content"] for one in house.history("lobby")] == []


def test_a_page_notices_that_the_server_serves_another_one(visit: Visit, house: House) -> None:
    page = visit("alice", "correct horse")
    page.wait_for_function("chat.updated")  # the page here is none that the server has built
    ask = "fetch('/version').then(it => it.json()).then(it => it.client)"
    served = page.evaluate(ask)
    same = f"""new MutationObserver(() => {{
      const build = document.querySelector('meta[name=build]');
      if (build && build.content !== '{served}') build.content = '{served}';
    }}).observe(document, {{childList: true, subtree: true}})"""
    page = visit("bob", "correct horse", first=same)
    with page.expect_response("**/version"):
        house.restart(page)
    page.wait_for_function("chat.settled")
    rebuilt = page.evaluate(ask) != served  # by somebody who works on the client meanwhile
    assert page.evaluate("chat.updated") is rebuilt


@pytest.mark.parametrize(
    "broken",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied') }})",
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }",
        "delete Navigator.prototype.locks; delete window.BroadcastChannel; delete crypto.randomUUID",
    ],
)
@pytest.mark.long
def test_storage_that_is_denied_or_full_is_gone_without(visit: Visit, house: House, broken: str) -> None:
    page = visit("alice", "correct horse", first=broken)
    page.evaluate("chat.current.send('said all the same')")
    shows_all(page, house, 1)
    house.restart(page)
    page.evaluate("chat.current.send('and again')")
    page.evaluate("chat.current.draft = 'a draft'")
    shows_all(page, house, 2)
    assert page.evaluate("chat.current.draft") == "a draft"


def test_somebody_who_is_invited_to_a_private_room_is_told_and_may_come_in(
    visit: Visit, house: House
) -> None:
    page, other = visit("alice", "correct horse"), visit("bob", "correct horse")
    page.evaluate("chat.createRoom('attic', true)")
    page.wait_for_function("chat.current.name === 'attic'")
    page.evaluate("chat.current.invite('bob')")
    other.wait_for_function("chat.invitations.length === 1")
    other.reload()
    other.wait_for_function("chat.invitations.length === 1 && chat.invitations[0].room === 'attic'")
    other.evaluate("chat.invitations[0].accept()")
    other.wait_for_function("chat.conversations.some(one => one.name === 'attic')")
    other.wait_for_function("chat.invitations.length === 0")
    page.evaluate("chat.current.send('@bob come up')")
    other.wait_for_function("chat.mentions === 1 && chat.unread === 1")
    other.evaluate("chat.openRoom('attic')")
    other.wait_for_function("chat.current.timeline.messages.length === 1")
    other.evaluate("chat.current.seen(chat.current.head)")
    other.wait_for_function("chat.mentions === 0 && chat.unread === 0")
    other.reload()
    other.wait_for_function("chat.settled")
    assert other.evaluate("[chat.mentions, chat.unread, chat.invitations.length]") == [0, 0, 0]


def offer(page: Page, to: str, size: int) -> None:
    """Offer a file whose bytes are told by their places."""
    page.wait_for_function("name => chat.people.some(one => one.name === name)", arg=to)
    page.evaluate(
        """async ([to, size]) => {
          const words = new Uint32Array(size / 4).map((_, at) => Math.imul(at, 2654435761));
          await chat.offerFile(chat.people.find(one => one.name === to), new File([words], "numbers.bin"));
        }""",
        [to, size],
    )


def numbers(size: int) -> bytes:
    return b"".join((at * 2654435761 % 2**32).to_bytes(4, "little") for at in range(size // 4))


def test_a_file_goes_from_page_to_page(visit: Visit, house: House) -> None:
    sender, receiver = visit("alice", "correct horse"), visit("Guest")
    offer(sender, "Guest", 3_000_000)
    receiver.wait_for_function("chat.offers.length === 1")
    with receiver.expect_download() as download:
        receiver.evaluate("chat.offers[0].accept()")
    assert Path(download.value.path()).read_bytes() == numbers(3_000_000)
    assert download.value.suggested_filename == "numbers.bin"
    for one in (sender, receiver):
        one.wait_for_function("chat.offers[0].state === 'done'")
    offer(sender, "Guest", 4)
    receiver.wait_for_function("chat.offers.length === 2")
    receiver.evaluate("chat.offers[1].decline()")
    sender.wait_for_function("chat.offers[1].state === 'declined'")


@pytest.mark.long
def test_a_file_goes_on_after_the_server_was_killed(visit: Visit, house: House) -> None:
    size = 60_000_000
    sender, receiver = visit("alice", "correct horse"), visit("bob", "correct horse")
    offer(sender, "bob", size)
    receiver.wait_for_function("chat.offers.length === 1")
    with receiver.expect_download() as download:
        receiver.evaluate("chat.offers[0].accept()")
        receiver.wait_for_function("chat.offers[0].moved > 0")
        assert receiver.evaluate("chat.offers[0].moved") < size
        house.restart(sender, receiver)
    assert Path(download.value.path()).read_bytes() == numbers(size)
    sender.wait_for_function("chat.offers[0].state === 'done'")


def test_a_file_is_broken_off_by_its_receiver(visit: Visit, house: House) -> None:
    sender, receiver = visit("alice", "correct horse"), visit("Guest")
    offer(sender, "Guest", 60_000_000)
    receiver.wait_for_function("chat.offers.length === 1")
    receiver.evaluate("chat.offers[0].accept()")
    receiver.wait_for_function("chat.offers[0].moved > 0")
    receiver.evaluate("chat.offers[0].cancel()")
    sender.wait_for_function("chat.offers[0].state === 'failed'")
    assert "Guest" in sender.evaluate("chat.offers[0].error")


def test_a_link_opens_a_room_that_exists_and_makes_none(visit: Visit, house: House) -> None:
    page, other = visit("alice", "correct horse"), visit("Guest")
    other.evaluate("chat.openRoom('den')")
    other.wait_for_function("chat.current.name === 'den'")
    page.evaluate("location.hash = '#/room/Den'")
    page.wait_for_function("chat.current?.name === 'den'")
    page.go_back()
    page.wait_for_function("chat.current?.name === 'lobby'")
    page.evaluate("location.hash = '#/room/nowhere'")
    page.wait_for_function("chat.current === null && location.hash === '#/'")
    rooms = page.evaluate("chat.rooms()")
    assert sorted(one["room"] for one in rooms) == ["den", "lobby"]
