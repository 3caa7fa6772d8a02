"""Step 0.2: a room of people with names. Adds to v0.1: who speaks, who comes, who goes.

    python examples/steps/v0_2.py serve 8080
    python examples/steps/v0_2.py connect 8080     (or: nc 127.0.0.1 8080)

The first line that a client sends is its name. From then on the others see `Alice: hello`.

What is new, and where to look:

* The *shared state* grows from a set into a dict: name -> the connection of that person. In Rust this is
  `Arc<Mutex<HashMap<String, mpsc::Sender<String>>>>`. Here the writer's own buffer plays the channel's
  part: `send` leaves a line there and goes on, the event loop takes it to the network.
* A connection now has *states*: no name yet (`log_in`), then named (the loop in `handle_connection`).
* `finally` is what makes "has left" reliable: it runs however the connection ended.

Left out: names are compared as they stand, so `Alice` and `alice` are two people. Nobody proves who he is.
"""

import argparse
import asyncio
import contextlib
import os
import re
import select
import socket
import sys

HOST = "127.0.0.1"
MAX_LINE = 64 * 1024  # bytes
MAX_BACKLOG = 1024 * 1024  # bytes that may wait for one slow reader
NAME = re.compile(r"[\w.-]{1,32}")  # no spaces, no brackets: nobody can call himself "[Server]"
# A carriage return or a reversed text direction could make one line look like another person's.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

Clients = dict[str, asyncio.StreamWriter]


async def serve(port: int) -> None:
    """Listen until ctrl+c; one task for each connection."""
    clients: Clients = {}
    server = await asyncio.start_server(
        lambda reader, writer: handle_connection(reader, writer, clients), HOST, port, limit=MAX_LINE
    )
    print(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()  # never done: ctrl+c cancels this wait
    finally:
        server.close()


async def handle_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clients: Clients
) -> None:
    """One connection: first the name, then lines for the others, then goodbye."""
    name = None
    try:
        name = await log_in(reader, writer, clients)
        while name and (text := await read_line(reader, writer)) is not None:
            if text:
                broadcast(clients, f"{name}: {text}", but=name)
    except ValueError:
        send(writer, f"[Server] Error: a line may have at most {MAX_LINE} bytes.")
    except (OSError, asyncio.CancelledError):
        pass  # the connection broke; ctrl+c cancels every task
    finally:
        if name:
            del clients[name]
            broadcast(clients, f"[Server] {name} has left.", but=name)
        writer.close()


async def log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clients: Clients) -> str | None:
    """Take the first line as the name. None: refused, or gone."""
    line = await read_line(reader, writer)
    if line is None:
        return None
    name = line.strip()
    # No `await` between looking and entering: two who want the same name at the same moment are still
    # served one after the other. With threads, these lines would have to hold a lock.
    if not NAME.fullmatch(name):
        send(writer, f"[Server] Username '{name}' is not valid: 1 to 32 letters, digits, '_', '-' or '.'.")
        return None
    if name in clients:
        send(writer, f"[Server] Username '{name}' is already taken.")
        return None
    clients[name] = writer
    broadcast(clients, f"[Server] {name} has joined.", but=name)
    return name


async def read_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """The next line without its end; None when the peer has gone. Raises ValueError: line too long."""
    while (line := await reader.readline()).endswith(b"\n"):
        try:
            return CONTROLS.sub("\ufffd", line.decode().rstrip("\r\n"))
        except UnicodeDecodeError:
            send(writer, "[Server] Error: that line is not UTF-8.")
    return None


def broadcast(clients: Clients, text: str, but: str) -> None:
    """Send a line to everybody but one."""
    for name, client in clients.items():
        if name != but:
            send(client, text)


def send(client: asyncio.StreamWriter, text: str) -> None:
    """Put a line into a client's buffer. Never waits; a reader who is too far behind is cut off."""
    if client.is_closing():
        return
    client.write(text.encode() + b"\n")
    if client.transport.get_write_buffer_size() > MAX_BACKLOG:
        client.transport.abort()


def connect(port: int) -> None:
    """The client of v0.1, unchanged: it is the server that gives the first line its meaning."""
    with socket.create_connection((HOST, port)) as server:
        sources = [server.fileno(), sys.stdin.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if server.fileno() in ready:
                received = server.recv(MAX_LINE)
                if not received:
                    return
                sys.stdout.buffer.write(received)
                sys.stdout.flush()
            if sys.stdin.fileno() in ready:
                typed = os.read(sys.stdin.fileno(), MAX_LINE)
                if typed:
                    server.sendall(typed)
                else:
                    sources.remove(sys.stdin.fileno())
                    server.shutdown(socket.SHUT_WR)


def main() -> None:
    parser = argparse.ArgumentParser(description="Step 0.2: a room of people with names.")
    parser.add_argument("what", choices=["serve", "connect"])
    parser.add_argument("port", nargs="?", type=int, default=8080)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.what == "serve":
            asyncio.run(serve(arguments.port))
        else:
            connect(arguments.port)


if __name__ == "__main__":
    main()
