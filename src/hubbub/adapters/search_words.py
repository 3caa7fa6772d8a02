"""Words for the search index: what a text is cut into, and what a query asks for.

SQLite's `unicode61` cuts at spaces and punctuation, which finds nothing in a language without spaces. Runs of
Han, Kana and Hangul are therefore cut into bigrams here, on both sides, so that two characters are found.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_CLASS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN: Final = re.compile(f"[{_CLASS}]+")
_PART: Final = re.compile(f"[{_CLASS}]+|[^{_CLASS}]+")
_WORD: Final = re.compile(r"\w+")
_PREFIX: Final = 3
"""Letters from which on a word also finds longer ones: `cat` finds `cats`, and `a` not half the index."""


def indexed(text: str) -> str:
    """The text as the index stores it: words with spaces between."""
    if text.isascii():
        return text
    return _RUN.sub(lambda run: f" {_bigrams(run[0])} ", _plain(text))


def asked(query: str) -> str:
    """The query as FTS5 takes it: every word must be there. "" where it has none."""
    terms: list[str] = []
    for word in _WORD.findall(query if query.isascii() else _plain(query)):
        for part in _PART.findall(word):
            if not _RUN.match(part):
                terms.append(f'"{part}"*' if len(part) >= _PREFIX else f'"{part}"')
            elif len(part) == 1:  # each character begins a bigram
                terms.append(f'"{part}"*')
            else:
                pairs = " ".join(part[i : i + 2] for i in range(len(part) - 1))
                terms.append(f'"{pairs}"')
    return " AND ".join(terms)


def _plain(text: str) -> str:
    """Without the width of letters, and without lone surrogates, which SQLite does not take."""
    return unicodedata.normalize("NFKC", text).encode("utf-8", "replace").decode()


def _bigrams(run: str) -> str:
    """`你好吗` → `你好 好吗 吗`: each character begins one."""
    return " ".join(run[i : i + 2] for i in range(len(run)))
