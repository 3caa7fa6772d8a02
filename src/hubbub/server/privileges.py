"""What this process may do in the kernel beyond other programs, and how it gives that up (capabilities(7)).

Attaching probes takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, which includes both. Who chats with the
whole world keeps none of them: the helper process has them instead.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

# include/uapi/linux/capability.h
CAP_SYS_ADMIN: Final = 21
CAP_PERFMON: Final = 38
CAP_BPF: Final = 39
_GIVEN_UP: Final = (CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF)
_VERSION_3: Final = 0x20080522
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38


def may_probe() -> bool:
    """Whether this thread has what attaching probes takes. The kernel may refuse it all the same."""
    effective = _held().get("CapEff", 0)
    return bool(effective >> CAP_SYS_ADMIN & 1) or bool(effective >> CAP_BPF & effective >> CAP_PERFMON & 1)


def give_up() -> str | None:
    """Hold none of this any more, nor hand it to a program that is started; return what went wrong.

    The kernel keeps capabilities by thread: so this is for a process that has one thread yet, and those which
    it makes later begin with what it has then.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # by need: most servers have nothing to give up

    libc = ctypes.CDLL(None, use_errno=True)
    # First the bound of what exec may give back: that takes a capability which is not given up.
    problem = None
    for capability in _GIVEN_UP:
        if libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            dropped = libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
            # Whoever is not root and has these two alone may not: then no program of his may gain anything.
            if not dropped and libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
                problem = "programs that it starts may have them again"
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)  # 0: this thread
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice, low bits first
    if libc.capget(header, data) != 0:
        return f"capget: error {ctypes.get_errno()}"
    for capability in _GIVEN_UP:
        word, bit = divmod(capability, 32)
        for which in range(3):
            data[3 * word + which] &= ~(1 << bit) & 0xFFFFFFFF
    if libc.capset(header, data) != 0:  # ambient ones go with the inheritable (capabilities(7))
        return f"capset: error {ctypes.get_errno()}"
    return problem


def _held() -> dict[str, int]:
    """The capability sets of this thread, by their names in `/proc`. {}: there are none to be seen."""
    try:
        status = Path("/proc/thread-self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in status.splitlines() if line.startswith("Cap"))
    return {name: int(value, 16) for name, _, value in pairs}
