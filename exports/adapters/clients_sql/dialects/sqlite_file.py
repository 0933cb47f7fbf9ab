"""Look at the file behind a SQLite connection: whether it was replaced or restored, or why it cannot be opened."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from exports.adapters.clients_sql.sql.translations import IS_FOLDER, LOCKED_FILE, NO_FILE, Translation
from exports.errors import SourceRefusedError, SourceUnavailableError
from shared.models import Model

CRASHED_WRITER = Translation(
    SourceUnavailableError,
    "A program that wrote the file of the client database was stopped midway, and this service may not repair the "
    "file. Let a program that may write the file open it once.",
    is_reached=False,
)
CLOSED_FOLDER = Translation(
    SourceRefusedError,
    "The file of the client database has a write-ahead log, and to read it SQLite must write in its folder, which this "
    "service may not. Give its user that right, or run in the file: PRAGMA journal_mode = DELETE.",
    is_reached=False,
)
DAMAGED = Translation(
    SourceRefusedError,
    "The file of the client database is damaged, or it was copied while a program wrote it. Restore it, and copy it "
    "with VACUUM INTO or the .backup command of SQLite.",
    is_reached=False,
)

_HEADER_BYTES = 100
_READ_VERSION = 19
_RESTORE_SECONDS = 1.0
_WAL_VERSION = 2
_CHANGES = slice(24, 28)
"""Where the header of the file holds what we read ("Database File Format", sqlite.org)."""


class SqliteGeneration(Model):
    """A file at one moment.

    Attributes:
        device, inode: Another file at the same path has another inode.
        changes: SQLite increases this number with each transaction that changes the file. In a file with a write-ahead
            log it may stay.
        modified_ns: When the bytes of the file changed last.
    """

    device: int
    inode: int
    changes: int
    modified_ns: int
    has_log: bool

    def became(self, later: Self) -> bool:
        """Say whether `later` can be this file after further transactions of SQLite.

        A file that was copied over this one has the same inode. It is recognized if it has fewer changes, or just as
        many but other bytes.
        """
        if (self.device, self.inode) != (later.device, later.inode) or later.changes < self.changes:
            return False
        is_written = later.modified_ns != self.modified_ns
        return not is_written or later.changes > self.changes or (self.has_log and later.has_log)


def file_generation(connection: Connection) -> str | None:
    """Return the generation of the file at the connection's path as JSON; None for a database in memory.

    The connection may have an older file open, because the path is looked up anew.
    """
    path = next((row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"), "")
    if not path:
        return None
    with Path(path).open("rb") as file:
        found = os.fstat(file.fileno())
        header = file.read(_HEADER_BYTES)
    return SqliteGeneration(
        device=found.st_dev,
        inode=found.st_ino,
        changes=int.from_bytes(header[_CHANGES], "big"),
        modified_ns=found.st_mtime_ns,
        has_log=_has_log(header),
    ).model_dump_json()


def is_same_file(before: str, now: str) -> bool:
    """Say whether the file is the one of `before`, perhaps with later changes."""
    return SqliteGeneration.model_validate_json(before).became(SqliteGeneration.model_validate_json(now))


def file_fault(path: Path) -> Translation | None:
    """Say why a file cannot be opened; None if the file itself shows no reason, so trying again may help.

    A file that is being restored may be missing for a moment, so a missing one is looked for again for a second.
    """
    if path.is_dir():
        return IS_FOLDER
    if not path.exists():
        time.sleep(_RESTORE_SECONDS)
        return None if path.exists() else NO_FILE
    if not os.access(path, os.R_OK):
        return LOCKED_FILE
    with path.open("rb") as file:
        has_log = _has_log(file.read(_HEADER_BYTES))
    return CLOSED_FOLDER if has_log and not os.access(path.parent, os.W_OK) else None


def _has_log(header: bytes) -> bool:
    return header[_READ_VERSION : _READ_VERSION + 1] == bytes([_WAL_VERSION])
