"""What the window itself says to people, in the language of their system. The page has words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Words(NamedTuple):
    """One language."""

    view: str
    chat: str
    dashboard: str
    both: str
    reload: str
    server: str
    own: str
    quit: str
    save: str
    restart: str
    ended: str
    """With `{code}`."""
    not_shown: str
    show: str


ENGLISH: Final = Words(
    view="View",
    chat="Chat",
    dashboard="Dashboard",
    both="Chat and dashboard",
    reload="Reload",
    server="Server",
    own="On this machine",
    quit="Quit",
    save="Save file",
    restart="The server has ended",
    ended="The server of this window has ended by itself (exit code {code}). Start it again?",
    not_shown="This server cannot be shown",
    show="Show Hubbub",
)
CHINESE: Final = Words(
    view="视图",
    chat="聊天",
    dashboard="仪表盘",
    both="聊天与仪表盘",
    reload="重新加载",
    server="服务器",
    own="本机",
    quit="退出",
    save="保存文件",
    restart="服务器已停止",
    ended="此窗口的服务器意外停止（退出码 {code}）。要重新启动吗？",
    not_shown="无法显示此服务器",
    show="显示 Hubbub",
)


def words(environ: Mapping[str, str]) -> Words:
    """Return those of the system's language (POSIX: the first of these that is set)."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environ[name] for name in names if environ.get(name)), "")
    return CHINESE if language.lower().startswith("zh") else ENGLISH
