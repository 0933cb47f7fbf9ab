"""MySQL and MariaDB, read through PyMySQL."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, ExceptionContext, String, event, literal_column

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS, SourceDialect
from exports.adapters.clients_sql.dialects.mysql_cells import cell_sql, day_cast, searched_sql, text_cast
from exports.adapters.clients_sql.dialects.mysql_keys import key_bound
from exports.adapters.clients_sql.dialects.mysql_logins import LOGINS_IN_THE_CLEAR
from exports.adapters.clients_sql.dialects.mysql_session import (
    PREPARE_SESSION,
    SQL_MODE,
    limit_session,
    require_whole,
    set_time_limit,
)
from exports.adapters.clients_sql.dialects.mysql_snapshot import MysqlSnapshots
from exports.adapters.clients_sql.dialects.mysql_types import MysqlType, describe
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn
from exports.adapters.clients_sql.sql.translations import (
    BROKEN_VIEW,
    BUSY,
    CERTIFICATE,
    CLOSED_PORT,
    LOGIN,
    NEEDS_TLS,
    NO_ANSWER,
    NO_COLUMN,
    NO_DATABASE,
    NO_DEFINER,
    NO_ENTRY,
    NO_GRANT,
    NO_TLS,
    NO_VIEW,
    SILENT_HOST,
    THROTTLED,
    TYPE,
    UNKNOWN_HOST,
    VALUE,
    WRITES,
    Translation,
)
from exports.request.fields import CellKind

_SOCKET_ERRORS: Mapping[type[BaseException], Translation] = {
    ssl.SSLCertVerificationError: CERTIFICATE,
    ConnectionRefusedError: CLOSED_PORT,
    TimeoutError: SILENT_HOST,
}


_OF_NAMES = re.compile(
    r"Access denied for user '[^']*'@'[^']*'|Unknown database '[^']*'|Table '[^']*' doesn't exist|"
    r"Unknown column '[^']*' in|View '[^']*' references invalid table\(s\)|"
    r"The user specified as a definer \('[^']*'@'[^']*'\) does not exist|"
    r"[A-Z ]+ command denied to user '[^']*'@'[^']*' for table [\w.`]+"
)
"""Beginnings of the server's own sentences about names."""


