"""Which toolkit is here: GTK's WebKit, else Qt."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from hubbub.client.desktop.errors import NoToolkitError
from hubbub.client.desktop.toolkit import Toolkit


def choose(wanted: str | None, environ: Mapping[str, str], version: str) -> Toolkit:
    """Return the wanted one, else the first that is here. Raises NoToolkitError."""
    names = (wanted,) if wanted is not None else ("gtk", "qt") if sys.platform == "linux" else ("qt",)
    reasons = []
    for name in names:
        try:
            if name == "gtk":
                from hubbub.client.desktop.gtk import GtkToolkit

                return GtkToolkit(environ)
            from hubbub.client.desktop.qt import QtToolkit

            return QtToolkit(version)
        except (ImportError, ValueError) as error:  # gi has ValueError where a library is not there
            reasons.append(f"{name}: {error}")
    raise NoToolkitError("; ".join(reasons))
