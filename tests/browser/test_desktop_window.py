"""`hubbub desktop` on a screen: a real window of GTK and of Qt, under an X server that shows it to nobody."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

import pytest
from PIL import Image, ImageGrab

from hubbub.server.control import ControlError, NoServerError, ask
from serving import Server, TextClient, serving, until

MISSING = [program for program in ("Xvfb", "xdotool") if shutil.which(program) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"desktop window ({', '.join(MISSING)} not found)"),
    pytest.mark.timeout(240),
]

Colour = tuple[int, int, int]
BUTTON: Colour = (59, 79, 216)
"""What one presses to come in has this colour."""
PATIENCE = 60.0
"""Seconds: two browsers' engines may start at once on a small machine."""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server of our own, on a number that is free.

    It would begin anew when its last client goes, and refuse whoever comes in that moment.
    """
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    yield f":{server.stdout.readline().strip()}"
    server.terminate()
    server.communicate(timeout=PATIENCE)


@pytest.fixture(params=["gtk", pytest.param("qt", marks=pytest.mark.long)])
def desk(request: pytest.FixtureRequest, display: str, tmp_path: Path) -> Desk:
    return Desk(request.param, display, tmp_path)


class Desk:
    """A person's desk: a screen, a home, and which toolkit is there."""

    def __init__(self, toolkit: str, display: str, home: Path) -> None:
        self.toolkit = toolkit
        self.home = home
        self.data = home / "data" / "hubbub"
        self.opened = home / "opened"
        browser = home / "browser"
        browser.write_text(f'#!/bin/sh\necho "$1" >> {self.opened}\n')
        browser.chmod(0o700)
        self.noticed = home / "noticed"
        (home / "bin").mkdir()
        notify = home / "bin" / "notify-send"
        notify.write_text(f'#!/bin/sh\nfor one; do echo "$one"; done >> {self.noticed}\n')
        notify.chmod(0o700)
        own = ("HUBBUB_", "WEBSOCKET_", "SERVER_", "XDG_", "LC_", "WAYLAND_", "DBUS_", "QT", "GTK")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(own)},
            "HOME": str(home),
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "HUBBUB_NO_KEYRING": "1",
            "PYTHONFAULTHANDLER": "1",
            "LANG": "C.UTF-8",
            "DISPLAY": display,
            "BROWSER": f"{browser} %s",
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "NO_AT_BRIDGE": "1",
            "GSETTINGS_BACKEND": "memory",
            **({"QTWEBENGINE_DISABLE_SANDBOX": "1"} if os.geteuid() == 0 else {}),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "hubbub", "desktop", "--toolkit", self.toolkit, *arguments]
        out = (self.home / "out").open("a")
        with out:
            return subprocess.Popen(command, env=self.environment, stdout=out, stderr=out, text=True)

    @contextmanager
    def window(self, *arguments: str) -> Iterator[Window]:
        """A window for a while; at the end it is closed, if it is not yet."""
        process = self.start(*arguments)
        try:
            yield Window(self, process)
        except BaseException:
            self.picture("failed")
            process.send_signal(signal.SIGABRT)  # which has it say where each thread is
            process.wait(PATIENCE)
            sys.stderr.write((self.home / "out").read_text())
            raise
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def picture(self, name: str) -> Path:
        """What is on the screen."""
        path = self.home / f"{name}.png"
        with suppress(OSError):
            ImageGrab.grab(xdisplay=self.environment["DISPLAY"]).save(path)
        return path

    def seen(self, colour: Colour) -> int:
        """So many pixels of the screen have this colour."""
        counted = self._screen().getcolors(1 << 24) or []
        return sum(count for count, one in counted if one == colour)

    def button(self) -> tuple[int, int] | None:
        """Where the button of a form begins, and its middle: the first row with much of its colour."""
        image = self._screen()
        for y in range(image.height):
            row = [x for x in range(image.width) if image.getpixel((x, y)) == BUTTON]
            if len(row) > 250:
                return (row[0] + row[-1]) // 2, y
        return None

    def _screen(self) -> Image.Image:
        with Image.open(self.picture("screen")) as image:
            return image.convert("RGB")

    def x(self, *arguments: str) -> str:
        """Ask or tell the X server."""
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.strip()

    def titles(self) -> list[str]:
        found = self.x("search", "--onlyvisible", "--name", ".").split()
        return [self.x("getwindowname", one) for one in found]

    def where(self) -> str | None:
        """The server that runs on this desk's data."""
        try:
            return str(ask(self.data, "where")[0])
        except (NoServerError, ControlError, OSError):  # it may be ending
            return None


