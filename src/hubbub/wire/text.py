"""The text dialect: lines for `nc`, `telnet` and people. The first line is the name.

A line without `/` is said in the room that one is in; a line with it is a command of `COMMANDS`. Described in
`docs/protocol.md`.
"""

from __future__ import annotations

import re
from typing import Final

from hubbub.core import commands
from hubbub.core.answers import Answer
from hubbub.core.commands import Command
from hubbub.core.errors import Code, Refusal
from hubbub.core.events import Event
from hubbub.net.framing.frames import BINARY, FAILED, TEXT, TOO_LONG, Frame
from hubbub.wire.codec import Reply, Request
from hubbub.wire.refusals import of_frame
from hubbub.wire.text_commands import COMMANDS, UNNAMED, line_of
from hubbub.wire.text_parsing import parse
from hubbub.wire.text_rendering import answer_lines, event_lines, notice

_MAX_QUOTED: Final = 32  # characters of an unknown command that its refusal repeats


_COMMAND: Final = re.compile(r"(/\S*)[ \t]?(.*)", re.DOTALL)
_LINE_END: Final = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

_HELP: Final = "\n".join(
    notice(line)
    for line in (
        "A line is said to everybody in your room. With / in front it is a command:",
        *(f"{verb} {row.arguments}".rstrip() + f": {row.purpose}" for verb, row in COMMANDS.items()),
        "//text says /text.",
    )
).encode()


class Text:
    """The codec of text lines."""

    def decode(self, frame: Frame, named: bool) -> Request | bytes | None:
        """Server: a line. `/help` and a command without its arguments are answered here."""
        if frame.kind == TOO_LONG:
            too_long = f"This line is longer than {frame.code} bytes."
            return Request(Refusal(Code.TOO_LARGE, too_long, limit="limits.max_line"))
        if frame.kind == FAILED:
            return Request(of_frame(frame, named))
        if frame.kind not in (TEXT, BINARY):
            return None
        try:
            line = frame.payload.decode()
        except UnicodeDecodeError:
            return Request(Refusal(Code.BAD_REQUEST, "This line is not valid UTF-8."))
        if line.startswith("/"):
            return _command(line, named)
        if named:
            return Request(commands.Publish(line)) if line else None
        return Request(commands.Login(line)) if line.strip() else None

    def encode_answer(self, request: Request, answer: Answer) -> bytes:
        """Server: the answer, in one or more lines; b"" after a login by name, and a message."""
        return _bytes(answer_lines(answer, request))

    def encode_event(self, event: Event, own: bool = False) -> bytes:
        """Server: an event, in one or more lines. b"" to the author of a message, who sees what it typed."""
        return _bytes(event_lines(event, own))

    def encode_command(self, command: Command, id: str | None = None) -> bytes:  # noqa: ARG002 - likewise
        """Client: a line to type. What this dialect has no words for (room, stream, id) is left out.

        Line ends in it become spaces: a message cannot carry a second line, and so no second command.
        Raises ValueError for a command that this dialect has no line for.
        """
        return _bytes(_LINE_END.sub(" ", line_of(command)))

    def decode_message(self, payload: bytes) -> Event | Reply:
        """Client: a line that the server sent; ValueError for anything else."""
        return parse(payload.decode())


def _command(line: str, named: bool) -> Request | bytes:
    found = _COMMAND.match(line)
    assert found is not None  # noqa: S101 (it begins with a slash)
    verb, rest = found[1].lower(), found[2]
    if verb == "/help":
        return _HELP
    if not named and verb not in UNNAMED:
        return Request(Refusal(Code.UNAUTHENTICATED, "The first line is your name; commands come after it."))
    if verb.startswith("//"):
        return Request(commands.Publish(line[1:]))
    row = COMMANDS.get(verb)
    if row is None:
        unknown = f"Unknown command '{found[1][:_MAX_QUOTED]}'. Try /help."
        return Request(Refusal(Code.UNKNOWN_ACTION, unknown))
    command = row.command(rest if row.exact else rest.strip())
    if command is None:
        return _bytes(notice(f"Usage: {verb} {row.arguments}".rstrip()))
    return Request(command, verb=verb)


def _bytes(lines: str) -> bytes:
    # No dialect lets a lone surrogate in. Should one come all the same, it is shown as a question mark.
    return lines.encode(errors="replace")


text: Final = Text()
