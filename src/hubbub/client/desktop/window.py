"""The window: one server's page in it, what it remembers, and whom it tells of what.

What a page may have done stands in `address.judge`. It has no bridge to Python: it gets what a browser's tab
gets (title, notifications, downloads, links), and the window does with it what a desktop can.
"""

from __future__ import annotations

import signal
import threading
import time
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from hubbub.client.desktop.account import Accounts
from hubbub.client.desktop.address import Doorway, Origin, Verdict, judge, read_address
from hubbub.client.desktop.errors import DesktopError
from hubbub.client.desktop.local import Local
from hubbub.client.desktop.probe import probe
from hubbub.client.desktop.remembered import LEAST, Memory, fitted, known_servers
from hubbub.client.desktop.single import Request
from hubbub.client.desktop.toolkit import Item, Plan, Toolkit, Views
from hubbub.client.desktop.unread import Unread, read_title, window_title
from hubbub.client.desktop.words import Words

_EMPTY: Final = "<!doctype html><title>Hubbub</title>"


class DesktopWindow:
    """What there is of it; `toolkit.Face` for the views."""

    def __init__(
        self, toolkit: Toolkit, memory: Memory, accounts: Accounts, local: Local, words: Words, home: Origin
    ) -> None:
        self.home = home
        self._toolkit = toolkit
        self._memory = memory
        self._accounts = accounts
        self._local = local
        self._words = words
        self._unread = Unread()
        self._doorway = Doorway()
        self._views: Views | None = None
        self._place = memory.now.place
        self._wanted: Request | None = None
        self._fault: Exception | None = None

    def run(self, profile: Path, icon: Path | None, version: str) -> None:
        """Show it until it is closed. In the main thread."""
        import webview

        plan = Plan(self, self._menus(), profile, self._words, icon, version)
        box, (width, height) = fitted(self._place, self._toolkit.screens())
        window = webview.create_window(
            self._title(),
            html=_EMPTY,
            width=width,
            height=height,
            min_size=LEAST,
            maximized=self._place is not None and self._place.maximized,
        )
        assert window is not None  # noqa: S101 (nobody takes it back)

        def dress() -> None:
            try:
                views = self._toolkit.dress(window, plan, box)
                views.go(self.home, self._accounts.token(self.home))
                views.tell(self._title(), self._unread)
                self._views = views
                if self._wanted is not None:
                    self.rung(self._wanted)
            except Exception as error:
                self._fault = error
                raise

        def closing() -> None:
            if self._views is not None:
                self._place = self._views.place()

        window.events.before_show += dress
        window.events.closing += closing
        signal.signal(signal.SIGTERM, lambda *_: self._call(lambda views: views.end()))
        webview.start(gui=self._toolkit.name)
        views, self._views = self._views, None
        if views is not None:
            views.dispose()
        if self._fault is not None:
            raise self._fault

    # -- what the views tell (`toolkit.Face`)

    def judge(self, url: str, *, new_window: bool, by_person: bool) -> Verdict:
        """See `toolkit.Face`."""
        verdict = judge(url, self.home, new_window=new_window, by_person=by_person)
        if verdict == "outside":
            if not self._doorway.may_open(time.monotonic()):
                return "refuse"
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        return verdict

    def titled(self, title: str) -> None:
        """See `toolkit.Face`."""
        self._unread = read_title(title)
        if self._views is not None:
            self._views.tell(self._title(), self._unread)

    def signed(self, origin: Origin, token: str | None) -> None:
        """See `toolkit.Face`."""
        self._accounts.told(origin, token)

    # -- what others want; each in a thread of theirs

    def rung(self, request: Request) -> None:
        """Somebody started `hubbub desktop` again."""
        if self._views is None:
            self._wanted = request  # once it is there
            return
        self._call(lambda views: views.to_front())
        if request.url is not None:
            self._go_to(request.url)

    def visit(self, server: str | None) -> None:
        """Show another server; None: this machine's. Says why where it cannot. Blocks."""
        try:
            origin = self._local.origin() if server is None else read_address(server)
            probe(origin)
        except DesktopError as error:
            self._ask(self._words.not_shown, str(error), None)
            return
        token = self._accounts.token(origin)
        if server is not None:
            self._memory.keep(self._memory.now.with_server(str(origin)))

        def go(views: Views) -> None:
            self.home = origin
            self.titled("")
            views.go(origin, token)

        self._call(go)

    def server_ended(self, code: int) -> None:
        """The window's own server has ended, and nobody had asked it to: offer to start it again."""

        def again() -> None:
            threading.Thread(target=self._restart, daemon=True).start()

        self._ask(self._words.restart, self._words.ended.format(code=code), again)

    def _restart(self) -> None:
        before = self.home
        try:
            origin = self._local.origin()
        except DesktopError as error:
            self._ask(self._words.not_shown, str(error), None)
            return
        if origin != before:  # its port was taken meanwhile
            self.visit(None)

    def keep(self) -> None:
        """Remember what there is to remember. Raises OSError."""
        from msgspec.structs import replace

        self._memory.keep(replace(self._memory.now, place=self._place, port=self._local.port))

    def _menus(self) -> list[tuple[str, list[Item]]]:
        words = self._words

        def views(function: Callable[[Views], None]) -> Callable[[], None]:
            return lambda: self._call(function)

        view = [
            Item(words.chat, views(lambda one: one.show("chat")), "1"),
            Item(words.dashboard, views(lambda one: one.show("dashboard")), "2"),
            Item(words.both, views(lambda one: one.show("both")), "3"),
            Item(words.reload, views(lambda one: one.reload()), "R"),
            Item(words.quit, views(lambda one: one.end()), "Q"),
        ]
        known = [Item(one, partial(self._go_to, one)) for one in known_servers(self._memory.now)]
        return [(words.view, view), (words.server, [Item(words.own, lambda: self._go_to(None)), *known])]

    def _go_to(self, server: str | None) -> None:
        threading.Thread(target=self.visit, args=(server,), daemon=True).start()

    def _ask(self, title: str, text: str, then: Callable[[], None] | None) -> None:
        self._call(lambda views: views.ask(title, text, then))

    def _call(self, function: Callable[[Views], None]) -> None:
        views = self._views
        if views is not None:
            views.call(lambda: function(views))

    def _title(self) -> str:
        own = self._local.is_own and self.home.port == self._local.port
        return window_title(self._unread, None if own else self.home.authority)
