"""From an object file to programs in the kernel: which of them this kernel takes is decided one by one."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hubbub.observe.kernel import hooks
from hubbub.observe.kernel.hooks import HOOKS, Hook
from hubbub.observe.kernel.libbpf import Libbpf, LibbpfError, Object
from hubbub.observe.kernel.refusals import LOCKED_DOWN

_EVENT_SOURCES: Final = Path("/sys/bus/event_source/devices")
_ITERATORS: Final = (hooks.FINDS, hooks.ADOPTS, hooks.READS)


class Loaded(NamedTuple):
    """Programs in the kernel, attached nowhere yet."""

    object: Object
    hooks: tuple[Hook, ...]
    iterators: frozenset[str]
    missing: dict[str, str]
    """By the name of a hook or an iterator: why it is not among them."""


def load(library: Libbpf, content: bytes, rings: Mapping[str, int], without: Collection[str] = ()) -> Loaded:
    """Load all that this kernel takes. LibbpfError: nothing was loaded, and nothing is left.

    `rings`: bytes of each ring buffer. `without`: hooks that are to be taken for missing.
    """
    calls = hooks.call_of()
    wanted, missing = _choose(library, without, calls)
    iterators = set(_ITERATORS)
    for _ in range(len(HOOKS) + len(_ITERATORS) + 1):
        programs = {program for hook in wanted for program in hook.programs} | iterators
        object_ = Object(library, content)
        try:
            for program in object_.programs():
                object_.want(program, program in programs)
            for name, size in rings.items():
                object_.map(name).resize(size)
            if calls is not None:
                object_.map(".rodata").preset(calls)
            object_.load()
        except LibbpfError as error:
            object_.close()
            if str(error) == LOCKED_DOWN:
                raise
            if error.program in iterators:
                iterators.discard(error.program)
                missing[error.program] = str(error)
                continue
            culprit = next((hook for hook in wanted if error.program in hook.programs), None)
            if culprit is None or (error.number == errno.EPERM and culprit.kind == "tracepoint"):
                raise
            wanted.remove(culprit)
            missing[culprit.name] = str(error)
            wanted += _instead_of(culprit.name, without, missing)
        except BaseException:
            object_.close()
            raise
        else:
            return Loaded(object_, tuple(wanted), frozenset(iterators), missing)
    raise LibbpfError("the kernel refuses all programs")


def _choose(
    library: Libbpf, without: Collection[str], calls: bytes | None
) -> tuple[list[Hook], dict[str, str]]:
    """What may be tried, and why the rest may not."""
    primary = [hook for hook in HOOKS if hook.instead is None]
    there = library.tracepoints([program for hook in primary for program in hook.programs])
    wanted: list[Hook] = []
    missing: dict[str, str] = {}
    for hook in primary:
        if hook.name in without:
            missing[hook.name] = "it was left out"
        elif not there.issuperset(hook.programs):
            missing[hook.name] = "this kernel has no such tracepoint"
        elif hook.name == hooks.TIMES and calls is None:
            missing[hook.name] = f"the numbers of system calls on {os.uname().machine} are not known"
        else:
            wanted.append(hook)
            continue
        wanted += _instead_of(hook.name, without, missing)
    return wanted, missing


def _instead_of(name: str, without: Collection[str], missing: dict[str, str]) -> list[Hook]:
    """What can be tried where a hook is missing."""
    found: list[Hook] = []
    for hook in HOOKS:
        if hook.instead != name:
            continue
        if hook.name in without:
            missing[hook.name] = "it was left out"
        elif hook.kind == "kprobe" and not (_EVENT_SOURCES / "kprobe").exists():
            missing[hook.name] = "this kernel has no kprobes"
        else:
            found.append(hook)
            continue
        found += _instead_of(hook.name, without, missing)
    return found
