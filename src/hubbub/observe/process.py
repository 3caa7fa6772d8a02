"""What the process takes from the machine: memory and processor, as the system tells them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment] # asked for below

_STATM: Final = Path("/proc/self/statm")
_SCHEDSTAT: Final = Path("/proc/self/schedstat")
_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


class Process:
    """Reads them."""

    def __init__(self) -> None:
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
        self._statm = _STATM if self._page and _STATM.exists() else None
        self._schedstat = _SCHEDSTAT if _SCHEDSTAT.exists() else None

    def memory(self) -> int:
        """Bytes that are resident: on systems without /proc the most that ever were, or 0 where none says."""
        if self._statm is not None:
            return int(self._statm.read_bytes().split()[1]) * self._page
        if resource is not None:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
        return 0

    def delayed(self) -> float:
        """Seconds in which the main thread, which runs the loop, was ready to run and did not; 0: unknown."""
        if self._schedstat is None:
            return 0.0
        fields = self._schedstat.read_bytes().split()
        return int(fields[1]) / 1e9 if len(fields) > 1 else 0.0

    def processor(self) -> float:
        """Seconds of it that all threads took, in user and system mode."""
        return time.process_time()
