"""Step 0.1: an anonymous line relay. Server and client in one file, standard library only.

    python examples/steps/v0_1.py serve 8080       one terminal
    python examples/steps/v0_1.py connect 8080     any number of others (or: nc 127.0.0.1 8080)

What one types, every connected terminal sees, the sender's too. No names, no history.

Three things to look for while reading:

* A *socket* is the program's handle for one end of a connection. The kernel keeps the connection; what
  is written into one end can be read from the other, in order. The server has one listening socket,
  from which new connections come, and one more socket for every client. asyncio wraps the latter in
  a pair: a `StreamReader` for what comes, a `StreamWriter` for what goes.
* A *task* is a function that can wait without stopping the others. Every connection has one,
  `handle_connection`. All of them run in one thread, in turns: a task runs until its next `await`.
* *Shared* is only `clients`. Every task is handed the same set, not a copy. It needs no lock,
  because no other task can run between two `await`s.
"""

import argparse
import asyncio
import contextlib
import os
import select
import socket
import sys

HOST = "127.0.0.1"  # this machine only: nobody outside can connect
MAX_LINE = 64 * 1024  # bytes; without a limit one endless line would fill the memory
MAX_BACKLOG = 1024 * 1024  # bytes that may wait for one slow reader

Clients = set[asyncio.StreamWriter]


async def serve(port: int) -> None:
    """Listen until ctrl+c. asyncio accepts, and starts one task for each connection."""
    clients: Clients = set()
    server = await asyncio.start_server(
        lambda reader, writer: handle_connection(reader, writer, clients), HOST, port, limit=MAX_LINE
    )
    # Port 0 means "any free one", so ask which it became.
    print(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()  # never done: ctrl+c cancels this wait
    finally:
        server.close()


async def handle_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clients: Clients
) -> None:
    """One connection, from its first byte to its end: read a line, hand it to everybody, again."""
    clients.add(writer)
    try:
        # TCP is a stream: a read may bring half a line, or three. readline() waits for the whole one,
        # and only a whole one is decoded, so half a character is never seen. What is left without
        # a line end when the peer goes is not a line.
        while (line := await reader.readline()).endswith(b"\n"):
            try:
                line.decode()
            except UnicodeDecodeError:
                send(writer, b"[Server] Error: that line is not UTF-8.\n")
                continue
            for client in clients:
                send(client, line)
    except (OSError, ValueError, asyncio.CancelledError):
        pass  # the connection broke; the line was too long; ctrl+c cancels every task
    finally:
        clients.discard(writer)
        writer.close()


def send(client: asyncio.StreamWriter, line: bytes) -> None:
    """Put a line into a client's outgoing buffer. Never waits, so a slow reader stops nobody.

    What the kernel does not take at once stays in the buffer. That has to be bounded: whoever reads so
    slowly that MAX_BACKLOG bytes wait for him is cut off. His task then sees the end, and tidies up.
    """
    if client.is_closing():
        return
    client.write(line)
    if client.transport.get_write_buffer_size() > MAX_BACKLOG:
        client.transport.abort()


def connect(port: int) -> None:
    """The client: one loop that waits for two things at once, the server and the keyboard."""
    with socket.create_connection((HOST, port)) as server:
        sources = [server.fileno(), sys.stdin.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if server.fileno() in ready:
                received = server.recv(MAX_LINE)
                if not received:  # an empty read means: the other side has closed
                    return
                sys.stdout.buffer.write(received)
                sys.stdout.flush()
            if sys.stdin.fileno() in ready:
                typed = os.read(sys.stdin.fileno(), MAX_LINE)
                if typed:
                    server.sendall(typed)
                else:  # ctrl+d: nothing more to say, but still listening
                    sources.remove(sys.stdin.fileno())
                    server.shutdown(socket.SHUT_WR)


def main() -> None:
    parser = argparse.ArgumentParser(description="Step 0.1: an anonymous line relay.")
    parser.add_argument("what", choices=["serve", "connect"])
    parser.add_argument("port", nargs="?", type=int, default=8080)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):  # ctrl+c is the way out, not an error
        if arguments.what == "serve":
            asyncio.run(serve(arguments.port))
        else:
            connect(arguments.port)


if __name__ == "__main__":
    main()
