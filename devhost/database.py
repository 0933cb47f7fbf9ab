"""The SQLite file that holds the host's durable state. Only the host process writes to it.

WAL mode with `synchronous=NORMAL` survives the death of the process at any moment. A power cut may lose the last
commits, but never damages the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devhost.functions import StartupError

_VERSION = 1
_SCHEMA = """
CREATE TABLE instances(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT, status TEXT NOT NULL, input TEXT, output TEXT, custom TEXT,
  execution TEXT NOT NULL, parent TEXT, parent_execution TEXT, parent_task INTEGER, created REAL NOT NULL,
  updated REAL NOT NULL, next INTEGER NOT NULL, leaves INTEGER NOT NULL, fingerprint INTEGER NOT NULL,
  events INTEGER NOT NULL, open TEXT NOT NULL);
CREATE INDEX instances_created ON instances(created);
CREATE TABLE history(
  id TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY(id, seq)
) WITHOUT ROWID;
CREATE TABLE inbox(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT, at REAL NOT NULL, kind INTEGER NOT NULL,
  task INTEGER, event TEXT NOT NULL);
CREATE INDEX inbox_due ON inbox(id, at);
CREATE TABLE tasks(
  n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT NOT NULL, task INTEGER NOT NULL,
  name TEXT NOT NULL, input TEXT NOT NULL, deaths INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tasks_of ON tasks(id);
CREATE TABLE timers(name TEXT PRIMARY KEY, schedule TEXT NOT NULL, last REAL, next REAL NOT NULL);
"""


class Database:
    """Opens the state file and runs transactions on it."""

    def __init__(self, path: Path) -> None:
        """Open the file, and create its tables if it is new.

        Raises:
            StartupError: The file cannot be read or written, or another version of devhost wrote it.
        """
        try:
            self.connection = self._open(path)
        except sqlite3.Error as error:
            msg = f"cannot use {path}: {error}; if it is damaged, delete it to start afresh"
            raise StartupError(msg) from error

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            msg = f"{path} was written by another version of devhost; delete it to start afresh"
            raise StartupError(msg)
        if version == 0:
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
        return connection

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block as one transaction; inside another transaction, as part of that one."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
