"""Compile the probes, `probes/`, into the package: `src/hubbub/observe/kernel/hubbub.bpf.o`, in no commit.

    .venv/bin/python scripts/probes.py            # nothing, where it fits the sources
    .venv/bin/python scripts/probes.py --force

`run.py` and the build hook (`hatch_build.py`) call it, so the standard library has to do. It needs clang and
libbpf's headers; without these, the chat has no probes, says so, and misses nothing else.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
from scripts.web import locked  # noqa: E402 (found by the line above)

PROBES = ROOT / "probes"
SOURCES = tuple(
    PROBES / name
    for name in ("hubbub.bpf.c", "kernel_types.h", "shared.h", "counting.h", "sockets.h", "times.h")
)
OBJECT = ROOT / "src" / "hubbub" / "observe" / "kernel" / "hubbub.bpf.o"
STAMP = OBJECT.with_suffix(".txt")
"""The digest of what the object was made from."""

NEEDED = "in Debian and Ubuntu: apt install clang libbpf-dev"

_FLAGS = ("-O2", "-g", "-target", "bpf", "-mcpu=v3", "-fno-stack-protector", "-Wall")
_NO_PATHS = ("-fdebug-compilation-dir=.", f"-ffile-prefix-map={PROBES}=.")
"""Where they were compiled, is nobody's business."""


class BuildError(Exception):
    """The probes could not be compiled; its text says why, in a line for people."""


def fits() -> bool:
    """Whether the object is there, and was made from the sources as they are."""
    try:
        return OBJECT.exists() and STAMP.read_text("ascii") == digest()
    except OSError:
        return False


def digest() -> str:
    """Return 16 hexadecimal digits that change with whatever goes into the object."""
    found = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in SOURCES:
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def can_build() -> bool:
    """Whether there is a compiler to try."""
    return shutil.which("clang") is not None


def build(*, force: bool = False) -> bool:
    """Make the object fit its sources; False: it did already. BuildError: there is none now."""
    if not force and fits():
        return False
    with locked(ROOT / "build" / "probes.lock"):
        if not force and fits():
            return False
        OBJECT.unlink(missing_ok=True)  # Python reads its figures by the sources' layouts
        _make()
        return True


def _make() -> None:
    clang = shutil.which("clang")
    if clang is None:
        raise BuildError(f"clang is missing ({NEEDED})")
    with tempfile.TemporaryDirectory(prefix="probes-", dir=ROOT / "build") as made:
        out = Path(made) / OBJECT.name
        command = [clang, *_FLAGS, *_NO_PATHS, "-c", SOURCES[0].name, "-o", str(out)]
        told = subprocess.run(command, cwd=PROBES, capture_output=True, text=True, check=False)  # noqa: S603
        if told.returncode != 0:
            raise BuildError(_reason(told.stderr))
        if (strip := shutil.which("llvm-strip")) is not None:
            subprocess.run([strip, "-g", str(out)], capture_output=True, check=False)  # noqa: S603 (BTF stays)
        out.chmod(0o644)
        out.replace(OBJECT)
    STAMP.write_text(digest(), "ascii")


def _reason(words: str) -> str:
    """The first error of clang's in a line."""
    if missing := re.search(r"'(bpf/[^']+)' file not found", words):
        return f"libbpf's headers are missing, {missing[1]} among them ({NEEDED})"
    if "bpf" in words and ("No available targets" in words or "unknown target" in words):
        return "this clang does not compile for BPF"
    error = re.search(r"error: .*", words)
    return f"clang refuses: {error[0] if error else words.strip()[-200:] or 'without a word'}"


def say(text: str) -> None:
    """Tell the person. Not on stdout, which is the command's."""
    print(f"probes: {text}", file=sys.stderr, flush=True)  # noqa: T201


def main(arguments: list[str]) -> int:
    """Compile, and say what came of it; 1: there are no probes now."""
    try:
        made = build(force="--force" in arguments)
    except BuildError as error:
        say(f"none: {error}; everything else works")
        return 1
    print(f"{OBJECT.stat().st_size:,} bytes{'' if made else ', as they were'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
