"""How the browser is started that these tests drive."""

from __future__ import annotations

# Nothing may be asked of another host, the browser's own habits included.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
