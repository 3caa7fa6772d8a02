"""libbpf by ctypes: to load an object, attach its programs, read its maps and rings. Nothing else does that.

Every function is called with the types that its header gives (libbpf 1.0 and later, whose ABI is stable).
What libbpf would print comes here instead: its own words and the verifier's, kept for the one who asks why.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections import deque
from collections.abc import Callable, Sequence
from ctypes import c_bool, c_char_p, c_int, c_int32, c_size_t, c_uint32, c_void_p
from functools import cache
from typing import Final

from hubbub.observe.kernel.refusals import culprit, refusal

LIBRARY: Final = "libbpf.so.1"
TOO_OLD: Final = "libbpf.so.0"

_WORDS: Final = 400
"""Lines of libbpf's that are kept, at most; the oldest go."""
_SAYING: Final = 1 << 20
"""Bytes that it may say at once: the verifier's whole account of a program."""
_MAP_LARGEST: Final = 64 << 20
"""Bytes of one answer of a map or an iterator that are believed."""
_RING_LARGEST: Final = 256 << 20
"""Bytes; the kernel's own limit is not much more."""
_ROUND: Final = 64 << 10

_TYPEDEF: Final = 8  # BTF_KIND_TYPEDEF
_ANY: Final = 0
_STOP: Final = -errno.ECANCELED

_PRINT: Final = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)
_SAMPLE: Final = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)

_FUNCTIONS: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "libbpf_major_version": (c_uint32, ()),
    "libbpf_set_print": (c_void_p, (_PRINT,)),
    "libbpf_num_possible_cpus": (c_int, ()),
    "btf__load_vmlinux_btf": (c_void_p, ()),
    "btf__find_by_name_kind": (c_int32, (c_void_p, c_char_p, c_uint32)),
    "btf__free": (None, (c_void_p,)),
    "bpf_object__open_mem": (c_void_p, (c_char_p, c_size_t, c_void_p)),
    "bpf_object__load": (c_int, (c_void_p,)),
    "bpf_object__close": (None, (c_void_p,)),
    "bpf_object__find_program_by_name": (c_void_p, (c_void_p, c_char_p)),
    "bpf_object__find_map_by_name": (c_void_p, (c_void_p, c_char_p)),
    "bpf_object__next_program": (c_void_p, (c_void_p, c_void_p)),
    "bpf_program__name": (c_void_p, (c_void_p,)),
    "bpf_program__set_autoload": (c_int, (c_void_p, c_bool)),
    "bpf_program__attach": (c_void_p, (c_void_p,)),
    "bpf_program__attach_iter": (c_void_p, (c_void_p, c_void_p)),
    "bpf_link__fd": (c_int, (c_void_p,)),
    "bpf_link__destroy": (c_int, (c_void_p,)),
    "bpf_map__fd": (c_int, (c_void_p,)),
    "bpf_map__value_size": (c_uint32, (c_void_p,)),
    "bpf_map__set_max_entries": (c_int, (c_void_p, c_uint32)),
    "bpf_map__set_initial_value": (c_int, (c_void_p, c_char_p, c_size_t)),
    "bpf_map_lookup_elem": (c_int, (c_int, c_void_p, c_void_p)),
    "bpf_iter_create": (c_int, (c_int,)),
    "ring_buffer__new": (c_void_p, (c_int, _SAMPLE, c_void_p, c_void_p)),
    "ring_buffer__consume": (c_int, (c_void_p,)),
    "ring_buffer__free": (None, (c_void_p,)),
}


class ProbesError(Exception):
    """No probes here, or no longer; its text is a sentence for people."""


class LibbpfError(ProbesError):
    """Something was refused, or is not there. `program`: by which it came, if by one."""

    def __init__(self, sentence: str, *, program: str | None = None, number: int = 0) -> None:
        """`number`: of the error (errno), 0: it has none."""
        super().__init__(sentence)
        self.program = program
        self.number = number


_kept: Final[list[object]] = []
"""Callbacks that C may call as long as the process lives."""


class _Opening(ctypes.Structure):
    """The beginning of `struct bpf_object_open_opts`: `object_name` begins the names of maps."""

    _fields_ = (("sz", c_size_t), ("object_name", c_char_p))


class _IterationOf(ctypes.Structure):
    """`struct bpf_iter_attach_opts`, and the `union bpf_iter_link_info` that it points to."""

    _fields_ = (("sz", c_size_t), ("link_info", c_void_p), ("link_info_len", c_uint32))


