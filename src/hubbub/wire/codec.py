"""What a dialect is: pure functions between payload bytes and the types of `core`.

A dialect never sees a socket, and never a frame header: the framing cuts and wraps payloads.
Both directions are here, since clients speak the same dialect: `decode` and `encode_command` mirror
each other, and so do `encode_event` and `decode_event`, `encode_answer` and `decode_answer`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import Frame


class Signature(msgspec.Struct, frozen=True, gc=False):
    """What a request was signed with: `mac` is in hex, over the canonical form of `message` without it."""

    mac: str
    seq: int | None
    message: bytes


class Request(msgspec.Struct, frozen=True, gc=False):
    """A decoded request. What could not be decoded is a Request whose command is a Refusal.

    `id` comes back with the answer. `verb` is the dialect's own name of the command, `label` an opaque
    string of the client, for answers that must repeat them. `claimed_user_id` is the id that the client
    says it has (0: it says nothing); a session refuses one that is not its own. `signing_key` of a login
    is "" where it asks for one, and the key in hex when the answer is to tell it.
    """

    command: Command | Refusal
    id: str | None = None
    verb: str = ""
    label: str | None = None
    claimed_user_id: int = 0
    signature: Signature | None = None
    signing_key: str | None = None


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A decoded answer, at the client's side."""

    answer: Answer
    id: str | None = None
    verb: str = ""
    label: str | None = None


class Codec(Protocol):
    """One dialect."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a frame that a client sent. `named` is False until it has logged in.

        bytes: the dialect answers by itself (text `/help`). None: nothing to do (an empty line).
        """
        ...

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: the answer to a request; b"" where the dialect says nothing."""
        ...

    def encode_event(self, event: Event, own: bool = False) -> bytes:
        """Server: an event; b"" where the dialect has no form for it. `own`: for its own author."""
        ...

    def encode_command(self, command: Command, id: str | None = None) -> bytes:
        """Client: a request."""
        ...

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: what a server sent. Raises `ValueError` for what this dialect cannot be."""
        ...
