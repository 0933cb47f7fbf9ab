"""Snapshots of MySQL and MariaDB: one connection in one consistent read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from sqlalchemy import Connection, Engine, bindparam, text

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot
from exports.errors import SourceRefusedError

_WITH_VERSIONS = ("InnoDB", "ROCKSDB", "TokuDB")
"""Engines that keep older versions of rows for open transactions. All others show every change at once."""

_DEFINITION = text(
    "SELECT view_definition FROM information_schema.views WHERE table_schema = DATABASE() AND table_name = 'clients'"
)
_OTHER_ENGINES = text(
    "SELECT table_name, engine FROM information_schema.tables "
    "WHERE table_type = 'BASE TABLE' AND table_schema = DATABASE() AND engine NOT IN :engines"
).bindparams(bindparam("engines", _WITH_VERSIONS, expanding=True))
_BINLOG = text("SHOW STATUS LIKE 'binlog_snapshot_%'")


class MysqlSnapshots:
    """Takes snapshots by `START TRANSACTION WITH CONSISTENT SNAPSHOT`, which no second connection can join."""

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`."""
        with engine.connect() as opened:
            connection = opened.execution_options(**{SAVEPOINT_OPTION: ""})
            connection.begin()
            _require_versions(connection)
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").close()
            moment = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one().replace(tzinfo=UTC)
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").close()
            yield OpenSnapshot(moment, _binlog_position(connection), (connection,))


def _require_versions(connection: Connection) -> None:
    """Refuse tables whose engine keeps no older versions, as far as this login can see them.

    Raises:
        SourceRefusedError: There is such a table.
    """
    definition = connection.execute(_DEFINITION).scalar() or "`clients`"
    for name, engine in connection.execute(_OTHER_ENGINES):
        if f"`{name}`" in definition:
            message = (
                f"The client database can show no snapshot, because the table {name} has the engine {engine}, which "
                "keeps no older versions of rows. Convert the table to InnoDB, or export without a snapshot."
            )
            raise SourceRefusedError(message)


def _binlog_position(connection: Connection) -> str | None:
    """Return the position in the binary log at which MariaDB took the snapshot; None if it keeps no such log."""
    found = {name.lower(): value for name, value in connection.execute(_BINLOG)}
    file, position = found.get("binlog_snapshot_file"), found.get("binlog_snapshot_position")
    return f"{file}:{position}" if file else None
