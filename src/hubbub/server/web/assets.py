"""The built web client, out of memory: its page at every path that it has, its scripts, pictures and icons.

It is read once, when the first connection speaks HTTP. A request's path is only ever looked up among what
was found then, so that it cannot lead anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from hubbub.server.direct import Direct, DirectApp, Header
from hubbub.server.files.ranges import known
from hubbub.server.web.policy import SECURITY

CLIENT: Final = Path(__file__).with_name("client")
"""Where `scripts/web.py` and the build hook put it."""
PAGE_PATHS: Final = ("/", "/dashboard", "/admin", "/playground")
"""Where the page is; which part of it is shown, it decides itself."""

_STAMP: Final = "build.txt"
_HASHED: Final = "/assets/"
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""How a file may be coded, the shortest first, and what the file's name then ends with."""
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_BY_DIRECT: Final = ("X-Content-Type-Options", "Referrer-Policy")
_SAFE: Final[list[Header]] = [
    (name.encode(), value.encode()) for name, value in SECURITY.items() if name not in _BY_DIRECT
]
_HTML: Final = [(b"Content-Type", _KINDS[".html"].encode()), *_SAFE, (b"Cache-Control", b"no-store")]
_OF_A_304: Final = (b"Cache-Control", b"ETag", b"Vary")
_TRIES: Final = 5

_PLAIN_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Hubbub: {title}</title>
<h1>{title}</h1>
{body}
</html>
"""
NOT_FOUND: Final = _PLAIN_PAGE.format(
    title="Not found", body='<p>There is nothing here. <a href="/">To the chat</a></p>'
).encode()
"""A page for a person who followed a link to nothing."""
NOT_BUILT: Final = _PLAIN_PAGE.format(
    title="The web client is not built",
    body="<p>The server runs, and other clients work. In its checkout, with Node 22.12 or later:</p>\n"
    "<pre>python3 scripts/web.py</pre>\n<p>Then start the server again.</p>",
).encode()


class Form(NamedTuple):
    """One coding of a file: the body, and the headers that go with it."""

    body: bytes
    etag: bytes
    headers: list[Header]


class Client:
    """All files of one build. `forms` has for each path its codings: "" is the file as it is."""

    def __init__(self, build: str | None, forms: Mapping[bytes, Mapping[str, Form]]) -> None:
        self.build = build
        """The digest that the page carries too; None: nothing is built."""
        self._forms = forms

    @property
    def page(self) -> bytes | None:
        """What is at every path of the page."""
        forms = self._forms.get(b"/")
        return None if forms is None else forms[""].body

    @classmethod
    def read(cls, folder: Path) -> Client:
        """Read it whole. While it is being replaced, the one or the other, never some of both."""
        for _ in range(_TRIES):
            try:
                build = (folder / _STAMP).read_text("ascii")
                forms = _read_all(folder)
                if (folder / _STAMP).read_text("ascii") == build:
                    return cls(build, forms)
            except FileNotFoundError:
                continue
        return cls(None, {})

    def apps(self) -> dict[bytes, DirectApp]:
        """What serves it, by the first part of the path."""
        paths = {*self._forms, *(path.encode() for path in PAGE_PATHS)}
        return dict.fromkeys((path.split(b"/")[1] for path in paths), self.serve)

    async def serve(self, request: Direct) -> None:
        """See DirectApp."""
        forms = self._forms.get(request.head.path)
        if request.method not in (b"GET", b"HEAD"):
            request.refuse(405, "Method Not Allowed.", [(b"Allow", b"GET, HEAD"), *_SAFE])
        elif forms is None:
            self._refuse(request)
        else:
            accepted = b",".join(request.head.values(b"accept-encoding"))
            form = forms[next((coding for coding in codings(accepted) if coding in forms), "")]
            if known(b",".join(request.head.values(b"if-none-match")), form.etag):
                request.respond(304, [header for header in form.headers if header[0] in _OF_A_304])
            else:
                request.respond(200, form.headers, form.body)

    def _refuse(self, request: Direct) -> None:
        if self.build is None and request.head.path.decode("latin-1") in PAGE_PATHS:
            request.respond(503, _HTML, NOT_BUILT)
        elif is_for_people(b",".join(request.head.values(b"accept")).decode("latin-1")):
            request.respond(404, _HTML, NOT_FOUND)
        else:
            request.refuse(404, "Not Found.", _SAFE)


@cache
def client() -> Client:
    """The client of this installation."""
    return Client.read(CLIENT)


def is_for_people(accept: str) -> bool:
    """Whether an error is asked for by a browser's address line, and not by a program."""
    return "text/html" in accept.lower()


@lru_cache(256)
def codings(accepted: bytes) -> tuple[str, ...]:
    """Return which codings a peer takes, the best first, by its Accept-Encoding (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for part in accepted.decode("latin-1").lower().split(","):
        name, _, parameters = part.partition(";")
        weights[name.strip()] = _weight(parameters)
    told = {coding: weights.get(coding, weights.get("*", 0.0)) for coding in _CODINGS}
    least = weights.get("identity", 0.0)  # who wants it as it is rather than coded, says so
    wanted = [coding for coding, weight in told.items() if weight > 0 and weight >= least]
    return tuple(sorted(wanted, key=lambda coding: -told[coding]))


def _weight(parameters: str) -> float:
    match = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", parameters)
    return float(match[1]) if match else float(not parameters.strip())


def _read_all(folder: Path) -> dict[bytes, dict[str, Form]]:
    found: dict[bytes, dict[str, Form]] = {}
    for path in sorted(folder.rglob("*")):
        name = "/" + path.relative_to(folder).as_posix()
        if path.is_file() and path.suffix in _KINDS and path.name != _STAMP:
            found[name.encode()] = _forms(path, name)
    if (page := found.pop(b"/index.html", None)) is None:
        raise FileNotFoundError(folder / "index.html")
    return found | {path.encode(): page for path in PAGE_PATHS}


def _forms(path: Path, name: str) -> dict[str, Form]:
    coded = {coding: path.with_name(path.name + end) for coding, end in _CODINGS.items()}
    files = {"": path} | {coding: file for coding, file in coded.items() if file.exists()}
    forever = "public, max-age=31536000, immutable" if name.startswith(_HASHED) else "no-cache"
    forms = {}
    for coding, file in files.items():
        body = file.read_bytes()
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = {"Content-Type": _KINDS[path.suffix], "Cache-Control": forever, "ETag": etag}
        if len(files) > 1:
            headers["Vary"] = "Accept-Encoding"
        if coding:
            headers["Content-Encoding"] = coding
        named = [(key.encode(), value.encode()) for key, value in headers.items()]
        forms[coding] = Form(body, etag.encode(), [*named, *_SAFE])
    return forms
