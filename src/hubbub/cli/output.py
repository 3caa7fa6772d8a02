"""Standard output, whatever it is: closed, full, of few letters, or with a reader that has enough.

The exit code says how things are, also to who reads no line, or the first one alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from rich.console import Console

_WIDE: Final = 120
"""Columns where no terminal says how many it has."""


class OutputError(Exception):
    """What was to be printed cannot be. The message says why."""


class _Output(io.FileIO):
    """Standard output's descriptor. It remembers that it failed: no OSError says whose it is."""

    failed: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """See io.FileIO. Raises OSError."""
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            raise


def prepare() -> None:
    """Before anything is opened: what is closed leads nowhere, and what cannot be encoded is a question mark.

    Else the next file or socket would get the number of the closed one, and be printed into.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nothing, True)
            setattr(sys, name, os.fdopen(nothing, "w" if number else "r", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout is sys.__stdout__ and isinstance(_raw(sys.stdout), io.FileIO):
            sys.stdout = _remembering(sys.stdout)
        if sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")


def _raw(text: io.TextIOWrapper) -> object:
    """What is under it and its buffer, where there is one (`PYTHONUNBUFFERED`)."""
    return getattr(text.buffer, "raw", text.buffer)


def _remembering(text: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same output, as `_Output`."""
    text.flush()
    raw = _Output(text.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        cast("BinaryIO", raw) if text.write_through else io.BufferedWriter(raw),
        text.encoding,
        text.errors,
        line_buffering=text.line_buffering,
        write_through=text.write_through,
    )


def check_printed() -> None:
    """See that all that was printed till now could be. Raises BrokenPipeError, OutputError."""
    flush()
    raw = _raw(sys.stdout) if isinstance(sys.stdout, io.TextIOWrapper) else None
    if isinstance(raw, _Output) and raw.failed is not None:
        with printing():
            raise raw.failed


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """For what does nothing but print. Raises BrokenPipeError, OutputError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from None


@contextlib.contextmanager
def whole_or_not() -> Iterator[None]:
    """For a command whose code tells all: what it prints within goes nowhere once its reader has enough."""
    try:
        yield
        flush()
    except BrokenPipeError:
        discard()


def flush() -> None:
    """Write out what waits. Raises BrokenPipeError, OutputError."""
    with printing():
        sys.stdout.flush()


def write(text: str) -> None:
    """All of it, at once: where Ctrl-C comes while a pipe is full, `sys.stdout` loses what it was to write.

    Raises BrokenPipeError, OutputError.
    """
    left = memoryview(text.encode(sys.stdout.encoding, "replace"))
    with printing():
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]


def discard() -> None:
    """Let go of the reader. What waits is written into nothing: Python flushes once more at its end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def open_console() -> Console:
    """For what is drawn: a terminal's width, or a fixed one. It takes a while to import."""
    from rich.console import Console

    class Drawing(Console):
        def on_broken_pipe(self) -> None:
            """Not rich's own way, which ends the process with a code of its own."""
            raise BrokenPipeError

    width = None if sys.stdout.isatty() else _WIDE
    return Drawing(highlight=False, markup=False, emoji=False, width=width)
