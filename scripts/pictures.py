"""Make docs/pictures: the web client and the dashboard, light and dark, on a phone, in Chinese.

    .venv/bin/python scripts/pictures.py [PORT]

Nothing in them is drawn by hand: a demo server runs, people talk by the HTTP API, and Chromium shows what
they would see. Needs Chromium, the built web client (`make web`) and the test requirements.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TRAFFIC = 40.0
"""Seconds of talk that the dashboard has to show."""


class Person:
    """Somebody who talks by the API."""

    def __init__(self, address: str, name: str, password: str | None = None) -> None:
        self._address = address
        self._token = ""
        login = {"username": name} if password is None else {"username": name, "password": password}
        self._token = self.ask("login", **login)["token"]

    def ask(self, action: str, **payload: object) -> Any:
        """Carry an action out; its answer."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = json.dumps(payload).encode()
        request = urllib.request.Request(f"{self._address}/api/v1/{action}", body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 (our own server)
            return json.load(response)

    def says(self, content: str, room: str = "lobby", **more: object) -> int:
        """Say it in a room; its offset."""
        return int(self.ask("publish", content=content, room=room, **more)["offset"])


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Run a demo server; its address."""
    command = [sys.executable, "-m", "hubbub", "serve", "--demo", "--limits", "off"]
    with subprocess.Popen(  # noqa: S603 (our own server)
        [*command, "--listen", f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HUBBUB_PROBES_EVERYTHING": "true"},  # where they may be attached: as root
    ) as server:
        assert server.stdout is not None  # noqa: S101 (it was asked for)
        for line in server.stdout:
            if "To stop" in line:
                break
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def painted() -> bytes:
    """A picture to send: hills in the evening."""
    picture = Image.new("RGB", (960, 540))
    draw = ImageDraw.Draw(picture)
    for y in range(540):
        draw.line((0, y, 960, y), (40 + y // 4, 60 + y // 6, 120 - y // 8))
    draw.ellipse((640, 150, 760, 270), (250, 210, 140))
    for level, colour in ((330, (52, 78, 92)), (400, (38, 60, 72)), (465, (24, 42, 52))):
        hills = [(x, level + int(40 * ((x * 7 + level) % 331 / 331 - 0.5))) for x in range(0, 961, 60)]
        draw.polygon([(0, 540), *hills, (960, 540)], colour)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    return encoded.getvalue()


def talk(address: str) -> list[Person]:
    """What was said before anybody looked. Bob and two guests, who stay."""
    alice = Person(address, "alice", "alice")
    bob, carol, dan = Person(address, "bob", "bob"), Person(address, "carol"), Person(address, "dan")
    for room in ("workshop", "music"):
        for person in (alice, bob, carol):
            person.ask("join", room=room)
    alice.ask("topic", topic="Everything that fits nowhere else", room="lobby")
    bob.says("morning! the new box is up, everything on **one port** now")
    hello = carol.says("can I really just use `nc` from the lab?")
    bob.says("yes:\n```sh\nnc chat.example.org 8080\n```\nfirst line is your name", reply_to=hello)
    carol.says("that is it? 👏")
    plan = alice.says("Plan for Friday:\n1. backup, then verify it\n2. move the old rooms\n3. pizza 🍕")
    stream = alice.ask("history", room="lobby", limit=1)["stream"]
    for person in (bob, carol, dan):
        person.ask("react", stream=stream, offset=plan, emoji="👍")
    bob.ask("react", stream=stream, offset=plan, emoji="🍕")
    dan.says("大家好，周五我也来。")
    carol.says("@alice where do the logs go?")
    carol.says("the second speaker is fixed", room="workshop")
    dan.ask("join", room="music")
    dan.says("@alice have you heard the new record?", room="music")
    bob.ask("whisper", to="alice", content="lunch at twelve?")
    return [bob, carol, dan]


def sign_in(page: Page, address: str) -> None:
    """The demo's form is filled."""
    page.goto(address)
    page.locator("form button[type=submit]").click()
    page.get_by_text("lobby").first.wait_for()


def keep(name: str, page: Page) -> None:
    """Write what the page shows, in 256 colours."""
    page.mouse.move(2, 2)
    page.wait_for_load_state("networkidle") if "dashboard" not in page.url else None
    time.sleep(0.6)  # transitions end
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = PICTURES / f"{name}.png"
    shown.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size} bytes")  # noqa: T201 (a script says what it did)


