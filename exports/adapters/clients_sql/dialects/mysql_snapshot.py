"""Snapshots of MySQL and MariaDB: one connection in one consistent read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from sqlalchemy import Connection, Engine, text

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot
from exports.errors import SourceRefusedError

_WITH_VERSIONS = ("InnoDB", "ROCKSDB", "TokuDB")
"""Engines that keep older versions of rows for open transactions. All others show every change at once."""

_CURRENT = text("SELECT DATABASE()")
_SCHEMAS = text("SELECT schema_name FROM information_schema.schemata")
_DEFINITION = text(
    "SELECT view_definition FROM information_schema.views WHERE table_schema = :schema AND table_name = :name"
)
_ENGINE = text("SELECT engine FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name")
_QUALIFIED = re.compile(r"`((?:[^`]|``)+)`\.`((?:[^`]|``)+)`")
"""How the server writes a table into the definition of a view: with its schema. Columns have the same form."""

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
    for schema, name in _names_behind_clients(connection):
        engine = connection.execute(_ENGINE, {"schema": schema, "name": name}).scalar()
        if engine is not None and engine not in _WITH_VERSIONS:
            message = (
                f"The client database can show no snapshot, because the table {name} has the engine {engine}, which "
                "keeps no older versions of rows. Convert the table to InnoDB, or export without a snapshot."
            )
            raise SourceRefusedError(message)


def _names_behind_clients(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield the schema and the name of `clients`, and of every view and table behind it, whatever their schemas are."""
    schemas = set(connection.execute(_SCHEMAS).scalars())
    found = {(connection.execute(_CURRENT).scalar_one(), "clients")}
    waiting = list(found)
    while waiting:
        schema, name = waiting.pop()
        yield schema, name
        definition = connection.execute(_DEFINITION, {"schema": schema, "name": name}).scalar() or ""
        for pair in _QUALIFIED.findall(definition):
            behind = pair[0].replace("``", "`"), pair[1].replace("``", "`")
            if behind[0] in schemas and behind not in found:
                found.add(behind)
                waiting.append(behind)


def _binlog_position(connection: Connection) -> str | None:
    """Return the position in the binary log at which MariaDB took the snapshot; None if it keeps no such log."""
    found = {name.lower(): value for name, value in connection.execute(_BINLOG)}
    file, position = found.get("binlog_snapshot_file"), found.get("binlog_snapshot_position")
    return f"{file}:{position}" if file else None
