"""`hubbub backup`: a consistent copy of the data directory, also of a running server's."""

from __future__ import annotations

import sys
from argparse import Namespace

from hubbub.cli.data import FAILED, Data, with_data
from hubbub.cli.progress import progress
from hubbub.log import back_up, verify


def backup(arguments: Namespace) -> int:
    """Copy it into a directory that is empty or not there yet. `serve --data` on the copy restores it.

    The copy is read once more: damage is said at once, and not when the copy is needed.
    """

    def copy(data: Data) -> int:
        target = Data(arguments.directory, data.config)
        if target.directory.resolve().is_relative_to(data.directory.resolve()):
            raise OSError(f"{target.directory} is within what is to be copied")
        if target.directory.exists() and any(target.directory.iterdir()):
            raise OSError(f"{target.directory} is not empty")
        target.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with progress("copying") as told:
            done = back_up(data.log, target.log, told)
        with progress("verifying") as told:
            damaged = list(verify(target.log, told))
        for finding in damaged:
            print(f"{finding.file}, offset {finding.offset}: {finding.problem}")
        if damaged:
            print(f"hubbub: {data.log} is damaged, so that is also in the copy", file=sys.stderr)
            return FAILED
        print(f"{done.bytes:,} bytes copied to {target.directory}.")
        return 0

    return with_data(arguments, copy)
