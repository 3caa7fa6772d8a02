"""The refusals that come before any command: frames that were dropped, and JSON that does not validate.

What msgspec says of a value that does not fit is turned into the field at fault and a sentence.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hubbub.core.errors import Code, Refusal
from hubbub.net.framing.frames import FAILED, TOO_LONG, Frame

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes of a peer: not valid (ValidationError is one), not UTF-8, nested too deep."""

_MESSAGE_TOO_BIG: Final = 1009  # RFC 6455 §7.4.1
_LONGEST_REASON: Final = 200  # msgspec quotes the value, which may be megabytes long
_LONGEST_NAME: Final = 64  # characters of a member that there is not

_MEMBER = re.compile(r"\.(\w+)")
_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`", re.DOTALL)


def of_frame(frame: Frame, named: bool) -> Refusal:
    """Why a frame of kind TOO_LONG or FAILED brought nothing."""
    limit = "limits.max_frame" if named else "limits.max_frame_before_login"
    if frame.kind == TOO_LONG:
        return Refusal(Code.TOO_LARGE, f"The frame is longer than {frame.code} bytes.", limit=limit)
    reason = frame.payload.decode("utf-8", "replace")[:_LONGEST_REASON]
    if frame.kind == FAILED and frame.code == _MESSAGE_TOO_BIG:
        return Refusal(Code.TOO_LARGE, f"The frame is too long: {reason}.", limit=limit)
    return Refusal(Code.BAD_REQUEST, f"The frame cannot be read: {reason}.")


def of_json(error: Exception, whole: str | None = None) -> Refusal:
    """Why JSON was not accepted. `error` is one of UNREADABLE; `whole` names the field that was decoded.

    `field` is the member of the decoded object that is at fault, or `whole` if it is not even an object.
    """
    if isinstance(error, RecursionError):
        return Refusal(Code.BAD_REQUEST, "The JSON is nested too deep.", whole)
    if isinstance(error, UnicodeDecodeError):
        return Refusal(Code.BAD_REQUEST, "The JSON is not valid UTF-8.", whole)
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(Code.BAD_REQUEST, f"This is not valid JSON: {text[:_LONGEST_REASON]}.", whole)
    missing = _MISSING.search(text)
    if missing is not None:
        return Refusal(Code.BAD_REQUEST, f"The field {missing[1]!r} is missing.", missing[1])
    unknown = _UNKNOWN.search(text)
    if unknown is not None:
        name = unknown[1][:_LONGEST_NAME]
        return Refusal(Code.BAD_REQUEST, f"There is no field {name!r} here.", name)
    reason, _, path = text.rpartition(" - at `$")
    member = _MEMBER.match(path)
    field = member[1] if member is not None else whole
    reason = (reason or text)[:_LONGEST_REASON]
    at = f"The field {field!r} is not valid" if field is not None else "This is not valid"
    return Refusal(Code.BAD_REQUEST, f"{at}: {reason}.", field)
