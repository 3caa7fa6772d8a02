"""What the window needs of a toolkit.

pywebview makes the window and its loop; the views in it are ours, made by `gtk.py` or `qt.py`. Those of
pywebview have a bridge into Python for the pages of every origin, which cannot be turned off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from hubbub.client.desktop.address import Origin, Verdict
from hubbub.client.desktop.remembered import Box, Place
from hubbub.client.desktop.unread import Unread
from hubbub.client.desktop.words import Words

Shown = Literal["chat", "dashboard", "both"]
"""Which views are in the window."""
AGENT: Final = "HubbubDesktop"
"""How a view calls itself, behind what its engine does."""


class Face(Protocol):
    """What a toolkit tells the window, and asks it; all in the thread of the loop."""

    @property
    def home(self) -> Origin:
        """Whose page is shown."""
        ...

    def judge(self, url: str, *, new_window: bool, by_person: bool) -> Verdict:
        """Whether the page may go there; what goes outside, is opened by this."""
        ...

    def titled(self, title: str) -> None:
        """The page has another title."""
        ...

    def signed(self, origin: Origin, token: str | None) -> None:
        """The server has set its cookie, or taken it away."""
        ...


class Item(NamedTuple):
    """Of a menu. `do` is called in the thread of the loop."""

    label: str
    do: Callable[[], None]
    key: str | None = None
    """With Ctrl."""


class Plan(NamedTuple):
    """What a toolkit needs to know to make the views."""

    face: Face
    menus: Sequence[tuple[str, Sequence[Item]]]
    profile: Path
    words: Words
    icon: Path | None
    version: str


class Views(Protocol):
    """The views in a window, once they are there. In the thread of the loop, but for `call`."""

    def call(self, function: Callable[[], None]) -> None:
        """Have something done in the thread of the loop. Safe in every thread."""
        ...

    def go(self, origin: Origin, token: str | None) -> None:
        """Show this server's page, signed in by the token."""
        ...

    def show(self, shown: Shown) -> None:
        """Which of them are seen."""
        ...

    def reload(self) -> None:
        """Load what is seen anew."""
        ...

    def tell(self, title: str, unread: Unread) -> None:
        """The title of the window, and the badge of whatever has one."""
        ...

    def to_front(self) -> None:
        """Before all other windows."""
        ...

    def ask(self, title: str, text: str, then: Callable[[], None] | None) -> None:
        """Put a question over the window; `then` is called if it is answered by OK. None: it only tells."""
        ...

    def place(self) -> Place:
        """Where the window is."""
        ...

    def end(self) -> None:
        """Close the window."""
        ...

    def dispose(self) -> None:
        """Let go of all views, once the loop has ended: left to the end of Python, engines crash."""
        ...


class Toolkit(Protocol):
    """One of them."""

    @property
    def name(self) -> Literal["gtk", "qt"]:
        """As pywebview calls it."""
        ...

    def screens(self) -> list[Box]:
        """All that there are."""
        ...

    def dress(self, window: Any, plan: Plan, box: Box | None) -> Views:
        """Put our views into pywebview's window before it is seen; `box`: where it goes."""
        ...
