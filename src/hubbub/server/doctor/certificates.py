"""Certificates: the one in the settings, and the one that people are shown at the URL."""

from __future__ import annotations

import datetime
import ssl
import stat
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from hubbub.server.doctor.address import Address
from hubbub.server.doctor.deployment import Deployment, is_loopback
from hubbub.server.doctor.fetching import UnreachableError, connect, unchecked
from hubbub.server.doctor.report import Figure, Notes
from hubbub.server.origin import normalise

SOON: Final = datetime.timedelta(days=14)
"""So long before its end a certificate should have been renewed."""
SOON_PART: Final = 4
"""Of one that lives for a short time: within this part of its life (a fourth)."""
LEAST_RSA: Final = 2048
"""Bits."""
_DAY: Final = 86_400


def certificate(deployment: Deployment, notes: Notes) -> None:
    """The files of the settings: whether they fit, whom they name, when they end, who may read the key."""
    tls = deployment.config.tls
    if tls.cert is None or tls.key is None:
        notes.note("No certificate is set, so TLS is not spoken here. A proxy in front may add it.")
        return
    try:
        chain = x509.load_pem_x509_certificates(Path(tls.cert).read_bytes())
    except (OSError, ValueError):
        notes.fail(
            f"{tls.cert}: it holds no certificate in PEM that can be read.",
            "Set tls.cert to the whole chain (fullchain.pem), readable for the server's user.",
        )
        return
    # Whether the key fits was found out with the settings: a server does not start without.
    _dates(chain[0], tls.cert, "Renew it; `systemctl reload hubbub` takes the new one over.", notes)
    _weak(chain[0], tls.cert, notes)
    _order(chain, tls.cert, notes)
    hosts = [normalise(host) for host in deployment.config.web.public_hosts]
    if deployment.given and deployment.url is not None and deployment.url.tls:
        hosts.append(deployment.url.host)
    _names(chain[0], hosts, tls.cert, notes)
    _key_mode(Path(tls.key), notes)


def shown(deployment: Deployment, notes: Notes) -> None:
    """The certificate at the URL, as a browser judges it."""
    url = deployment.url
    if url is None:
        notes.note("No URL was given, and no listener takes HTTP.")
        return
    if not url.tls:
        if deployment.given and not is_loopback(url.host):
            notes.warn(
                f"{url.url} has no TLS: what is said can be read on the way, and browsers allow such a page "
                "neither notifications nor a microphone.",
                "Set tls.cert and tls.key, or let a proxy in front add TLS; then give the https:// URL.",
            )
        else:
            notes.note(f"{url.url} has no TLS; on this machine nobody is in between.")
        return
    try:
        leaf = _leaf(url)
    except ssl.SSLError as error:
        notes.fail(
            f"{url.url} speaks no TLS, or none that is taken today ({error.reason or error}).",
            "Set tls.cert and tls.key, or the proxy's; or give the http:// URL.",
        )
        return
    except UnreachableError as error:
        notes.note(f"Not looked at: {error}.")
        return
    _dates(leaf, url.url, "Renew it, and have whoever ends TLS there reload it.", notes)
    if deployment.given:
        _names(leaf, [url.host], url.url, notes)
        _trusted(url, notes)
    _newest(deployment, url, leaf, notes)


def _leaf(url: Address) -> x509.Certificate:
    """Raises UnreachableError, ssl.SSLError."""
    with connect(url, unchecked()) as sock:
        assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 (the URL has TLS)
        shown_one = sock.getpeercert(binary_form=True)
    if shown_one is None:
        raise UnreachableError("it shows no certificate")
    try:
        return x509.load_der_x509_certificate(shown_one)
    except ValueError:
        raise UnreachableError("its certificate cannot be read") from None


