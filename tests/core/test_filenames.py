from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hubbub.core.errors import Code, Refusal
from hubbub.core.filenames import LIMIT, UNKNOWN, label, media_type


def refused(name: str) -> str:
    result = label(name)
    assert isinstance(result, Refusal), result
    assert result.code is Code.BAD_REQUEST
    assert result.field == "filename"
    assert result.message.endswith(".")
    return result.message


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "a",
        ".htaccess",
        "...a",
        "two words.txt",
        'a "quoted" <name>: 50% *?|.txt',
        "Änderungen.docx",
        "отчёт.pdf",
        "報告書.pdf",
        "한국어.hwp",
        "تقرير.pdf",
        "🎉.png",
        "👩\u200d💻.png",  # a joiner inside an emoji
        "🏳\ufe0f\u200d🌈.png",  # with a variation selector
        "❤\ufe0f.png",
        "1\ufe0f\u20e3.txt",  # a keycap
        "©\ufe0e.txt",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f.png",  # the flag of Scotland
        "می\u200cخواهم.pdf",  # Persian: a non-joiner between two letters
        "क्\u200dष.txt",  # Devanagari: a joiner after a virama
        "葛\U000e0100城.txt",  # an ideograph in one of its forms
        "\u0601\u0661.txt",  # a sign over a number: a format character that is seen
        "console.txt",
        "com10",
        "COM0.txt",
        "a.con",
        "x" * LIMIT,
    ],
)
def test_names_of_files_all_over_are_kept_as_they_are(name: str) -> None:
    assert label(name) == name


def test_only_nfc_changes_a_name() -> None:
    assert label("Zoe\u0308 A\u030a.txt") == "Zoë Å.txt"
    assert label("ｆｕｌｌ.ﬁ") == "ｆｕｌｌ.ﬁ"


def test_the_length_counts_after_nfc_and_in_bytes() -> None:
    assert label("e\u0301" * 127) == "é" * 127
    assert "255 bytes" in refused("é" * 128)
    assert "255 bytes" in refused("x" * 256)
    assert "255 bytes" in refused("x" * 10_000)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("../../etc/passwd", "path"),
        ("/etc/passwd", "path"),
        ("a/b", "path"),
        ("..\\a", "path"),
        ("C:\\a", "path"),
        ("a\x00.png", "control"),
        ("a\nb", "control"),
        ("a\r\nX: y", "control"),
        ("\x1b[31m", "control"),
        ("a\x7f", "control"),
        ("a\x85b", "control"),
        ("a\u2028b", "control"),
        ("a\u2029b", "control"),
        ("photo\u202egnp.exe", "bidirectional"),
        ("a\u2066b", "bidirectional"),
        ("a\u200fb", "bidirectional"),
        ("a\u061cb", "bidirectional"),
        ("a\u200bb", "invisible"),
        ("a\u00adb", "invisible"),
        ("\ufeffa", "invisible"),
        ("a\u2060", "invisible"),
        ("\u3164", "invisible"),
        ("a\u034fb", "invisible"),
        ("a\uffffb", "invisible"),
        ("a\U0001fffeb", "invisible"),
        ("a\u200db", "invisible"),  # a joiner that joins nothing
        ("🎉\u200d", "invisible"),
        ("👩\u200d\u200d💻", "invisible"),
        ("a\u200c", "invisible"),
        ("\u200ca", "invisible"),
        ("a\u200c\u200cb", "invisible"),
        ("a\ufe0fb", "invisible"),
        ("1\ufe0f.txt", "invisible"),
        ("葛\U000e0100\U000e0101.txt", "invisible"),
        ("a\U000e0061\U000e0062\U000e0063\U000e007f", "invisible"),  # tags without their flag
        ("a\ud800b", "Unicode"),
        (".", "directory"),
        ("..", "directory"),
        (" a", "space"),
        ("a ", "space"),
        (" ", "space"),
        ("a\u00a0", "space"),
        ("\u3000a", "space"),
        ("a\u2800", "space"),
        ("a.", "dot"),
        ("...", "dot"),
        ("CON", "device"),
        ("con.txt", "device"),
        ("Prn", "device"),
        ("aux.tar.gz", "device"),
        ("NUL", "device"),
        ("nul .txt", "device"),
        ("nul:x", "device"),
        ("COM1", "device"),
        ("com9.log", "device"),
        ("lpt1", "device"),
        ("COM¹", "device"),
        ("LPT³.txt", "device"),
    ],
)
def test_what_could_do_harm_or_mislead_is_refused_and_said(name: str, why: str) -> None:
    assert why in refused(name)


