"""Where the probes may be attached: one row each. Which of them are, is found out on each machine.

What each costs stands in `probes/README.md`.
"""

from __future__ import annotations

import os
from typing import Final, Literal, NamedTuple

from hubbub.observe.kernel.figures import CALLS, Call
from hubbub.observe.kernel.layouts import SYSCALLS


class Hook(NamedTuple):
    """One place in the kernel, and the programs that are attached there, all or none."""

    name: str
    programs: tuple[str, ...]
    kind: Literal["tracepoint", "function", "kprobe"] = "tracepoint"
    wanted: Literal["default", "everything"] = "default"
    instead: str | None = None
    """Tried where this other hook is not to be had."""


HOOKS: Final = (
    Hook("sock_send_length", ("sock_send_length",)),  # Linux 6.3
    Hook("sock_recv_length", ("sock_recv_length",)),
    Hook("inet_sock_set_state", ("inet_sock_set_state",)),
    Hook("tcp_retransmit_skb", ("tcp_retransmit_skb",)),
    Hook("tcp_send_reset", ("tcp_send_reset",)),
    Hook("tcp_receive_reset", ("tcp_receive_reset",)),
    Hook("sock_rcvqueue_full", ("sock_rcvqueue_full",)),
    Hook("sched_process_exit", ("sched_process_exit",)),
    Hook("sched_switch", ("sched_switch",)),
    Hook("sys_enter", ("sys_enter", "sys_exit"), wanted="everything"),
    Hook("tcp_sendmsg_locked", ("tcp_sendmsg_locked",), wanted="everything"),  # Linux 6.16
    # For older kernels: `make test-kernels` tries them there.
    Hook("fexit tcp_sendmsg", ("tcp_sendmsg",), "function", instead="sock_send_length"),
    Hook("fexit tcp_sendpage", ("tcp_sendpage",), "function", instead="sock_send_length"),  # up to Linux 6.4
    Hook("fexit tcp_recvmsg", ("tcp_recvmsg",), "function", instead="sock_recv_length"),
    Hook("kprobe tcp_sendmsg", ("tcp_sendmsg_returns",), "kprobe", instead="fexit tcp_sendmsg"),
    Hook("kprobe tcp_sendpage", ("tcp_sendpage_returns",), "kprobe", instead="fexit tcp_sendpage"),
    Hook("kprobe tcp_recvmsg", ("tcp_recvmsg_returns",), "kprobe", instead="fexit tcp_recvmsg"),
    Hook("kprobe __sys_sendmsg", ("sys_sendmsg", "sys_sendmsg_returns"), "kprobe", "everything", "sys_enter"),
    Hook("kprobe __sys_recvmsg", ("sys_recvmsg", "sys_recvmsg_returns"), "kprobe", "everything", "sys_enter"),
)

COSTLY: Final = frozenset(hook.name for hook in HOOKS if hook.wanted != "default")
"""Nobody misses them who did not ask for them."""

COUNTING: Final[dict[Call, frozenset[str]]] = {
    "send": frozenset({"sock_send_length", "fexit tcp_sendmsg", "kprobe tcp_sendmsg"}),
    "receive": frozenset({"sock_recv_length", "fexit tcp_recvmsg", "kprobe tcp_recvmsg"}),
}
"""Any of these counts such calls, their bytes and sizes; …"""
TIMES: Final = "sys_enter"
"""… this one tells how long calls take, and alone knows of waiting and syncing; …"""
TIMING: Final = frozenset({TIMES, "kprobe __sys_sendmsg", "kprobe __sys_recvmsg"})
"""… these two as well, of those calls; …"""
WAITS: Final = "sched_switch"
"""… and this one of waits for a processor."""
ASKED: Final = "tcp_sendmsg_locked"
"""How much a send was asked to take …"""
TELLS_ASKED: Final = "fexit tcp_sendmsg"
"""… where this one counts, it knows."""

FINDS: Final = "find_process"
"""Iterators: from a process's number to the kernel's own; …"""
ADOPTS: Final = "adopt_sockets"
"""… over the sockets that it has when observing begins; …"""
READS: Final = "read_sockets"
"""… over the figures of its sockets."""

_NUMBERS: Final[dict[str, dict[str, tuple[int, ...]]]] = {
    "x86_64": {
        "send": (1, 20, 40, 44, 46, 307),  # write writev sendfile sendto sendmsg sendmmsg
        "receive": (0, 19, 45, 47, 299),  # read readv recvfrom recvmsg recvmmsg
        "wait": (7, 23, 232, 270, 271, 281, 441),  # poll select epoll_wait pselect6 ppoll epoll_pwait…
        "sync": (74, 75),  # fsync fdatasync
    },
    "aarch64": {
        "send": (64, 66, 71, 206, 211, 269),
        "receive": (63, 65, 207, 212, 243),
        "wait": (22, 72, 73, 441),
        "sync": (82, 83),
    },
}
"""Of system calls, by the machine (`uname -m`) and the kind of call."""


def call_of(machine: str | None = None) -> bytes | None:
    """Return what goes into `settings.call_of`. None: the numbers of this machine's calls are not known."""
    numbers = _NUMBERS.get(machine or os.uname().machine)
    if numbers is None:
        return None
    table = bytearray(SYSCALLS)
    for kind, call in enumerate(CALLS):
        for number in numbers[call]:
            table[number] = kind + 1
    return bytes(table)
