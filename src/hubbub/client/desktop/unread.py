"""How much is unread, from the title of the page, which every browser's tab shows: `(3) Hubbub`, `• Hubbub`.

The window's own title says it in its own words: never a text that a page has chosen.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TITLE: Final = re.compile(r"\((?P<count>[1-9][0-9]?|99\+)\) |(?P<some>• )")
NAME: Final = "Hubbub"


class Unread(NamedTuple):
    """`personal`: what is for this person, 99 at most; `some`: whether anything else is."""

    personal: int = 0
    some: bool = False


def read_title(title: str) -> Unread:
    """Read it; any other title says that nothing is."""
    match = _TITLE.match(title)
    if match is None:
        return Unread()
    count = match["count"]
    return Unread(int(count.rstrip("+")), some=True) if count else Unread(some=True)


def window_title(unread: Unread, where: str | None) -> str:
    """What stands on the window; `where`: whose page it is, unless it is this machine's own."""
    mark = f"({unread.personal}) " if unread.personal else "• " if unread.some else ""
    return f"{mark}{NAME}" if where is None else f"{mark}{NAME} – {where}"
