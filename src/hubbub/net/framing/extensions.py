"""`Sec-WebSocket-Extensions` (RFC 6455 §9.1), and what of it is permessage-deflate (RFC 7692 §7.1).

permessage-deflate is agreed on in one form only, without context takeover on either side and with the
full window: see `deflate`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DEFLATE: Final = "permessage-deflate"
_SERVER_NO_CONTEXT: Final = "server_no_context_takeover"
_CLIENT_NO_CONTEXT: Final = "client_no_context_takeover"
_SERVER_WINDOW: Final = "server_max_window_bits"
_CLIENT_WINDOW: Final = "client_max_window_bits"
AGREED: Final = f"{DEFLATE}; {_SERVER_NO_CONTEXT}; {_CLIENT_NO_CONTEXT}"
"""What a server answers, and what a client asks for."""

_WINDOWS: Final = frozenset(str(bits) for bits in range(8, 16))
_FULL_WINDOW: Final = "15"

_CHAR: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # of a token (RFC 9110 §5.6.2)
# A name, perhaps a value (quoted, it must still be a token: RFC 6455 §9.1), and what comes behind it.
_PART: Final = re.compile(
    rf'[ \t]*({_CHAR}+)[ \t]*(?:=[ \t]*(?:({_CHAR}+)|"((?:\\?{_CHAR})+)")[ \t]*)?([,;]|\Z)', re.ASCII
)


class Extension(NamedTuple):
    """One offer or answer: its name, its parameters in order; None where one has no value."""

    name: str
    parameters: list[tuple[str, str | None]]


def parse_extensions(value: str) -> list[Extension]:
    """Read the header's value. Raises ValueError for what is not of its grammar."""
    extensions: list[Extension] = []
    separator = ","
    at = 0
    while True:
        if separator == ",":
            while value[at : at + 1] in (" ", "\t", ","):  # list elements that say nothing are allowed
                at += 1
            if at == len(value):
                return extensions
        part = _PART.match(value, at)
        if part is None:
            raise ValueError("malformed Sec-WebSocket-Extensions")
        name, plain, quoted, after = part.groups()
        given = plain if quoted is None else quoted.replace("\\", "")
        if separator == ";":
            extensions[-1].parameters.append((name, given))
        elif given is None:
            extensions.append(Extension(name, []))
        else:
            raise ValueError("malformed Sec-WebSocket-Extensions")
        separator, at = after, part.end()
        if not separator:
            return extensions


def answer(offers: list[Extension]) -> str | None:
    """Server: what to say to a client's offers, in the order of its preference; None declines them all.

    An offer with a parameter that is unknown, given twice or has a wrong value must be declined
    (RFC 7692 §7.1); so is one that wants a smaller window of us, since one compressed event goes to all.
    """
    for offer in offers:
        parameters = dict(offer.parameters)
        if offer.name != DEFLATE or len(parameters) != len(offer.parameters):
            continue
        server_window = parameters.pop(_SERVER_WINDOW, _FULL_WINDOW)
        client_window = parameters.pop(_CLIENT_WINDOW, None)  # the value may be left out
        flags = (parameters.pop(_SERVER_NO_CONTEXT, None), parameters.pop(_CLIENT_NO_CONTEXT, None))
        if parameters or flags != (None, None) or server_window != _FULL_WINDOW:
            continue
        if client_window is not None and client_window not in _WINDOWS:
            continue
        asked = any(name == _SERVER_WINDOW for name, _ in offer.parameters)
        # To accept a window is to name it (§7.1.2.1).
        return f"{AGREED}; {_SERVER_WINDOW}={_FULL_WINDOW}" if asked else AGREED
    return None


def agreed(answers: list[Extension], offered: bool) -> bool:
    """Client: whether the server's answer means permessage-deflate. Raises ValueError if it may not be."""
    if not answers:
        return False
    first = answers[0]
    parameters = dict(first.parameters)
    if not offered or len(answers) > 1 or first.name != DEFLATE or len(parameters) != len(first.parameters):
        raise ValueError("the server agreed to extensions that were not offered")
    # Asked for, so it has to be in the answer (§7.1.1.1); our inflater forgets each message.
    takes_no_context = parameters.pop(_SERVER_NO_CONTEXT, "") is None
    parameters.setdefault(_CLIENT_NO_CONTEXT)
    flag = parameters.pop(_CLIENT_NO_CONTEXT)
    window = parameters.pop(_SERVER_WINDOW, _FULL_WINDOW)
    if not takes_no_context or flag is not None or window not in _WINDOWS or parameters:
        raise ValueError("the server's permessage-deflate is not the one that was offered")
    return True
