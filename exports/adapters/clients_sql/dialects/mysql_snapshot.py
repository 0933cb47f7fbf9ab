"""Snapshots of MySQL and MariaDB: one connection in one consistent read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC

from sqlalchemy import Connection, Engine, text

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot, snapshot_connection
from exports.errors import SourceRefusedError
from exports.ports.clients import SnapshotReading

_WITH_VERSIONS = ("InnoDB", "ROCKSDB", "TokuDB")
"""Engines that keep older versions of rows for open transactions. All others show every change at once."""

_CURRENT = text("SELECT DATABASE()")
_SCHEMAS = text("SELECT schema_name FROM information_schema.schemata")
_DEFINITION = text(
    "SELECT view_definition FROM information_schema.views WHERE table_schema = :schema AND table_name = :name"
)
_TABLE = text(
    "SELECT table_type, engine FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name"
)
_NAME = "`((?:[^`]|``)+)`"
_QUALIFIED = re.compile(rf"{_NAME}\.{_NAME}")
"""How the server writes a table into the definition of a view: with its schema. Columns have the same form."""

_READ = re.compile(rf"(?<![`\w])(?:from|join|straight_join)[\s(]+{_NAME}\.{_NAME}(?!\.)", re.IGNORECASE)
_ALIAS = re.compile(rf"[`)] {_NAME}")
"""Where the server writes a table that a view reads, and the alias of a table. `trim(' ' from alias.column)` looks
alike."""

_BINLOG = text("SHOW STATUS LIKE 'binlog_snapshot_%'")


class MysqlSnapshots:
    """Takes snapshots by `START TRANSACTION WITH CONSISTENT SNAPSHOT`, which no second connection can join."""

    def reading(self, _connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        return SnapshotReading(readers=1)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`."""
        with snapshot_connection(engine) as opened:
            connection = opened.execution_options(**{SAVEPOINT_OPTION: ""})
            connection.begin()
            _require_versions(connection)
            connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").close()
            moment = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one().replace(tzinfo=UTC)
            connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").close()
            yield OpenSnapshot(moment, _binlog_position(connection), (connection,))


def _require_versions(connection: Connection) -> None:
    """Refuse tables whose engine keeps no older versions of rows, and tables whose engine this login cannot see.

    Raises:
        SourceRefusedError: There is such a table.
    """
    schemas = set(connection.execute(_SCHEMAS).scalars())
    waiting = [((connection.execute(_CURRENT).scalar_one(), "clients"), True)]
    found = set(waiting)
    while waiting:
        (schema, name), is_read = waiting.pop()
        place = {"schema": schema, "name": name}
        described = connection.execute(_TABLE, place).one_or_none()
        if described is None:
            if is_read:
                raise _unseen("table", name, "REFERENCES")
        elif described[0] == "VIEW":
            definition = connection.execute(_DEFINITION, place).scalar()
            if not definition:
                raise _unseen("definition of the view", name, "SHOW VIEW")
            new = set(_names_in(definition, schemas).items()) - found
            found |= new
            waiting += new
        elif described[1] not in _WITH_VERSIONS:
            raise _without_versions(name, described[1])


def _names_in(definition: str, schemas: Collection[str]) -> dict[tuple[str, str], bool]:
    """Return the schema and the name of what may be a table in the definition of a view, and whether it is one."""
    aliases = {_unquoted(alias) for alias in _ALIAS.findall(definition)}
    names = {(_unquoted(schema), _unquoted(name)): False for schema, name in _QUALIFIED.findall(definition)}
    read = {(_unquoted(schema), _unquoted(name)): True for schema, name in _READ.findall(definition)}
    possible = {pair: is_read for pair, is_read in (names | read).items() if is_read or pair[0] in schemas}
    return {pair: is_read and pair[0] not in aliases for pair, is_read in possible.items()}


def _unquoted(name: str) -> str:
    return name.replace("``", "`")


def _without_versions(table: str, engine: str | None) -> SourceRefusedError:
    message = (
        f"The client database can show no snapshot, because the table {table} has the engine {engine}, which "
        "keeps no older versions of rows. Convert the table to InnoDB, or export without a snapshot."
    )
    return SourceRefusedError(message)


def _unseen(kind: str, name: str, right: str) -> SourceRefusedError:
    message = (
        f"The client database can show no snapshot, because the login of this service cannot see the {kind} {name}, "
        "and so not whether all tables behind the view clients keep older versions of rows. Grant the login "
        f"{right} ON {name}, which lets it read no more clients, or export without a snapshot."
    )
    return SourceRefusedError(message)


def _binlog_position(connection: Connection) -> str | None:
    """Return the position in the binary log at which MariaDB took the snapshot; None if it keeps no such log."""
    found = {name.lower(): value for name, value in connection.execute(_BINLOG)}
    file, position = found.get("binlog_snapshot_file"), found.get("binlog_snapshot_position")
    return f"{file}:{position}" if file else None
