"""A process of its own that lets the kernel refuse something, tries to observe, and says what came of it.

    python refusing.py PID bpf=5,17     # these commands of bpf() are refused, by a filter (seccomp)
    python refusing.py PID files=60     # it may open so many files
    python refusing.py PID              # only what its capabilities refuse

It writes a JSON object: `error`, or `attached` and `missing`; and `left`: descriptors of BPF's afterwards.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import struct
import sys
from pathlib import Path

from hubbub.observe.kernel.probes import Probes, ProbesError

BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: classic BPF
ALLOW, ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16  # struct seccomp_data


def refuse(commands: list[int]) -> None:
    """From now on, bpf() with these answers EPERM."""
    steps = [(LOAD_WORD, 0, 0, NUMBER_AT), (JUMP_EQUAL, 1, 0, BPF), (RETURN, 0, 0, ALLOW)]
    steps.append((LOAD_WORD, 0, 0, FIRST_ARGUMENT_AT))
    for command in commands:
        steps += [(JUMP_EQUAL, 0, 1, command), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    steps.append((RETURN, 0, 0, ALLOW))
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0, ctypes.get_errno()  # PR_SET_SECCOMP


def left() -> int:
    """How many descriptors of programs, maps, links, iterators this process has."""
    names = []
    for fd in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(fd.readlink()))
        except OSError:
            continue  # the listing's own
    return sum("bpf" in name for name in names)


def main(arguments: list[str]) -> None:
    pid = int(arguments[0])
    for argument in arguments[1:]:
        what, _, value = argument.partition("=")
        if what == "bpf":
            refuse([int(one) for one in value.split(",")])
        else:
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(value), int(value)))
    told: dict[str, object]
    try:
        probes = Probes.open(pid, everything=True)
    except ProbesError as error:
        told = {"error": str(error)}
    else:
        source = probes.source
        told = {"attached": source.attached, "missing": source.missing, "calls": len(probes.calls())}
        probes.sockets()
        probes.close()
    sys.stdout.write(json.dumps({**told, "left": left()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
