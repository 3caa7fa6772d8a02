"""What the benches beside `run.py` are asked for, and how they tell how far they are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent / "out"


def tell(text: str) -> None:
    """Say it to whoever waits; the table alone goes to stdout."""
    print(text, file=sys.stderr, flush=True)


def options(name: str, description: str, rounds: int) -> argparse.ArgumentParser:
    """What each of them takes: `name` is the file's, without its ending."""
    parser = argparse.ArgumentParser(prog=f"bench/{name}.py", description=description)
    parser.add_argument("--quick", action="store_true", help="one small round: does everything still run?")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help=f"rounds, of which medians are taken ({rounds})"
    )
    parser.add_argument("--where", type=Path, default=OUT / name, help="on the disk to measure")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    return parser


def read(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """What was asked; a part of the figures is not to be written over all of them."""
    asked = parser.parse_args(arguments)
    if asked.write and asked.quick:
        parser.error("--write wants the whole run, without --quick")
    return asked