class Window:
    """One of them."""

    def __init__(self, desk: Desk, process: subprocess.Popen[str]) -> None:
        self.desk = desk
        self.process = process

    def shown(self, title: str) -> Window:
        """Wait until a window of this title is there, and give it the keyboard."""

        def there() -> bool:
            assert self.process.poll() is None, "it ended"
            return title in self.desk.titles()

        until(there, PATIENCE)
        found = self.desk.x("search", "--onlyvisible", "--name", f"^{re.escape(title)}$").split()
        self.desk.x("windowfocus", "--sync", found[-1])
        return self

    def keys(self, *keys: str) -> None:
        self.desk.x("key", "--clearmodifiers", "--delay", "60", *keys)

    def write(self, text: str) -> None:
        self.desk.x("type", "--delay", "30", text)

    def click(self, x: int, y: int) -> None:
        """At a place of the screen."""
        self.desk.x("mousemove", "--sync", str(x), str(y), "click", "1")

    def close(self) -> int:
        """As a person does, by the keyboard."""
        self.keys("ctrl+q")
        return self.process.wait(PATIENCE)


def port(url: str | None) -> int:
    assert url is not None
    return int(url.rstrip("/").rpartition(":")[2])


def online(peer: TextClient) -> str:
    peer.say("/list")
    return peer.line()


@pytest.mark.long
def test_a_person_comes_in_and_is_known_again(desk: Desk) -> None:
    with desk.window() as window:
        window.shown("Hubbub")
        until(lambda: desk.where() is not None, PATIENCE)
        first = port(desk.where())
        with TextClient(first, "bob") as bob:
            enter_as_guest(window, bob, "alice")
            bob.say("/w alice Dinner?")
            window.shown("(1) Hubbub")
            with curtain(desk):
                assert desk.start().wait(PATIENCE) == 0
                until(lambda: desk.seen(RED) < 500_000, PATIENCE)  # it lies below
            assert "open already" in (desk.home / "out").read_text()
            window.shown("(1) Hubbub")
        assert window.close() == 0
    assert desk.where() is None
    assert (desk.data / "log").is_dir()
    assert not list(desk.data.glob("*.sock"))
    private = list((desk.home / "state" / "hubbub").rglob("*.json"))
    assert private
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    with desk.window() as window:
        until(lambda: desk.where() is not None, PATIENCE)
        assert port(desk.where()) == first
        with TextClient(first, "bob") as bob:
            until(lambda: "alice" in online(bob), PATIENCE)
        window.shown("(1) Hubbub")


def enter_as_guest(window: Window, peer: TextClient, name: str) -> None:
    """By the form. It moves while it learns which ways in are open, so a click may miss: then once more."""

    def tried() -> bool:
        place = window.desk.button()
        if place is None:
            return False
        window.click(place[0], place[1] - 183)  # "As a guest", of three
        window.keys("Tab", "ctrl+a")
        window.write(name)
        window.keys("Return")
        with suppress(AssertionError):
            until(lambda: name in online(peer), 5.0)
        return name in online(peer)

    until(tried, PATIENCE)


