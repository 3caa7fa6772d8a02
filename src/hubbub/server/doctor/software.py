"""The settings, and the program itself."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from typing import Final

from hubbub import __version__
from hubbub.server.doctor.deployment import Deployment
from hubbub.server.doctor.report import Notes
from hubbub.server.web.assets import CLIENT

_PAGE: Final = "index.html"


def settings(deployment: Deployment, notes: Notes) -> None:
    """Whether the server could start with them."""
    for problem in deployment.problems:
        notes.fail(f"{problem}.", "Set it right; `hubbub config show` says where each setting comes from.")
    if deployment.problems:
        return
    for problem in deployment.unknown:
        notes.warn(f"{problem}.", "Take it away, or write it as it is called.")
    named = len(deployment.sources)
    notes.ok(f"The settings are fine; {named} of them {'is' if named == 1 else 'are'} set.", set=named)


def software(deployment: Deployment, notes: Notes) -> None:
    """Versions, and what makes it slow."""
    del deployment
    version, system = platform.python_version(), f"{platform.system()} {platform.release()}"
    loop = importlib.metadata.version("uvloop") if importlib.util.find_spec("uvloop") else None
    figures = {"hubbub": __version__, "python": version, "uvloop": loop, "system": system}
    notes.ok(f"Hubbub {__version__}, Python {version}, uvloop {loop or 'is missing'}, {system}.", **figures)
    if loop is None and sys.platform != "win32":
        notes.warn(
            "uvloop is not installed: the server runs on asyncio's own loop, which does about half as much.",
            "Install it: `pip install uvloop`.",
        )
    if os.environ.get("PYTHONASYNCIODEBUG") or sys.flags.dev_mode:
        notes.warn(
            "Python runs in its debug mode, which makes everything several times slower.",
            "Start without PYTHONASYNCIODEBUG, PYTHONDEVMODE and -X dev.",
        )
    if not (CLIENT / _PAGE).is_file():
        notes.warn(
            "It was installed without the web client: browsers see a page that says so, other clients work.",
            "Install a wheel, or run `python3 scripts/web.py` in the checkout (Node 22.12 or later).",
        )
