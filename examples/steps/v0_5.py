"""Step 0.5: files. Adds to v0.4: an offer, an acceptance, and raw bytes through the same connections.

    python examples/steps/v0_5.py serve 8080
    python examples/steps/v0_5.py connect 8080     then type: a name, lines, v0.4's commands, and
        /send <username> <path>     /accept <username> <filename>     /decline <username> <filename>

    Alice               server              Bob
      | FileOffer  ---->  | FileOffer  ---->  |     the control flow: JSON
      |                   | <---- FileAccept  |
      | <---- StartUpload | StartDownload --> |
      | size raw bytes -> | size raw bytes -> |     the data flow: no JSON, no frames
      | <------- FileDone | FileDone -------> |     and both are back in JSON

What is new, and where to look:

* A connection is a *state machine*: the same bytes are JSON frames in one state and a file in the other.
  So its task takes whatever comes (`handle_connection`), and the state says what it is. v0.4's
  `readexactly(4)` would already be waiting for a length when the file's first four bytes arrive.
* *Back-pressure* (`relay`): for a slow reader chat is cut off, a file must wait. `drain()` waits for the
  receiver; meanwhile nothing more is read from the sender, and TCP makes him slow.
* Nothing may come between the raw bytes: what others say to the two is `held` until the file is over.
* The price of raw bytes: what the sender says after the server has switched, and before StartUpload has
  reached him, would be taken for file content. So a client is silent while an offer of its own is open.
* v0.4's message types are written as patterns (`handle`): a message that lacks a field fits none of them.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import select
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
MAX_FRAME = 64 * 1024  # bytes of one message
MAX_BACKLOG = 1024 * 1024  # bytes that may wait for one slow reader, or be held back during a file
MAX_FILE = 2**40  # bytes
CHUNK = 64 * 1024  # bytes of a file that are moved at a time
NAME = re.compile(r"[\w.-]{1,32}")
FILENAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,255}")  # a label, never a path
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
SHOWN = {  # what the server says, as the client puts it into words
    "Welcome": "You are {username}.",
    "UserJoined": "{username} has joined.",
    "UserLeft": "{username} has left.",
    "UserList": "Users online: {users}",
    "NewMessage": "{from}: {content}",
    "PrivateMessage": "[Private from {from} to {to}] {content}",
    "Error": "Error: {msg}",
    "FileOffer": "{from} offers '{filename}' ({size} bytes): /accept {from} {filename}",
    "FileDecline": "{to} does not take '{filename}'.",
    "FileDone": "'{filename}' is complete, SHA-256 {sha256}",
}


@dataclass(eq=False)
class Client:
    """One connection: who it is, and its state. Where `transfer` is None, its bytes are JSON frames."""

    writer: asyncio.StreamWriter
    name: str = ""
    offer: dict[str, Any] | None = None  # its open FileOffer: one at a time
    transfer: "Transfer | None" = None
    held: bytearray = field(default_factory=bytearray)  # frames that wait for the end of the transfer


@dataclass(eq=False)
class Transfer:
    """A file under way: the sender's task moves it; `left` bytes are still to come."""

    sender: Client
    receiver: Client
    filename: str
    left: int
    digest: Any = field(default_factory=hashlib.sha256)


Clients = dict[str, Client]


def encode(message: dict[str, Any]) -> bytes:
    """A message as one frame: its length, then its JSON."""
    data = json.dumps(message, ensure_ascii=False).encode(errors="replace")
    return struct.pack(">I", len(data)) + data