RED: Colour = (254, 1, 2)
CURTAIN = f"""
import os
from hubbub.client.desktop.gtk import GtkToolkit
kit = GtkToolkit(os.environ)
curtain = kit.gtk.Window(default_width=1280, default_height=900, title="Curtain")
curtain.override_background_color(0, kit.gdk.RGBA({RED[0]}/255, {RED[1]}/255, {RED[2]}/255, 1))
curtain.show()
kit.gtk.main()
"""


@contextmanager
def curtain(desk: Desk) -> Iterator[None]:
    """Another program's window, over everything."""
    command = [sys.executable, "-W", "ignore", "-c", CURTAIN]
    process = subprocess.Popen(command, env=desk.environment)
    try:
        until(lambda: desk.seen(RED) > 1_000_000, PATIENCE)
        yield
    finally:
        process.kill()
        process.wait()


def test_a_server_that_runs_is_shown_and_left_running(desk: Desk) -> None:
    with serving("--data", str(desk.data)) as server, desk.window() as window:
        window.shown(f"Hubbub – 127.0.0.1:{server.port}")
        until(lambda: desk.button() is not None, PATIENCE)
        assert window.close() == 0
        assert port(desk.where()) == server.port


@pytest.mark.long
def test_a_second_start_hands_its_address_over(desk: Desk) -> None:
    with serving() as server, desk.window() as window:
        window.shown("Hubbub")
        assert desk.start(f"http://127.0.0.1:{server.port}").wait(PATIENCE) == 0
        window.shown(f"Hubbub – 127.0.0.1:{server.port}")
        assert desk.start("http://127.0.0.1:9").wait(PATIENCE) == 1
        assert window.close() == 0


@pytest.mark.long
def test_the_dashboard_stands_beside_the_chat(desk: Desk) -> None:
    with serving("--demo") as server, desk.window(f"http://127.0.0.1:{server.port}") as window:
        window.shown(f"Hubbub – 127.0.0.1:{server.port}")
        until(lambda: desk.button() is not None, PATIENCE)
        window.keys("Return")  # the form of a demo is filled in
        with TextClient(server.port, "carol") as carol:
            until(lambda: "alice" in online(carol), PATIENCE)
            window.keys("ctrl+3")
            until(lambda: lines(server) == 2, PATIENCE)


def test_the_server_ends_with_a_window_that_is_killed(desk: Desk) -> None:
    with desk.window() as window:
        window.shown("Hubbub")
        until(lambda: desk.where() is not None, PATIENCE)
        window.process.kill()
        until(lambda: desk.where() is None, PATIENCE)
        until(lambda: not (desk.data / "control.sock").exists(), PATIENCE)


@pytest.mark.long
def test_a_server_that_ended_is_started_again_where_it_was(desk: Desk) -> None:
    with desk.window() as window:
        window.shown("Hubbub")
        until(lambda: desk.where() is not None, PATIENCE)
        before = desk.where()
        until(lambda: desk.button() is not None, PATIENCE)
        os.kill(server_of(window), signal.SIGKILL)
        until(lambda: desk.where() is None, PATIENCE)
        window.shown("The server has ended")
        window.keys("Return")  # on OK
        until(lambda: desk.where() is not None, PATIENCE)
        assert desk.where() == before


def lines(server: Server) -> int:
    """How many WebSockets are open there."""
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=PATIENCE) as answer:
        found = re.search(r'hubbub_connections\{dialect="websocket"\} (\d+)', answer.read().decode())
    return int(found[1]) if found else 0


