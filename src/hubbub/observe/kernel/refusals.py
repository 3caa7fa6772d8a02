"""Why libbpf or the kernel refuse, in a sentence: out of what libbpf and the verifier said."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

_REASON: Final = 120
"""Letters of the verifier's that a person is shown."""
_NO_REASON: Final = (
    "libbpf:",
    "processed",
    "--",
    ";",
    "func#",
    "verification time",
    "stack depth",
    "mark_pre",
)
"""How lines begin that stand around the verifier's reason, which is the last of the others."""


def culprit(said: Sequence[str]) -> str | None:
    """The program of which libbpf said that it failed."""
    for line in said:
        if found := re.match(r"libbpf: prog '(\w+)': .*fail", line):
            return found[1]
    return None


def refusal(number: int, said: Sequence[str]) -> str:
    """An error of bpf() in words; where the verifier gave a reason, that."""
    for line in reversed(said):
        if line and not line.startswith(_NO_REASON):
            return f"the kernel refuses ({os.strerror(number)}: {line.strip()[:_REASON]})"
    return f"the kernel refuses ({os.strerror(number)})"
