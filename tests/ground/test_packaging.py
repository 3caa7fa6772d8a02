"""What an installation holds: the built web client, in a wheel and an sdist. Nothing is fetched here."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import httpx
import pytest

from serving import serving

ROOT = Path(__file__).resolve().parents[2]
CLIENT = "hubbub/server/web/client/"
NEEDED = {"index.html", "index.html.br", "index.html.gz", "sw.js", "manifest.webmanifest", "build.txt"}


def build(checkout: Path, target: str, out: Path, **env: str) -> Path:
    """Build one distribution, as pip does it, with the build's own requirements at hand."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    done = subprocess.run(
        command, cwd=checkout, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [made] = out.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist, as whoever builds from it has it."""
    out = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", out)) as archive:
        archive.extractall(out, filter="data")
    [folder] = [path for path in out.iterdir() if path.is_dir()]
    return folder


@pytest.fixture
def without_node(tmp_path: Path) -> dict[str, str]:
    """A PATH on which every tool of a client's build leaves a trace, and fails."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("node", "npm", "npx"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} >> "{tmp_path}/asked"\nexit 1\n')
        (tools / name).chmod(0o755)
    return {"PATH": str(tools)}


def in_client(names: list[str]) -> set[str]:
    return {name.partition(CLIENT)[2] for name in names if CLIENT in name}


def test_a_wheel_serves_the_client_that_it_carries(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert in_client(archive.namelist()) >= NEEDED
        archive.extractall(tmp_path)  # what pip does with it, too
    page = tmp_path / CLIENT / "index.html"
    page.write_text(page.read_text().replace("<title>Hubbub", "<title>Installed Hubbub"))
    with serving(PYTHONPATH=str(tmp_path)) as server:
        url = f"http://127.0.0.1:{server.port}"
        shown = httpx.get(url, headers={"Accept-Encoding": "identity"}).text
        assert "<title>Installed Hubbub" in shown
        assert f'content="{httpx.get(url + "/version").json()["client"]}"' in shown


def test_an_sdist_holds_the_client_and_what_it_was_made_from(unpacked: Path) -> None:
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
    assert in_client([f"{name}" for name in found]) >= NEEDED
    assert found >= {"web/src/main.ts", "web/package-lock.json", "scripts/web.py", "hatch_build.py", "run.py"}
    assert "web/node_modules" not in found


def test_an_sdist_is_built_without_node(unpacked: Path, tmp_path: Path, without_node: dict[str, str]) -> None:
    made = build(unpacked, "wheel", tmp_path / "out", **without_node)
    with zipfile.ZipFile(made) as archive:
        assert in_client(archive.namelist()) >= NEEDED
    assert not (tmp_path / "asked").exists()


def test_a_change_asks_for_node_and_says_what_is_missing(
    unpacked: Path, tmp_path: Path, without_node: dict[str, str]
) -> None:
    source = unpacked / "web" / "src" / "main.ts"
    before = source.read_bytes()
    source.write_bytes(before + b"\n")
    try:
        command = [sys.executable, "-I", "-S", str(unpacked / "scripts" / "web.py")]  # no wheel's Node either
        done = subprocess.run(command, env=without_node, capture_output=True, text=True, check=False)
    finally:
        source.write_bytes(before)
    assert done.returncode == 1
    assert done.stderr == "web: Node 20.19 or 22.12 is missing, or npm: see nodejs.org\n"
    assert (tmp_path / "asked").read_text() == "node\n"
    assert (unpacked / "src" / CLIENT / "index.html").exists()  # the old one stays


def test_tests_of_the_client_do_not_make_another_one(unpacked: Path) -> None:
    program = "import sys; sys.path.insert(0, '.'); from scripts import web; print(web.fits())"
    told = []
    for name in ("src/new.test.ts", "src/new.ts"):
        (unpacked / "web" / name).write_text("export {};\n")
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=unpacked, capture_output=True, text=True, check=True
        )
        told.append(done.stdout.strip())
        (unpacked / "web" / name).unlink()
    assert told == ["True", "False"]


def test_the_first_load_is_small() -> None:
    program = "from scripts import web; print(web.first_load(), web.FIRST_LOAD)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    needed, allowed = map(int, done.stdout.split())
    assert 1000 < needed <= allowed == 70_000
