"""MySQL and MariaDB, read through PyMySQL."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, event

from exports.adapters.clients_sql.dialects.base import (
    CONNECT_TIMEOUT_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
    SourceDialect,
)
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
    NO_ENTRY,
    NO_GRANT,
    NO_TLS,
    NO_VIEW,
    SILENT_HOST,
    THROTTLED,
    TYPE,
    UNKNOWN_HOST,
    Translation,
)

_LIMIT_SESSION = (
    "SET time_zone = '+00:00'"
    f" /*M! , tx_read_only = 1, max_statement_time = {STATEMENT_TIMEOUT_SECONDS} */"
    f" /*!80000 , transaction_read_only = 1, max_execution_time = {STATEMENT_TIMEOUT_SECONDS}000 */"
)
"""Makes a session read-only, in UTC, with a time limit. Only MariaDB runs the text in the first comment and only MySQL
the text in the second: MariaDB skips comments with version numbers of MySQL that MariaDB never had."""


_SOCKET_ERRORS: Mapping[type[BaseException], Translation] = {
    ssl.SSLCertVerificationError: CERTIFICATE,
    ConnectionRefusedError: CLOSED_PORT,
    TimeoutError: SILENT_HOST,
}

_CODECS = {"latin1": "cp1252", "ascii": "ascii"}
_BASIC_PLANE = "utf8mb3"
_LAST_OF_BASIC_PLANE = "\uffff"


class MysqlDialect(SourceDialect):
    """MySQL and MariaDB. The error numbers 1698, 1927 and 1969 exist only in MariaDB, 3024 and 4031 only in MySQL."""

    connect_args: ClassVar = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": STATEMENT_TIMEOUT_SECONDS + CONNECT_TIMEOUT_SECONDS,  # a server that has died sends no error
        "charset": "utf8mb4",
    }
    error_numbers: ClassVar = {
        **dict.fromkeys((1045, 1698, 1820, 1862), LOGIN),
        **dict.fromkeys((1142, 1143, 1370), NO_GRANT),
        **dict.fromkeys((1040, 1203, 1226), THROTTLED),
        **dict.fromkeys((1205, 1213, 1317, 1969, 3024), BUSY),
        **dict.fromkeys((1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031), NO_ANSWER),
        **dict.fromkeys((2002, 2003, 2006, 2013, 2055), NO_ANSWER),
        1044: NO_ENTRY,
        1049: NO_DATABASE,
        1054: NO_COLUMN,
        1356: BROKEN_VIEW,
        2026: NO_TLS,
        3159: NEEDS_TLS,
        **dict.fromkeys((1267, 1270, 1271, 1292, 1366), TYPE),
        1146: NO_VIEW,
    }

    def reading_url(self, url: URL) -> URL:
        """Choose PyMySQL."""
        return url.set(drivername=f"{url.drivername}+pymysql") if "+" not in url.drivername else url

    def translate(self, error: BaseException | None) -> Translation | None:
        """Judge a failure to connect by the error of the socket, which PyMySQL handles when it raises its own."""
        cause = error.__context__ if error is not None else None
        by_cause = (translation for kind, translation in _SOCKET_ERRORS.items() if isinstance(cause, kind))
        if isinstance(cause, socket.gaierror):
            return NO_ANSWER if cause.errno == socket.EAI_AGAIN else UNKNOWN_HOST
        return next(by_cause, None) or super().translate(error)

    def describe(self, connection: Connection, names: Sequence[str]) -> Mapping[str, ViewColumn]:
        """Describe the character sets of text columns. A collation has the name of its character set in front.

        The driver decides how values are read and compared.
        """
        rows = connection.exec_driver_sql("SHOW FULL COLUMNS FROM clients")
        return {
            name: ViewColumn(name, type_name, CellForm.UNKNOWN, key=True, charset=_CODECS.get(charset), details=charset)
            for name, type_name, charset in ((row[0].lower(), row[1], (row[2] or "").split("_")[0]) for row in rows)
            if name in names
        }

    def storable(self, column: ViewColumn, text: str) -> bool:
        """Refuse text outside of the column's character set: a comparison with it fails with error 1267."""
        is_beyond = column.details in {"utf8", _BASIC_PLANE} and max(text, default="") > _LAST_OF_BASIC_PLANE
        return super().storable(column, text) and not is_beyond

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Return None for text outside of the column's character set."""
        return super().key_bound(column, name, text) if self.storable(column, text) else None

    def limit_sessions(self, engine: Engine) -> Engine:
        """Limit each session when it is opened."""
        event.listen(engine, "connect", _limit_session)
        return engine


def _limit_session(connection: Any, _record: object) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(_LIMIT_SESSION)