_TRICKY = (
    "/\\.: \x00\n\x7f\x85\u2028\u202e\u2066\u200b\u200c\u200d\ufe0f\u3164\ud800\u00adeé\u0301👩💻1\u20e3"
)
_PARTS = ["con", "NUL", "com¹", "..", ".txt", "👩\u200d💻", "می\u200cخ", "葛\U000e0100", "❤\ufe0f", "e\u0301"]
_NAMES = st.lists(
    st.one_of(st.sampled_from(_TRICKY), st.sampled_from(_PARTS), st.text(max_size=6)), min_size=1, max_size=8
).map("".join)


@given(_NAMES)
@example("x" * LIMIT)
@example("e\u0301" * 127)
def test_what_is_accepted_is_one_component_of_a_path_that_survives(name: str) -> None:
    accepted = label(name)
    assume(isinstance(accepted, str))
    assert isinstance(accepted, str)
    assert accepted == unicodedata.normalize("NFC", name)
    assert label(accepted) == accepted
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, accepted)
        assert path.parent == Path(directory)
        path.write_bytes(b"x")
        assert [one.name for one in Path(directory).iterdir()] == [accepted]


@given(_NAMES)
def test_what_is_accepted_holds_none_of_what_is_refused(name: str) -> None:
    accepted = label(name)
    assume(isinstance(accepted, str))
    assert isinstance(accepted, str)
    assert 0 < len(accepted.encode()) <= LIMIT
    assert not set(accepted) & set("/\\\u200b\u3164\u00ad")
    kinds = {unicodedata.category(one) for one in accepted}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    orders = {unicodedata.bidirectional(one) for one in accepted}
    assert not orders & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert accepted == accepted.strip()
    assert not accepted.endswith(".")
    assert accepted[-1] not in "\u200c"
    assert accepted.split(".")[0].upper() not in {"CON", "NUL", "COM¹"}


@given(st.text(), st.text())
def test_a_media_type_is_always_one(given: str, name: str) -> None:
    found = media_type(given, name)
    kind, _, subtype = found.partition("/")
    assert kind
    assert subtype
    assert found.isascii()
    assert found == found.lower()
    assert not set(found) & set(' \r\n;,"')


@pytest.mark.parametrize(
    ("given", "name", "found"),
    [
        ("image/png", "a.txt", "image/png"),
        ("Image/PNG", "a", "image/png"),
        ("text/plain; charset=utf-8", "a", "text/plain"),
        (" text/plain ;x", "a", "text/plain"),
        ("application/vnd.api+json", "a", "application/vnd.api+json"),
        ("x/" + "y" * 125, "a", "x/" + "y" * 125),
        ("x/" + "y" * 126, "a.png", "image/png"),
        ("", "a.png", "image/png"),
        ("png", "a.PNG", "image/png"),
        ("image/", "a.png", "image/png"),
        ("/png", "a.png", "image/png"),
        ("*/*", "a.png", "image/png"),
        ("image/png/x", "a.txt", "text/plain"),
        ("text/html\r\nX: y", "a", UNKNOWN),
        ("text/plain\n", "a", UNKNOWN),
        ("téxt/plain", "a", UNKNOWN),
        (None, "archive.tar.gz", "application/gzip"),
        (None, "picture.jpeg", "image/jpeg"),
        (None, "page.html", "text/html"),
        (None, "png", UNKNOWN),
        (None, ".png", UNKNOWN),
        (None, "a.", UNKNOWN),
        (None, "a.nothing-known", UNKNOWN),
    ],
)
def test_the_media_type_is_the_senders_word_else_the_names(given: str | None, name: str, found: str) -> None:
    assert media_type(given, name) == found
