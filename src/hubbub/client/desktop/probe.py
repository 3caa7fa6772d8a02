"""Whether a server of Hubbub is at an address, before a window shows whatever is there."""

from __future__ import annotations

import http.client
import ssl
from typing import Final

import msgspec

from hubbub.client.desktop.address import Origin
from hubbub.client.desktop.errors import ProbeError

SECONDS: Final = 10.0
"""How long a server may take to say what it is."""
_MOST: Final = 65_536  # bytes of the answer


class _Version(msgspec.Struct):
    name: str
    version: str
    client: str | None = None


def probe(origin: Origin, *, seconds: float = SECONDS) -> str:
    """Return the version of the server there. Raises ProbeError with a sentence for people."""
    try:
        status, body = fetch(origin, "/version", seconds=seconds)
    except ssl.SSLCertVerificationError as error:
        raise ProbeError(
            f"{origin} has a certificate that this machine does not trust ({error.verify_message}). "
            "It is not opened: anybody could be behind it."
        ) from None
    except ssl.SSLError:
        raise ProbeError(f"{origin} does not speak TLS. Is it http://{origin.authority}?") from None
    except TimeoutError:
        raise ProbeError(f"{origin} does not answer.") from None
    except http.client.HTTPException:
        raise ProbeError(f"What is at {origin} does not speak HTTP.") from None
    except OSError as error:
        raise ProbeError(f"Nobody is at {origin}: {error.strerror or error}.") from None
    try:
        told = msgspec.json.decode(body, type=_Version)
    except msgspec.MsgspecError:
        told = None
    if status != 200 or told is None or told.name != "hubbub":
        raise ProbeError(f"What is at {origin} is no server of Hubbub.")
    if told.client is None:
        raise ProbeError(
            f"The server at {origin} was built without the web client, so there is nothing to show."
        )
    return told.version


def fetch(origin: Origin, path: str, *, seconds: float) -> tuple[int, bytes]:
    """Return status and body of one small answer. Raises OSError, http.client.HTTPException."""
    connection: http.client.HTTPConnection
    if origin.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(origin.host, origin.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(origin.host, origin.port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Host": origin.authority, "Accept": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(_MOST)
    finally:
        connection.close()
