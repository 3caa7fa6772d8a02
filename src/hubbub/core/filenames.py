"""Names of files: a name from a peer is a label, never a path, and shows what it is.

What could do harm at the receiver's or mislead people is refused, and said; apart from Unicode NFC (UAX #15)
no name is rewritten, so that what is shown is what was sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hubbub.core.errors import Code, Refusal

LIMIT: Final = 255
"""Bytes of UTF-8 after NFC: what one component of a path can hold on most systems (NAME_MAX)."""
TYPE_LIMIT: Final = 127
"""Characters of a media type; RFC 6838 §4.2 allows so many on each side of its `/`."""
UNKNOWN: Final = "application/octet-stream"
"""The media type of what is not known better (RFC 2046 §4.5.1)."""

_EXPANSION = 4  # characters before NFC for a byte after it; beyond that, normalising costs without use
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[1-9¹²³]) *", re.IGNORECASE | re.ASCII)
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})  # the two separators are the controls of Unicode's own
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # UAX #9 §2
_BLANK = "\u2800"  # a braille pattern without dots: a space by its looks

# What shows nothing: Default_Ignorable_Code_Point (UAX #44), controls of annotations and hieroglyphs, and
# noncharacters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u206f\u3164\ufdd0-\ufdef"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_NON_JOINER, _JOINER = "\u200c", "\u200d"
# The flags of England, Scotland and others, spelt in tags (UTS #51, ED-14a).
_FLAGS = re.compile("(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_VIRAMA = 9  # the combining class of a sign that takes the vowel off; a joiner behind it chooses a form
_KEYS = frozenset("#*0123456789")
_KEYCAP = "\u20e3"
_EMOJI_APART = frozenset("©®‼⁉ℹ〰〽")  # emoji among other kinds of characters

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")  # RFC 6838 §4.2
_TYPES: Final = {
    "7z": "application/x-7z-compressed", "aac": "audio/aac", "avi": "video/x-msvideo", "avif": "image/avif",
    "bmp": "image/bmp", "bz2": "application/x-bzip2", "c": "text/x-c", "css": "text/css", "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip", "flac": "audio/flac", "gif": "image/gif", "gz": "application/gzip",
    "heic": "image/heic", "htm": "text/html", "html": "text/html", "ico": "image/vnd.microsoft.icon",
    "ics": "text/calendar", "jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript",
    "json": "application/json", "jxl": "image/jxl", "log": "text/plain", "m4a": "audio/mp4",
    "m4v": "video/mp4", "md": "text/markdown", "mid": "audio/midi", "mjs": "text/javascript",
    "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
    "mpeg": "video/mpeg", "mpg": "video/mpeg", "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet", "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg", "ogg": "audio/ogg", "ogv": "video/ogg", "opus": "audio/opus", "otf": "font/otf",
    "pdf": "application/pdf", "png": "image/png", "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ps": "application/postscript", "py": "text/x-python", "rar": "application/vnd.rar",
    "rtf": "application/rtf", "sh": "application/x-sh", "svg": "image/svg+xml", "tar": "application/x-tar",
    "tif": "image/tiff", "tiff": "image/tiff", "toml": "application/toml", "ttf": "font/ttf",
    "txt": "text/plain", "wasm": "application/wasm", "wav": "audio/wav", "webm": "video/webm",
    "webp": "image/webp", "woff": "font/woff", "woff2": "font/woff2", "xhtml": "application/xhtml+xml",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xml": "application/xml",
    "xz": "application/x-xz", "yaml": "application/yaml", "yml": "application/yaml", "zip": "application/zip",
    "zst": "application/zstd",
}  # fmt: skip
"""Extension → media type, as IANA's register has them. The system's table differs from machine to machine."""


def label(name: str) -> str | Refusal:
    """The name as it is kept and shown: in NFC, one component of a path on every system, without disguise.

    Emoji, and joiners where a script needs them, are part of a name.
    """
    if len(name) > _EXPANSION * LIMIT:
        return _refusal(f"longer than {LIMIT} bytes")
    name = unicodedata.normalize("NFC", name)
    fault = _fault(name)
    return name if fault is None else _refusal(fault)


def media_type(given: str | None, name: str) -> str:
    """What the sender says of it, in lower case and without parameters; else by the name; else `UNKNOWN`."""
    if given is not None:
        given = given.partition(";")[0].strip(" \t").lower()
        if len(given) <= TYPE_LIMIT and _MEDIA_TYPE.fullmatch(given):
            return given
    stem, _, extension = name.rpartition(".")
    return _TYPES.get(extension.lower(), UNKNOWN) if stem else UNKNOWN


def _refusal(fault: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"This is not a name for a file: it is {fault}.", field="filename")


def _fault(name: str) -> str | None:
    """What is wrong, to end the sentence "it is …"."""
    if not name:
        return "empty"
    categories = [unicodedata.category(character) for character in name]
    if "Cs" in categories:
        return "not valid Unicode (half of a surrogate pair)"
    if len(name.encode()) > LIMIT:
        return f"longer than {LIMIT} bytes"
    if "/" in name or "\\" in name:
        return "a path ('/' and '\\' are not allowed)"
    if not _CONTROLS.isdisjoint(categories):
        return "not one line of text (control characters are not allowed)"
    if not _BIDI.isdisjoint(name):
        return "not shown in the order of its letters (bidirectional controls are not allowed)"
    if _hides(name):
        return "not what it looks like (invisible characters are not allowed)"
    if name in (".", ".."):
        return "a directory"
    if "Zs" in (categories[0], categories[-1]) or _BLANK in (name[0], name[-1]):
        return "with a space at one end"
    if name[-1] == ".":
        return "with a dot at the end"
    if _DEVICES.fullmatch(re.split("[.:]", name, maxsplit=1)[0]):
        return "a device on Windows"
    return None


def _hides(name: str) -> bool:
    name = _FLAGS.sub("", name)
    return any(
        not _belongs(one[0], name[: one.start()][-1:], name[one.end() :][:1])
        for one in _INVISIBLE.finditer(name)
    )


def _belongs(character: str, before: str, after: str) -> bool:
    """Whether something invisible is where the writing of a language, or an emoji, has it."""
    if not before:
        return False
    if character == _NON_JOINER:
        return _is_written(before) and _is_written(after)
    if character == _JOINER:
        if unicodedata.combining(before) == _VIRAMA:
            return True
        return (before == "\ufe0f" or _is_pictured(before)) and _is_pictured(after)
    if character in "\ufe0e\ufe0f":
        return _is_pictured(before) or (before in _KEYS and after == _KEYCAP)
    if character in "\ufe00\ufe01\ufe02" or "\U000e0100" <= character <= "\U000e01ef":
        return _is_ideograph(before)
    return False


def _is_written(character: str) -> bool:
    return character != "" and unicodedata.category(character)[0] in "LM" and not _INVISIBLE.match(character)


def _is_pictured(character: str) -> bool:
    """Whether it can be part of an emoji; roughly, so that those of a later Unicode are, too."""
    if "\U0001f000" <= character <= "\U0001faff" or character in _EMOJI_APART:
        return True
    return character >= "\u2190" and unicodedata.category(character) in ("So", "Sm")


def _is_ideograph(character: str) -> bool:
    return (
        "\u3400" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )
