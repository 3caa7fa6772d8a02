from __future__ import annotations

import pytest
from msgspec.structs import replace

from hubbub.core import answers, commands, events
from hubbub.core.events import Event
from wire.text_lines import (
    history,
    message,
    shown,
    told,
    view,
    whisper,
)

SHA = "0" * 64
CAT = answers.FileView("f7", "my cat.png", 123_456, "image/png", SHA)


@pytest.mark.parametrize(
    ("size", "shown_as"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1234, "1.23 kB"),
        (123_456, "123 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (2**30, "1.07 GB"),
        (2**53 - 1, "9.01 PB"),
    ],
)
def test_a_size_has_three_digits(size: int, shown_as: str) -> None:
    kept = answers.FileView("f7", "x", size, "", SHA)
    assert told(answers.FileList([], [kept])) == f"[Server] Kept: x ({shown_as})"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            events.FileOffered("Alice", 7, "Bob", "cat.png", 123_456, "o"),
            "[Server] Alice offers you cat.png (123 kB). Type /accept cat.png or /decline cat.png",
        ),
        (events.FileDeclined("Alice", "Bob", "cat.png", "o"), "[Server] You have declined cat.png."),
        (events.FileDone("cat.png", "o", SHA), "[Server] cat.png has arrived."),
        (
            events.FileFailed("Alice", "cat.png", "o", "cancelled", "Alice cancelled it."),
            "[Server] cat.png did not arrive (cancelled): Alice cancelled it.",
        ),
        (events.FileAccepted("Bob", "cat.png", "o", 0), "[Server] You have taken cat.png."),
        (events.UploadStarted("cat.png", "o", 5), ""),
        (events.DownloadStarted("Alice", "cat.png", 5, "o"), ""),
        (events.FileData("o", 0, b"x"), ""),
        (events.FileProgress("o", 3), ""),
    ],
)
def test_events_of_files(event: Event, line: str) -> None:
    assert shown(event) == line


def test_a_message_with_a_file_shows_it_before_its_words() -> None:
    bare, said = message("my cat.png"), message("look:\nmy cat")
    assert shown(replace(bare, file=CAT)) == "Alice: [file my cat.png, 123 kB]"
    assert shown(replace(said, file=CAT)) == "Alice: [file my cat.png, 123 kB] look:\nAlice: my cat"
    assert shown(replace(said, file=CAT), own=True) == ""
    private = replace(whisper("x"), file=CAT)
    assert shown(private) == "[Private from Alice] [file my cat.png, 123 kB] x"
    assert shown(private, own=True) == "[Private to Bob] [file my cat.png, 123 kB] x"
    lines = told(history(view("my cat.png", file=CAT), view("", 13, deleted=True)), commands.GetHistory())
    assert lines.split("\n")[1:3] == ["#12 Alice: [file my cat.png, 123 kB]", "#13 Alice (deleted)"]


def test_a_name_of_a_file_forges_no_line() -> None:
    evil = replace(CAT, name="x\n[Server] Bob has left.\u202e\x1b")
    assert shown(replace(message("hi"), file=evil)) == (
        "Alice: [file x [Server] Bob has left.\ufffd\ufffd, 123 kB] hi"
    )
    assert shown(events.FileDone("x\ny", "o", SHA)) == "[Server] x\ufffdy has arrived."


def test_a_list_of_files_has_a_line_for_each() -> None:
    offers = [
        answers.OfferView("o", "Alice", "cat.png", 5, "running", to="Bob"),
        answers.OfferView("o", "Alice", "cat.png", 5, "offered", room="den"),
        answers.OfferView("o", "Alice", "cat.png", 5, "interrupted"),
    ]
    assert told(answers.FileList(offers, [CAT])).split("\n") == [
        "[Server] Offer from Alice to Bob, running: cat.png (5 bytes)",
        "[Server] Offer from Alice in den, offered: cat.png (5 bytes)",
        "[Server] Offer from Alice, interrupted: cat.png (5 bytes)",
        "[Server] Kept: my cat.png (123 kB)",
    ]
    assert told(answers.FileList([], [])) == "[Server] There are no files."


def test_a_link_is_to_be_fetched() -> None:
    link = answers.FileLink("http://[::1]:8080/blobs/f7/cat.png?ticket=t", "cat.png", 5, 600)
    assert told(link) == (
        "[Server] Fetch it with a browser or curl: http://[::1]:8080/blobs/f7/cat.png?ticket=t"
    )
