"""Files, as people read of them in the text dialect, and the same read back.

    Alice offers you cat.png (123 kB). Type /accept cat.png or /decline cat.png
    Offer from Alice to Bob, running: cat.png (123 kB)     of `/files`
    Kept: cat.png (123 kB)
    Alice: [file cat.png, 123 kB] my cat                   a message with a file

A file's name may have blanks, so it stands where nothing but it and what is known can follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, cast, get_args

from hubbub.core import answers, events
from hubbub.core.answers import Answer, FileView
from hubbub.core.events import Event, FileFailure

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")
_SIZE: Final = rf"[0-9]{{1,3}}(?:\.[0-9]{{1,2}})? (?:bytes?|{'|'.join(_UNITS)})"
_REASONS: Final = "|".join(get_args(FileFailure))


def shown_size(size: int) -> str:
    """A size in bytes, to three digits: `999 bytes`, `1.5 kB` (a kB has 1,000)."""
    if size < 1000:
        return f"{size} byte" if size == 1 else f"{size} bytes"
    power = 1
    while size >= 999.5 * 1000**power:  # it would be shown as 1e+03
        power += 1
    return f"{size / 1000**power:.3g} {_UNITS[power - 1]}"


def read_size(shown: str) -> int:
    """What `shown_size` showed, as exactly as it did."""
    number, _, unit = shown.partition(" ")
    factor: int = 1000 ** (_UNITS.index(unit) + 1) if unit in _UNITS else 1
    return round(float(number) * factor)


def with_file(content: str, file: FileView) -> str:
    """What is shown of a message with a file: that, then its words, if it has any of its own."""
    head = f"[file {' '.join(file.name.splitlines())}, {shown_size(file.size)}]"
    return head if content in ("", file.name) else f"{head} {content}"


def event_text(event: Event) -> str:
    """An event of a file, for a notice; "" for those that only programs need."""
    match event:
        case events.FileOffered(sender, _, _, name, size):
            return f"{sender} offers you {name} ({shown_size(size)}). Type /accept {name} or /decline {name}"
        case events.FileAccepted(_, name):  # nobody offers in text: one of their own devices did it
            return f"You have taken {name}."
        case events.FileDeclined(_, _, name):
            return f"You have declined {name}."
        case events.FileDone(name):
            return f"{name} has arrived."
        case events.FileFailed(_, name, _, reason, message):
            return f"{name} did not arrive ({reason}): {message}"
        case _:
            return ""


def list_texts(listed: answers.FileList) -> list[str]:
    """A list of files, a notice each."""
    offers = [_offer(view) for view in listed.offers]
    kept = [f"Kept: {view.name} ({shown_size(view.size)})" for view in listed.files]
    return [*offers, *kept] or ["There are no files."]


def _offer(view: answers.OfferView) -> str:
    where = f" to {view.to}" if view.to is not None else f" in {view.room}" if view.room is not None else ""
    return f"Offer from {view.sender}{where}, {view.state}: {view.filename} ({shown_size(view.size)})"


# -- what a program reads

EVENTS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Event]]]] = [
    (
        re.compile(
            rf"(\S+) offers you (?P<name>.*) \(({_SIZE})\)\. Type /accept (?P=name) or /decline (?P=name)"
        ),
        lambda found: events.FileOffered(found[1], 0, "", found[2], read_size(found[3]), ""),
    ),
    (re.compile(r"You have taken (.*)\."), lambda found: events.FileAccepted("", found[1], "", 0)),
    (re.compile(r"You have declined (.*)\."), lambda found: events.FileDeclined("", "", found[1], "")),
]
LATE_EVENTS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Event]]]] = [
    (re.compile(r"(.*) has arrived\."), lambda found: events.FileDone(found[1], "", "")),
    (
        re.compile(rf"(.*?) did not arrive \(({_REASONS})\): (.*)", re.DOTALL),
        lambda found: events.FileFailed("", found[1], "", cast("FileFailure", found[2]), found[3]),
    ),
]
"""Those that begin with a file's name, which may read as anything: to be tried when it is nothing else."""
ANSWERS: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Answer]]]] = [
    (
        re.compile(rf"Offer from (\S+?)(?: to (\S+?)| in (\S+?))?, (\w+): (.*) \(({_SIZE})\)"),
        lambda found: answers.FileList(
            [answers.OfferView("", found[1], found[5], read_size(found[6]), found[4], found[2], found[3])], []
        ),
    ),
    (
        re.compile(rf"Kept: (.*) \(({_SIZE})\)"),
        lambda found: answers.FileList([], [FileView("", found[1], read_size(found[2]), "", "")]),
    ),
    (re.compile(r"Declined\."), lambda _found: answers.Done()),
    (re.compile(r"There are no files\."), lambda _found: answers.FileList([], [])),
    (
        re.compile(r"Fetch it with a browser or curl: (\S+)"),
        lambda found: answers.FileLink(found[1], "", 0, 0),
    ),
]
"""A list comes as several answers, one a line."""
