"""Step 0.4: structured messages. The features of v0.3, spoken in JSON instead of lines.

    python examples/steps/v0_4.py serve 8080
    python examples/steps/v0_4.py connect 8080     then type: a name, lines, /list, /w <username> <message>

On the wire: 4 bytes, the length N (unsigned, big-endian), then N bytes: one JSON object in UTF-8, whose
"type" names the message. `{"type":"Broadcast","content":"hi"}` is sent as 00 00 00 23 and those 35 bytes.

What is new, and where to look:

* *Framing* (`read_frame`, `send`): TCP is a stream and keeps no message borders. A line ended at `\\n`; now
  the length comes first, so a message may contain any character, and a broken one has a known end:
  it is answered with Error, and the connection is kept. Only a length that is too big ends it.
* *Messages are types* (`Login` and those below it): all that may be said stands in one place. `decode` makes
  one of them out of bytes or raises BadMessageError, so the code behind it never meets a missing field.
* *The client has work of its own* (`typed`, `show`): from keys to messages, from messages to text.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import select
import socket
import struct
import sys
from typing import Any, NamedTuple

HOST = "127.0.0.1"
MAX_FRAME = 64 * 1024  # bytes of one message; looked at before they are read
MAX_BACKLOG = 1024 * 1024  # bytes that may wait for one slow reader
NAME = re.compile(r"[\w.-]{1,32}")
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


# All that may be said, a line each: name, then fields with their types.
# ruff: noqa: UP014
Login = NamedTuple("Login", [("username", str)])
Broadcast = NamedTuple("Broadcast", [("content", str)])
Whisper = NamedTuple("Whisper", [("to", str), ("content", str)])
List = NamedTuple("List", [])
Welcome = NamedTuple("Welcome", [("username", str)])
UserJoined = NamedTuple("UserJoined", [("username", str)])
UserLeft = NamedTuple("UserLeft", [("username", str)])
UserList = NamedTuple("UserList", [("users", list[str])])
NewMessage = NamedTuple("NewMessage", [("sender", str), ("content", str)])
PrivateMessage = NamedTuple("PrivateMessage", [("sender", str), ("to", str), ("content", str)])
Error = NamedTuple("Error", [("msg", str)])

ClientMessage = Login | Broadcast | Whisper | List
ServerMessage = Welcome | UserJoined | UserLeft | UserList | NewMessage | PrivateMessage | Error
KINDS: dict[str, type[ClientMessage]] = {kind.__name__: kind for kind in ClientMessage.__args__}
ON_THE_WIRE = {"sender": "from"}  # `from` is a word of Python's own
SHOWN = {  # how the client puts each into words
    "Welcome": "You are {username}.",
    "UserJoined": "{username} has joined.",
    "UserLeft": "{username} has left.",
    "UserList": "Users online: {users}",
    "NewMessage": "{from}: {content}",
    "PrivateMessage": "[Private from {from} to {to}] {content}",
    "Error": "Error: {msg}",
}
Clients = dict[str, asyncio.StreamWriter]


class BadMessageError(Exception):
    """The bytes of one frame are no message. The next frame may be fine."""


def encode(message: ClientMessage | ServerMessage) -> bytes:
    """A message as one frame: its length, then its JSON."""
    body = {ON_THE_WIRE.get(key, key): value for key, value in message._asdict().items()}
    # "replace": JSON can spell half a surrogate pair (\\ud800), which no UTF-8 can carry.
    data = json.dumps({"type": type(message).__name__, **body}, ensure_ascii=False).encode(errors="replace")
    return struct.pack(">I", len(data)) + data


def decode(data: bytes) -> ClientMessage:
    """The message in a client's frame. Raises BadMessageError. Fields that are not known are passed over."""
    try:
        body = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise BadMessageError("that is not JSON in UTF-8") from None
    kind = KINDS.get(str(body.get("type"))) if isinstance(body, dict) else None
    if kind is None:
        raise BadMessageError("unknown type")
    values: dict[str, Any] = {}
    for field, wanted in kind.__annotations__.items():
        values[field] = body.get(field)
        if not isinstance(values[field], wanted):
            raise BadMessageError(f"{kind.__name__}: field '{field}' is missing or not a {wanted.__name__}")
    return kind(**values)


