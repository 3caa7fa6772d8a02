"""How a kept file is served."""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import unquote

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.server.files.content import SHOWN, disposition

_OCTETS = "application/octet-stream"


def served(name: str, kind: str, *, inline: bool = True) -> dict[str, str]:
    pairs = disposition(name, kind, inline=inline)
    headers = dict(pairs)
    assert len(headers) == len(pairs)
    return headers


def how(kind: str, *, inline: bool = True) -> tuple[str, str]:
    headers = served("a", kind, inline=inline)
    return headers["Content-Disposition"].partition(";")[0], headers["Content-Type"]


def test_pictures_sound_film_and_text_may_be_shown() -> None:
    for kind in SHOWN - {"text/plain"}:
        assert how(kind) == ("inline", kind)
        assert how(kind, inline=False) == ("attachment", kind)
    assert how("text/plain") == ("inline", "text/plain; charset=utf-8")
    assert how("Image/PNG; x=y") == ("inline", "image/png")


@pytest.mark.parametrize(
    "kind",
    [
        "image/svg+xml",
        "IMAGE/SVG+XML",
        "image/svg",
        "text/html",
        "text/html; charset=utf-8",
        "application/xhtml+xml",
        "application/xml",
        "text/xml",
        "text/xsl",
        "application/rss+xml",
        "application/mathml+xml",
        "application/xml-dtd",
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "text/javascript1.5",
        "application/ecmascript",
        "text/vbscript",
        "text/css",
        "multipart/related",
        "multipart/x-mixed-replace",
        "message/rfc822",
        "application/x-mimearchive+html",
    ],
)
def test_what_a_browser_would_run_is_not_called_by_its_name(kind: str) -> None:
    assert how(kind) == ("attachment", _OCTETS)


@pytest.mark.parametrize(
    "kind",
    [
        "application/pdf",
        "application/zip",
        "application/wasm",
        "application/json",
        "image/tiff",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)
def test_everything_else_is_saved(kind: str) -> None:
    assert how(kind) == ("attachment", kind)


def test_what_is_no_media_type_is_bytes() -> None:
    for kind in ("", "png", "text/html\r\nX: y", "text/plain\n", "é/b", "a b/c"):
        assert how(kind) == ("attachment", _OCTETS)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("kind", ["image/png", "text/html", "application/pdf"])
def test_nothing_runs_whatever_it_is(kind: str, inline: bool) -> None:
    headers = served("a", kind, inline=inline)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("name", "plain", "extended"),
    [
        ("notes.txt", "notes.txt", "notes.txt"),
        ("two words.txt", "two words.txt", "two%20words.txt"),
        ("Zoë Å.txt", "Zoe A.txt", "Zo%C3%AB%20%C3%85.txt"),
        ("報告.pdf", "__.pdf", "%E5%A0%B1%E5%91%8A.pdf"),
        ("€ rates.txt", "_ rates.txt", "%E2%82%AC%20rates.txt"),  # RFC 6266 §5
        ('a"b.txt', "a_b.txt", "a%22b.txt"),
        ("a\\b.txt", "a_b.txt", "a%5Cb.txt"),
        ("100%41.txt", "100_41.txt", "100%2541.txt"),
        ("a;b'c(d)*e.txt", "a;b'c(d)*e.txt", "a%3Bb%27c%28d%29%2Ae.txt"),
        ("a\r\nX-Evil: y", "a__X-Evil: y", "a%0D%0AX-Evil%3A%20y"),
        ("a\x00b", "a_b", "a%00b"),
        ("../a", ".._a", "..%2Fa"),
        ("a\ud800b", "a_b", "a%3Fb"),
    ],
)
def test_the_name_is_told_twice_in_ascii_and_whole(name: str, plain: str, extended: str) -> None:
    told = served(name, "application/pdf")["Content-Disposition"]
    assert told == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}"


@given(st.text(max_size=80), st.text(max_size=40), st.booleans())
@example("\r\n\r\n<script>", "text/html\r\nX-Evil: y", True)
@example('";x="', 'a/b";c', False)
def test_no_name_and_no_type_gets_out_of_its_header(name: str, kind: str, inline: bool) -> None:
    pairs = disposition(name, kind, inline=inline)
    h11.Response(status_code=200, headers=list(pairs))  # it refuses what is no header
    for _, value in pairs:
        assert re.fullmatch(r"[ -~]+", value)
    shown = dict(pairs)["Content-Disposition"].partition(";")[0]
    assert shown in ("inline", "attachment")
    message = Message()
    message["Content-Disposition"] = dict(pairs)["Content-Disposition"]
    plain = message.get_params(header="content-disposition", unquote=True)
    assert plain is not None
    assert [key for key, _ in plain] == [shown, "filename", "filename"]
    told = dict(pairs)["Content-Disposition"].rpartition("''")[2]
    assert unquote(told, errors="strict") == name.encode("utf-8", "replace").decode()
