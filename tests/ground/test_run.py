"""`run.py` and the files that a fresh clone stands on. Nothing is installed here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9][a-z0-9-]*)==([^ ]+)")


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return {match[1]: match[2] for match in map(PIN.match, lines) if match}


def asked_for(extras: bool) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    if extras:
        wanted += [need for needs in project["project"]["optional-dependencies"].values() for need in needs]
    return {re.split(r"[^A-Za-z0-9_.-]", need)[0].lower().replace("_", "-") for need in wanted}


def test_run_py_can_be_read_by_an_old_python() -> None:
    tree = ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 6))
    statements = [node for node in tree.body if not isinstance(node, ast.Import | ast.Expr)]
    assert isinstance(statements[0], ast.If)  # the version is looked at before anything newer is needed
    assert "version_info" in ast.dump(statements[0].test)


def test_run_py_tells_how_it_is_used() -> None:
    for arguments, code in (["--help"], 0), ([], 2):
        command = [sys.executable, str(ROOT / "run.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert done.stdout.startswith("usage: python3 run.py serve | test")


@pytest.mark.parametrize(("name", "extras"), [("requirements.txt", True), ("requirements-serve.txt", False)])
def test_everything_asked_for_is_pinned_with_hashes_and_without_a_host(name: str, extras: bool) -> None:
    assert asked_for(extras) <= set(pins(name))
    text = (ROOT / name).read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n?", "", text))
    unhashed = [entry.split()[0] for entry in entries if entry.strip() and "--hash=sha256:" not in entry]
    assert unhashed == []


def test_serving_takes_the_versions_that_were_tested() -> None:
    everything, serving = pins("requirements.txt"), pins("requirements-serve.txt")
    assert {name: everything.get(name) for name in serving} == serving


def test_the_account_of_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser: needs Chromium\n")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.browser\ndef test_a(): pass\n"
        "@pytest.mark.skip(reason='redis-server is missing')\ndef test_b(): pass\n"
        "@pytest.mark.xfail\ndef test_c(): assert False\n"
        "def test_d(): pass\n"
    )
    for required, code in ("", 0), ("1", 1):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
            env={"PATH": str(tmp_path), "HUBBUB_REQUIRE_ALL": required},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        assert "left out: browser (Chromium not found) (1 test)\n" in done.stdout
        assert "left out: redis-server is missing (1 test)\n" in done.stdout
        assert done.stdout.count("left out: ") == 2
