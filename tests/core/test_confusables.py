"""The table of look-alikes, and the script that makes it."""

from __future__ import annotations

import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

ORIGINAL = """\ufeff# confusables.txt
# © 2022 Unicode®, Inc.
# Version: 15.0.0

0430 ;	0061 ;	MA	# ( а → a ) CYRILLIC SMALL LETTER A → LATIN SMALL LETTER A	#
006D ;	0072 006E ;	MA	# ( m → rn ) LATIN SMALL LETTER M → LATIN SMALL LETTER R, LATIN SMALL LETTER N	#
0251 ;	0061 ;	MA	# ( ɑ → a ) LATIN SMALL LETTER ALPHA → LATIN SMALL LETTER A	#
FF41 ;	0061 ;	MA	# ( ａ → a ) FULLWIDTH LATIN SMALL LETTER A → LATIN SMALL LETTER A	# NFKC changes it
2216 ;	005C ;	MA	# ( ∖ → \\ ) SET MINUS → REVERSE SOLIDUS	# no part of a name
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "confusables.py"
    spec = importlib.util.spec_from_file_location("confusables_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_what_can_stand_in_a_name_is_taken_over(
    script: ModuleType, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    original = tmp_path / "confusables.txt"
    original.write_text(ORIGINAL, encoding="utf-8")
    script.main(original)
    written = capsysbinary.readouterr().out.decode()
    lines = [line for line in written.splitlines() if not line.startswith("#")]
    assert lines == ["0061: 0251 0430", "0072 006E: 006D"]
    assert "Unicode 15.0.0" in written
    assert "Copyright © 1991-2022 Unicode, Inc." in written


def test_a_file_without_a_version_is_not_taken(script: ModuleType, tmp_path: Path) -> None:
    original = tmp_path / "confusables.txt"
    original.write_text("0430 ;	0061 ;	MA	#\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no version"):
        script.main(original)


def test_the_table_in_the_package_names_its_source_and_licence() -> None:
    data = pkgutil.get_data("hubbub.core", "confusables.txt")
    assert data is not None
    head = data.decode().partition("\n0")[0]
    assert "https://www.unicode.org/Public/security/" in head
    assert "NOTICE" in head
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    assert "UNICODE, INC. LICENSE AGREEMENT" in notice
    assert "src/hubbub/core/confusables.txt" in notice
