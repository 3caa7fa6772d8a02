"""`python bench/sends.py RATE SECONDS CONNECTIONS SIZE CORE`: a process that sends, and counts what it sent.

It says `ready`, waits for a line, sends at that rate, says how many calls and bytes that were, and waits for
another line. Somebody else, on CORE, reads what comes.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time

TURN = 0.01
"""Seconds from one burst to the next."""
_PIECE = 1 << 20


def read_on(listener: socket.socket, count: int) -> None:
    """Read from so many connections until all are closed."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        selector.register(listener.accept()[0], selectors.EVENT_READ)
    while count:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            if not key.fileobj.recv(_PIECE):
                selector.unregister(key.fileobj)
                count -= 1


def main() -> None:
    rate, seconds, count, size, core = float(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:])
    listener = socket.create_server(("127.0.0.1", 0), backlog=count)
    if os.fork() == 0:
        if core >= 0:
            os.sched_setaffinity(0, {core})
        read_on(listener, count)
        os._exit(0)
    lines = [socket.create_connection(listener.getsockname()) for _ in range(count)]
    targets = [line.fileno() for line in lines]
    data = b"x" * size
    print("ready", flush=True)
    sys.stdin.readline()
    calls = sent = turn = 0
    began = due = time.perf_counter()
    while due - began < seconds:
        for _ in range(round(rate * TURN)):
            sent += os.write(targets[calls % count], data)
            calls += 1
        turn += 1
        due = began + turn * TURN
        time.sleep(max(0.0, due - time.perf_counter()))
    print(calls, sent, time.perf_counter() - began, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