class Libbpf:
    """The library, with what it said last: what it prints has one place in a process."""

    def __init__(self, name: str = LIBRARY) -> None:
        """Load it. LibbpfError: it is missing, or too old."""
        try:
            found = ctypes.CDLL(name, use_errno=True)
        except OSError:
            raise LibbpfError(_absent(name)) from None
        self._call: dict[str, Callable[..., int]] = {}
        for function, (result, arguments) in _FUNCTIONS.items():
            try:
                one = getattr(found, function)
            except AttributeError:
                raise LibbpfError(f"{name} is too old (it has no {function}): libbpf 1.0 is needed") from None
            one.restype, one.argtypes = result, arguments
            self._call[function] = one
            if function == "libbpf_major_version" and self("libbpf_major_version") < 1:
                raise LibbpfError(f"{name} is too old: libbpf 1.0 is needed")
        self._format = ctypes.CDLL(None).vsnprintf
        self._format.restype = c_int
        self._format.argtypes = (c_void_p, c_size_t, c_char_p, c_void_p)
        self._said = deque[str](maxlen=_WORDS)
        listen = _PRINT(self._hear)
        _kept.append(listen)
        self("libbpf_set_print", listen)

    def __call__(self, function: str, *arguments: object) -> int:
        """Call a function of the table; None, as ctypes has a null pointer, is 0."""
        return self._call[function](*arguments) or 0

    def _hear(self, level: int, form: bytes, arguments: int | None) -> int:
        """What libbpf says: never to stderr. Level 2 is for those who mend libbpf."""
        if level < 2:
            line = ctypes.create_string_buffer(_SAYING)
            self._format(line, _SAYING, form, arguments)
            self._said.extend(line.value.decode(errors="replace").splitlines())
        return 0

    @property
    def said(self) -> Sequence[str]:
        """The last lines of what libbpf said."""
        return self._said

    def forget(self) -> None:
        """Begin anew."""
        self._said.clear()

    def tracepoints(self, names: Sequence[str]) -> set[str]:
        """Which of these tracepoints the running kernel has. LibbpfError: it does not tell its types."""
        types = self("btf__load_vmlinux_btf")
        if not types:
            raise LibbpfError("this kernel does not tell its types (BTF)", number=ctypes.get_errno())
        try:
            return {
                name
                for name in names
                if self("btf__find_by_name_kind", types, b"btf_trace_" + name.encode(), _TYPEDEF) > 0
            }
        finally:
            self("btf__free", types)


@cache
def libbpf(name: str) -> Libbpf:
    """Load a library once: it has one place for what it says."""
    return Libbpf(name)


class Map:
    """A map of a loaded object."""

    def __init__(self, library: Libbpf, pointer: int, name: str) -> None:
        """It lives as long as its object."""
        self._library = library
        self._pointer = pointer
        self.name = name

    @property
    def fd(self) -> int:
        """Its descriptor, once its object is loaded."""
        return self._library("bpf_map__fd", self._pointer)

    def sized(self, size: int) -> Map:
        """Return it, if its values have so many bytes. LibbpfError: the object fits other sources."""
        if self._library("bpf_map__value_size", self._pointer) != size:
            raise LibbpfError("the probes were built for another version (make probes)")
        return self

    def resize(self, size: int) -> None:
        """Of a ring, before it is loaded: bytes, which become a power of two and whole pages."""
        fits = 0 < size <= _RING_LARGEST
        if not fits or self._library("bpf_map__set_max_entries", self._pointer, size) != 0:
            raise LibbpfError(f"the ring {self.name} cannot have {size} bytes")

    def preset(self, value: bytes) -> None:
        """Before it is loaded: what a section of constants (`.rodata`) holds."""
        if self._library("bpf_map__set_initial_value", self._pointer, value, len(value)) != 0:
            raise LibbpfError(f"the section {self.name} of the probes has another size")

    def memory(self) -> mmap.mmap:
        """A section of variables (`.data`, `.bss`): memory that is shared with the kernel."""
        try:
            return mmap.mmap(self.fd, mmap.PAGESIZE)
        except OSError as error:
            why = error.strerror
            raise LibbpfError(f"the section {self.name} of the probes cannot be mapped: {why}") from None

    def first(self, size: int, *, per_processor: bool = False) -> bytes:
        """Return the value at 0; of all processors behind each other, if it has one for each."""
        count = self._library("libbpf_num_possible_cpus") if per_processor else 1
        if count < 0:
            why = os.strerror(-count)
            raise LibbpfError(f"how many processors there are, cannot be found out: {why}", number=-count)
        if not 0 < count * size <= _MAP_LARGEST:
            raise LibbpfError(f"the map {self.name} is too large")
        key, value = c_uint32(0), ctypes.create_string_buffer(count * size)
        if self._library("bpf_map_lookup_elem", self.fd, ctypes.byref(key), value) != 0:
            raise LibbpfError(f"the map {self.name} cannot be read: {_reason()}", number=ctypes.get_errno())
        return value.raw


class Link:
    """An attached program. It is detached when this is closed, or when the process ends, however it ends."""

    def __init__(self, library: Libbpf, pointer: int) -> None:
        """Of `Object.attach`."""
        self._library = library
        self._pointer = pointer

    def close(self) -> None:
        """Detach. Again: nothing."""
        pointer, self._pointer = self._pointer, 0
        if pointer:
            self._library("bpf_link__destroy", pointer)

    def iterate(self) -> bytes:
        """Of an iterator: let it run once, and return all that it wrote."""
        fd = self._library("bpf_iter_create", self._library("bpf_link__fd", self._pointer))
        if fd < 0:
            raise LibbpfError(f"the kernel lets nobody iterate: {os.strerror(-fd)}", number=-fd)
        parts: list[bytes] = []
        whole = 0
        try:
            while part := _read(fd):
                parts.append(part)
                whole += len(part)
                if whole > _MAP_LARGEST:
                    raise LibbpfError("an iterator of the probes found too much")
        except OSError as error:
            raise LibbpfError(
                f"the kernel stopped iterating: {error.strerror}", number=error.errno or 0
            ) from None
        finally:
            os.close(fd)
        return b"".join(parts)


