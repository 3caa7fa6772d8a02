"""ARCHITECTURE.md, tests/README.md, docs/names.md against the code: all is named, what is named exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "hubbub"
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
CHAPTERS = "\n".join(
    (SOURCE / folder / "README.md").read_text() for folder in ("log", "observe/kernel", "server/doctor")
)
"""Whose files stand in a page of their own."""
TESTS = (ROOT / "tests" / "README.md").read_text()
ADDING = (ROOT / "docs" / "adding.md").read_text()
NAMES = (ROOT / "docs" / "names.md").read_text()

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
A_PATH = re.compile(r"\.?\w[\w.-]*(/[\w.-]+)*/?")
SUFFIXES = (".py", ".pyi", ".md", ".txt", ".toml", ".proto", ".html", ".css", ".js", ".svg", "Makefile")
A_MEMBER = re.compile(r"_?[A-Z][A-Za-z]+\.\w+")

FOREIGN = ("# Names in the five documents", "### Names that are not here")
"""Sections with a table whose first column holds names of other projects."""


def sections() -> Iterator[tuple[str, str]]:
    """Heading and text of each section."""
    text = FENCED.sub("", "\n".join((PAGE, CHAPTERS, TESTS, ADDING, NAMES)))
    parts = re.split(r"^(#+ .*)$", text, flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


def quoted() -> list[str]:
    """Everything in backticks that is about this project."""
    found: list[str] = []
    for heading, text in sections():
        for line in text.splitlines():
            if heading.startswith(FOREIGN) and line.startswith("|"):
                line = line.split("|", 2)[2]
            found += QUOTED.findall(line)
    return found


NAMED = quoted()
PATHS = sorted({one for one in NAMED if A_PATH.fullmatch(one) and (one.endswith(("/", *SUFFIXES)))})
MEMBERS = sorted({one for one in NAMED if A_MEMBER.fullmatch(one)})


def modules() -> list[str]:
    return sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))


def is_there(path: str) -> bool:
    return (ROOT / path).exists() or (SOURCE / path).exists()


def members() -> set[str]:
    """Class.member of every class in the sources: methods, and what is annotated or assigned to self."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for one in ast.walk(ast.parse(path.read_text())):
            if isinstance(one, ast.ClassDef):
                for node in ast.walk(one):
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                        found.add(f"{one.name}.{node.name}")
                    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                        found.add(f"{one.name}.{node.attr}")
                    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                        found.add(f"{one.name}.{node.target.id}")
    return found


@pytest.mark.parametrize("module", modules())
def test_every_module_is_named(module: str) -> None:
    name = module.removesuffix("__init__.py") if "/" in module else module
    assert name in NAMED


@pytest.mark.parametrize("path", PATHS)
def test_every_path_that_is_named_exists(path: str) -> None:
    assert is_there(path)


def test_every_function_that_is_named_exists() -> None:
    known = members() | {"Framing.pending"}  # annotated in a Protocol
    assert [one for one in MEMBERS if one not in known] == []


def test_every_folder_of_tests_is_named() -> None:
    folders = {f"tests/{path.parent.name}/" for path in (ROOT / "tests").glob("*/*.py")}
    assert sorted(folders - set(NAMED)) == []


def test_the_page_stays_readable() -> None:
    assert len(PAGE.splitlines()) <= 350


def test_what_this_file_looks_for_is_found() -> None:
    """A pattern that matches nothing would let everything pass."""
    assert len(PATHS) > 100
    assert len(MEMBERS) > 40
    assert not is_there("core/utils.py")
