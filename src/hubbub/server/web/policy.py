"""What every answer says to a browser, so that it cannot be made to misuse it."""

from __future__ import annotations

from typing import Final

_POLICY: Final = {
    # No inline script or style, nothing from elsewhere ('self' is also the WebSocket's), in nobody's frame.
    "default-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "img-src": "'self' blob:",  # pictures of files that are not sent yet
    # Text becomes script or markup by these alone: Svelte's templates, and the address of the service worker.
    "require-trusted-types-for": "'script'",
    "trusted-types": "svelte-trusted-html hubbub-worker",
}
_UNUSED: Final = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
"""Abilities of a browser that no page here asks for."""

SECURITY: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Permissions-Policy": ", ".join(f"{name}=()" for name in _UNUSED),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
