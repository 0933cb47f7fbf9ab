"""Look at the file behind a SQLite connection: whether it was replaced or restored, or why it cannot be opened."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Lock
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
NO_ROOM = Translation(
    SourceUnavailableError,
    "The temporary folder of the service has no room to sort the clients or to copy their database for a snapshot.",
)

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
"""For a read of bytes, on Windows too. Python itself keeps the descriptor from programs that it starts."""
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


class _Look:
    """Reads the headers of files through descriptors that stay open.

    When a process closes a descriptor of a file, POSIX drops all locks that the process holds on that file, also those
    of SQLite's own connections ("How To Corrupt An SQLite Database File", 2.2). Then a program could write to the file
    while another thread reads it. So a descriptor is closed only when another file stands at its path.
    """

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._lock = Lock()

    def at(self, path: str) -> tuple[os.stat_result, bytes]:
        """Return the state and the header of the file at a path."""
        with self._lock:
            descriptor = self._descriptor_of(path)
            os.lseek(descriptor, 0, os.SEEK_SET)  # `os.pread` does not exist on Windows
            return os.fstat(descriptor), os.read(descriptor, _HEADER_BYTES)

    def forget(self, path: str) -> None:
        """Close the descriptor of a file that nobody reads any more."""
        with self._lock:
            descriptor = self._open.pop(path, None)
            if descriptor is not None:
                os.close(descriptor)

    def _descriptor_of(self, path: str) -> int:
        descriptor = self._open.get(path)
        if descriptor is not None:
            if os.path.samestat(os.fstat(descriptor), Path(path).stat()):
                return descriptor
            os.close(self._open.pop(path))
        self._open[path] = descriptor = os.open(path, _OPEN_FLAGS)
        return descriptor


_LOOK = _Look()


def forget_file(path: Path) -> None:
    """Close the descriptor of a copy that nobody reads any more, so that its removal frees the room on the disk."""
    _LOOK.forget(str(path))


def file_generation(connection: Connection) -> str | None:
    """Return the generation of the file at the connection's path as JSON; None for a database in memory.

    The connection may have an older file open, because the path is looked up anew.
    """
    path = next((row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"), "")
    if not path:
        return None
    found, header = _LOOK.at(path)
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
    has_log = _has_log(_LOOK.at(str(path))[1])
    return CLOSED_FOLDER if has_log and not os.access(path.parent, os.W_OK) else None


def _has_log(header: bytes) -> bool:
    return header[_READ_VERSION : _READ_VERSION + 1] == bytes([_WAL_VERSION])
