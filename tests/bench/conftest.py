"""The bench is a program beside the package, not in it: its folder's parent has to be found first."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
