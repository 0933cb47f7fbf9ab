"""Snapshots of PostgreSQL: several connections read the state that the first one has exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot, snapshot_connection
from exports.errors import SourceUnavailableError
from exports.ports.clients import SnapshotReading

READERS = 3
"""Connections that read one snapshot at the same time. While one page is rendered in Python, the server reads others;
more connections would not make one process faster."""

IMPORTED_OPTION = "imported_snapshot"
"""Execution option: the name of the snapshot that a transaction imports before its first statement."""

_SAVEPOINT = "before_reading"
_STATE = "SELECT transaction_timestamp(), txid_current_snapshot()::text, pg_export_snapshot()"


class PostgresqlSnapshots:
    """Takes snapshots by `pg_export_snapshot()`. Every connection keeps its transaction open until the end.

    A transaction that has imported the snapshot keeps the state itself, so no connection depends on another one.
    """

    def reading(self, _connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        return SnapshotReading(READERS)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`."""
        with ExitStack() as connections:
            first = connections.enter_context(_begin(engine))
            moment, token, name = first.exec_driver_sql(_STATE).one()
            try:
                others = [connections.enter_context(_begin(engine, name)) for _ in range(READERS - 1)]
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                message = "The client database did not share a snapshot between connections."
                raise SourceUnavailableError(message) from error
            for each in (first, *others):
                each.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}").close()
            yield OpenSnapshot(moment, token, (first, *others))


@contextmanager
def _begin(engine: Engine, imported: str | None = None) -> Iterator[Connection]:
    with snapshot_connection(engine) as opened:
        connection = opened.execution_options(
            isolation_level="REPEATABLE READ", **{SAVEPOINT_OPTION: _SAVEPOINT, IMPORTED_OPTION: imported}
        )
        connection.begin()
        yield connection


def import_snapshot(connection: Connection) -> None:
    """Import the snapshot that the connection is for, if any. Call it before the first statement of a transaction."""
    name = connection.get_execution_options().get(IMPORTED_OPTION)
    if name is not None:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'").close()
