"""C and Python mean the same bytes: structs out of the object's own description, buckets by running the C."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.observe.kernel import hooks, layouts, records
from hubbub.observe.kernel.buckets import BUCKETS, bucket_of
from hubbub.observe.kernel.figures import CALLS, Happening
from hubbub.observe.kernel.layouts import Layout
from hubbub.observe.kernel.probes import OBJECT

PROBES = Path(__file__).parents[2] / "probes"
SOURCE = "".join(path.read_text() for path in sorted(PROBES.glob("*.[ch]")))
LAYOUTS = [one for one in vars(layouts).values() if isinstance(one, Layout)]


@pytest.fixture(scope="module")
def structs() -> dict[str, Any]:
    """Of the compiled object, by name."""
    bpftool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin")
    if bpftool is None or not OBJECT.exists():
        pytest.skip("bpftool, or the probes")
    command = [bpftool, "--json", "btf", "dump", "file", str(OBJECT)]
    types = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["types"]
    return {one["name"]: one for one in types if one["kind"] == "STRUCT"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_structs_are_laid_out_the_same(structs: dict[str, Any], layout: Layout) -> None:
    struct = structs[layout.name]
    members = {
        one["name"]: one["bits_offset"] // 8 for one in struct["members"] if one["name"] not in LAID_OUT
    }
    assert members == layout.offsets
    assert struct["size"] == layout.size


LAID_OUT = {"happening", "call_record", "socket_row"}
"""Members without a size, which `settings` has for the sake of their types."""


def test_kinds_are_numbered_the_same() -> None:
    enums = dict(re.findall(r"^enum (\w+) \{ (.*) \};$", SOURCE, re.MULTILINE))
    assert enums["call"].lower().split(", ") == [*CALLS, "calls"]
    assert enums["happening_kind"].lower().split(", ") == list(records.KINDS)
    assert set(records.KINDS) == set(get_args(get_type_hints(Happening)["kind"]))


def test_each_program_has_its_hook() -> None:
    programs = set(re.findall(r"^SEC\([^)]*\)\nint (?:BPF_PROG\()?(\w+)", SOURCE, re.MULTILINE))
    hooked = [program for hook in hooks.HOOKS for program in hook.programs]

    assert sorted(programs) == sorted([*hooked, hooks.FINDS, hooks.ADOPTS, hooks.READS])


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], int]:
    """`bucket_of` of the probes, compiled for this processor."""
    function = re.search(r"^static __always_inline __u32 bucket_of.*?^}", SOURCE, re.MULTILINE | re.DOTALL)
    assert function is not None
    folder = tmp_path_factory.mktemp("buckets")
    text = function[0].replace("static __always_inline ", "")
    head = f"typedef unsigned int __u32; typedef unsigned long long __u64;\n#define BUCKETS {BUCKETS}\n"
    (folder / "buckets.c").write_text(head + text)
    command = ["cc", "-shared", "-fPIC", "-o", str(folder / "buckets.so"), str(folder / "buckets.c")]
    subprocess.run(command, check=True)
    found = ctypes.CDLL(str(folder / "buckets.so")).bucket_of
    found.argtypes, found.restype = [ctypes.c_uint64], ctypes.c_uint32
    return found


@given(st.integers(0, 63).flatmap(lambda bits: st.integers(0, (1 << bits) - 1)))
@example((1 << 64) - 1)
@example(3)
@example(4)
@example((1 << 40) - 1)
@example(1 << 40)
def test_buckets_are_the_same(in_c: Callable[[int], int], value: int) -> None:
    assert in_c(value) == bucket_of(value)


def test_the_number_of_buckets_is_the_same() -> None:
    assert f"#define BUCKETS {BUCKETS}\n" in SOURCE


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_kind_has_its_system_calls(machine: str) -> None:
    table = hooks.call_of(machine)
    assert table is not None
    assert set(table) == {0, 1, 2, 3, 4}


def test_other_machines_have_no_numbers() -> None:
    assert hooks.call_of("vax") is None
