"""Writes sample clients to a SQLite file, which appears complete or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from exports.commands.sample.clients import SAMPLE_COLUMNS
from exports.commands.sample.pools import Part
from exports.commands.sample.schema import MARKER_TABLE, SampleRefusedError, table_statements
from exports.request.fields import CellKind

_TYPES = {CellKind.BOOLEAN: "INTEGER"}
_FAST = (
    "page_size = 16384",
    "journal_mode = OFF",
    "synchronous = OFF",
    "locking_mode = EXCLUSIVE",
    "cache_size = -64000",
)
"""Settings for a file that no other process reads. It needs no journal, because it is deleted if writing fails."""


def fill_sqlite(url: URL, rows: Iterator[Part]) -> None:
    """Write all rows to a file beside the target, and then replace the target with it."""
    if not url.database or url.database == ":memory:":
        raise SampleRefusedError("Name a file: sqlite:///clients.sqlite")
    target = Path(url.database).resolve()
    _refuse_other_files(target)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        _write(unfinished, rows)
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        reason = f"The file cannot be written: {error}"
        raise SampleRefusedError(reason) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_other_files(target: Path) -> None:
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(f"{target.as_uri()}?mode=ro", uri=True)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise SampleRefusedError("A file of that name exists, and it is not a readable SQLite database.") from error
    if names and MARKER_TABLE not in names:
        raise SampleRefusedError(
            "A database of that name exists that this command did not make, so it is left unchanged."
        )


def _write(path: Path, rows: Iterator[Part]) -> None:
    placeholders = ", ".join("?" * len(SAMPLE_COLUMNS))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in _FAST:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        for statement in table_statements(_TYPES, "TEXT"):
            connection.execute(statement)
        connection.executemany(f"INSERT INTO client_records VALUES ({placeholders})", rows)  # noqa: S608 - placeholders only
        connection.execute("COMMIT")
    with path.open("rb+") as file:
        os.fsync(file.fileno())
