"""Snapshots of Azure SQL and SQL Server: one connection in one transaction of the isolation level SNAPSHOT.

The facts are those of "Transaction locking and row versioning guide", "SET TRANSACTION ISOLATION LEVEL",
"sys.databases", "sys.dm_exec_sessions" and "CURRENT_TRANSACTION_ID" (learn.microsoft.com). No statement needs a right
beyond those of an export: everyone sees the database and the session that they use. No test has run on a SQL Server.

The database names the state by the sequence number of the transaction. That needs `VIEW DATABASE STATE`, so there is no
token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from exports.adapters.clients_sql.dialects.mssql_driver import time_limit
from exports.adapters.clients_sql.dialects.mssql_errors import NOT_IN_SNAPSHOT, SNAPSHOTS_NOT_YET, SNAPSHOTS_OFF
from exports.adapters.clients_sql.dialects.snapshot import SAVEPOINT_OPTION, OpenSnapshot, snapshot_connection
from exports.errors import SourceRefusedError, SourceUnavailableError
from exports.ports.clients import SnapshotReading

_ALLOWED = "SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()"
"""By the name: in Azure SQL Database, `DB_ID()` is another number than `database_id` of this view."""

_ON, _ABOUT_TO_BE_ON = 1, 3
_SET_LEVEL = "SET XACT_ABORT OFF; SET TRANSACTION ISOLATION LEVEL SNAPSHOT"
"""`XACT_ABORT` is off unless the server's `user options` say otherwise. If it were on, a lock that takes too long would
end the whole transaction, not only its statement."""

_MOMENT = "SELECT CONVERT(varchar(33), SYSUTCDATETIME(), 126)"
"""As text, of which Python reads six of the seven digits. A conversion of the database would round up half of the
moments, to later ones."""

_FIRST_READ = "SELECT CASE WHEN EXISTS (SELECT 1 FROM clients) THEN 1 ELSE 0 END"
"""Reads one row of the tables behind the view, and none of its values."""

_TRANSACTION = (
    "SELECT CURRENT_TRANSACTION_ID(), "
    "(SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID)"
)
_SNAPSHOT_LEVEL = 5
_ANSWER_SECONDS = 10
"""How long the database may take to say in which transaction a connection is. It needs a millisecond. A server that was
silent until a page ended by its time limit must not use up as much time again."""


class _Transaction(NamedTuple):
    """The transaction that a connection is in. Its number is unique on the server until that starts again."""

    number: int
    level: int | None


class MssqlSnapshots:
    """Takes snapshots by a transaction that reads as of its first read of data. No second connection can join it."""

    def reading(self, connection: Connection) -> SnapshotReading:
        """See `SnapshotTaker.reading`."""
        _require_permission(connection)
        return SnapshotReading(readers=1)

    @contextmanager
    def open(self, engine: Engine) -> Iterator[OpenSnapshot]:
        """See `SnapshotTaker.open`. The session is not used again, because it would keep its isolation level."""
        with snapshot_connection(engine) as opened:
            _require_permission(opened)
            opened.rollback()
            try:
                yield _begin(opened)
            finally:
                with suppress(SQLAlchemyError):
                    opened.invalidate()


def _require_permission(connection: Connection) -> None:
    """Look whether the database allows snapshot isolation.

    Raises:
        SourceRefusedError: It does not.
        SourceUnavailableError: It will, as soon as the transactions have ended that began before it was told to.
    """
    state = connection.exec_driver_sql(_ALLOWED).scalar()
    if state == _ABOUT_TO_BE_ON:
        raise SourceUnavailableError(SNAPSHOTS_NOT_YET.message)
    if state != _ON:
        raise SourceRefusedError(SNAPSHOTS_OFF.message)


def _begin(opened: Connection) -> OpenSnapshot:
    """Begin a transaction, and fix the state that it reads.

    The level is set outside of it: a transaction that began in another level cannot change to this one. The database
    fixes the state not when the transaction begins, but when it first reads a table. The clock is read before that, by
    a statement of its own. So everything that was committed until the moment is in the state. A clock that is read
    later would promise changes that were committed in between and are not in the state.

    Raises:
        SourceRefusedError: The transaction has another isolation level.
    """
    opened.exec_driver_sql(_SET_LEVEL).close()
    opened.commit()
    connection = opened.execution_options(**{SAVEPOINT_OPTION: ""})
    connection.begin()
    moment = datetime.fromisoformat(connection.exec_driver_sql(_MOMENT).scalar_one()).replace(tzinfo=UTC)
    connection.exec_driver_sql(_FIRST_READ).scalar_one()
    transaction = _transaction_of(connection)
    if transaction.level != _SNAPSHOT_LEVEL:
        raise SourceRefusedError(NOT_IN_SNAPSHOT.message)
    return OpenSnapshot(moment, None, (connection,), lambda each: _transaction_of(each) == transaction)


def _transaction_of(connection: Connection) -> _Transaction:
    with time_limit(connection, _ANSWER_SECONDS):
        return _Transaction(*connection.exec_driver_sql(_TRANSACTION).one())
