"""The library's page: its program runs and prints what stands beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "src" / "hubbub" / "log" / "README.md"


def test_the_program_prints_what_its_comments_say(tmp_path: Path) -> None:
    (program, *_) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30, cwd=tmp_path
    )
    said = [line.split("#")[1].split(": the")[0].strip() for line in program.splitlines() if "print" in line]
    assert done.stdout.splitlines() == said
