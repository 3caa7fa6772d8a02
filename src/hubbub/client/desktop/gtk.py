"""The views by GTK's WebKit, which most Linux desktops have: nothing is downloaded for it.

Its Python binding, `gi`, is the system's: where ours is another environment of the same Python, it is taken
from the system's packages, and nothing else of them.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from hubbub.client.desktop.address import Origin
from hubbub.client.desktop.remembered import Box, Place
from hubbub.client.desktop.toolkit import AGENT, Plan, Shown
from hubbub.client.desktop.unread import Unread
from hubbub.client.places import safe_name

_SYSTEM: Final = (
    "/usr/lib/python3/dist-packages",
    f"/usr/lib64/python3.{sys.version_info.minor}/site-packages",
)
_LIBRARIES: Final = (("Gtk", "3.0"), ("Gdk", "3.0"), ("WebKit2", "4.1"), ("Soup", "3.0"))
_DESKTOP_FILE: Final = "application://hubbub.desktop"


class GtkToolkit:
    """See `toolkit.Toolkit`."""

    name: Literal["gtk"] = "gtk"

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Raises ImportError, ValueError where something is missing."""
        del environ
        gi = _gi()
        for library, version in _LIBRARIES:
            gi.require_version(library, version)
        names = ("Gtk", "Gdk", "GLib", "Gio", "WebKit2", "Soup")
        self.gtk, self.gdk, self.glib, self.gio, self.webkit, self.soup = (
            importlib.import_module(f"gi.repository.{name}") for name in names
        )
        self.glib.set_prgname("hubbub")  # by which the desktop knows the window's icon
        self._unused: Any = None
        if not self.gtk.init_check(None)[0]:
            raise ImportError("GTK finds no display")

    def screens(self) -> list[Box]:
        """See `toolkit.Toolkit`."""
        display = self.gdk.Display.get_default()
        areas = (display.get_monitor(index).get_workarea() for index in range(display.get_n_monitors()))
        return [Box(area.x, area.y, area.width, area.height) for area in areas]

    def dress(self, window: Any, plan: Plan, box: Box | None) -> GtkViews:
        """See `toolkit.Toolkit`."""
        from webview.platforms.gtk import BrowserView

        native = window.native
        # pywebview's view, which has loaded nothing, and is not destroyed: WebKit crashes by that.
        self._unused = theirs = native.get_child()
        native.remove(theirs)
        BrowserView.instances[window.uid].webview = _NoView()
        views = GtkViews(self, native, plan)
        if box is not None:
            native.move(box.x, box.y)
        if plan.icon is not None:
            native.set_icon_from_file(str(plan.icon))
        window.events.shown.set()  # which pywebview's view would have told
        return views