def server_of(window: Window) -> int:
    """The process that the window has started."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == window.process.pid and b"desktop.leash" in (process / "cmdline").read_bytes():
                return int(process.name)
    raise AssertionError("there is none")


HOSTILE = """<!doctype html><title>(7) Hubbub of your bank</title>
<body><a id="out" href="{out}" target="_blank" style="position:fixed;inset:0">anywhere</a>
<script>
const told = {{
  agent: navigator.userAgent,
  pywebview: typeof window.pywebview,
  handlers: typeof (window.webkit?.messageHandlers?.jsBridge),
  qt: typeof window.qt,
  channel: typeof window.QWebChannel,
  notices: window.Notification?.permission,
  opened: String(window.open("{out}?window")),
}};
new Notification("--help", {{ body: "$(touch bad) <b>" }});
document.getElementById("out").click();
location.href = "{out}?location";
const frame = document.createElement("iframe");
frame.src = "{out}?frame";
document.body.append(frame);
setTimeout(() => {{ location.href = "file:///etc/passwd"; }}, 300);
setTimeout(() => {{
  told.here = location.href;
  fetch("/told", {{ method: "POST", body: JSON.stringify(told) }});
}}, 1500);
</script>"""


class Foreign(http.server.BaseHTTPRequestHandler):
    """Says that it is a server of Hubbub, and is not."""

    asked: ClassVar[list[str]] = []
    told: ClassVar[list[dict[str, Any]]] = []
    page: ClassVar[str] = ""

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['Host']}{self.path}")
        body = self.page.encode()
        if self.path == "/version":
            body = json.dumps({"name": "hubbub", "version": "9", "client": "x"}).encode()
        self._answer(
            body, **({"Content-Disposition": "attachment; filename=.."} if self.path == "/file" else {})
        )

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"{}")

    def _answer(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": "text/html", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def foreign() -> Iterator[http.server.ThreadingHTTPServer]:
    Foreign.asked.clear()
    Foreign.told.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.long
def test_a_hostile_page_gets_no_bridge_and_leads_nowhere(
    desk: Desk, foreign: http.server.ThreadingHTTPServer
) -> None:
    at = foreign.server_address[1]
    out = f"http://localhost:{at}/elsewhere"  # another origin
    Foreign.page = HOSTILE.format(out=out)
    with desk.window(f"http://127.0.0.1:{at}") as window:
        until(lambda: Foreign.told, PATIENCE)
        told = Foreign.told[0]
        assert "HubbubDesktop/" in told["agent"]
        assert {told[name] for name in ("pywebview", "handlers", "qt", "channel")} == {"undefined"}
        assert told["opened"] == "null"
        assert told["notices"] == "granted", "for the server's own origin, without asking"
        assert told["here"] == f"http://127.0.0.1:{at}/"
        assert not desk.opened.exists() or f"{out}?window" not in desk.opened.read_text()
        if desk.toolkit == "qt":  # WebKit speaks to the desktop itself, and here is none
            until(desk.noticed.exists, PATIENCE)
            assert desk.noticed.read_text().splitlines()[-3:] == ["--", "--help", "$(touch bad) <b>"]
        # The title says whose page it is, whatever the page calls itself; its count alone is believed.
        window.shown(f"(7) Hubbub – 127.0.0.1:{at}")
        window.click(640, 500)
        until(lambda: desk.opened.exists() and out in desk.opened.read_text().splitlines(), PATIENCE)
        assert not [one for one in Foreign.asked if "elsewhere" in one]
        assert window.close() == 0


@pytest.mark.long
def test_a_file_is_saved_where_the_dialog_says(desk: Desk, foreign: http.server.ThreadingHTTPServer) -> None:
    at = foreign.server_address[1]
    Foreign.page = '<!doctype html><a href="/file" style="position:fixed;inset:0">a file</a>'
    saved = desk.home / "saved.txt"
    with desk.window(f"http://127.0.0.1:{at}") as window:
        window.shown(f"Hubbub – 127.0.0.1:{at}")
        until(lambda: f"127.0.0.1:{at}/" in Foreign.asked, PATIENCE)

        def asked() -> bool:
            if "Save file" not in desk.titles():
                window.click(640, 500)
            return "Save file" in desk.titles()

        until(asked, PATIENCE)
        window.shown("Save file")
        window.keys("alt+n", "ctrl+a")  # the field of the name, in both
        window.write(str(saved))
        window.keys("Return")
        until(saved.exists, PATIENCE)
        until(lambda: saved.read_text() == Foreign.page, PATIENCE)
