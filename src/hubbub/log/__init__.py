"""The storage engine: streams and keyed records in an append-only log. Usable on its own; see README.md.

It knows bytes and nothing of chat, and imports the standard library alone.
"""

from hubbub.log.active import Written
from hubbub.log.backup import BackUp, back_up
from hubbub.log.batch import Batch
from hubbub.log.compaction import CompactionPlan, CompactionResult, compact
from hubbub.log.counts import Stat
from hubbub.log.errors import (
    ColdError,
    CorruptError,
    ForeignDirectoryError,
    LockedError,
    LogError,
    NewerFormatError,
    ReadOnlyError,
)
from hubbub.log.files import Directory, File, Files
from hubbub.log.log import Log
from hubbub.log.options import Options
from hubbub.log.rebuild import rebuild_indexes
from hubbub.log.verify import Finding, verify

__all__ = [
    "BackUp",
    "Batch",
    "ColdError",
    "CompactionPlan",
    "CompactionResult",
    "CorruptError",
    "Directory",
    "File",
    "Files",
    "Finding",
    "ForeignDirectoryError",
    "LockedError",
    "Log",
    "LogError",
    "NewerFormatError",
    "Options",
    "ReadOnlyError",
    "Stat",
    "Written",
    "back_up",
    "compact",
    "rebuild_indexes",
    "verify",
]
