#!/usr/bin/env python3
"""Run Hubbub from a checkout: `python3 run.py serve`, `python3 run.py test`, or any command of `hubbub`.

The first use sets up `.venv` beside this file, from hashed versions; nothing is installed elsewhere.
`python3 run.py setup` does that alone, with all that development needs.

The file must be readable for Python 3.6, whose user is told what is missing.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (the reader may have an older one)
    sys.exit("Hubbub needs Python 3.11 or later; {} is {}.{}.".format(sys.executable, *sys.version_info[:2]))

import hashlib
import os
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "hubbub-stamp"
SERVE = ROOT / "requirements-serve.txt"
ALL = ROOT / "requirements.txt"
DEVELOPMENT = ("test", "setup")
BIN = VENV / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = BIN / ("python.exe" if sys.platform == "win32" else "python")


def main(arguments: list[str]) -> int:
    """Set up what the command needs, and become it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(
            "usage: python3 run.py serve | test [PYTEST ARGUMENTS] | setup | COMMAND OF HUBBUB ...\n\n"
            + __doc__
        )
        return 0 if arguments else 2
    set_up(ALL if arguments[0] in DEVELOPMENT else SERVE)
    if arguments[0] == "setup":
        return 0
    module = ["pytest", *arguments[1:]] if arguments[0] == "test" else ["hubbub", *arguments]
    command = [str(PYTHON), "-m", *module]
    if arguments[0] == "test":
        os.chdir(ROOT)
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)  # noqa: S606 (becomes it, so that signals reach the server itself)
    return subprocess.call(command)


def set_up(requirements: Path) -> None:
    """Make `.venv` fit `requirements` and this checkout. Several at once wait for the first."""
    if is_set_up(requirements):
        return
    with locked():
        if is_set_up(requirements):
            return
        say(f"setting up {VENV} ({requirements.name}); this happens once")
        STAMP.unlink(missing_ok=True)
        make_venv()
        install("--require-hashes", "--requirement", str(requirements))
        # Hashes and a path do not go together, so the checkout itself comes after what it needs.
        install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        STAMP.write_text(wanted(requirements), encoding="ascii")
        say("done")


def is_set_up(requirements: Path) -> bool:
    """Whether `.venv` was set up from these files as they are now. What suits development suits all."""
    try:
        found = STAMP.read_text(encoding="ascii")
    except OSError:
        return False
    return PYTHON.exists() and found in (wanted(requirements), wanted(ALL))


def wanted(requirements: Path) -> str:
    """Return what stands in the stamp: a digest of all that an installation depends on."""
    digest = hashlib.sha256(f"{requirements.name} {sys.version_info[:2]} {ROOT}".encode())
    for path in (ROOT / "pyproject.toml", requirements):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv() -> None:
    """Make the virtual environment, anew where its Python is gone or another one."""
    version = "import sys; print(*sys.version_info[:2])"
    try:
        found = subprocess.run(
            [PYTHON, "-c", version], capture_output=True, text=True, check=True
        ).stdout.split()
        fits = found == [str(part) for part in sys.version_info[:2]]
        pip = subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    except (OSError, subprocess.CalledProcessError):
        fits = pip = False
    if fits and pip:
        return
    try:
        import ensurepip  # noqa: F401 (Debian has it in a package of its own)
    except ImportError:
        sys.exit("run.py: Python's venv is not complete here; on Debian or Ubuntu: apt install python3-venv")
    venv.create(VENV, clear=True, with_pip=True, symlinks=sys.platform != "win32")


def install(*arguments: str) -> None:
    """Let the environment's own pip install something."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.call(command) != 0:
        sys.exit("run.py: pip could not install what is needed; its own words stand above")


@contextmanager
def locked() -> Iterator[None]:
    """Hold a lock of this checkout that ends with the process, however it ends."""
    with Path(__file__).open("rb") as file:
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
    print(f"run.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