class GtkViews:
    """See `toolkit.Views`."""

    def __init__(self, kit: GtkToolkit, native: Any, plan: Plan) -> None:
        self._kit = kit
        self._native = native
        self._plan = plan
        self._face = plan.face
        webkit = kit.webkit
        folder = plan.profile / "gtk"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._data = webkit.WebsiteDataManager(
            base_data_directory=str(folder), base_cache_directory=str(folder / "cache")
        )
        self._context = webkit.WebContext(website_data_manager=self._data)
        self._context.connect("download-started", self._on_download)
        self._context.connect("initialize-notification-permissions", self._allow_notices)
        self._cookies = self._context.get_cookie_manager()  # in memory: nobody told it a file
        self._cookies.set_accept_policy(webkit.CookieAcceptPolicy.NO_THIRD_PARTY)
        self._cookies.connect("changed", self._on_cookies)
        self._panes = kit.gtk.Paned(orientation=kit.gtk.Orientation.HORIZONTAL)
        self._chat = self._view(titled=True)
        self._dashboard: Any = None
        self._shown: Shown = "chat"
        self._panes.pack1(self._chat, True, False)
        whole = kit.gtk.Box(orientation=kit.gtk.Orientation.VERTICAL)
        whole.pack_start(self._menu_bar(), False, False, 0)
        whole.pack_start(self._panes, True, True, 0)
        native.add(whole)
        whole.show_all()
        self._unread = Unread()
        self._dialogs: list[Any] = []

    # -- what the window asks for

    def call(self, function: Callable[[], None]) -> None:
        """See `toolkit.Views`."""

        def once() -> bool:
            function()
            return False

        self._kit.glib.idle_add(once)

    def go(self, origin: Origin, token: str | None) -> None:
        """See `toolkit.Views`."""
        self._allow_notices(self._context)
        if token is None:
            self._load(origin)
            return
        soup = self._kit.soup
        cookie = soup.Cookie.new(origin.cookie, token, origin.host, "/", -1)
        cookie.set_http_only(True)
        cookie.set_same_site_policy(soup.SameSitePolicy.STRICT)
        cookie.set_secure(origin.scheme == "https")

        def added(cookies: Any, result: Any) -> None:
            cookies.add_cookie_finish(result)
            self._load(origin)

        self._cookies.add_cookie(cookie, None, added)

    def show(self, shown: Shown) -> None:
        """See `toolkit.Views`."""
        if shown != "chat" and self._dashboard is None:
            self._dashboard = self._view(titled=False)
            self._panes.pack2(self._dashboard, True, False)
            self._dashboard.load_uri(f"{self._face.home}/dashboard")
        self._shown = shown
        self._chat.set_visible(shown != "dashboard")
        if self._dashboard is not None:
            self._dashboard.set_visible(shown != "chat")
        self._panes.set_position(self._panes.get_allocated_width() // 2)
        (self._dashboard if shown == "dashboard" else self._chat).grab_focus()

    def reload(self) -> None:
        """See `toolkit.Views`."""
        for view in (self._chat, self._dashboard):
            if view is not None and view.get_visible():
                view.reload()

    def tell(self, title: str, unread: Unread) -> None:
        """See `toolkit.Views`."""
        self._native.set_title(title)
        if unread.personal > self._unread.personal and not self._native.is_active():
            self._native.set_urgency_hint(True)
        elif not unread.personal:
            self._native.set_urgency_hint(False)
        if unread.personal != self._unread.personal:
            self._badge(unread.personal)
        self._unread = unread

    def to_front(self) -> None:
        """See `toolkit.Views`."""
        self._native.deiconify()
        self._native.present_with_time(self._kit.gdk.CURRENT_TIME)
        self._native.set_urgency_hint(False)

    def ask(self, title: str, text: str, then: Callable[[], None] | None) -> None:
        """See `toolkit.Views`."""
        gtk = self._kit.gtk
        dialog = gtk.MessageDialog(
            transient_for=self._native,
            modal=True,
            message_type=gtk.MessageType.WARNING if then is None else gtk.MessageType.QUESTION,
            buttons=gtk.ButtonsType.CLOSE if then is None else gtk.ButtonsType.OK_CANCEL,
            text=title,
            secondary_text=text,
            title=title,
        )

        def answered(yes: bool) -> None:
            if yes and then is not None:
                then()

        if then is not None:
            dialog.set_default_response(gtk.ResponseType.OK)
        self._open(dialog, lambda answer: answered(answer == gtk.ResponseType.OK))

    def place(self) -> Place:
        """See `toolkit.Views`."""
        (x, y), (width, height) = self._native.get_position(), self._native.get_size()
        return Place(x, y, width, height, bool(self._native.is_maximized()))

    def end(self) -> None:
        """See `toolkit.Views`."""
        for dialog in self._dialogs:
            dialog.destroy()
        self._dialogs.clear()
        self._native.close()

    def dispose(self) -> None:
        """See `toolkit.Views`."""
        self._chat = self._dashboard = self._panes = None
        self._cookies = self._context = self._data = None

    # -- what a view tells

    def _view(self, *, titled: bool) -> Any:
        webkit = self._kit.webkit
        settings = webkit.Settings()
        settings.set_user_agent_with_application_details(AGENT, self._plan.version)
        settings.set_enable_developer_extras(False)
        settings.set_javascript_can_open_windows_automatically(False)
        view = webkit.WebView(
            web_context=self._context, settings=settings, user_content_manager=webkit.UserContentManager()
        )
        view.connect("decide-policy", self._on_policy)
        view.connect("create", lambda *_: None)  # no window is a page's to make
        view.connect("permission-request", self._on_permission)
        view.connect("show-notification", self._on_notice)
        view.connect("web-process-terminated", lambda one, _reason: one.reload())
        if titled:
            view.connect("notify::title", lambda one, _: self._face.titled(one.get_title() or ""))
        view.show()
        return view

    def _load(self, origin: Origin) -> None:
        self._chat.load_uri(f"{origin}/")
        if self._dashboard is not None:
            self._dashboard.load_uri(f"{origin}/dashboard")

    def _on_policy(self, _view: Any, decision: Any, kind: Any) -> bool:
        webkit = self._kit.webkit
        if kind == webkit.PolicyDecisionType.RESPONSE:
            if decision.is_mime_type_supported() and not _is_attachment(decision.get_response()):
                return False
            decision.download()
            return True
        action = decision.get_navigation_action()
        new_window = kind == webkit.PolicyDecisionType.NEW_WINDOW_ACTION
        url = action.get_request().get_uri()
        if self._face.judge(url, new_window=new_window, by_person=action.is_user_gesture()) == "stay":
            return False
        decision.ignore()
        return True

    def _on_permission(self, view: Any, request: Any) -> bool:
        notices = isinstance(request, self._kit.webkit.NotificationPermissionRequest)
        if notices and (view.get_uri() or "").startswith(f"{self._face.home}/"):
            request.allow()
        else:
            request.deny()
        return True

    def _allow_notices(self, context: Any) -> None:
        origin = self._kit.webkit.SecurityOrigin.new_for_uri(str(self._face.home))
        context.initialize_notification_permissions([origin], [])

    def _on_notice(self, _view: Any, notice: Any) -> bool:
        notice.connect("clicked", lambda _: self.to_front())
        return False  # WebKit shows it, as the desktop does

    def _on_cookies(self, cookies: Any) -> None:
        origin = self._face.home

        def told(_: Any, result: Any) -> None:
            found = [
                one.get_value()
                for one in cookies.get_cookies_finish(result)
                if one.get_name() == origin.cookie
            ]
            self._face.signed(origin, found[0] if found else None)

        cookies.get_cookies(f"{origin}/", None, told)

    def _on_download(self, _context: Any, download: Any) -> None:
        download.connect("decide-destination", self._on_destination)

    def _on_destination(self, download: Any, suggested: str) -> bool:
        gtk, glib = self._kit.gtk, self._kit.glib
        dialog = gtk.FileChooserNative.new(
            self._plan.words.save, self._native, gtk.FileChooserAction.SAVE, None, None
        )
        dialog.set_do_overwrite_confirmation(True)
        dialog.set_current_name(safe_name(suggested))
        folder = glib.get_user_special_dir(glib.UserDirectory.DIRECTORY_DOWNLOAD)
        dialog.set_current_folder(folder or str(Path.home()))

        def answered(answer: Any) -> None:
            chosen = dialog.get_filename() if answer == gtk.ResponseType.ACCEPT else None
            if chosen is None:
                download.cancel()
            else:
                download.set_allow_overwrite(True)  # the dialog has asked
                download.set_destination(glib.filename_to_uri(chosen, None))

        self._open(dialog, answered)
        return True  # the destination comes with the answer

    def _open(self, dialog: Any, answered: Callable[[Any], None]) -> None:
        """Show a dialog, and let the loop go on: a window can be closed under it."""

        def on_response(_: Any, answer: Any) -> None:
            self._dialogs.remove(dialog)
            answered(answer)
            dialog.destroy()

        self._dialogs.append(dialog)
        dialog.connect("response", on_response)
        dialog.show()

    def _menu_bar(self) -> Any:
        gtk = self._kit.gtk
        keys = gtk.AccelGroup()
        self._native.add_accel_group(keys)
        bar = gtk.MenuBar()
        for title, items in self._plan.menus:
            menu, top = gtk.Menu(), gtk.MenuItem(label=title)
            for item in items:
                row = gtk.MenuItem(label=item.label)
                row.connect("activate", lambda _, do=item.do: do())
                if item.key is not None:
                    key, held = gtk.accelerator_parse(f"<Primary>{item.key.lower()}")
                    row.add_accelerator("activate", keys, key, held, gtk.AccelFlags.VISIBLE)
                menu.append(row)
            top.set_submenu(menu)
            bar.append(top)
        return bar

    def _badge(self, count: int) -> None:
        """On the icon in the dock: a signal that GNOME's, KDE's and others' docks know."""
        glib, gio = self._kit.glib, self._kit.gio
        try:
            bus = gio.bus_get_sync(gio.BusType.SESSION, None)
            shown = {"count": glib.Variant("x", count), "count-visible": glib.Variant("b", count > 0)}
            told = glib.Variant("(sa{sv})", (_DESKTOP_FILE, shown))
            path = "/com/canonical/unity/launcherentry/1"
            bus.emit_signal(None, path, "com.canonical.Unity.LauncherEntry", "Update", told)
        except glib.Error:
            pass  # no session bus, so no dock


class _NoView:
    """Stands where pywebview had its view, and is asked to show its empty page."""

    def load_html(self, content: str, base: str) -> None:
        """Nothing."""


def _gi() -> Any:
    """Import the system's binding of GLib. Raises ImportError."""
    try:
        return importlib.import_module("gi")
    except ImportError:
        spec = importlib.machinery.PathFinder.find_spec("gi", _SYSTEM)
        if spec is None or spec.loader is None:
            raise
    module = importlib.util.module_from_spec(spec)
    sys.modules["gi"] = module
    try:
        spec.loader.exec_module(module)  # which fails where it was built for another Python
    except BaseException:
        for name in [name for name in sys.modules if name == "gi" or name.startswith("gi.")]:
            del sys.modules[name]
        raise
    return module


def _is_attachment(response: Any) -> bool:
    headers = response.get_http_headers()
    told = None if headers is None else headers.get_one("Content-Disposition")
    return told is not None and told.strip().lower().startswith("attachment")
