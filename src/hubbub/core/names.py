"""Names of people and rooms: which are allowed, and which are too much alike to belong to two.

A name is normalised first (Unicode NFKC, UAX #15), and shown as its owner wrote it. Two names collide
where they differ in case only, or where they look the same: the skeletons of UTS #39 §4. The look-alikes
come from `confusables.txt`, which `scripts/confusables.py` makes from the Unicode Consortium's file.
"""

from __future__ import annotations

import pkgutil
import re
import unicodedata
from functools import cache
from typing import Final

import msgspec

USER_LIMIT: Final = 32
"""Characters of a user's name after NFKC: it stands in front of every line that is said."""
ROOM_LIMIT: Final = 64
"""Characters of a room's name after NFKC."""
MARKS_LIMIT: Final = 2
"""Combining marks in a row: more pile up over the lines of others."""

_EXPANSION = 4  # characters before NFKC for one after it; beyond that, normalising costs without use
_PUNCTUATION = frozenset("_-.")
# Letters and marks that show nothing (Default_Ignorable_Code_Point, UAX #44, and one filler more).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U000e0100-\U000e01ef]"
)


class Invalid(msgspec.Struct, frozen=True):
    """Not a name. `reason` ends a sentence such as "Username 'a b' is not valid: …"."""

    reason: str


_CHARACTERS = Invalid("only letters, digits and _ - . are allowed.")


def normal(name: str, limit: int) -> str | Invalid:
    """The name as it is kept and shown: in NFKC, without ASCII spaces around it.

    1 to `limit` characters: letters, digits, `_ - .`, and up to `MARKS_LIMIT` combining marks after a
    letter; at least one letter or digit.
    """
    too_long = Invalid(f"it is longer than {limit} characters.")
    if len(name) > _EXPANSION * limit:
        return too_long
    name = unicodedata.normalize("NFKC", name.strip(" "))
    if not name:
        return Invalid("it is empty.")
    if len(name) > limit:
        return too_long
    if _INVISIBLE.search(name):
        return _CHARACTERS
    return _fault(name) or name


def _fault(name: str) -> Invalid | None:
    spoken = False
    room_for_marks = 0
    for character in name:
        category = unicodedata.category(character)
        if category[0] == "L":
            spoken = True
            room_for_marks = MARKS_LIMIT
        elif category in ("Mn", "Mc") and room_for_marks:
            room_for_marks -= 1
        elif category == "Nd" or character in _PUNCTUATION:
            spoken = spoken or category == "Nd"
            room_for_marks = 0
        else:
            return _CHARACTERS
    return None if spoken else Invalid("it needs a letter or a digit.")


def key(name: str) -> str:
    """What a normal name is looked up by: the look of its letters in lower case."""
    return _skeleton(name.casefold()).casefold()


def keys(name: str) -> tuple[str, ...]:
    """All that the holder of a normal name claims, `key(name)` first. Names that share one collide.

    The second is the look as written. Neither alone would do: `I` looks like `l` only before case is
    folded, and so do Cyrillic `В` and `B`; and one key that joined both ways would make `i` and `l`,
    `n` and `v`, `u` and `y` the same letter.
    """
    folded, written = key(name), _skeleton(name).casefold()
    return (folded,) if folded == written else (folded, written)


def _skeleton(text: str) -> str:
    """UTS #39 §4: what the text looks like, letter for letter."""
    mapped = unicodedata.normalize("NFD", text).translate(_prototypes())
    return unicodedata.normalize("NFD", mapped)


@cache
def _prototypes() -> dict[int, str]:
    """Code point → what it looks like. Each line of the file: the prototype, then all its look-alikes."""
    data = pkgutil.get_data("hubbub.core", "confusables.txt")
    assert data is not None  # noqa: S101 (a part of the package)
    table: dict[int, str] = {}
    for line in data.decode().splitlines():
        if not line.startswith("#"):
            prototype, _, sources = line.partition(": ")
            shown = "".join(chr(int(code, 16)) for code in prototype.split())
            table.update((int(code, 16), shown) for code in sources.split())
    return table
