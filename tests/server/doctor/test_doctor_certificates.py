"""Certificates: in files, and as they are shown; ended, foreign, misfitting ones."""

from __future__ import annotations

import datetime
import socket
from pathlib import Path

import pytest
import trustme

from hubbub.server.doctor.certificates import covers
from server.doctor.examining import answering, calm, command, deployment, look, of, said
from serving import serving, until

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


def issued(
    folder: Path, *names: str, ends: datetime.datetime | None = None, authority: trustme.CA | None = None
) -> tuple[str, str]:
    """Chain and key, as files."""
    begins = min(NOW, ends or NOW) - 90 * DAY
    authority = authority or trustme.CA()
    one = authority.issue_cert(*(names or ("localhost", "127.0.0.1")), not_before=begins, not_after=ends)
    folder.mkdir(exist_ok=True)
    cert, key = folder / "fullchain.pem", folder / "privkey.pem"
    cert.write_bytes(b"".join(pem.bytes() for pem in one.cert_chain_pems))
    one.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    return str(cert), str(key)


def files(cert: str, key: str) -> tuple[str, ...]:
    return ("--data", ":memory:", "--tls-cert", cert, "--tls-key", key)


def test_none() -> None:
    said(look("certificate", deployment("--data", ":memory:")), "note", "No certificate is set")


def test_a_good_one(tmp_path: Path) -> None:
    found = look("certificate", deployment(*files(*issued(tmp_path, ends=NOW + 60 * DAY))))
    calm(found)
    days = said(found, "ok", "is good for 60 days").figures["days"]
    assert isinstance(days, float)
    assert 59 < days <= 60


def test_one_that_has_ended(tmp_path: Path) -> None:
    at = deployment(*files(*issued(tmp_path, ends=NOW - 2 * DAY)))
    found = said(look("certificate", at), "failed", "the certificate has ended, on")
    assert found.figures["days"] == -2.0


def test_one_that_ends_soon(tmp_path: Path) -> None:
    at = deployment(*files(*issued(tmp_path, ends=NOW + 10 * DAY)))
    said(look("certificate", at), "warning", "ends in 10 days")


def test_a_short_lived_one_is_not_always_about_to_end(tmp_path: Path) -> None:
    """A fourth of six days, and not fourteen."""
    authority = trustme.CA()
    for left, level in ((5, "ok"), (1, "warning")):
        one = authority.issue_cert("localhost", not_before=NOW - (6 - left) * DAY, not_after=NOW + left * DAY)
        one.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        one.private_key_pem.write_to_path(tmp_path / "key.pem")
        (tmp_path / "key.pem").chmod(0o600)
        found = look("certificate", deployment(*files(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))))
        assert [one.level for one in found if "until" in one.figures] == [level]


