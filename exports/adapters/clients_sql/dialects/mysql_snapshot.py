"""Snapshots of MySQL and MariaDB: one connection in one consistent read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.mysql_versions import require_versions
from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot, snapshot_connection
from exports.ports.clients import SnapshotReading

_BINLOG = text("SHOW STATUS LIKE 'binlog_snapshot_%'")
_FIRST_READ = "SELECT 1 FROM clients LIMIT 0"
"""Locks the definitions of the view, and of all tables and views behind it, until the end of the transaction."""

_SAVEPOINT, _NO_SAVEPOINT = "in_snapshot", 1305


class MysqlSnapshots:
    """Takes snapshots by `START TRANSACTION WITH CONSISTENT SNAPSHOT`, which no second connection can join."""

    def reading(self, connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        require_versions(connection)
        return SnapshotReading(readers=1)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`.

        The engines of the tables are looked at when their definitions are locked, so none can change afterwards.
        """
        with snapshot_connection(engine) as opened:
            connection = opened.execution_options(**{SAVEPOINT_OPTION: ""})
            connection.begin()
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").close()
            moment = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one().replace(tzinfo=UTC)
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").close()
            token = _binlog_position(connection)
            connection.exec_driver_sql(_FIRST_READ).close()
            require_versions(connection)
            connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}").close()
            yield OpenSnapshot(moment, token, (connection,), _has_savepoint)


def _has_savepoint(connection: Connection) -> bool:
    """Say whether a connection is still in the transaction of the snapshot: a savepoint ends with its transaction.

    The server, or a proxy in front of it, may replace a transaction or a session without an error: without autocommit,
    the next statement begins another transaction. Returning to the savepoint needs no right, and undoes nothing in a
    transaction that only reads. It may unlock what was first read after the savepoint, so that stands behind the view.
    """
    try:
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}").close()
    except DBAPIError as error:
        if error.orig is None or error.orig.args[:1] != (_NO_SAVEPOINT,):
            raise
        return False
    return True


def _binlog_position(connection: Connection) -> str | None:
    """Return the position in the binary log at which MariaDB took the snapshot; None if it keeps no such log."""
    found = {name.lower(): value for name, value in connection.execute(_BINLOG)}
    file, position = found.get("binlog_snapshot_file"), found.get("binlog_snapshot_position")
    return f"{file}:{position}" if file else None
