"""The certificate of the one port: loaded at start, and again on SIGHUP, without dropping anybody."""

from __future__ import annotations

import ssl

from hubbub.observe.server_log import ServerLog


class Certificate:
    """The TLS context for the next handshake. Connections that stand keep the one they began with."""

    def __init__(self, cert: str | None, key: str | None, log: ServerLog) -> None:
        """Two PEM files, or None for no TLS. Raises OSError or ssl.SSLError where they cannot be used."""
        self._cert = cert
        self._key = key
        self._log = log
        self._context = self._load()

    def context(self) -> ssl.SSLContext | None:
        """None where no certificate is set."""
        return self._context

    def reload(self) -> None:
        """Read the files again. Where they are unusable, the old certificate stays, and the log says so."""
        try:
            self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            self._log.warned("certificate not reloaded, the old one stays", reason=str(error))

    def _load(self) -> ssl.SSLContext | None:
        if self._cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 and up
        context.set_alpn_protocols(["http/1.1"])
        # Of an encrypted key OpenSSL would ask the terminal for the passphrase, and nobody would be served.
        context.load_cert_chain(self._cert, self._key, password="")
        self._log.certificate_loaded(self._cert)
        return context
