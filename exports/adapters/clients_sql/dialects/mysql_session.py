"""Sessions of MySQL and MariaDB that give the same result on every server, or fail.

A server can have any defaults. Many of them change or shorten results without an error, so a session sets every one
that our statements, or functions in a view, depend on. `docs/decisions/0043-session-settings.md` lists them.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import Connection

from exports.adapters.clients_sql.dialects.base import STATEMENT_TIMEOUT_SECONDS
from exports.adapters.clients_sql.sql.translations import UnreadableValueError
from exports.errors import SourceMismatchError

SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""The default of MariaDB, without a mode that MySQL does not have. No mode that changes what a SELECT means."""

_MOST = 4294967295
_SORTED_BYTES = 65536
"""The server sorts text by its first bytes only, usually 1,024. A code that can be proved has at most 8,000 characters,
so with eight bytes of a collation's weights each, all of it counts."""

_SETTINGS = {
    "sql_mode": f"'{SQL_MODE}'",
    "collation_connection": "'utf8mb4_general_ci'",
    "time_zone": "'+00:00'",
    "lc_time_names": "'en_US'",
    "default_week_format": 0,
    "div_precision_increment": 4,
    "group_concat_max_len": _MOST,
    "sql_select_limit": 2**64 - 1,
    "sql_big_selects": 1,
    "sql_auto_is_null": 0,
    "completion_type": 0,
    "max_error_count": 65535,
    "net_write_timeout": STATEMENT_TIMEOUT_SECONDS,
    "wait_timeout": STATEMENT_TIMEOUT_SECONDS,
}
"""By `wait_timeout` alone, MySQL ends the session of a host that has vanished, and the snapshot that it held."""

_OF_MARIADB = {
    "tx_read_only": 1,
    "tx_isolation": "'REPEATABLE-READ'",
    "max_statement_time": STATEMENT_TIMEOUT_SECONDS,
    "max_recursive_iterations": _MOST,
    "max_sort_length": _SORTED_BYTES,
    "default_regex_flags": "''",
    "idle_transaction_timeout": STATEMENT_TIMEOUT_SECONDS,
    "idle_readonly_transaction_timeout": STATEMENT_TIMEOUT_SECONDS,
    "system_versioning_asof": "DEFAULT",
}
_OF_MYSQL = {
    "transaction_read_only": 1,
    "transaction_isolation": "'REPEATABLE-READ'",
    "max_execution_time": STATEMENT_TIMEOUT_SECONDS * 1000,
}


def _assignments(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


PREPARE_SESSION = (
    f"SET {_assignments(_SETTINGS)} /*M!100304 , {_assignments(_OF_MARIADB)} */"
    f" /*M!100601 , old_mode = 'UTF8_IS_UTF8MB3' */ /*!80000 , {_assignments(_OF_MYSQL)} */"
)
"""Only MariaDB runs the text in the comments with `M` and only MySQL the text in the last one: MariaDB skips comments
with version numbers of MySQL that MariaDB never had."""

_TOO_LONG = "it is longer than max_allowed_packet of the server, which cuts it"
_CUT_VALUES = {
    1260: _TOO_LONG,
    1301: _TOO_LONG,
    1300: "it has bytes that are not characters, in whose place the view gives others",
}
"""Warnings: GROUP_CONCAT cut its text; a text is NULL, because it was too long; a CONVERT replaced bytes by `?`."""

_CUT_RESULT = 1931
"""Warning: the view has a LIMIT ROWS EXAMINED, or more than `max_recursive_iterations`."""


def limit_session(connection: Any, _record: object) -> None:
    """Prepare a new session, and let its statements take longer than the greeting of the server.

    PyMySQL knows one time-out for both. A server that has died in the middle of a statement sends no error.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(PREPARE_SESSION)
    connection._read_timeout += STATEMENT_TIMEOUT_SECONDS


def set_time_limit(connection: Connection, seconds: float = STATEMENT_TIMEOUT_SECONDS) -> None:
    """Limit the statements of a session to so many seconds. MariaDB counts in seconds, MySQL in milliseconds."""
    connection.exec_driver_sql(
        f"SET @client_export = 0 /*M! , max_statement_time = {seconds:.3f} */"
        f" /*!80000 , max_execution_time = {max(1, round(seconds * 1000))} */"
    ).close()


def require_whole(connection: Connection, cursor: Any) -> None:
    """Refuse a result of which the server cut something off with no more than a warning.

    The driver counts the warnings of each result. They are read only if there are any.

    Args:
        cursor: The cursor of the last statement. All of its rows have been read.

    Raises:
        UnreadableValueError: A value is cut.
        SourceMismatchError: Rows are missing.
    """
    if not getattr(getattr(cursor, "_result", None), "warning_count", 0):
        return
    warnings = {row[1] for row in connection.exec_driver_sql("SHOW WARNINGS")}
    if _CUT_RESULT in warnings:
        message = (
            "The client database stopped reading the view clients before its end, by a limit in the view. Remove "
            "LIMIT ROWS EXAMINED from the view."
        )
        raise SourceMismatchError(message)
    for number in sorted(warnings & _CUT_VALUES.keys()):
        raise UnreadableValueError("The view clients holds a value that is cut or replaced.", hint=_CUT_VALUES[number])