async def serve(port: int) -> None:
    """Listen until ctrl+c; one task for each connection."""
    clients: Clients = {}
    server = await asyncio.start_server(
        lambda reader, writer: handle_connection(reader, Client(writer), clients), HOST, port
    )
    print(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    try:
        await asyncio.get_running_loop().create_future()  # never done: ctrl+c cancels this wait
    finally:
        server.close()


async def handle_connection(reader: asyncio.StreamReader, client: Client, clients: Clients) -> None:
    """One connection: take the bytes that came, and let the state say what they are."""
    received = bytearray()
    try:
        while data := await reader.read(CHUNK):
            received += data
            while received:
                if client.transfer and client.transfer.sender is client:
                    await relay(client.transfer, received)
                elif (frame := take_frame(received)) is None:
                    break  # half a frame: wait for more
                elif not handle(client, frame, clients):
                    return
    except ValueError as too_long:
        send(client, {"type": "Error", "msg": str(too_long)})
    except (OSError, asyncio.CancelledError):
        pass  # the connection broke; ctrl+c cancels every task
    finally:
        if client.name:
            leave(client, clients)
        client.writer.close()


def take_frame(received: bytearray) -> bytes | None:
    """Cut the first frame off what was received; None: it is not whole yet. ValueError: too long."""
    if len(received) < 4:
        return None
    (length,) = struct.unpack_from(">I", received)
    if length > MAX_FRAME:
        raise ValueError(f"a message may have at most {MAX_FRAME} bytes")
    if len(received) < 4 + length:
        return None
    frame = bytes(received[4 : 4 + length])
    del received[: 4 + length]
    return frame


def handle(client: Client, frame: bytes, clients: Clients) -> bool:
    """Deal with one message. False: the connection is to be closed."""
    try:
        message = json.loads(frame.decode())
    except (ValueError, RecursionError):
        message = None
    match message:
        case {"type": "Login", "username": str(name)} if not client.name:
            if not NAME.fullmatch(name) or name in clients:
                why = "already taken" if name in clients else "not valid: 1 to 32 letters, digits or _-."
                send(client, {"type": "Error", "msg": f"Username '{name}' is {why}."})
                return False
            client.name = name
            clients[name] = client
            send(client, {"type": "Welcome", "username": name})
            broadcast(clients, client, {"type": "UserJoined", "username": name})
        case _ if not client.name:
            send(client, {"type": "Error", "msg": "Log in first."})
        case {"type": "Broadcast", "content": str(content)}:
            broadcast(clients, client, {"type": "NewMessage", "from": client.name, "content": content})
        case {"type": "Whisper", "to": str(to), "content": str(content)} if to in clients:
            private = {"type": "PrivateMessage", "from": client.name, "to": to, "content": content}
            send(clients[to], private)
            send(client, private)
        case {"type": "Whisper", "to": str(to), "content": str()}:
            send(client, {"type": "Error", "msg": f"User '{to}' not found."})
        case {"type": "List"}:
            send(client, {"type": "UserList", "users": sorted(clients)})
        case {"type": "FileOffer", "to": str(to), "filename": str(filename), "size": int(size)}:
            offer = {"type": "FileOffer", "from": client.name, "to": to, "filename": filename, "size": size}
            if refused := offer_file(client, offer, clients):
                # The request's own id, if it had one, tells the client which request failed.
                send(client, {"type": "Error", "msg": refused, "id": message.get("id")})
        case {"type": "FileAccept" | "FileDecline" as answer, "from": str(sender), "filename": str(filename)}:
            answer_offer(client, answer, sender, filename, clients)
        case _:
            send(
                client, {"type": "Error", "msg": "That is not a message: JSON, its type or a field is wrong."}
            )
    return True


def offer_file(client: Client, offer: dict[str, Any], clients: Clients) -> str | None:
    """Remember an offer and pass it on; or return why not."""
    if offer["to"] not in clients or offer["to"] == client.name:
        return f"User '{offer['to']}' not found."
    if not FILENAME.fullmatch(offer["filename"]) or not 0 <= offer["size"] <= MAX_FILE:
        return "That is no file name, or no size."
    if client.offer:
        return "You have an open offer already."
    client.offer = offer
    send(clients[offer["to"]], offer)
    return None


def answer_offer(client: Client, answer: str, sender: str, filename: str, clients: Clients) -> None:
    """The receiver has decided: start the transfer, or tell the sender that there will be none."""
    other = clients.get(sender)
    offer = other.offer if other else None
    if not other or not offer or (offer["to"], offer["filename"]) != (client.name, filename):
        send(client, {"type": "Error", "msg": f"There is no offer of '{filename}' by '{sender}'."})
    elif answer == "FileDecline":
        other.offer = None
        send(other, {"type": "FileDecline", "from": sender, "to": client.name, "filename": filename})
    elif client.transfer or other.transfer:
        send(client, {"type": "Error", "msg": "One of you is busy with another file. Try again after it."})
    else:
        other.offer = None
        send(other, {"type": "StartUpload", "filename": filename})
        size = offer["size"]
        send(client, {"type": "StartDownload", "from": sender, "filename": filename, "size": size})
        # The switch: from here on the sender's bytes are the file's.
        client.transfer = other.transfer = Transfer(other, client, filename, size)
        if not size:
            finish(client.transfer)


async def relay(transfer: Transfer, received: bytearray) -> None:
    """Pass file bytes on as fast as the receiver takes them. If he has gone, they are thrown away."""
    chunk = bytes(received[: transfer.left])
    del received[: len(chunk)]
    transfer.left -= len(chunk)
    transfer.digest.update(chunk)
    receiver = transfer.receiver.writer
    if not receiver.is_closing():
        with contextlib.suppress(OSError):
            receiver.write(chunk)
            await receiver.drain()
    if not transfer.left:
        finish(transfer)


def finish(transfer: Transfer) -> None:
    """Switch both back to JSON, and give them what was held back."""
    done = {"type": "FileDone", "filename": transfer.filename, "sha256": transfer.digest.hexdigest()}
    if transfer.receiver.writer.is_closing():
        msg = f"'{transfer.receiver.name}' left before '{transfer.filename}' was complete."
        done = {"type": "Error", "msg": msg, "filename": transfer.filename}
    for client in (transfer.sender, transfer.receiver):
        client.transfer = None
        write(client, encode(done) + client.held)
        client.held.clear()


def leave(client: Client, clients: Clients) -> None:
    """Undo what a connection has left behind."""
    del clients[client.name]
    broadcast(clients, client, {"type": "UserLeft", "username": client.name})
    for other in clients.values():
        if other.offer and other.offer["to"] == client.name:
            send(other, {**other.offer, "type": "FileDecline"})
            other.offer = None
    if client.transfer and client.transfer.sender is client:
        # Half a file must never look whole: the receiver meets the end before `size` bytes.
        client.transfer.receiver.writer.close()


def broadcast(clients: Clients, but: Client, message: dict[str, Any]) -> None:
    """Send a message to everybody but one."""
    for client in clients.values():
        if client is not but:
            send(client, message)


def send(client: Client, message: dict[str, Any]) -> None:
    """Send a message, or hold it back while a file is under way. Never waits, and is bounded both ways."""
    if not client.transfer:
        write(client, encode(message))
    else:
        client.held += encode(message)
        if len(client.held) > MAX_BACKLOG:
            client.writer.transport.abort()


def write(client: Client, data: bytes) -> None:
    """Put bytes into a client's buffer; a reader who is too far behind is cut off."""
    if not client.writer.is_closing():
        client.writer.write(data)
        if client.writer.transport.get_write_buffer_size() > MAX_BACKLOG:
            client.writer.transport.abort()


class Terminal:
    """The client: one loop for the server and the keyboard, with the same two states."""

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.named = False
        self.offered: Path | None = None  # our open offer: until it is decided and done we say nothing
        self.size = 0  # of that file; exactly as many bytes are sent, whatever becomes of it meanwhile
        self.keys = b""

    def run(self) -> None:
        """Until the server closes, or ctrl+d where nothing is left to say."""
        keyboard = sys.stdin.fileno()
        while True:
            ready, _, _ = select.select([self.server] if self.offered else [self.server, keyboard], [], [])
            if self.server in ready and not self.hear():
                return
            if keyboard in ready:
                pressed = os.read(keyboard, CHUNK)
                if not pressed:
                    return
                self.keys += pressed
            while b"\n" in self.keys and not self.offered:
                line, self.keys = self.keys.split(b"\n", 1)
                if message := self.typed(line.decode(errors="replace")):
                    self.server.sendall(encode(message))

    def typed(self, line: str) -> dict[str, Any] | None:
        """The message that a typed line asks for."""
        if not self.named:
            self.named = True
            return {"type": "Login", "username": line.strip()}
        match line.split(" ", 2):
            case ["/list"]:
                return {"type": "List"}
            case ["/w", to, content]:
                return {"type": "Whisper", "to": to, "content": content}
            case ["/send", to, path] if Path(path).is_file():
                self.offered = Path(path)
                self.size = self.offered.stat().st_size
                offer = {"type": "FileOffer", "id": "offer", "to": to}
                return {**offer, "filename": self.offered.name, "size": self.size}
            case ["/accept", sender, name] if not Path(name).exists():
                return {"type": "FileAccept", "from": sender, "filename": name}
            case ["/decline", sender, name]:
                return {"type": "FileDecline", "from": sender, "filename": name}
            case ["/send" | "/accept", _, path]:
                print(f"'{path}': no such file to send, or one that is here already.", flush=True)
                return None
            case [command, *_] if command.startswith("/"):
                print("Try /list, /w, /send, /accept or /decline.", flush=True)
                return None
        return {"type": "Broadcast", "content": line}

    def hear(self) -> bool:
        """Take one message of the server, and the file that may follow it. False: it has closed."""
        length = int.from_bytes(self.server.recv(4, socket.MSG_WAITALL), "big")
        data = self.server.recv(min(length, MAX_BACKLOG), socket.MSG_WAITALL)
        if not 0 < length == len(data):
            return False
        message = json.loads(data)
        message["users"] = ", ".join(message.get("users", []))
        if text := SHOWN.get(message["type"]):
            print(CONTROLS.sub("\ufffd", text.format_map(message)), flush=True)
        match message["type"]:
            case "StartUpload" if self.offered and self.size:
                with self.offered.open("rb") as file:
                    if self.server.sendfile(file, count=self.size) < self.size:
                        sys.exit(f"'{self.offered}' has become shorter.")
            case "StartDownload":
                self.download(Path(Path(message["filename"]).name), message["size"])
            case "FileDone" | "FileDecline" | "Error" if self.offered:
                if message.get("filename") == self.offered.name or message.get("id") == "offer":
                    self.offered = None
        return True

    def download(self, path: Path, left: int) -> None:
        """Receive a file into the current folder. "xb": never over one that is there already."""
        with path.open("xb") as file:
            while left:
                chunk = self.server.recv(min(CHUNK, left))
                if not chunk:
                    path.unlink()
                    sys.exit(f"'{path}' broke off, {left} bytes before its end.")
                file.write(chunk)
                left -= len(chunk)


def main() -> None:
    parser = argparse.ArgumentParser(description="Step 0.5: files.")
    parser.add_argument("what", choices=["serve", "connect"])
    parser.add_argument("port", nargs="?", type=int, default=8080)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.what == "serve":
            asyncio.run(serve(arguments.port))
        else:
            with socket.create_connection((HOST, arguments.port)) as server:
                print("Your name?", flush=True)
                Terminal(server).run()


if __name__ == "__main__":
    main()
