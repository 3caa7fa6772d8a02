"""The data directory: whose it is, who may look into it, and whether the log in it is sound."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path
from typing import Final

from hubbub.log import LogError, verify
from hubbub.log.files import Directory, OsFile
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Notes
from hubbub.server.doctor.system import mebibytes
from hubbub.server.first_start import PASSWORD_FILE
from hubbub.server.storage import FILES, LOG

if sys.platform != "win32":
    import pwd

TIME_FOR_LOG: Final = 2.0
"""Seconds of reading the log; `hubbub log verify` reads all of it, however long it takes."""
MOST_DAMAGE: Final = 5
"""Damaged places that are named."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_READ_ALL: Final = "Stop the server, keep the directory as it is, and restore the backup (docs/deploy.md)."


class _EnoughError(Exception):
    """The time is over."""


def directory(deployment: Deployment, notes: Notes) -> None:
    """Owner, mode, and what is in it that should not be."""
    data = deployment.data
    if data is None:
        notes.note("Nothing is kept (server.data is :memory:).")
        return
    try:
        found = data.stat()
    except FileNotFoundError:
        notes.note(f"{data} is not there yet; the first start makes it.")
        return
    except OSError as error:
        notes.fail(f"{data}: {error.strerror}.", "Run the doctor as the server's user.")
        return
    except ValueError:  # a NUL in it
        notes.fail(f"{data} is not a path.", "Set server.data to another one.")
        return
    owner, me = found.st_uid, os.geteuid()
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        notes.warn(
            f"Others on this machine may look into {data} (mode {stat.S_IMODE(found.st_mode):04o}).",
            f"`chmod 700 {data}`.",
            mode=f"{stat.S_IMODE(found.st_mode):04o}",
        )
    server = _owner_of(deployment.pid)
    if server not in (None, 0, owner):
        notes.warn(
            f"{data} belongs to {_name(owner)}, and the server runs as {_name(server)}.",
            f"`chown -R {_typed(server)} {data}`, with the server stopped.",
        )
    elif me not in (0, owner):
        notes.warn(
            f"{data} belongs to {_name(owner)}; {_name(me)} asks.",
            f"Run the server and the doctor as {_name(owner)}.",
        )
    elif not os.access(data, os.W_OK | os.X_OK):
        notes.fail(f"{data} cannot be written by {_name(me)}.", f"`chmod 700 {data}`; see how it is mounted.")
    else:
        notes.ok(
            f"{data} belongs to {_name(owner)}"
            + (
                f"; a server runs on it (process {deployment.pid})."
                if deployment.pid
                else "; no server runs on it."
            ),
            running=deployment.pid is not None,
        )
    _strays(data, owner, notes)


def _strays(data: Path, owner: int, notes: Notes) -> None:
    password = data / PASSWORD_FILE
    try:
        if password.exists():
            notes.note(
                f"The first account's password still stands in {password}.",
                "Sign in, set another one, and remove the file.",
            )
        for name in (LOG, FILES):
            part = data / name
            if part.exists() and part.stat().st_uid != owner:
                notes.fail(
                    f"{part} belongs to {_name(part.stat().st_uid)}, and the directory to {_name(owner)}: a "
                    "command was run as somebody else.",
                    f"`chown -R {_typed(owner)} {data}`, with the server stopped.",
                )
    except PermissionError:
        return  # another user's; that was said


def log(deployment: Deployment, notes: Notes) -> None:
    """What `hubbub log verify` does, for as long as there is time: also beside a server, it only reads."""
    data = deployment.data
    try:
        there = data is not None and (data / LOG).is_dir()
    except OSError as error:
        notes.warn(f"{error.filename}: {error.strerror}.", "Run the doctor as the server's user.")
        return
    if data is None or not there:
        notes.note("There is no log yet." if data is not None else "Nothing is kept, so there is no log.")
        return
    reading = _Reading(data / LOG, time.monotonic() + TIME_FOR_LOG)
    whole, damage = True, []
    try:
        for finding in verify(data / LOG, files=reading):
            damage.append(finding)
            if len(damage) == MOST_DAMAGE:
                whole = False
                break
    except _EnoughError:
        whole = False
    except FileNotFoundError as error:  # compaction beside us has replaced it
        notes.note(f"{error.filename} was replaced while it was read; ask again.")
        return
    except PermissionError as error:
        notes.warn(f"{error.filename}: {error.strerror}.", "Run the doctor as the server's user.")
        return
    except (LogError, OSError) as error:
        notes.fail(f"The log cannot be read: {error}.", _READ_ALL)
        return
    for found in damage:
        notes.fail(
            f"{found.file}, offset {found.offset}: {found.problem}.",
            f"{_READ_ALL} `hubbub log verify` says how much is damaged.",
        )
    if damage:
        return
    figures = {"read": reading.read, "whole": whole}
    if whole:
        notes.ok(f"The log is sound ({mebibytes(reading.read)} read).", **figures)
    else:
        notes.ok(
            f"The log is sound as far as it was read ({mebibytes(reading.read)} in {TIME_FOR_LOG:g} s); "
            "`hubbub log verify` reads all of it.",
            **figures,
        )


class _Reading(Directory):
    """The log's directory, which stops giving bytes when the time is over."""

    def __init__(self, path: Path, end: float) -> None:
        super().__init__(path, make=False)
        self._end = end
        self.read = 0

    def open(self, name: str, *, write: bool) -> OsFile:
        """See `Files`."""
        file = super().open(name, write=write)
        pread = file.pread

        def counted(length: int, offset: int) -> bytes:
            if time.monotonic() > self._end:
                raise _EnoughError
            data = pread(length, offset)
            self.read += len(data)
            return data

        file.pread = counted
        return file


def _owner_of(pid: int | None) -> int | None:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("Uid:"):
                return int(line.split()[2])  # the effective one
    except OSError:
        pass
    return None


def _name(user: int | None) -> str:
    if user is None:
        return "nobody"
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _typed(user: int | None) -> str:
    """As a command takes it."""
    return _name(user).removeprefix("user ")
