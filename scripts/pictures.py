"""Make docs/pictures/hubbub.png: one room, seen from `nc` in a terminal and from a browser.

    .venv/bin/python scripts/pictures.py [PORT]

Nothing in it is drawn by hand. A server runs; a shell in tmux starts `nc`; Chromium opens the page; a
program speaks length-prefixed JSON. What the terminal and the page then show is put side by side.
Needs tmux, nc (OpenBSD's), Chromium and the test requirements.
"""

from __future__ import annotations

import base64
import html
import json
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "hubbub.png"
PATIENCE = 10.0
COLUMNS, ROWS = 50, 23
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
FRAME = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 24px; background: #e9ecf1; display: flex; gap: 24px; align-items: stretch;
       font: 13px "DejaVu Sans", sans-serif; width: max-content; }
section { border-radius: 8px; overflow: hidden; background: #fff;
          display: flex; flex-direction: column; }
h2 { margin: 0; padding: 0 14px; font-size: 12px; line-height: 36px; font-weight: 400;
     background: #cfd5de; color: #222; }
pre { margin: 0; padding: 14px; width: 432px; flex: 1; background: #16191f; color: #dfe3ea;
      font: 15px/1.6 "DejaVu Sans Mono", monospace; }
img { display: block; width: WIDTHpx; }
</style>
<section><h2>a terminal</h2><pre>TERMINAL</pre></section>
<section><h2>a browser: ADDRESS</h2><img alt="" src="data:image/png;base64,PAGE"></section>
"""


class Terminal:
    """A shell in tmux, on a tmux server of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        shell = "env -i PATH=/usr/bin:/bin TERM=screen LANG=C.UTF-8 PS1='$ ' sh"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), shell)

    def type(self, text: str) -> None:
        """Type a line, and wait until the terminal shows it."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")
        self.wait(text)

    def wait(self, text: str) -> None:
        """Until `text` stands there."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown():
            if time.monotonic() > deadline:
                sys.exit(f"pictures.py: {text!r} did not come; the terminal shows\n{self.shown()}")
            time.sleep(0.02)

    def shown(self) -> str:
        """What stands on its screen."""
        return self._tmux("capture-pane", "-p").rstrip("\n")

    def close(self) -> None:
        """End the shell and its tmux."""
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._name, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours


@contextmanager
def serving(port: int) -> Iterator[None]:
    """`hubbub serve` while the block runs."""
    command = [sys.executable, "-m", "hubbub", "serve", "--data", ":memory:", "--listen", f"127.0.0.1:{port}"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - ours
    try:
        assert server.stdout is not None  # noqa: S101 (a pipe was asked for)
        for line in server.stdout:
            if "To stop" in line:
                break
        else:
            sys.exit(f"pictures.py: the server did not start; is port {port} in use?")
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE)


def program(port: int) -> socket.socket:
    """Log Charlie in by length-prefixed JSON, say something, wait until it is kept."""
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    messages = sock.makefile("rb")
    for said in (
        {"type": "Login", "username": "Charlie"},
        {"type": "Broadcast", "content": "the build is green", "id": "build-1"},
    ):
        body = json.dumps(said).encode()
        sock.sendall(struct.pack("!I", len(body)) + body)
    while json.loads(messages.read(struct.unpack("!I", messages.read(4))[0]))["type"] != "Ack":
        pass
    return sock


def scene(port: int, terminal: Terminal, page: Page) -> None:
    """Alice types into nc, Bob into the page, and a program, Charlie, into neither."""
    terminal.type(f"nc 127.0.0.1 {port}")
    terminal.type("Alice")
    page.goto(f"http://127.0.0.1:{port}/")
    expect(page.locator("#state")).to_have_text("connected")
    page.fill("#name", "Bob")
    page.click("#login button")
    terminal.wait("Bob has joined.")
    page.fill("#content", "hello from a browser")
    page.click("#say button")
    terminal.wait("Bob: hello from a browser")
    terminal.type("hello from nc")
    expect(page.locator("#chat")).to_contain_text("hello from nc")
    with program(port):
        terminal.wait("Charlie: the build is green")
        terminal.type("/w Bob lunch?")
        terminal.wait("[Private to Bob] lunch?")
        expect(page.locator("#chat")).to_contain_text("lunch?")
        page.fill("#to", "Alice")
        page.fill("#content", "at noon")
        page.click("#say button")
        terminal.wait("[Private from Bob] at noon")
        terminal.type("/list")
        terminal.wait("Users online: Alice, Bob, Charlie")
    terminal.wait("Charlie has left.")
    expect(page.locator("#chat")).to_contain_text("Charlie left")
    terminal.type("/topic Lunch, mostly")
    terminal.wait("The topic of 'lobby'")
    expect(page.locator("#chat")).to_contain_text("Lunch, mostly")
    terminal.type("/history 3")
    terminal.wait("End of history.")


def side_by_side(browser: Browser, terminal: str, page: bytes, address: str, width: int) -> bytes:
    """One picture of both."""
    parts = {
        "TERMINAL": html.escape(terminal),
        "ADDRESS": address,
        "WIDTH": str(width),
        "PAGE": base64.b64encode(page).decode(),
    }
    frame = FRAME
    for name, text in parts.items():
        frame = frame.replace(name, text, 1)
    sheet = browser.new_page(viewport={"width": 1600, "height": 400})
    sheet.set_content(frame)
    return sheet.locator("body").screenshot()


def main(port: int) -> None:
    """Play the scene and write the picture."""
    chromium = shutil.which("chromium") or sys.exit("pictures.py: Chromium is not here")
    terminal = Terminal(f"hubbub-pictures-{port}")
    try:
        with serving(port), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            width = 980
            page = browser.new_page(viewport={"width": width, "height": 690}, color_scheme="light")
            scene(port, terminal, page)
            shown = page.screenshot()
            address = f"http://127.0.0.1:{port}/"
            PICTURE.write_bytes(side_by_side(browser, terminal.shown(), shown, address, width))
            browser.close()
    finally:
        terminal.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")  # noqa: T201 (a script says what it did)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080)
