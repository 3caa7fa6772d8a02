"""What user space and kernel share, byte for byte: the structs of `probes/shared.h`.

A test reads their sizes and offsets out of the compiled object and holds both together.
"""

from __future__ import annotations

import mmap
import struct
from typing import Final

from hubbub.observe.kernel.buckets import BUCKETS


class Layout:
    """One struct: its members by name, each with its code as `struct` has it; all padding is named."""

    def __init__(self, name: str, **members: str) -> None:
        """In the order in which they lie."""
        self.name = name
        self.members = members
        self._struct = struct.Struct("=" + "".join(members.values()))
        self.size = self._struct.size
        self.unpack = self._struct.unpack
        self.iter_unpack = self._struct.iter_unpack
        self.offsets: dict[str, int] = {}
        whole = ""
        for member, code in members.items():
            self.offsets[member] = struct.calcsize("=" + whole)
            whole += code


def write(memory: mmap.mmap, layout: Layout, **values: int) -> None:
    """Set members of a struct that the kernel reads meanwhile, each at once."""
    for member, value in values.items():
        struct.pack_into("=" + layout.members[member], memory, layout.offsets[member], value)


def read(memory: mmap.mmap, layout: Layout, member: str) -> int:
    """Return a member of a struct that the kernel writes meanwhile."""
    value: int = struct.unpack_from("=" + layout.members[member], memory, layout.offsets[member])[0]
    return value


SYSCALLS: Final = 512
"""Numbers of system calls that have a place in `settings.call_of`."""
NOBODY: Final = 0xFFFF_FFFF
"""As `control.target`: no process."""

SETTINGS: Final = Layout("settings", call_of=f"{SYSCALLS}s")
CONTROL: Final = Layout("control", target="I", tracing="I", timing="I", wanted_pid="I", wanted_namespace="I")
LOSSES: Final = Layout("losses", happenings="Q", calls="Q", missed="Q")
CALL_FIGURES: Final = Layout(
    "call_figures",
    count="Q",
    bytes="Q",
    failed="Q",
    again="Q",
    timed="Q",
    timed_failed="Q",
    sizes=f"{BUCKETS}Q",
    took=f"{BUCKETS}Q",
)
SOCKET_SUMS: Final = Layout(
    "socket_sums",
    short_sends="Q",
    full="Q",
    retransmits="Q",
    overflows="Q",
    resets_sent="Q",
    resets_received="Q",
    state_changes="Q",
)
FIGURES: Final = Layout(
    "figures", calls=f"{4 * CALL_FIGURES.size}s", waits=f"{BUCKETS}Q", sockets=f"{SOCKET_SUMS.size}s"
)
"""Of one processor; `calls` by the number of the kind."""
SOCKET_ROW: Final = Layout(
    "socket_row",
    cookie="Q",
    sends="Q",
    short_sends="Q",
    send_bytes="Q",
    receives="Q",
    receive_bytes="Q",
    full="Q",
    overflows="Q",
    resets_sent="Q",
    resets_received="Q",
    state_changes="Q",
)
HAPPENING: Final = Layout(
    "happening",
    at="Q",
    cookie="Q",
    times="I",
    family="H",
    local_port="H",
    peer_port="H",
    kind="B",
    before="B",
    after="B",
    spare="3s",
    local="16s",
    peer="16s",
)
CALL_RECORD: Final = Layout("call_record", at="Q", cookie="Q", result="q", took="Q", fd="i", kind="I")
