"""A plain-socket client of v0.5: length-prefixed JSON, and a file's bytes on the same connection."""

from __future__ import annotations

import json
import socket
import struct
from types import TracebackType
from typing import Any

from bench.ends import NotMeasuredError, sha256_of

PATIENCE = 60.0


class Talker:
    """Somebody who is logged in. Reads frame by frame, so that raw bytes behind one stay in the socket."""

    def __init__(self, port: int, name: str, password: str | None = None) -> None:
        self.name = name
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if password is None:
            self.say("Login", username=name)
        else:
            self.say("Register", username=name, password=password)
        self.token = str(self.get("Welcome").get("token", ""))

    def __enter__(self) -> Talker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def say(self, kind: str, **fields: object) -> None:
        body = json.dumps({"type": kind, **fields}).encode()
        self.socket.sendall(struct.pack("!I", len(body)) + body)

    def get(self, kind: str) -> dict[str, Any]:
        """The next message of that type. NotMeasuredError where it is refused, or does not come."""
        try:
            while True:
                (size,) = struct.unpack("!I", self._exactly(4))
                message: dict[str, Any] = json.loads(self._exactly(size))
                if message["type"] == kind:
                    return message
                if message["type"] in ("Error", "FileFailed"):
                    raise NotMeasuredError(f"hubbub refused, where {kind} was to come: {message.get('msg')}")
        except TimeoutError:
            raise NotMeasuredError(f"hubbub says nothing, where {kind} was to come") from None

    def ask(self, kind: str, answer: str, **fields: object) -> dict[str, Any]:
        """A request, and the message of that type that comes for it."""
        self.say(kind, **fields)
        return self.get(answer)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = self.socket.recv(size - len(got))
            if not piece:
                raise NotMeasuredError("hubbub closed the connection")
            got += piece
        return got


def agree(sender: Talker, receiver: Talker, size: int, filename: str = "content.bin") -> None:
    """Offer and accept a file, up to where its first byte may be sent."""
    sender.say("FileOffer", to=receiver.name, filename=filename, size=size)
    offer = receiver.get("FileOffer")["offer"]
    receiver.say("FileAccept", **{"from": sender.name, "filename": filename, "offer": offer})
    sender.get("StartUpload")
    receiver.get("StartDownload")


def conclude(sender: Talker, receiver: Talker, size: int) -> None:
    """What both are told at its end: NotMeasuredError where the digest is another one."""
    for one in (sender, receiver):
        if (told := one.get("FileDone").get("sha256")) != sha256_of(size):
            raise NotMeasuredError(f"hubbub told {one.name} a wrong digest: {told}")
