"""A store that speaks S3's protocol, by somebody else: moto's HTTP server, in a process of its own."""

from __future__ import annotations

import itertools
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from hubbub.adapters.blobs_s3 import PATIENCE, S3Blobs

_count = itertools.count()
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
"""It goes when its input ends, with whoever started it at the latest."""


class Buckets:
    """The server, and new buckets on it."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it."""
        self._process.communicate()

    def new(self) -> str:
        """Make an empty bucket."""
        bucket = f"bucket-{next(_count)}"
        self.put(bucket, b"")
        return bucket

    def put(self, path: str, body: bytes) -> None:
        """Put an object, or make a bucket, past the adapter."""
        request = urllib.request.Request(f"{self.endpoint}/{path}", body, method="PUT")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def hidden_parts(self, bucket: str) -> int:
        """Uploads in parts that were begun and not completed."""
        with urllib.request.urlopen(f"{self.endpoint}/{bucket}?uploads") as answer:
            return int(answer.read().count(b"<UploadId>"))


def blobs_in(
    bucket: str, endpoint: str, *, prefix: str = "chat/files", patience: float = PATIENCE
) -> S3Blobs:
    """The adapter on a bucket there."""
    return S3Blobs(
        bucket,
        prefix,
        endpoint=endpoint,
        region="us-east-1",
        access_key="THE-KEY-ID",
        secret_key="the-secret-key",
        allow_http=True,
        patience=patience,
    )


@contextmanager
def buckets() -> Iterator[Buckets]:
    """Start it, and stop it."""
    running = Buckets()
    try:
        yield running
    finally:
        running.stop()
