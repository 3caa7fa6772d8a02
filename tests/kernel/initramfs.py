"""A system that a kernel finds in memory when it starts: this Python with what it needs, and nothing else.

It has no shell and no disk. Files lie where they lie on this machine, so that nothing has to be told where.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFT_OUT = {
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "lib2to3",
    "ensurepip",
    "turtledemo",
}
"""Of the standard library."""


class Initramfs:
    """Files by their paths in it; `write` makes the archive (cpio, "newc")."""

    def __init__(self) -> None:
        self._content: dict[str, bytes] = {}
        self._mode: dict[str, int] = {}
        for folder in ("/proc", "/sys", "/dev", "/tmp", "/run"):
            self._folder(folder)

    def add(self, path: str, content: bytes, executable: bool = False) -> None:
        """A file."""
        self._folder(str(Path(path).parent))
        self._content[path] = content
        self._mode[path] = stat.S_IFREG | (0o755 if executable else 0o644)

    def add_file(self, path: Path, to: str | None = None) -> None:
        """A file of this machine's; where it is a link, what that leads to."""
        self.add(to or str(path), path.read_bytes(), os.access(path, os.X_OK))

    def add_tree(
        self, folder: Path, to: str | None = None, suffixes: Iterable[str] = (), but: Iterable[str] = ()
    ) -> None:
        """Whatever lies in a folder and ends in one of `suffixes`, but for folders of these names."""
        for where, folders, files in os.walk(folder):
            folders[:] = sorted(set(folders) - set(but))
            inside = Path(to or folder) / Path(where).relative_to(folder)
            for name in files:
                if name.endswith(tuple(suffixes)):
                    self.add_file(Path(where) / name, str(inside / name))

    def add_program(self, *paths: Path) -> None:
        """Programs and libraries, and all libraries that they ask for."""
        for path in paths:
            self.add_file(path)
        self.add_libraries_of(*paths)

    def add_libraries_of(self, *paths: Path) -> None:
        """All libraries that programs and libraries ask for."""
        told = subprocess.run(["ldd", *map(str, paths)], capture_output=True, text=True, check=False).stdout
        for library in set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", told, re.M)):
            self.add_file(Path(library))

    def add_python(self) -> str:
        """This Python and its standard library; returns the path of the program."""
        library = Path(sysconfig.get_path("stdlib"))
        self.add_tree(library, suffixes=(".py", ".so", f"{sys.implementation.cache_tag}.pyc"), but=LEFT_OUT)
        python = Path(sys.executable).resolve()
        self.add_program(python, *sorted(library.glob("lib-dynload/*.so")))
        return str(python)

    def _folder(self, path: str) -> None:
        if path not in ("", "/") and path not in self._mode:
            self._folder(str(Path(path).parent))
            self._mode[path] = stat.S_IFDIR | 0o755

    def write(self, to: Path) -> None:
        """Not packed: a slow processor is to unpack it."""
        with to.open("wb") as out:
            for part in self._parts():
                out.write(part)

    def _parts(self) -> Iterator[bytes]:
        entries = [(path, mode, self._content.get(path, b"")) for path, mode in self._mode.items()]
        for number, (path, mode, content) in enumerate([*entries, ("/TRAILER!!!", 0, b"")], 1):
            name = path[1:].encode() + b"\0"
            fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
            head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
            yield head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
