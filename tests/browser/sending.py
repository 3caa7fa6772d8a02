"""Sending files from the page: for the tests of it."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from serving import Server

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
"""A picture of one pixel."""

DROP = """([names, over]) => {
    const there = new DataTransfer();
    for (const name of names) there.items.add(new File(["bytes of " + name], name));
    const place = document.querySelector("section.conversation");
    const told = {bubbles: true, cancelable: true, dataTransfer: there};
    const kinds = over ? ["dragenter", "dragover"] : ["drop"];
    for (const kind of kinds) place.dispatchEvent(new DragEvent(kind, told));
}"""

PASTE = """(bytes) => {
    const there = new DataTransfer();
    there.items.add(new File([new Uint8Array(bytes)], "image.png", {type: "image/png"}));
    const told = {bubbles: true, cancelable: true, clipboardData: there};
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", told));
}"""


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def file(name: str, data: bytes, kind: str = "") -> Any:
    """As Playwright takes one."""
    return {"name": name, "mimeType": kind, "buffer": data}


def choose(page: Page, *files: Any) -> Locator:
    """Choose files, by their paths or as `file` makes them; the dialog."""
    page.locator("form.composer input[type=file]").set_input_files(list(files))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def send(page: Page, *files: Any) -> None:
    """Choose, and send."""
    choose(page, *files).get_by_role("button", name=re.compile("^(Send|发送) ")).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name=re.compile("^(Files on their way|正在传输的文件)$"))


def moving(page: Page, name: str) -> Locator:
    """A file in the panel."""
    return panel(page).get_by_role("listitem").filter(has_text=name)


def under_way(page: Page, name: str, least: float = 0.0) -> None:
    """Wait until so much of it (0 … 1) has moved, and not all."""
    page.wait_for_function(
        """([name, least]) => {
            const bars = [...document.querySelectorAll("progress")];
            const bar = bars.find((one) => one.getAttribute("aria-label") === name);
            return bar !== undefined && bar.value > least && bar.value < 1;
        }""",
        arg=[name, least],
        polling=50,
    )


def card(page: Page, name: str) -> Locator:
    """What a file is fetched by."""
    return page.get_by_role("log").get_by_role("link", name=f"Download {name}")


def fetched(page: Page, name: str) -> bytes:
    """Fetch it, as people do; its bytes."""
    expect(card(page, name)).to_be_visible()
    with page.expect_download() as download:
        card(page, name).click()
    # What no system takes in a name, a browser writes as `_`.
    assert download.value.suggested_filename == re.sub(r'[<>:"|?*]', "_", name)
    return Path(download.value.path()).read_bytes()


def kept(server: Server, room: str = "lobby") -> list[dict[str, Any]]:
    """The messages with files of a room that anybody may read, oldest first."""
    with server.websocket(f"reader{len(server.clients)}") as reader:
        messages = reader.ask("history", room=room, limit=100)["data"]["messages"]
    return [one for one in messages if one.get("file")]


def names(server: Server) -> list[str]:
    return [one["file"]["name"] for one in kept(server)]


def unfinished(data: Path) -> list[Path]:
    """The uploads that a server keeps the bytes of."""
    return list((data / "files" / "uploads").glob("*.part"))
