"""The words of the page, out of its own tables: a journey names what it wants, in whichever language."""

from __future__ import annotations

import json
import re
from pathlib import Path

TABLES = Path(__file__).resolve().parents[2] / "web" / "src" / "text"
_ENTRY = re.compile(r'^ +(\w+):\s*("(?:[^"\\]|\\.)*")', re.MULTILINE)

NAMES = {"en": "English", "zh": "简体中文"}


class Words:
    """The tables of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._tables: dict[str, dict[str, str]] = {}

    def __call__(self, key: str, **values: object) -> str:
        """What stands for `PART.KEY`, as `chat.send`; of "one|many" the form that `n` asks for."""
        part, word = key.split(".")
        if part not in self._tables:
            text = (TABLES / self.language / f"{part}.ts").read_text("utf-8")
            self._tables[part] = {found[1]: json.loads(found[2]) for found in _ENTRY.finditer(text)}
        forms = self._tables[part][word].split("|")
        form = forms[1] if len(forms) == 2 and values.get("n") != 1 else forms[0]
        return re.sub(r"\{(\w+)\}", lambda one: str(values.get(one[1], one[0])), form)
