"""What may go wrong at a client's own end, and between two ends, as one small tree.

    ClientError
    ├── SourceError           what is to be sent cannot be read, or is nothing that can be sent
    │   └── ChangedError      a file is not what it was when the transfer began
    ├── PlaceError            what arrives cannot be kept here
    │   ├── NoSpaceError      the disk is full; what is here stays, and the transfer can go on
    │   └── BusyError         another process receives the same file into the same folder
    ├── DigestError           all of it arrived, but it is not what was sent
    ├── BundleError           what arrived as a bundle is none, or wants to write where it must not
    ├── SealingError
    │   ├── WrongCodeError    the other side has another code: this transfer is over
    │   └── TamperedError     bytes that were sealed by nobody who has the key, or too few, or too many
    ├── TokenFileError        the file of tokens cannot be used as it is
    ├── LineLostError         the line to the server dropped, or the server closed it
    ├── StaleTokenError       the server knows a kept token no more; there is another way to log in
    └── RefusedError          the server refused something that nothing goes on without, such as a login

Any other refusal of the server's is no exception: it is a `Refusal`, a value (`hubbub.core.errors`).
"""

from __future__ import annotations

from hubbub.core.errors import Refusal


class ClientError(Exception):
    """Base of the tree; its text is a sentence for people. `by_peer`, `retry` as in `hubbub.net.errors`."""

    by_peer: bool = False
    retry: bool = False


class SourceError(ClientError):
    """What is to be sent cannot be: it is not there, may not be read, or is no file and no folder."""


class ChangedError(SourceError):
    """A file changed since the transfer began. `path` names it. A transfer from the start may succeed."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} changed while it was being sent.")
        self.path = path


class PlaceError(ClientError):
    """What arrives cannot be kept where it should be. The cause, an OSError, is chained."""


class NoSpaceError(PlaceError):
    """The disk, or a quota of the system's, is full. The part that is here stays."""

    retry = True


class BusyError(PlaceError):
    """Another process receives the same file here, at this moment."""

    retry = True


class DigestError(ClientError):
    """The SHA-256 of what arrived is not the one that was promised. The part is gone: begin anew."""

    by_peer = True
    retry = True


class BundleError(ClientError):
    """Not a bundle, or one that this library refuses to unpack. Nothing of it was left on the disk."""

    by_peer = True


class SealingError(ClientError):
    """The end-to-end encryption failed. Nothing that was not verified has been handed out."""

    by_peer = True


class WrongCodeError(SealingError):
    """The two sides have different codes. A code is good for one guess, so a new one is needed."""


class TamperedError(SealingError):
    """Somebody in between changed, reordered, cut or lengthened what was sealed."""


class TokenFileError(ClientError):
    """The file of tokens is damaged, or belongs to somebody else. It is left as it is."""


class LineLostError(ClientError):
    """The line to the server dropped. `Client.again` dials anew."""

    retry = True


class StaleTokenError(ClientError):
    """The server does not take this token any more. It hangs up then, so the other way takes a new line."""

    retry = True


class RefusedError(ClientError):
    """The server refused what nothing goes on without. `refusal` says why."""

    by_peer = True

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.retry = refusal.retry_after is not None
