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
from hubbub.server.storage import INDEX, LOG, StorageError

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


def with_data(arguments: Namespace, work: Callable[[Data], int], *, new: bool = False) -> int:
    """Do something with the data directory of the settings, or make it (`new`); return the exit code."""
    loaded = load_settings(arguments)
    if isinstance(loaded, int):
        return loaded
    where = loaded.config.server.data
    if where == MEMORY:
        print("hubbub: nothing is kept in memory; name a directory with --data", file=sys.stderr)
        return WRONGLY_ASKED
    data = Data(Path(where), loaded.config)
    try:
        if new or data.log.is_dir():
            return work(data)
        print(f"hubbub: {where} holds no data of Hubbub", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"hubbub: {error.filename or where}: there is no such file", file=sys.stderr)
    except BrokenPipeError:  # whoever reads what is printed has enough
        raise
    except OSError as error:
        print(
            f"hubbub: {f'{error.filename}: {error.strerror}' if error.filename else error}", file=sys.stderr
        )
    except (LogError, StorageError, sqlite3.Error) as error:
        print(f"hubbub: {error}", file=sys.stderr)
    return FAILED