def _trusted(url: Address, notes: Notes) -> None:
    try:
        connect(url, ssl.create_default_context()).close()
    except ssl.SSLCertVerificationError as error:
        told = error.verify_message or "it is not trusted"
        notes.fail(
            f"{url.url}: this machine does not trust its certificate ({told}).",
            "Serve the whole chain (fullchain.pem), of an authority that people's systems know, for this "
            "name.",
            trusted=False,
        )
    except (ssl.SSLError, UnreachableError) as error:
        notes.note(f"{url.url}: whether it is trusted was not found out ({error}).")
    else:
        notes.ok(f"{url.url}: this machine trusts its certificate.", trusted=True)


def _newest(deployment: Deployment, url: Address, leaf: x509.Certificate, notes: Notes) -> None:
    """Whether the server still shows one from before a renewal: only where it ends TLS itself."""
    cert = deployment.config.tls.cert
    if cert is None or url.port not in {listener.port for listener in deployment.listeners}:
        return
    try:
        here = x509.load_pem_x509_certificates(Path(cert).read_bytes())[0]
    except (OSError, ValueError):
        return  # said by `certificate`
    if here != leaf:
        notes.warn(
            f"{url.url} shows another certificate than {cert} holds.",
            "After a renewal: `systemctl reload hubbub`, or SIGHUP to the server.",
        )


def _dates(one: x509.Certificate, where: str, advice: str, notes: Notes) -> None:
    now = datetime.datetime.now(datetime.UTC)
    end, begin = one.not_valid_after_utc, one.not_valid_before_utc
    left = round((end - now).total_seconds() / _DAY, 1)
    figures: dict[str, Figure] = {"days": left, "until": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if end < now:
        notes.fail(f"{where}: the certificate has ended, on {end:%Y-%m-%d}.", advice, **figures)
    elif begin > now:
        notes.fail(
            f"{where}: the certificate is not good before {begin:%Y-%m-%d %H:%M} UTC.",
            "Wait, or see whether this machine's clock is right.",
            **figures,
        )
    elif end - now < min(SOON, (end - begin) / SOON_PART):
        notes.warn(f"{where}: the certificate ends in {left:g} days ({end:%Y-%m-%d}).", advice, **figures)
    else:
        notes.ok(f"{where}: the certificate is good for {left:,.0f} days ({end:%Y-%m-%d}).", **figures)


def _weak(one: x509.Certificate, where: str, notes: Notes) -> None:
    key = one.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA:
        notes.warn(f"{where}: its key has {key.key_size} bits only.", "Make a new one: EC, or RSA with 2048.")


def _order(chain: Sequence[x509.Certificate], where: str, notes: Notes) -> None:
    for number, (one, issuer) in enumerate(pairwise(chain), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            notes.warn(
                f"{where}: certificate {number + 1} did not issue certificate {number}.",
                "Put the server's own first, then each one's issuer.",
            )
            return
    if len(chain) == 1 and chain[0].issuer != chain[0].subject:
        notes.note(
            f"{where} holds one certificate and none of its issuers.",
            "If an authority signed it through another one, clients do not find the way: use fullchain.pem.",
        )


def _names(one: x509.Certificate, hosts: Sequence[str], where: str, notes: Notes) -> None:
    names = names_of(one)
    missing = sorted({host for host in hosts if not any(covers(name, host) for name in names)})
    if missing:
        notes.fail(
            f"{where}: the certificate is for {', '.join(sorted(names)) or 'no name'}, not for "
            f"{', '.join(missing)}.",
            "Get one with this name (Subject Alternative Name).",
        )


def names_of(one: x509.Certificate) -> set[str]:
    """The names and addresses that it is for. Browsers have not looked at its common name since 2017."""
    try:
        found = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    names = {name.lower() for name in found.get_values_for_type(x509.DNSName)}
    return names | {str(address) for address in found.get_values_for_type(x509.IPAddress)}


def covers(name: str, host: str) -> bool:
    """Whether a certificate's name is for this host (RFC 6125 §6.4.3: `*` is one label, the first)."""
    if name.startswith("*."):
        return "." in host and host.partition(".")[2] == name[2:]
    return name == host


def _key_mode(key: Path, notes: Notes) -> None:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError:
        return  # said by `certificate`
    if mode & (stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        notes.warn(f"Others may read or change {key} (mode {mode:04o}).", f"`chmod 600 {key}`.")
