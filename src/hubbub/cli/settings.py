"""From the parsed command line to the settings, and the sentences for a person where that fails."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from hubbub.server.settings import FLAGS, Loaded, Problem, SettingsError, load

WRONGLY_ASKED = 2


def load_settings(arguments: Namespace) -> Loaded | int:
    """Load them; say what is wrong and return the exit code where they cannot be used."""
    try:
        return load(gather_flags(arguments), os.environ, Path(".env"), arguments.config)
    except SettingsError as error:
        tell(error.problems)
        return WRONGLY_ASKED


def load_unchecked(arguments: Namespace) -> Loaded:
    """What they are, for a command that can do without: faults in them are not its own."""
    try:
        return load(gather_flags(arguments), os.environ, Path(".env"), arguments.config)
    except SettingsError as error:
        return error.loaded


def gather_flags(arguments: Namespace) -> dict[str, str | list[str]]:
    """Those that were given, keyed as `FLAGS`."""
    flags = {}
    for flag in FLAGS:
        value = getattr(arguments, flag.removeprefix("--").replace("-", "_"), None)
        if value is not None:
            flags[flag] = value
    return flags


def tell(problems: Iterable[Problem]) -> None:
    """Print one line a problem to stderr."""
    for problem in problems:
        print(f"hubbub: {problem}", file=sys.stderr)
