"""Files that must arrive: from a plain socket to a browser and back, and past the death of the server."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from couriers import Receiver, Sender
from file_peers import close_all, content, device, digest
from serving import PATIENCE, JsonClient, serving, until

SIZE = int(os.environ.get("FILES_BYTES", str(1 << 30)))
"""Of the large file that goes past the server's death."""
PIECE = 1 << 20

# Nothing may be asked of another host, the browser's own habits included.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

PAGE = """
async ([url, name]) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const waiting = [], heard = [];
  window.hear = (wanted) => new Promise((resolve) => {
    const found = heard.findIndex(wanted);
    if (found >= 0) resolve(heard.splice(found, 1)[0]); else waiting.push([wanted, resolve]);
  });
  socket.onmessage = ({data}) => {
    const told = typeof data === "string" ? JSON.parse(data) : data;
    const found = waiting.findIndex(([wanted]) => wanted(told));
    if (found >= 0) waiting.splice(found, 1)[0][1](told); else heard.push(told);
  };
  window.pushed = async (name) => (await window.hear((told) => told.event === name)).data;
  window.ask = async (action, payload) => {
    const id = crypto.randomUUID();
    socket.send(JSON.stringify({id, type: "request", action, payload}));
    const told = await window.hear((told) => told.id === id);
    if (told.type === "error") throw new Error(JSON.stringify(told.data));
    return told.data;
  };
  window.sendBytes = (bytes) => socket.send(bytes);
  await new Promise((resolve) => { socket.onopen = resolve; });
  await window.ask("login", {username: name});
}
"""

TAKE = """
async () => {
  const {offer, size} = await window.pushed("file_offer");
  await window.ask("file_accept", {offer});
  await window.pushed("file_download");
  const whole = new Uint8Array(size);
  let got = 0;
  while (got < size) {
    const message = await window.hear((told) => told instanceof ArrayBuffer);
    const id = [...new Uint8Array(message, 0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const offset = Number(new DataView(message).getBigUint64(16));
    if (id !== offer || offset !== got) throw new Error(`${id} at ${offset}`);
    whole.set(new Uint8Array(message, 24), offset);
    got += message.byteLength - 24;
  }
  window.whole = whole;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const done = await window.pushed("file_done");
  return {hex, told: done.sha256};
}
"""

GIVE = """
async (to) => {
  const {offer} = await window.ask("file_offer", {filename: "back.bin", size: window.whole.length, to});
  const {window: ahead, offset = 0} = await window.pushed("file_upload");
  const id = Uint8Array.from(offer.match(/../g).map((pair) => parseInt(pair, 16)));
  let sent = offset, told = offset;
  while (sent < window.whole.length) {
    const part = window.whole.subarray(sent, sent + 65536);
    while (sent + part.length - told > ahead) told = (await window.pushed("file_progress")).offset;
    const message = new Uint8Array(24 + part.length);
    message.set(id);
    new DataView(message.buffer).setBigUint64(16, BigInt(sent));
    message.set(part, 24);
    window.sendBytes(message);
    sent += part.length;
  }
  return (await window.pushed("file_done")).sha256;
}
"""


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(name="browser", scope="module")
def _browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@pytest.mark.browser
def test_from_a_plain_socket_to_a_browser_and_back(browser: Browser) -> None:
    data = content(5 * PIECE + 123)
    with serving() as server:
        page = browser.new_context().new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.evaluate(PAGE, [f"ws://127.0.0.1:{server.port}/ws", "Brenda"])
        plain = server.json("Paul")
        with ThreadPoolExecutor(1) as pool:
            # In v0.5's own words: no id, no digest, bare bytes.
            there = pool.submit(_send_plainly, plain, data)
            told = page.evaluate(TAKE)
            there.result()
            assert told == {"hex": digest(data), "told": digest(data)}
            back = pool.submit(_take_plainly, plain)
            assert page.evaluate(GIVE, "Paul") == digest(data)
            assert digest(back.result()) == digest(data)
        page.context.close()


def _send_plainly(plain: JsonClient, data: bytes) -> None:
    plain.say("FileOffer", to="Brenda", filename="there.bin", size=len(data))
    assert plain.get("StartUpload")["filename"] == "there.bin"
    plain.send(data)
    assert plain.get("FileDone")["filename"] == "there.bin"


def _take_plainly(plain: JsonClient) -> bytes:
    offered = plain.get("FileOffer")
    plain.say("FileAccept", **{"from": offered["from"], "filename": offered["filename"]})
    start = plain.get("StartDownload")
    data = bytearray(plain.buffer)
    plain.buffer = b""
    while len(data) < start["size"]:
        data += plain.sock.recv(PIECE)
    plain.buffer = bytes(data[start["size"] :])
    assert plain.get("FileDone")["filename"] == offered["filename"]
    return bytes(data[: start["size"]])


# -- past the server's death


def _large(path: Path) -> str:
    """A file of that size, and its digest: a piece of noise over and over, each time marked by its place."""
    noise, whole = bytearray(content(PIECE)), hashlib.sha256()
    with path.open("wb") as file:
        for number in range(SIZE // PIECE):
            noise[:8] = number.to_bytes(8, "big")
            file.write(noise)
            whole.update(noise)
    return whole.hexdigest()


class _Mortal:
    """A server on one directory and one port, killed and started anew."""

    def __init__(self, data: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._arguments = [
            sys.executable, "-m", "hubbub", "serve", "--listen", f"127.0.0.1:{self.port}",
            "--data", str(data), "--log-level", "error",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(PATIENCE)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("sender", "receiver"), [("json", "json"), pytest.param("json", "websocket", marks=pytest.mark.long)]
)
def test_a_large_file_goes_past_the_death_of_the_server(tmp_path: Path, sender: str, receiver: str) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    sha256 = _large(source)
    server = _Mortal(tmp_path / "data")
    try:
        device(server.port, "Alice", new=True).close()
        device(server.port, "Bob", new=True)  # is there: else the server would keep the file
        kills = [SIZE // 3, SIZE * 2 // 3]
        with (
            source.open("rb") as readable,
            mmap.mmap(readable.fileno(), 0, prot=mmap.PROT_READ) as data,
            target.open("w+b") as written,
            ThreadPoolExecutor(2) as pool,
        ):

            def whole() -> str:
                written.flush()
                with target.open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()

            there = Receiver(
                lambda: server.port, "Bob", receiver, "Alice", lambda more, _: written.write(more), whole
            )
            here = Sender(lambda: server.port, "Alice", sender, "Bob", data, sha256)
            both = [pool.submit(there.run), pool.submit(here.run)]
            for kill in kills:
                until(lambda kill=kill: there.have >= kill or any(one.done() for one in both), 60.0)
                server.kill()
                server.start()
            for one in both:
                one.result()
            assert whole() == sha256
        assert len(here.starts) == 1 + len(kills)
        assert all(start > 0 for start in here.starts[1:]), "they went on where it had stopped"
        assert server.stop() == 0
    finally:
        server.kill()
        source.unlink()
        target.unlink(missing_ok=True)
