"""Limit the check of a view in Azure SQL and SQL Server, and ask how they read; not about functions and plans."""

from __future__ import annotations

from math import ceil
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event

from exports.adapters.clients_sql.inspection.inspector import ViewInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.sql.translations import BUSY

_READS_VERSIONS = "SELECT is_read_committed_snapshot_on FROM sys.databases WHERE name = DB_NAME()"
"""By the name: in Azure SQL Database, `DB_ID()` is another number than `database_id` of this view. The facts are those
of "Transaction locking and row versioning guide" (learn.microsoft.com)."""
_LOCKS = (
    "READ_COMMITTED_SNAPSHOT is off in this database, so reading and writing clients wait for each other, and a client "
    "that moves within an index while a page is read can be missing from the file. Run "
    "ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON."
)


class MssqlInspector(ViewInspector):
    """Limits connections and statements to whole seconds, because the driver takes no fractions."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Limit each connection, each statement, and each test of a pooled connection. Begin nothing after the end.

        The driver takes the limit of a statement when its cursor is opened, which is before SQLAlchemy tells of it. So
        the cursor itself is limited.
        """

        def shorten_login(_dialect: Dialect, _record: object, _arguments: object, options: dict[str, Any]) -> None:
            options["timeout"] = _whole_seconds(limit)

        def shorten_session(connection: Any, _record: object) -> None:
            connection.timeout = _whole_seconds(limit)

        def shorten_statement(_connection: Connection, cursor: Any, *_statement: object) -> None:
            cursor.limit(_whole_seconds(limit))

        event.listen(engine, "do_connect", shorten_login, insert=True)  # before the listener that connects
        event.listen(engine, "connect", shorten_session)
        event.listen(engine, "before_cursor_execute", shorten_statement)

    def notes_on_reading(self, connection: Connection) -> list[str]:
        """Look whether statements read versions of rows, or lock rows one after the other."""
        reads_versions = connection.exec_driver_sql(_READS_VERSIONS).scalar()
        return [_LOCKS] if reads_versions is not None and not reads_versions else []


def _whole_seconds(limit: TimeLimit) -> int:
    """Return the seconds that are left, at least one.

    Raises:
        SourceUnavailableError: None is left.
    """
    if limit.is_over:
        raise BUSY.kind(BUSY.message)
    return max(1, ceil(limit.seconds_left))
