#!/usr/bin/env python3
"""Run Hubbub from a checkout: `python3 run.py serve`, `python3 run.py test`, or any command of `hubbub`.

The first use sets up `.venv` beside this file, from hashed versions, and builds the web client and the kernel
probes; nothing is installed elsewhere. `python3 run.py setup` does that alone, with all that development
needs.

The file must be readable for Python 3.6, whose user is told what is missing.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (the reader may have an older one)
    sys.exit("Hubbub needs Python 3.11 or later; {} is {}.{}.".format(sys.executable, *sys.version_info[:2]))

import hashlib
import os
import subprocess
import venv
from pathlib import Path

from scripts import probes, web

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "hubbub-stamp"
SERVE = ROOT / "requirements-serve.txt"
ALL = ROOT / "requirements.txt"
NODE = ROOT / "requirements-node.txt"
DEVELOPMENT = ("test", "setup")
SHOWING = ("serve", "desktop", *DEVELOPMENT)
"""Commands that have a use for the web client."""
AT_ONCE = ["-m", "not long", "--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile"]
"""How the tests are run, where none are named: a file at a time in each process, without the `long` ones."""
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
    has_client = arguments[0] not in SHOWING or build_client()
    if arguments[0] in SHOWING:
        build_probes(arguments[0] in DEVELOPMENT)
    if arguments[0] == "setup":
        return 0 if has_client else 1
    module = ["pytest", *(arguments[1:] or AT_ONCE)] if arguments[0] == "test" else ["hubbub", *arguments]
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
    with web.locked(ROOT / "build" / "run.lock"):
        if is_set_up(requirements):
            return
        say(f"setting up {VENV} ({requirements.name}); this happens once")
        STAMP.unlink(missing_ok=True)
        make_venv()
        # Hashes and a path do not go together, so the checkout itself comes after what it needs.
        checkout = ("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        if not (install("--require-hashes", "--requirement", str(requirements)) and install(*checkout)):
            sys.exit("run.py: pip could not install what is needed; its own words stand above")
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


def install(*arguments: str) -> bool:
    """Let the environment's own pip install something."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.call(command) == 0


def build_client() -> bool:
    """Make the built web client fit its sources. A server does without one, and says so on its page."""
    if web.fits():
        return True
    if web.node_on_path() is None:
        say("fetching Node, which builds the web client; this happens once")
        install("--require-hashes", "--requirement", str(NODE))
    subprocess.call([str(PYTHON), str(ROOT / "scripts" / "web.py")], stdout=subprocess.DEVNULL)
    if not web.fits():
        say("going on without a new web client; python3 run.py setup tries again")
        return False
    return True


def build_probes(wanted: bool) -> None:
    """Make the kernel probes fit their sources. A server does without, and says so when it starts."""
    if not sys.platform.startswith("linux") or probes.fits() or not (wanted or probes.can_build()):
        return
    try:
        probes.build()
    except probes.BuildError as error:
        say(f"going on without kernel probes: {error}")


def say(text: str) -> None:
    """Tell the person what takes time. Not on stdout, which is the command's."""
    print(f"run.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
