"""Snapshots of SQLite: one read transaction, on the file itself or on a copy of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import OperationalError

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot
from exports.adapters.clients_sql.dialects.sqlite_copies import path_for_copy
from exports.adapters.clients_sql.dialects.sqlite_file import forget_file
from exports.adapters.clients_sql.dialects.sqlite_values import add_functions
from exports.ports.clients import SnapshotReading

_COPY = "sqlite3_backup_step"
_FIRST_READ = "SELECT count(*) FROM sqlite_schema"
"""`BEGIN` alone takes no lock: the first statement that reads the file decides which state the transaction sees."""


class SqliteSnapshots:
    """Takes snapshots by a read transaction.

    In a file with a write-ahead log, writers are not delayed. In other files a reader stops all writers. So such a file
    is copied first, which takes a fraction of the time of an export, and the copy is read.
    """

    def reading(self, connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        if has_log(connection):
            return SnapshotReading(readers=1)
        pages, page_bytes = (connection.exec_driver_sql(f"PRAGMA page_{of}").scalar_one() for of in ("count", "size"))
        return SnapshotReading(readers=1, copied_bytes=pages * page_bytes)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`."""
        with engine.connect() as connection:
            in_log = has_log(connection)
            connection.rollback()
            if in_log:
                yield _begin(connection, datetime.now(UTC))
                return
            with _copy_of(connection) as (copied, moment), copied.connect() as reader:
                yield _begin(reader, moment)


def has_log(connection: Connection) -> bool:
    """Say whether the file has a write-ahead log, with which readers and writers do not wait for each other."""
    return bool(connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal")


def _begin(opened: Connection, moment: datetime) -> OpenSnapshot:
    connection = opened.execution_options(**{SAVEPOINT_OPTION: ""})
    connection.begin()
    connection.exec_driver_sql("BEGIN").close()
    connection.exec_driver_sql(_FIRST_READ).close()
    return OpenSnapshot(moment, None, (connection,), _is_in_transaction)


def _is_in_transaction(connection: Connection) -> bool:
    """Say whether the read transaction is open. Nothing begins another one, so it is that of the snapshot."""
    return cast("sqlite3.Connection", connection.connection.driver_connection).in_transaction


@contextmanager
def _copy_of(connection: Connection) -> Iterator[tuple[Engine, datetime]]:
    """Copy the file, and remove the copy afterwards."""
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    with path_for_copy() as path:
        moment = datetime.now(UTC)
        _copy(driver, path)
        copied = create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
        event.listen(copied, "connect", add_functions)
        try:
            yield copied, moment
        finally:
            forget_file(path)


def _copy(driver: sqlite3.Connection, path: Path) -> None:
    """Copy with the backup interface of SQLite in one step, so that no writer comes in between.

    Raises:
        sqlalchemy.exc.OperationalError: A writer keeps the file locked, or the copy cannot be written.
    """
    try:
        with closing(sqlite3.connect(path)) as target:
            driver.backup(target, progress=_refuse_lock)
    except sqlite3.Error as error:
        raise OperationalError(_COPY, None, error) from error


def _refuse_lock(status: int, _remaining: int, _pages: int) -> None:
    """Stop a step that found the file locked. It has waited as long as a statement does; Python would try for ever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")
