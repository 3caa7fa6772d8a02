"""The pages against the project: links resolve, both READMEs say the same, what stands there runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote

import pytest

from serving import PATIENCE, serving

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")  # a scheme (RFC 3986 §3.1)

# Put together here, so that this file does not name them itself.
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
MACHINE_PATHS = ["/" + name + "/" for name in ("root", "work", "home")]


def tracked() -> list[Path]:
    """Every file of the project, as git has it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("git (or this is no checkout)")
    # A checkout may belong to somebody else than the one who tests, root in a container for instance.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    return [file for file in files if file.is_file()]


def slug(heading: str) -> str:
    """The anchor that a forge gives a heading: words in lower case, joined by hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text())
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def broken_links(page: Path) -> list[str]:
    broken: list[str] = []
    for target in LINK.findall(BLOCK.sub("", page.read_text())):
        if ELSEWHERE.match(target):
            continue
        path, _, fragment = unquote(target).partition("#")
        meant = (page.parent / path).resolve() if path else page
        inside = meant.is_relative_to(ROOT) and meant.exists()
        if not inside or (fragment and meant.suffix == ".md" and fragment not in anchors(meant)):
            broken.append(target)
    return broken


def test_every_relative_link_resolves() -> None:
    pages = [file for file in tracked() if file.suffix == ".md"]
    broken = {str(page.relative_to(ROOT)): found for page in pages if (found := broken_links(page))}
    assert broken == {}


def test_a_broken_link_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` C\n[1](page.md#a-b-c) [2](gone.md) [3](#gone) [4](../page.md) [5](https://a.example)\n"
    )
    assert broken_links(page) == ["gone.md", "#gone", "../page.md"]


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    found: list[str] = []
    for file in tracked():
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue  # a picture
        # A path begins after white space, a quote or a bracket: `docs/home/` is none, and no URL is.
        paths = [re.compile(rf"(?:^|[\s\"'`(=:]){re.escape(path)}", re.MULTILINE) for path in MACHINE_PATHS]
        named = [host for host in HOSTS if host in text]
        named += [path.pattern for path in paths if path.search(text)]
        found += [f"{file.relative_to(ROOT)}: {one}" for one in named]
    assert found == []


def blocks(readme: str) -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / readme).read_text())


def test_both_readmes_hold_the_same_commands_links_and_headings() -> None:
    english, chinese = READMES
    assert blocks(english) == blocks(chinese)
    texts = [(ROOT / readme).read_text() for readme in READMES]
    links = [sorted(set(LINK.findall(text)) - set(READMES)) for text in texts]
    assert links[0] == links[1]
    depths = [re.findall(r"^#+ ", BLOCK.sub("", text), re.MULTILINE) for text in texts]
    assert depths[0] == depths[1]


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_stays_short(readme: str) -> None:
    assert len((ROOT / readme).read_text().splitlines()) <= 150


def test_the_program_in_the_readme_runs(tmp_path: Path) -> None:
    (program,) = [text for language, text in blocks("README.md") if language == "python"]
    with serving() as server:
        alice = server.text("Alice")
        (tmp_path / "program.py").write_text(program.replace("8080", str(server.port)))
        command = [sys.executable, str(tmp_path / "program.py")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            assert alice.lines(2) == ["[Server] Charlie has joined.", "Charlie: hello from Python"]
            alice.say("hello Charlie")
            assert running.stdout is not None
            heard = [running.stdout.readline() for _ in range(3)]
            running.terminate()
    assert '"type":"Welcome"' in heard[0]
    assert '"content":"hello from Python"' in heard[1]
    assert '"content":"hello Charlie"' in heard[2]


def test_the_lines_in_the_readme_are_understood() -> None:
    (shell,) = [text for _, text in blocks("README.md") if "printf" in text]
    requests = re.findall(r"'(\{.*?\})'", shell)
    with serving() as server:
        alice = server.text("Alice")
        dana = server.ndjson()
        dana.send("".join(f"{request}\n" for request in requests).encode())
        assert [dana.get(command)["status"] for command in ("auth/login", "message/send")] == [200, 200]
        assert alice.lines(2) == ["[Server] Dana has joined.", "Dana: hello in NDJSON"]


def test_the_log_in_the_lessons_lets_go_of_what_is_erased(tmp_path: Path) -> None:
    programs = [text for language, text in blocks("docs/learn.md") if language == "python"]
    (program,) = [text for text in programs if "on_the_disk" in text]
    (tmp_path / "program.py").write_text(program.replace("/tmp/gone", str(tmp_path / "gone")))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[None] True\n[None] False\n"


def test_the_documented_paths_answer() -> None:
    text = (ROOT / "README.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("HTTP is there too"))
    paths = re.findall(r"`(/[\w.]*)`", line)
    assert len(paths) == 7
    with serving() as server:
        for path in paths:
            with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as client:
                client.request("GET", path)
                assert client.getresponse().status == 200
