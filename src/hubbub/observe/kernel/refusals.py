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

LOCKED_DOWN: Final = (
    "the kernel is locked down (lockdown=confidentiality), so that nobody reads what is in it"
)
"""To everybody, whatever privilege. It would take some programs nevertheless: half of the figures."""
_LOCKED_DOWN: Final = re.compile(r"(unknown func|cannot use helper) bpf_probe_read")


def culprit(said: Sequence[str]) -> str | None:
    """The program of which libbpf said that it failed."""
    for line in said:
        if found := re.match(r"libbpf: prog '(\w+)': .*fail", line):
            return found[1]
    return None


def refusal(number: int, said: Sequence[str]) -> str:
    """An error of bpf() in words; where the verifier gave a reason, that."""
    if any(_LOCKED_DOWN.search(line) for line in said):
        return LOCKED_DOWN
    for line in reversed(said):
        if line and not line.startswith(_NO_REASON):
            return f"the kernel refuses ({os.strerror(number)}: {line.strip()[:_REASON]})"
    return f"the kernel refuses ({os.strerror(number)})"