async def serve(port: int) -> None:
    """Listen until ctrl+c; one task for each connection."""
    clients: Clients = {}
    server = await asyncio.start_server(
        lambda reader, writer: handle_connection(reader, writer, clients), HOST, port, limit=MAX_FRAME
    )
    print(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()  # never done: ctrl+c cancels this wait
    finally:
        server.close()


async def handle_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clients: Clients
) -> None:
    """One connection: frame in, message out of it, deal with it, again."""
    name = None
    try:
        while True:
            frame = await read_frame(reader)
            try:
                message = decode(frame)
            except BadMessageError as why:
                send(writer, Error(str(why)))
                continue
            if name is not None:
                handle(name, message, clients)
            elif not isinstance(message, Login):
                send(writer, Error("Log in first."))
            elif refusal := refuse(message.username, clients):
                send(writer, Error(refusal))
                return
            else:
                name = message.username
                clients[name] = writer
                send(writer, Welcome(name))
                broadcast(clients, UserJoined(name), but=name)
    except ValueError as too_long:
        send(writer, Error(str(too_long)))
    except (OSError, EOFError, asyncio.CancelledError):
        pass  # the connection broke, or ended; ctrl+c cancels every task
    finally:
        if name is not None:
            del clients[name]
            broadcast(clients, UserLeft(name), but=name)
        writer.close()


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The bytes of the next frame. Raises EOFError at the end, ValueError where the length is too big.

    `readexactly` waits until all of it has come, however many pieces the network made of it.
    """
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if length > MAX_FRAME:
        raise ValueError(f"a message may have at most {MAX_FRAME} bytes")
    return await reader.readexactly(length)


def refuse(name: str, clients: Clients) -> str | None:
    """Why somebody cannot have this name; None: he can."""
    if not NAME.fullmatch(name):
        return f"Username '{name}' is not valid: 1 to 32 letters, digits, '_', '-' or '.'."
    return f"Username '{name}' is already taken." if name in clients else None


def handle(name: str, message: ClientMessage, clients: Clients) -> None:
    """What v0.3's `handle_line` did, with nothing left to parse."""
    match message:
        case Broadcast(content):
            broadcast(clients, NewMessage(name, content), but=name)
        case Whisper(to, content) if to in clients:
            send(clients[to], PrivateMessage(name, to, content))
            send(clients[name], PrivateMessage(name, to, content))
        case Whisper(to, _):
            send(clients[name], Error(f"User '{to}' not found."))
        case List():
            send(clients[name], UserList(sorted(clients)))
        case Login():
            send(clients[name], Error(f"You are '{name}' already."))


def broadcast(clients: Clients, message: ServerMessage, but: str) -> None:
    """Send a message to everybody but one."""
    for name, client in clients.items():
        if name != but:
            send(client, message)


def send(client: asyncio.StreamWriter, message: ServerMessage) -> None:
    """Put a message into a client's buffer. Never waits; a reader who is too far behind is cut off."""
    if client.is_closing():
        return
    client.write(encode(message))
    if client.transport.get_write_buffer_size() > MAX_BACKLOG:
        client.transport.abort()


def connect(port: int) -> None:
    """The client: keys become messages, messages become text."""
    print("Your name?", flush=True)
    named, keys = False, b""
    with socket.create_connection((HOST, port)) as server:
        sources = [server.fileno(), sys.stdin.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if server.fileno() in ready:
                # WAITALL: wait for all of them. Fewer bytes come only at the end of the connection.
                length = int.from_bytes(server.recv(4, socket.MSG_WAITALL), "big")
                body = server.recv(min(length, MAX_BACKLOG), socket.MSG_WAITALL)
                if not 0 < length == len(body):
                    return
                show(body)
            if sys.stdin.fileno() in ready:
                pressed = os.read(sys.stdin.fileno(), MAX_FRAME)
                if not pressed:
                    sources.remove(sys.stdin.fileno())
                    server.shutdown(socket.SHUT_WR)
                *lines, keys = (keys + pressed).split(b"\n")
                for line in lines:
                    text = line.decode(errors="replace")
                    message = typed(text) if named else Login(text.strip())
                    named = True
                    if message is None:
                        print("Try /list or /w <username> <message>.", flush=True)
                    else:
                        server.sendall(encode(message))


def typed(line: str) -> ClientMessage | None:
    """What a typed line asks for; None: an unknown command. What is no command is said to the room."""
    match line.split(" ", 2):
        case ["/list"]:
            return List()
        case ["/w", to, content]:
            return Whisper(to, content)
        case [command, *_] if command.startswith("/"):
            return None
        case _:
            return Broadcast(line)


def show(data: bytes) -> None:
    """Print a message. A terminal obeys control characters, so what others wrote is cleaned first."""
    body = json.loads(data)
    if "users" in body:
        body["users"] = ", ".join(body["users"])
    if text := SHOWN.get(body["type"]):  # a newer server may say things that this client does not know
        print(CONTROLS.sub("\ufffd", text.format_map(body)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Step 0.4: structured messages.")
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
