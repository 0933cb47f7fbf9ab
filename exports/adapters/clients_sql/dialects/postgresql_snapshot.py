"""Snapshots of PostgreSQL: several connections read the state that the first one has exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot, snapshot_connection
from exports.errors import SourceRefusedError, SourceUnavailableError
from exports.ports.clients import SnapshotReading

READERS = 3
"""Connections that read one snapshot at the same time. While one page is rendered in Python, the server reads others;
more connections would not make one process faster."""

IMPORTED_OPTION = "imported_snapshot"
"""Execution option: the name of the snapshot that a transaction imports before its first statement."""

_SAVEPOINT = "before_reading"
_NAME_OF_STATE = "txid_current_snapshot()::text"
_STATE = f"SELECT transaction_timestamp(), {_NAME_OF_STATE}, pg_export_snapshot()"

_FOREIGN_TABLE = """WITH RECURSIVE read (id) AS (
    SELECT 'clients'::regclass::oid
    UNION
    SELECT found.id FROM read CROSS JOIN LATERAL (
        SELECT depends.refobjid AS id
        FROM pg_class AS relation
        JOIN pg_rewrite AS rule ON rule.ev_class = relation.oid
        JOIN pg_depend AS depends ON depends.objid = rule.oid
            AND depends.classid = 'pg_rewrite'::regclass AND depends.refclassid = 'pg_class'::regclass
        WHERE relation.oid = read.id AND relation.relkind = 'v'
        UNION ALL SELECT part.inhrelid FROM pg_inherits AS part WHERE part.inhparent = read.id
    ) AS found
)
SELECT relation.relname FROM read JOIN pg_class AS relation ON relation.oid = read.id
WHERE relation.relkind = 'f' ORDER BY relation.relname LIMIT 1"""
"""Everyone may read these catalogs. The copy of a materialized view is in the database, whatever it was made from."""


class PostgresqlSnapshots:
    """Takes snapshots by `pg_export_snapshot()`. Every connection keeps its transaction open until the end.

    A transaction that has imported the snapshot keeps the state itself, so no connection depends on another one.
    """

    def reading(self, connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        _require_no_foreign_table(connection)
        return SnapshotReading(READERS)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`."""
        with ExitStack() as connections:
            first = connections.enter_context(_begin(engine))
            moment, token, name = first.exec_driver_sql(_STATE).one()
            _require_no_foreign_table(first)
            try:
                others = [connections.enter_context(_begin(engine, name)) for _ in range(READERS - 1)]
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                message = "The client database did not share a snapshot between connections."
                raise SourceUnavailableError(message) from error
            for each in (first, *others):
                each.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}").close()
            yield OpenSnapshot(moment, token, (first, *others), lambda each: _token_of(each) == token)


def _require_no_foreign_table(connection: Connection) -> None:
    """Refuse tables of other servers: each connection would read them in a state of its own, if in one at all.

    Raises:
        SourceRefusedError: The view reads such a table.
    """
    table = connection.exec_driver_sql(_FOREIGN_TABLE).scalar()
    if table is not None:
        message = (
            f"The client database can show no snapshot, because the view clients reads the foreign table {table}, "
            "whose rows are in another database or a file. Copy them into a table or a materialized view, or export "
            "without a snapshot."
        )
        raise SourceRefusedError(message)


def _token_of(connection: Connection) -> str | None:
    """Ask which state a connection reads. After the end of a transaction, psycopg silently begins another one."""
    token: str | None = connection.exec_driver_sql(f"SELECT {_NAME_OF_STATE}").scalar()
    return token


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
