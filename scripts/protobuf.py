"""Generate src/hubbub/wire/message_pb2.py and its stub from proto/message.proto (needs grpcio-tools).

The generated module refuses a protobuf older than the one that its generator was made for, so the lower
bound of `protobuf` in pyproject.toml rises with the generator.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def generate(out: Path) -> None:
    """Write message_pb2.py and message_pb2.pyi into `out`; CalledProcessError if the schema is wrong."""
    command = ["-m", "grpc_tools.protoc", "--proto_path=proto", f"--python_out={out}", f"--pyi_out={out}"]
    subprocess.run([sys.executable, *command, "proto/message.proto"], cwd=ROOT, check=True)  # noqa: S603 - ours


if __name__ == "__main__":
    generate(ROOT / "src" / "hubbub" / "wire")
