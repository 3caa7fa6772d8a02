"""A process to be observed: it does what it is told, line by line, and nothing else by itself.

    with Subject() as subject:
        subject("left, right = socket.socketpair()")
        assert subject("left.send(b'hello')") == 5

It reads from a pipe and writes to one, so that its sockets are those of the test alone.
"""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

LOOP = """
import ast, os, select, socket, sys, threading, time
for line in sys.stdin:
    source = ast.parse(ast.literal_eval(line))
    last = source.body.pop() if isinstance(source.body[-1], ast.Expr) else None
    value = None
    try:
        exec(compile(source, "-", "exec"))
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "-", "eval"))
        print(repr((True, value)), flush=True)
    except Exception as error:
        print(repr((False, repr(error))), flush=True)
"""

PAIR = """
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
cookie = int.from_bytes(server.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)
"""
"""A connection with itself: `client`, `server`, and the `cookie` of the server's end."""


class Subject:
    """A Python of its own, by its standard input; ended with the test."""

    def __init__(self, *before: str, arguments: Sequence[str] = ()) -> None:
        """`before`: a command to run it by, such as `unshare -n`."""
        self._process = subprocess.Popen(
            [*before, sys.executable, "-c", LOOP, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.pid = self._process.pid  # `before` has become it

    def __call__(self, source: str) -> object:
        """Run it there, and return the value of its last expression."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(repr(source) + "\n")
        answer = self._process.stdout.readline()
        assert answer, f"the subject ended: {source}"
        went_well, value = ast.literal_eval(answer)
        assert went_well, value
        return value

    def number(self, source: str) -> int:
        """As above, of what is a number."""
        value = self(source)
        assert isinstance(value, int)
        return value

    def kill(self) -> None:
        """End it by SIGKILL, and reap it. Again: nothing."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
