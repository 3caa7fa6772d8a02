"""nginx in front of a server, set up as people set it up: well, and not so well."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.doctor.examining import free_port
from serving import until

HOST = "proxy_set_header Host $http_host;"
UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    "proxy_set_header Connection $connection_upgrade;"
)
AS_IT_COMES = "proxy_buffering off; proxy_request_buffering off; client_max_body_size 0;"
WHO = "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;"
WELL = f"{HOST} {UPGRADE} {AS_IT_COMES} {WHO}"
"""As docs/deploy.md has it."""

_CONFIG = """\
daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}
http {{
  access_log off;
  {temporary}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{ listen {listen}; {server} location / {{ {location} }} }}
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextlib.contextmanager
def nginx(
    folder: Path, upstream: int, rows: str, *, location: str | None = None, tls: tuple[str, str] | None = None
) -> Iterator[int]:
    """Its port. `rows` go beside `proxy_pass`; `location` stands in place of it all."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is missing")
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder,
            temporary="".join(f"{what}_temp_path {folder}/{what};\n" for what in _TEMPORARY),
            listen=f"127.0.0.1:{port}{' ssl' if tls else ''}",
            server=f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else "",
            location=location or f"proxy_pass http://127.0.0.1:{upstream}; {rows}",
        )
    )
    process = subprocess.Popen([program, "-p", folder, "-e", "stderr", "-c", config])
    try:
        until(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False
