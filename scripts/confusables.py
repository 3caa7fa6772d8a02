"""Make `src/hubbub/core/confusables.txt` from the Unicode Consortium's confusables.txt (UTS #39).

    python scripts/confusables.py PATH_OF_THE_ORIGINAL > src/hubbub/core/confusables.txt

Kept are the characters that can stand in a name: letters, digits and marks that NFKC leaves alone.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

_HEADER = """\
# Characters that look alike, for names only: PROTOTYPE: LOOK-ALIKES, all in hexadecimal code points.
# A selection in another form, made by scripts/confusables.py from confusables.txt, Unicode {version}
# (Unicode Security Mechanisms for UTS #39, https://www.unicode.org/Public/security/{version}/confusables.txt).
# Copyright © 1991-{year} Unicode, Inc. Used under the Unicode licence, which stands in NOTICE.
"""


def in_a_name(character: str) -> bool:
    """Whether a normalised name can have it. What this Python's Unicode does not know yet, may."""
    kept = unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Cn")
    return kept and unicodedata.normalize("NFKC", character) == character


def look_alikes(lines: Iterable[str]) -> dict[str, list[str]]:
    """Prototype → code points that look like it, from lines of `SOURCE ; PROTOTYPE ; MA # …`."""
    found: dict[str, list[str]] = {}
    for line in lines:
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) == 3 and in_a_name(chr(int(fields[0], 16))):
            found.setdefault(fields[1], []).append(fields[0])
    return found


def main(original: Path) -> None:
    """Write the selection to standard output."""
    text = original.read_text(encoding="utf-8-sig")
    version = re.search(r"^# Version: (\S+)", text, re.MULTILINE)
    year = re.search(r"^# © (\d{4})", text, re.MULTILINE)
    if version is None or year is None:
        raise SystemExit(f"{original}: no version or no year in its header")
    table = look_alikes(text.splitlines())
    out = [_HEADER.format(version=version[1], year=year[1])]
    out += [f"{shown}: {' '.join(sorted(table[shown]))}\n" for shown in sorted(table)]
    sys.stdout.buffer.write("".join(out).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
