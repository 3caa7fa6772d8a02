"""The views by Qt's WebEngine (PySide6), which the extra `desktop` brings: where GTK's WebKit is not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any, Final, Literal

os.environ.setdefault("QT_API", "pyside6")  # which pywebview's own import would not see to

import shiboken6
from PySide6.QtCore import QCoreApplication, QObject, QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtNetwork import QNetworkCookie
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEngineNavigationRequest,
    QWebEngineNewWindowRequest,
    QWebEngineNotification,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineSettings,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QSplitter, QSystemTrayIcon

from hubbub.client.desktop.address import Origin, origin_of
from hubbub.client.desktop.remembered import Box, Place
from hubbub.client.desktop.toolkit import AGENT, Plan, Shown
from hubbub.client.desktop.unread import Unread
from hubbub.client.places import safe_name

_FLAGS: Final = "QTWEBENGINE_CHROMIUM_FLAGS"
_NOTICE: Final = 500  # characters of a notification


class QtToolkit:
    """See `toolkit.Toolkit`."""

    name: Literal["qt"] = "qt"

    def __init__(self, version: str) -> None:
        QCoreApplication.setApplicationName("Hubbub")
        QCoreApplication.setApplicationVersion(version)
        self._app = QApplication(["hubbub"])
        QApplication.setDesktopFileName("hubbub")
        # The engine reads its flags once: before pywebview adds those that let pages have the microphone.
        self.profile = QWebEngineProfile("hubbub")

    def screens(self) -> list[Box]:
        """See `toolkit.Toolkit`."""
        areas = (screen.availableGeometry() for screen in QApplication.screens())
        return [Box(area.x(), area.y(), area.width(), area.height()) for area in areas]

    def dress(self, window: Any, plan: Plan, box: Box | None) -> QtViews:
        """See `toolkit.Toolkit`."""
        native = window.native
        theirs = native.takeCentralWidget()
        theirs.page().loadFinished.disconnect(native.on_load_finished)
        theirs.page().setWebChannel(None)
        theirs.deleteLater()
        os.environ.pop(_FLAGS, None)
        views = QtViews(self._app, self.profile, native, plan)
        native.webview = views.chat  # whose page pywebview lets go of at the end
        if box is not None:
            native.move(box.x, box.y)
        return views


class _Caller(QObject):
    """Brings a function into the thread of the loop."""

    called = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.called.connect(lambda function: function(), Qt.ConnectionType.QueuedConnection)


class QtViews:
    """See `toolkit.Views`."""

    def __init__(self, app: QApplication, profile: QWebEngineProfile, native: Any, plan: Plan) -> None:
        self._app = app
        self._profile = profile
        self._native = native
        self._plan = plan
        self._face = plan.face
        self._caller = _Caller()
        self._unread = Unread()
        self._notices: list[QWebEngineNotification] = []
        folder = plan.profile / "qt"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        profile.setPersistentStoragePath(str(folder))
        profile.setCachePath(str(folder / "cache"))
        profile.setPersistentCookiesPolicy(QWebEngineProfile.PersistentCookiesPolicy.NoPersistentCookies)
        profile.setPersistentPermissionsPolicy(QWebEngineProfile.PersistentPermissionsPolicy.AskEveryTime)
        profile.setHttpUserAgent(f"{profile.httpUserAgent()} {AGENT}/{plan.version}")
        profile.settings().setAttribute(QWebEngineSettings.WebAttribute.JavascriptCanOpenWindows, False)
        profile.downloadRequested.connect(self._on_download)
        profile.setNotificationPresenter(self._on_notice)
        self._cookies = profile.cookieStore()
        self._cookies.cookieAdded.connect(lambda cookie: self._on_cookie(cookie, there=True))
        self._cookies.cookieRemoved.connect(lambda cookie: self._on_cookie(cookie, there=False))
        self._panes = QSplitter(Qt.Orientation.Horizontal)
        self.chat = self._view(titled=True)
        self._dashboard: QWebEngineView | None = None
        self._panes.addWidget(self.chat)
        native.setCentralWidget(self._panes)
        for title, items in plan.menus:
            menu = native.menuBar().addMenu(title)
            for item in items:
                action = QAction(item.label.replace("&", "&&"), menu)
                action.triggered.connect(lambda _=False, do=item.do: do())
                if item.key is not None:
                    action.setShortcut(QKeySequence(f"Ctrl+{item.key}"))
                menu.addAction(action)
        self._tray: QSystemTrayIcon | None = None
        if plan.icon is not None:
            icon = QIcon(str(plan.icon))
            native.setWindowIcon(icon)
            if QSystemTrayIcon.isSystemTrayAvailable():
                self._tray = QSystemTrayIcon(icon, native)
                self._tray.activated.connect(lambda _: self.to_front())
                self._tray.show()

    # -- what the window asks for

    def call(self, function: Callable[[], None]) -> None:
        """See `toolkit.Views`."""
        self._caller.called.emit(function)

    def go(self, origin: Origin, token: str | None) -> None:
        """See `toolkit.Views`."""
        if token is not None:
            cookie = QNetworkCookie(origin.cookie.encode(), token.encode())
            cookie.setPath("/")
            cookie.setHttpOnly(True)
            cookie.setSecure(origin.scheme == "https")
            cookie.setSameSitePolicy(QNetworkCookie.SameSite.Strict)
            self._cookies.setCookie(cookie, QUrl(f"{origin}/"))
        self._allow_notices(origin)
        self.chat.setUrl(QUrl(f"{origin}/"))
        self.chat.setFocus()
        if self._dashboard is not None:
            self._dashboard.setUrl(QUrl(f"{origin}/dashboard"))

    def show(self, shown: Shown) -> None:
        """See `toolkit.Views`."""
        if shown != "chat" and self._dashboard is None:
            self._dashboard = self._view(titled=False)
            self._panes.addWidget(self._dashboard)
            self._dashboard.setUrl(QUrl(f"{self._face.home}/dashboard"))
        self.chat.setVisible(shown != "dashboard")
        if self._dashboard is not None:
            self._dashboard.setVisible(shown != "chat")
            half = self._panes.width() // 2
            self._panes.setSizes([half, half])
            (self._dashboard if shown == "dashboard" else self.chat).setFocus()

    def reload(self) -> None:
        """See `toolkit.Views`."""
        for view in (self.chat, self._dashboard):
            if view is not None and view.isVisible():
                view.reload()

    def tell(self, title: str, unread: Unread) -> None:
        """See `toolkit.Views`."""
        self._native.setWindowTitle(title)
        if unread.personal > self._unread.personal:
            QApplication.alert(self._native)
        if unread.personal != self._unread.personal:
            self._app.setBadgeNumber(unread.personal)
        if self._tray is not None:
            self._tray.setToolTip(title)
        self._unread = unread

    def to_front(self) -> None:
        """See `toolkit.Views`."""
        self._native.setWindowState(self._native.windowState() & ~Qt.WindowState.WindowMinimized)
        self._native.raise_()
        self._native.activateWindow()

    def ask(self, title: str, text: str, then: Callable[[], None] | None) -> None:
        """See `toolkit.Views`."""
        icon = QMessageBox.Icon.Warning if then is None else QMessageBox.Icon.Question
        buttons = QMessageBox.StandardButton.Ok
        if then is not None:
            buttons |= QMessageBox.StandardButton.Cancel
        box = QMessageBox(icon, title, text, buttons, self._native)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if then is not None:
            box.accepted.connect(then)
        box.open()

    def place(self) -> Place:
        """See `toolkit.Views`."""
        place, size = self._native.pos(), self._native.size()
        return Place(place.x(), place.y(), size.width(), size.height(), self._native.isMaximized())

    def end(self) -> None:
        """See `toolkit.Views`."""
        self._native.close()

    def dispose(self) -> None:
        """See `toolkit.Views`."""
        self._notices.clear()
        for view in (self.chat, self._dashboard):
            if view is not None:
                shiboken6.delete(view)  # and its page with it, before their profile goes
        self._dashboard = None

    # -- what a view tells

    def _view(self, *, titled: bool) -> QWebEngineView:
        view = QWebEngineView(self._panes)
        page = QWebEnginePage(self._profile, view)
        page.navigationRequested.connect(self._on_navigation)
        page.newWindowRequested.connect(self._on_new_window)
        page.permissionRequested.connect(self._on_permission)
        page.renderProcessTerminated.connect(lambda *_: view.reload())
        if titled:
            page.titleChanged.connect(self._face.titled)
        view.setPage(page)
        return view

    def _on_navigation(self, request: QWebEngineNavigationRequest) -> None:
        clicked = request.navigationType() == QWebEngineNavigationRequest.NavigationType.LinkClickedNavigation
        if self._face.judge(request.url().toString(), new_window=False, by_person=clicked) != "stay":
            request.reject()

    def _on_new_window(self, request: QWebEngineNewWindowRequest) -> None:
        url = request.requestedUrl().toString()
        self._face.judge(url, new_window=True, by_person=request.isUserInitiated())

    def _on_permission(self, permission: QWebEnginePermission) -> None:
        notices = permission.permissionType() == QWebEnginePermission.PermissionType.Notifications
        if notices and origin_of(permission.origin().toString()) == self._face.home:
            permission.grant()
        else:
            permission.deny()

    def _allow_notices(self, origin: Origin) -> None:
        kind = QWebEnginePermission.PermissionType.Notifications
        self._profile.queryPermission(QUrl(f"{origin}/"), kind).grant()

    def _on_notice(self, notice: QWebEngineNotification) -> None:
        title, text = notice.title()[:_NOTICE], notice.message()[:_NOTICE]
        self._notices = [*self._notices[-9:], notice]  # it is the engine's as long as we have it
        if (program := which("notify-send")) is not None:
            command = [program, "--app-name", "Hubbub", "--", title, text]
            subprocess.Popen(  # noqa: S603 (by its path, and no shell)
                command, stdin=subprocess.DEVNULL, start_new_session=True
            )
        elif self._tray is not None:
            self._tray.messageClicked.connect(self._on_notice_clicked, Qt.ConnectionType.UniqueConnection)
            self._tray.showMessage(title, text)
        notice.show()

    def _on_notice_clicked(self) -> None:
        self.to_front()
        if self._notices:
            self._notices[-1].click()

    def _on_cookie(self, cookie: QNetworkCookie, *, there: bool) -> None:
        origin = self._face.home
        if bytes(cookie.name().data()).decode("latin-1") != origin.cookie or cookie.domain() != origin.host:
            return
        token = bytes(cookie.value().data()).decode("latin-1") if there else None
        self._face.signed(origin, token)

    def _on_download(self, download: QWebEngineDownloadRequest) -> None:
        places = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        suggested = str(Path(places) / safe_name(download.downloadFileName()))
        chosen, _ = QFileDialog.getSaveFileName(self._native, self._plan.words.save, suggested)
        if not chosen:
            download.cancel()
            return
        download.setDownloadDirectory(str(Path(chosen).parent))
        download.setDownloadFileName(Path(chosen).name)
        download.accept()