class Ring:
    """The reading end of a ring buffer."""

    def __init__(self, library: Libbpf, of: Map) -> None:
        """LibbpfError: it cannot be mapped."""
        self._library = library
        self._records: list[bytes] = []
        self._most = 0
        self._take = _SAMPLE(self._taken)
        self._pointer = library("ring_buffer__new", of.fd, self._take, None, None)
        if not self._pointer:
            raise LibbpfError(f"the ring {of.name} cannot be read: {_reason()}", number=ctypes.get_errno())

    def _taken(self, _context: int | None, data: int, size: int) -> int:
        self._records.append(ctypes.string_at(data, size))
        return 0 if len(self._records) < self._most else _STOP

    def drain(self, most: int) -> list[bytes]:
        """Return what is there, without waiting; at most so many records, the rest the next time."""
        self._most = most
        if self._pointer:
            self._library("ring_buffer__consume", self._pointer)
        records, self._records = self._records, []
        return records

    def close(self) -> None:
        """Unmap. Again: nothing."""
        pointer, self._pointer = self._pointer, 0
        if pointer:
            self._library("ring_buffer__free", pointer)


class Object:
    """A BPF object: opened, told which of its programs to load, loaded."""

    def __init__(self, library: Libbpf, content: bytes) -> None:
        """`content`: of an ELF file that clang made. LibbpfError: it is no such file."""
        self._library = library
        self._content = content  # libbpf does not copy it
        library.forget()
        options = _Opening(ctypes.sizeof(_Opening), b"hubbub")
        self._pointer = library("bpf_object__open_mem", content, len(content), ctypes.byref(options))
        if not self._pointer:
            raise LibbpfError(f"the object of the probes cannot be read: {_reason()}")

    def programs(self) -> list[str]:
        """Return the names of all programs that it has."""
        names: list[str] = []
        program = 0
        while program := self._library("bpf_object__next_program", self._pointer, program or None):
            names.append(ctypes.string_at(self._library("bpf_program__name", program)).decode())
        return names

    def want(self, program: str, wanted: bool) -> None:
        """Say whether a program is loaded with the object."""
        self._library("bpf_program__set_autoload", self._program(program), wanted)

    def map(self, name: str) -> Map:
        """Return one of its maps."""
        pointer = self._library("bpf_object__find_map_by_name", self._pointer, name.encode())
        if not pointer:
            raise LibbpfError(f"the object of the probes has no map {name}")
        return Map(self._library, pointer, name)

    def load(self) -> None:
        """Load all that is wanted, or nothing. LibbpfError tells which program was refused, if one was."""
        self._library.forget()
        result = self._library("bpf_object__load", self._pointer)
        if result < 0:
            said = self._library.said
            raise LibbpfError(refusal(-result, said), program=culprit(said), number=-result)

    def attach(self, program: str) -> Link:
        """Attach a loaded program to what its section names."""
        return self._linked(self._library("bpf_program__attach", self._program(program)))

    def attach_iterator(self, program: str, over: Map | None = None) -> Link:
        """Attach a loaded iterator; `over` a map, if it is one over a map."""
        if over is None:
            return self._linked(self._library("bpf_program__attach_iter", self._program(program), None))
        info = c_uint32(over.fd)
        options = _IterationOf(ctypes.sizeof(_IterationOf), ctypes.addressof(info), ctypes.sizeof(info))
        reference = ctypes.byref(options)
        return self._linked(self._library("bpf_program__attach_iter", self._program(program), reference))

    def close(self) -> None:
        """Give up programs and maps. Again: nothing. Links are closed before."""
        pointer, self._pointer = self._pointer, 0
        if pointer:
            self._library("bpf_object__close", pointer)

    def _program(self, name: str) -> int:
        found = self._library("bpf_object__find_program_by_name", self._pointer, name.encode())
        if not found:
            raise LibbpfError(f"the object of the probes has no program {name}")
        return found

    def _linked(self, pointer: int) -> Link:
        if not pointer:
            number = ctypes.get_errno()
            raise LibbpfError(refusal(number, ()), number=number)
        return Link(self._library, pointer)


def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _ROUND)
        except BlockingIOError:  # the kernel's own pause in a long iteration
            continue


def _absent(name: str) -> str:
    try:
        ctypes.CDLL(TOO_OLD)
    except OSError:
        return f"{name} is missing (in Debian: libbpf1)"
    return f"{name} is missing, and {TOO_OLD} is too old: libbpf 1.0 is needed"


def _reason() -> str:
    return os.strerror(ctypes.get_errno())