def test_one_that_is_not_good_yet(tmp_path: Path) -> None:
    one = trustme.CA().issue_cert("localhost", not_before=NOW + DAY, not_after=NOW + 90 * DAY)
    one.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    one.private_key_pem.write_to_path(tmp_path / "key.pem")
    at = deployment(*files(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")))
    assert "clock" in said(look("certificate", at), "failed", "not good before").advice


def test_a_key_of_another_one(tmp_path: Path) -> None:
    """Found with the settings: no server would start with it. The rest is looked at all the same."""
    cert, _ = issued(tmp_path / "one", ends=NOW + 60 * DAY)
    _, key = issued(tmp_path / "two", ends=NOW + 60 * DAY)
    at = deployment(*files(cert, key))
    said(look("settings", at), "failed", "tls.cert")
    said(look("certificate", at), "ok", "is good for 60 days")
    code, report = command(*files(cert, key))
    assert code == 1
    said(of(report, "settings"), "failed", "are not a certificate chain and its own private key")


def test_no_certificate_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "key.pem").write_text("nothing")
    at = deployment(*files(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")))
    said(look("certificate", at), "failed", "holds no certificate in PEM")
    at = deployment(*files(str(tmp_path / "gone.pem"), str(tmp_path / "gone.key")))
    said(look("certificate", at), "failed", "holds no certificate in PEM")
    said(look("settings", at), "failed", "is not a file")


def test_a_name_that_is_missing(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, "chat.example.org", ends=NOW + 60 * DAY)
    at = deployment(*files(cert, key), HUBBUB_WEB_PUBLIC_HOSTS="chat.example.org")
    calm(look("certificate", at))
    at = deployment(*files(cert, key), HUBBUB_WEB_PUBLIC_HOSTS="chat.example.org,www.example.org")
    said(look("certificate", at), "failed", "is for chat.example.org, not for www.example.org")
    at = deployment(*files(cert, key), url="https://other.example")
    said(look("certificate", at), "failed", "not for other.example")


def test_a_chain_in_the_wrong_order(tmp_path: Path) -> None:
    root = trustme.CA()
    middle = root.create_child_ca()
    cert, key = issued(tmp_path, ends=NOW + 60 * DAY, authority=middle)
    calm(look("certificate", deployment(*files(cert, key))))
    leaf = middle.issue_cert("localhost", not_after=NOW + 60 * DAY)
    pems = [pem.bytes() for pem in leaf.cert_chain_pems]
    Path(cert).write_bytes(b"".join([pems[0], root.cert_pem.bytes(), *pems[1:]]))
    leaf.private_key_pem.write_to_path(key)
    said(
        look("certificate", deployment(*files(cert, key))),
        "warning",
        "certificate 2 did not issue certificate 1",
    )
    Path(cert).write_bytes(pems[0])
    said(look("certificate", deployment(*files(cert, key))), "note", "none of its issuers")


def test_a_key_for_everybody(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, ends=NOW + 60 * DAY)
    Path(key).chmod(0o644)
    said(look("certificate", deployment(*files(cert, key))), "warning", "Others may read or change")


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("chat.example.org", "chat.example.org", True),
        ("*.example.org", "chat.example.org", True),
        ("*.example.org", "a.chat.example.org", False),
        ("*.example.org", "example.org", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("*", "localhost", False),
    ],
)
def test_which_hosts_a_name_covers(name: str, host: str, expected: bool) -> None:
    assert covers(name, host) is expected


# -- as it is shown


def test_a_trusted_one_is_shown(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    cert, key = issued(tmp_path, ends=NOW + 60 * DAY, authority=authority)
    with serving("--tls-cert", cert, "--tls-key", key) as server:
        flags = (*files(cert, key), "--listen", f"127.0.0.1:{server.port}")
        url = f"https://127.0.0.1:{server.port}"
        trusting = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        _, report = command(*flags, "--url", url, environment=trusting)
        assert said(of(report, "shown"), "ok", "this machine trusts").figures == {"trusted": True}
        calm(
            [
                one
                for check in ("shown", "url", "websocket", "arrival", "uploads")
                for one in of(report, check)
            ]
        )
        found = look("shown", deployment(*flags[:-2], "--listen", flags[-1], url=url))
        said(found, "failed", "does not trust")
        # Of our own listener, by which no person comes, neither name nor trust is asked.
        calm(look("shown", deployment(*flags)))


def test_an_ended_one_is_shown(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, ends=NOW - DAY)
    with serving("--tls-cert", cert, "--tls-key", key) as server:
        at = deployment("--data", ":memory:", url=f"https://127.0.0.1:{server.port}")
        found = look("shown", at)
        said(found, "failed", "has ended")
        said(found, "failed", "does not trust")
        said(look("websocket", at), "ok", "carries both ways")  # one fault hides no other


def test_one_for_another_name_is_shown(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, "chat.example.org", ends=NOW + 60 * DAY)
    with serving("--tls-cert", cert, "--tls-key", key) as server:
        at = deployment("--data", ":memory:", url=f"https://localhost:{server.port}")
        said(look("shown", at), "failed", "is for chat.example.org, not for localhost")


def test_a_renewed_one_that_is_not_shown_yet(tmp_path: Path) -> None:
    cert, key = issued(tmp_path, ends=NOW + 60 * DAY)
    with serving("--tls-cert", cert, "--tls-key", key) as server:
        issued(tmp_path, ends=NOW + 90 * DAY)
        flags = (*files(cert, key), "--listen", f"127.0.0.1:{server.port}")
        said(look("shown", deployment(*flags)), "warning", "shows another certificate")
        server.signal(1)
        until(lambda: not [one for one in look("shown", deployment(*flags)) if one.level == "warning"])


def test_no_tls_where_it_should_be() -> None:
    with serving() as server:
        at = deployment("--data", ":memory:", url=f"https://127.0.0.1:{server.port}")
        said(look("url", at), "failed", "is it http://")

    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with answering(answer) as port:
        at = deployment("--data", ":memory:", url=f"https://127.0.0.1:{port}")
        said(look("shown", at), "failed", "speaks no TLS")
        said(look("url", at), "failed", "speaks no TLS")


def test_a_version_of_tls_that_nobody_takes() -> None:
    def answer(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal: protocol_version

    with answering(answer) as port:
        found = look("shown", deployment("--data", ":memory:", url=f"https://127.0.0.1:{port}"))
        said(found, "failed", "PROTOCOL_VERSION")


def test_a_url_in_clear() -> None:
    found = look("shown", deployment("--data", ":memory:", url="http://chat.example.org"))
    said(found, "warning", "has no TLS")
    found = look("shown", deployment("--data", ":memory:", url="http://localhost:1"))
    said(found, "note", "has no TLS")