def chat(browser: Browser, address: str, people: list[Person]) -> None:
    """The client: light with a picture that was just sent, dark, in Chinese, on a phone."""
    page = browser.new_context(viewport=WINDOW, color_scheme="light").new_page()  # type: ignore[arg-type] # a TypedDict
    sign_in(page, address)
    page.locator("textarea").wait_for()
    page.locator("main input[type=file]").first.set_input_files(
        [{"name": "evening.png", "mimeType": "image/png", "buffer": painted()}]
    )
    page.get_by_role("dialog").get_by_role("textbox").fill("and this is the view from here")
    page.get_by_role("dialog").locator("button[type=submit]").click()
    page.locator("[role=log] img").first.wait_for()
    people[0].says("nice! @alice send the large one, too")
    page.get_by_text("send the large one").wait_for()
    page.locator("[role=log]").press("End")
    time.sleep(4.5)  # the note about what was sent goes
    keep("client-light", page)
    page.emulate_media(color_scheme="dark")
    keep("client-dark", page)
    for name, kind, look in (
        ("client-chinese", {"viewport": WINDOW, "locale": "zh-CN"}, "light"),
        ("phone", {"viewport": PHONE, "has_touch": True, "is_mobile": True}, "dark"),
    ):
        other = browser.new_context(**kind, color_scheme=look).new_page()  # type: ignore[arg-type] # as above
        sign_in(other, address)
        other.goto(f"{address}/#/room/lobby")
        other.get_by_text("send the large one").wait_for()
        keep(name, other)


def dashboard(browser: Browser, address: str, people: list[Person]) -> None:
    """The dashboard, after some traffic."""
    page = browser.new_context(viewport=WINDOW, color_scheme="light").new_page()  # type: ignore[arg-type] # a TypedDict
    sign_in(page, address)
    over = threading.Event()

    def chatter(person: Person, pause: float) -> None:
        person.ask("join", room="workshop")  # a guest that asked nothing for a while has left it
        count = 0
        while not over.wait(pause * (1 + count % 7 / 5)):
            count += 1
            person.says(f"{count}", room="workshop" if count % 3 else "lobby")

    def typing() -> None:
        with terminal(int(address.rpartition(":")[2]), "frank") as line:
            line.settimeout(0.4)
            while not over.is_set():
                line.sendall(b"and what do you say? " * 150 + b"\n")
                with suppress(TimeoutError):
                    for _ in range(8):
                        line.recv(65_536)

    threads = [
        threading.Thread(target=chatter, args=(person, pause))
        for person, pause in zip(people, (0.02, 0.05, 0.11), strict=True)
    ]
    threads.append(threading.Thread(target=typing))
    for thread in threads:
        thread.start()
    try:
        time.sleep(TRAFFIC)
        page.goto(f"{address}/dashboard")
        page.get_by_role("button", name="5 min", exact=True).click()
        page.locator("canvas").first.wait_for()
        keep("dashboard-light", page)
        page.emulate_media(color_scheme="dark")
        time.sleep(1.5)  # the charts take the colours with the next second
        keep("dashboard-dark", page)
        kernel(page)
        page.goto(f"{address}/playground")
        page.get_by_role("button", name="echo").first.click()
        keep("playground", page)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def terminal(port: int, name: str) -> socket.socket:
    """Somebody who came by `nc`, and reads nothing until he is made to."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)  # before it connects: tcp(7)
    line.connect(("127.0.0.1", port))
    line.sendall(name.encode() + b"\n")
    return line


def kernel(page: Page) -> None:
    """What the kernel sees: the heat of the last minutes; who stands out, and the path of a message."""

    def show(part: str) -> None:
        page.locator(part).evaluate("(part) => part.scrollIntoView()")
        page.locator("main").evaluate("(main) => main.scrollBy(0, -14)")
        time.sleep(3)  # what comes into sight is asked for, and drawn with the next second

    page.emulate_media(color_scheme="light")
    show("[data-slot=kernel]")
    keep("dashboard-kernel", page)
    page.emulate_media(color_scheme="dark")
    show("[data-panel=worst]")
    keep("dashboard-kernel-worst", page)


def main(port: int) -> None:
    """Play the scenes and write the pictures."""
    chromium = shutil.which("chromium") or sys.exit("pictures.py: Chromium is not here")
    with serving(port) as address, terminal(port, "erin"), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        people = talk(address)
        chat(browser, address, people)
        dashboard(browser, address, people)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
