"""Where a command's data is, and the sentences for a person where it cannot be used."""

from __future__ import annotations

import sqlite3
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hubbub.cli.settings import WRONGLY_ASKED, load_settings
from hubbub.log import LogError
from hubbub.server.config import MEMORY, Config
from hubbub.server.storage import INDEX, LOG

FAILED: Final = 1


@dataclass(frozen=True)
class Data:
    """A data directory."""

    directory: Path
    config: Config

    @property
    def log(self) -> Path:
        """The log's own directory."""
        return self.directory / LOG

    @property
    def index(self) -> Path:
        """The search index's file."""
        return self.directory / INDEX


def with_data(arguments: Namespace, work: Callable[[Data], int]) -> int:
    """Do something with the data directory that the settings name; return the exit code."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    where = loaded.config.server.data
    if where == MEMORY:
        print("hubbub: nothing is kept in memory; name a directory with --data", file=sys.stderr)
        return WRONGLY_ASKED
    try:
        return work(Data(Path(where), loaded.config))
    except FileNotFoundError as error:
        print(f"hubbub: {error.filename or where}: there is no such file", file=sys.stderr)
    except (LogError, sqlite3.Error, OSError) as error:
        print(f"hubbub: {error}", file=sys.stderr)
    return FAILED
