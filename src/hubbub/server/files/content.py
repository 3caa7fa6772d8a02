"""How a kept file is served: what somebody uploaded never runs on our origin, whatever it is.

Only kinds that cannot hold a script are shown by a browser; all others are saved. What a browser would run is
not even called by its name, and what is opened all the same is in a sandbox without anything.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

from hubbub.core.filenames import UNKNOWN, media_type

SHOWN: Final = frozenset({
    "audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/opus", "audio/wav",
    "audio/webm", "audio/x-wav", "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp",
    "text/plain", "video/mp4", "video/ogg", "video/quicktime", "video/webm",
})  # fmt: skip
"""Media types that a browser may show in its window; an SVG or a PDF is a program."""

_ISOLATION: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "sandbox; default-src 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_ACTIVE = frozenset({
    "css", "ecmascript", "hta", "htm", "html", "javascript", "jscript", "livescript", "mhtml", "svg",
    "vbscript", "xhtml", "xml", "xsl", "xslt",
})  # fmt: skip
"""Words in the subtypes of what browsers run, render with scripts, or take for a part of a page."""
_CONTAINERS = ("multipart/", "message/")  # they may hold a page (MHTML), or replace one another
_WORDS = re.compile(r"[a-z]+")
_UNQUOTED = re.compile(r'[^ -~]|["%/\\]')
_ATTR_CHAR = "!#$&+-.^_`|~"  # beside letters and digits (RFC 8187 §3.2.1)


def disposition(name: str, kind: str, *, inline: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers to serve a file with: what it is, what to do with it, and what it must not do.

    `name` is its label (`core.filenames`), `kind` its media type. `inline`: show it in the window, if that is
    among SHOWN. Any string is harmless as either.
    """
    kind = media_type(kind, "")
    if kind.startswith(_CONTAINERS) or not _ACTIVE.isdisjoint(_WORDS.findall(kind)):
        kind = UNKNOWN
    shown = "inline" if inline and kind in SHOWN else "attachment"
    return (
        ("Content-Type", "text/plain; charset=utf-8" if kind == "text/plain" else kind),
        ("Content-Disposition", f"{shown}; filename=\"{_plain(name)}\"; filename*=UTF-8''{_extended(name)}"),
        *_ISOLATION,
    )


def _plain(name: str) -> str:
    """For old programs: ASCII alone, and nothing that they are known to misread (RFC 6266, appendix D)."""
    letters = unicodedata.normalize("NFD", name)
    return _UNQUOTED.sub("_", "".join(one for one in letters if not unicodedata.combining(one)))


def _extended(name: str) -> str:
    """The very name (RFC 8187 §3.2)."""
    return quote(name, safe=_ATTR_CHAR, encoding="utf-8", errors="replace")
