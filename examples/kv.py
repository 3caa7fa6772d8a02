"""A key-value store in one directory, on Hubbub's log: what is set survives kill -9 and power loss.

    python examples/kv.py DIR set KEY VALUE
    python examples/kv.py DIR get KEY
    python examples/kv.py DIR del KEY
    python examples/kv.py DIR list [PREFIX]

An append-only log on the disk, an index in memory (key → place in the file): Bitcask's design. The exit
status of `get` and `del` is 1 where there is no such key.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from hubbub.log import Batch, Log, LogError


def set_key(log: Log, key: bytes, value: bytes) -> int:
    batch = Batch()
    batch.put(key, value)
    log.commit(batch)  # durable when it returns
    return 0


def get_key(log: Log, key: bytes) -> int:
    value = log.get(key)
    if value is None:
        return 1
    print(os.fsdecode(value))
    return 0


def delete_key(log: Log, key: bytes) -> int:
    if log.get(key) is None:
        return 1
    batch = Batch()
    batch.delete(key)
    log.commit(batch)
    return 0


def list_keys(log: Log, prefix: bytes) -> int:
    for key, value in log.scan(prefix):
        print(os.fsdecode(key), os.fsdecode(value), sep="\t")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A key-value store on Hubbub's log.")
    parser.add_argument("directory", type=Path)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("set")
    one.add_argument("key", type=os.fsencode)
    one.add_argument("value", type=os.fsencode)
    for name in ("get", "del"):
        commands.add_parser(name).add_argument("key", type=os.fsencode)
    commands.add_parser("list").add_argument("prefix", type=os.fsencode, nargs="?", default=b"")
    given = parser.parse_args(arguments)
    try:
        with Log.open(given.directory, read_only=given.command in ("get", "list")) as log:
            if given.command == "set":
                return set_key(log, given.key, given.value)
            if given.command == "get":
                return get_key(log, given.key)
            if given.command == "del":
                return delete_key(log, given.key)
            return list_keys(log, given.prefix)
    except (LogError, OSError, ValueError) as error:
        print(f"kv: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
