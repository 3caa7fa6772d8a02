from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ECHO = Path(__file__).parents[2] / "examples" / "ws_echo.py"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where `examples/ws_echo.py` listens, in a process of its own."""
    with subprocess.Popen([sys.executable, str(ECHO), "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().rpartition(":")[2])
        process.terminate()
