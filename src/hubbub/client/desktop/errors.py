"""What may go wrong before there is a window, and while it looks for its server."""

from __future__ import annotations

from hubbub.client.errors import ClientError


class DesktopError(ClientError):
    """Base of these; its text is a sentence for people."""


class AddressError(DesktopError):
    """What was given is not the address of a server."""


class ProbeError(DesktopError):
    """Nobody is at that address, or it is no server of Hubbub."""

    retry = True


class NoDisplayError(DesktopError):
    """There is no screen to show a window on."""


class NoToolkitError(DesktopError):
    """Neither GTK's WebKit nor Qt can be had here."""


class OwnServerError(DesktopError):
    """The server that belongs to the window did not start."""