class MysqlDialect(SourceDialect):
    """MySQL and MariaDB. The error numbers 1698, 1927 and 1969 exist only in MariaDB, 3024 and 4031 only in MySQL."""

    connect_args: ClassVar = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": CONNECT_TIMEOUT_SECONDS,  # `limit_session` allows statements more
        "charset": "utf8mb4",
        "sql_mode": SQL_MODE,  # before SQLAlchemy looks how names are quoted
        "auth_plugin_map": LOGINS_IN_THE_CLEAR,
    }
    error_numbers: ClassVar = {
        **dict.fromkeys((1045, 1698, 1820, 1862), LOGIN),
        **dict.fromkeys((1142, 1143, 1370), NO_GRANT),
        **dict.fromkeys((1040, 1203, 1226), THROTTLED),
        **dict.fromkeys((1205, 1213, 1317, 1412, 1969, 3024), BUSY),
        **dict.fromkeys((1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031), NO_ANSWER),
        **dict.fromkeys((2002, 2003, 2006, 2013, 2055), NO_ANSWER),
        1044: NO_ENTRY,
        1049: NO_DATABASE,
        1054: NO_COLUMN,
        1356: BROKEN_VIEW,
        1449: NO_DEFINER,
        **dict.fromkeys((1172, 1242, 1264, 1265, 1292, 1321, 1329, 1339, 1365, 1366, 1406, 1411, 1424, 1456), VALUE),
        **dict.fromkeys((1644, 1690, 3140, 3141, 3143, 4037, 4038), VALUE),
        1792: WRITES,
        2026: NO_TLS,
        3159: NEEDS_TLS,
        **dict.fromkeys((1267, 1270, 1271), TYPE),
        1146: NO_VIEW,
    }

    snapshots: ClassVar = MysqlSnapshots()

    def reading_url(self, url: URL) -> URL:
        """Choose PyMySQL, and prepare sessions before SQLAlchemy sends anything, unless the URL has its own command."""
        url = url.set(query={"init_command": PREPARE_SESSION, **url.query})
        return url.set(drivername=f"{url.drivername}+pymysql") if "+" not in url.drivername else url

    def translate(self, error: BaseException | None) -> Translation | None:
        """Judge a failure to connect by the error of the socket, which PyMySQL handles when it raises its own."""
        cause = error.__context__ if error is not None else None
        by_cause = (translation for kind, translation in _SOCKET_ERRORS.items() if isinstance(cause, kind))
        if isinstance(cause, socket.gaierror):
            return NO_ANSWER if cause.errno == socket.EAI_AGAIN else UNKNOWN_HOST
        return next(by_cause, None) or super().translate(error)

    def text_without_clients(self, error: BaseException | None) -> str:
        """Return what the driver says of the connection, or the server of names: SIGNAL may set any number."""
        number, text = (*getattr(error, "args", ()), None, None)[:2]
        if isinstance(number, int) and 2000 <= number < 3000:  # as in `_translate_number`
            return str(text)
        names = _OF_NAMES.match(str(text))
        return names[0] if names else ""

    def describe(self, connection: Connection, names: Sequence[str], view: str = "clients") -> Mapping[str, ViewColumn]:
        """Ask for the types and the collations, which the server names for each column."""
        return describe(connection, names, view)

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]:
        """Let the server form the text. Usual text and whole numbers are read as they are."""
        if column.details is None:
            return super().cell(column, kind)
        return literal_column(cell_sql(column, kind))

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Give the text the type, the character set and the collation of the column."""
        of: MysqlType | None = column.details
        return super().key_bound(column, name, text) if of is None else key_bound(of, name, text)

    def key_text(self, column: ViewColumn, value: Any) -> str:
        """Return a whole number as its cell shows it: with leading zeros where the column has them."""
        of: MysqlType | None = column.details
        return super().key_text(column, value).zfill(0 if of is None else of.width)

    def searched_text(self, column: ViewColumn) -> ColumnElement[str]:
        """Search in a character set that holds every text."""
        if column.details is None:
            return super().searched_text(column)
        return literal_column(searched_sql(column), String())

    def text_cast(self, column: ViewColumn) -> str:
        """Name the function for types that have no cast to text of their own."""
        return text_cast(column)

    def day_cast(self, column: ViewColumn) -> str:
        """Ask for the time zone of the day."""
        return day_cast(column)

    def truth_cast(self, column: ViewColumn) -> str:
        """Return a comparison: there is no cast to a boolean. Labels would be compared by their numbers."""
        is_labelled = column.form in (CellForm.ENUM, CellForm.ARRAY)
        return f"CAST({column.name} AS CHAR)" if is_labelled else f"({column.name} <> 0)"

    def moment_cast(self, column: ViewColumn) -> str:
        """Return a cast to a moment in UTC."""
        return f"CAST({column.name} AS DATETIME(6))"

    def limit_sessions(self, engine: Engine) -> Engine:
        """Limit each session when it is opened. Close it when it cannot be used any more."""
        event.listen(engine, "connect", limit_session)
        event.listen(engine, "handle_error", _discard_if_unread)
        return engine

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Limit the session, and give it the usual limit again afterwards."""
        set_time_limit(connection, seconds)
        try:
            yield
        finally:
            if not connection.invalidated:
                set_time_limit(connection)

    def require_whole(self, connection: Connection, cursor: Any) -> None:
        """Look at the warnings: the server cuts values and results with no more than that."""
        require_whole(connection, cursor)


def _discard_if_unread(context: ExceptionContext) -> None:
    """Discard the connection after text that is not UTF-8: PyMySQL stops halfway through the answer of the server.

    A cursor that streams reads the rest when it is closed.
    """
    from pymysql.cursors import SSCursor

    cursor = getattr(context.execution_context, "cursor", None)
    if isinstance(context.original_exception, UnicodeError) and not isinstance(cursor, SSCursor):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
