"""What a database driver reports, as the errors of an export.

Drivers agree on no exception classes, so the code each one carries decides: SQLSTATE (psycopg, pyodbc), the name of a
result code (sqlite3) or a number (MySQL drivers).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError, TimeoutError  # noqa: A004

from exports.errors import (
    ExportError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
)

_NO_ANSWER = SourceUnavailableError, "The client database did not answer."
_BUSY = SourceUnavailableError, "The client database is busy: a lock, a limit or a time-out stopped the reading."
_THROTTLED = SourceThrottledError, "The client database has no room now: too many connections or requests at once."
_LOGIN = SourceRefusedError, "The client database refused the login, or the login may not read the view clients."
_STATEMENT = SourceRefusedError, "The client database refused the statement."
_DRIVER = SourceRefusedError, "The address of the client database is malformed, or no driver for it is installed."
_NO_VIEW = SourceMismatchError, "The client database has no view clients; docs/client-view.md says how to make it."
_NO_COLUMN = SourceMismatchError, "The view clients lacks a column; docs/client-view.md names them all."
_TYPE = SourceMismatchError, "A column of the view clients has an unexpected type; docs/client-view.md names them all."

_Verdict = tuple[type[ExportError], str]

_BY_SQLSTATE: dict[str, _Verdict] = {
    "08": _NO_ANSWER,
    "28": _LOGIN,
    "3D": _LOGIN,
    "42501": _LOGIN,
    "42P01": _NO_VIEW,
    "42S02": _NO_VIEW,
    "42703": _NO_COLUMN,
    "42S22": _NO_COLUMN,
    "42804": _TYPE,
    "42883": _TYPE,
    "22": _TYPE,
    "40": _BUSY,
    "53": _THROTTLED,
    "55": _BUSY,
    "57": _BUSY,
    "57P": _NO_ANSWER,
    "57P03": _THROTTLED,
    "58": _NO_ANSWER,
    "HYT": _BUSY,
    "XX": _NO_ANSWER,
}
"""By the longest prefix. Classes: PostgreSQL appendix A; ODBC adds `42S..` and `HYT..`."""

_BY_SQLITE_NAME: dict[str, _Verdict] = {
    "SQLITE_CANTOPEN": _NO_ANSWER,
    "SQLITE_IOERR": _NO_ANSWER,
    "SQLITE_PROTOCOL": _BUSY,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_INTERRUPT": _BUSY,
    "SQLITE_AUTH": _LOGIN,
    "SQLITE_PERM": _LOGIN,
}

_BY_MYSQL_NUMBER: dict[int, _Verdict] = {
    **dict.fromkeys((1044, 1045, 1049, 1142, 1143, 1370, 1698, 1820, 1862), _LOGIN),
    **dict.fromkeys((1040, 1203, 1226), _THROTTLED),
    **dict.fromkeys((1205, 1213, 1317, 1969, 3024), _BUSY),
    **dict.fromkeys((1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031), _NO_ANSWER),
    **dict.fromkeys((2002, 2003, 2006, 2013, 2055), _NO_ANSWER),
    **dict.fromkeys((1054, 1356), _NO_COLUMN),
    **dict.fromkeys((1267, 1270, 1271, 1292, 1366), _TYPE),
    1146: _NO_VIEW,
}
"""1969, 1927 and 1698 are MariaDB's alone, 3024 and 4031 MySQL's."""

_AZURE_SQL_THROTTLES = frozenset({10928, 10929, 40501, 49918, 49919, 49920})
"""Numbers of resource governance (learn.microsoft.com, "Troubleshoot transient connection errors in SQL Database").
ODBC gives them in parentheses within the text, under an SQLSTATE that says nothing; other drivers as a number."""

_THROTTLED_AT_CONNECT = (
    "too many clients",
    "too many connections",
    "remaining connection slots",
    "the database system is starting up",
    "no more connections allowed",
)
"""Words of PostgreSQL and PgBouncer: libpq gives no SQLSTATE when connecting fails."""

_REFUSED_AT_CONNECT = ("authentication failed", "no password supplied", "pg_hba.conf", "does not exist", "denied")
"""libpq gives no SQLSTATE when connecting fails; a login refused is told from a dead host by these words only."""


_MAY_QUOTE_CLIENTS = (_TYPE, _STATEMENT)
_QUOTED = re.compile(r"""["'].*["']""", re.DOTALL)


class DriverSaidError(Exception):
    """Stands for what a driver raised, in a log: databases quote values that they cannot read."""


@contextmanager
def source_errors() -> Iterator[None]:
    """Turn the errors of SQLAlchemy and of its drivers into those of `exports.errors`.

    The original is chained for the log; where it may quote data of clients, what it says without that.
    """
    try:
        yield
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        verdict = kind, sentence = _judge(error)
        raise kind(sentence) from (_without_values(error) if verdict in _MAY_QUOTE_CLIENTS else error)


def _without_values(error: Exception) -> DriverSaidError:
    """Leave out what stands in quotes, and all lines but the first: they show where in a statement, and details."""
    original = error.orig if isinstance(error, DBAPIError) else error
    said = _QUOTED.sub("…", str(original).strip().partition("\n")[0])
    return DriverSaidError(f"{type(original).__name__}: {said}")


def _judge(error: Exception) -> _Verdict:
    if isinstance(error, ArgumentError | NoSuchModuleError | ModuleNotFoundError):
        return _DRIVER
    if isinstance(error, TimeoutError):
        return _THROTTLED  # of our own pool: fewer pages at once are the cure
    original = error.orig if isinstance(error, DBAPIError) else error
    return _judge_by_code(original) or _judge_by_class(original)


def _judge_by_code(original: BaseException | None) -> _Verdict | None:
    if isinstance(original, sqlite3.Error):
        return _judge_sqlite_error(original)
    if not _AZURE_SQL_THROTTLES.isdisjoint(_numbers(original)):
        return _THROTTLED
    first = next(iter(getattr(original, "args", ())), None)
    if isinstance(first, int):  # some MySQL drivers give a SQLSTATE too, which is less exact
        return _judge_mysql_number(first)
    sign = getattr(original, "sqlstate", None) or first
    if isinstance(sign, str) and len(sign) == len("42P01"):
        return next((_BY_SQLSTATE[sign[:n]] for n in (5, 3, 2) if sign[:n] in _BY_SQLSTATE), None)
    return None


def _judge_mysql_number(number: int) -> _Verdict | None:
    """What the server itself said and is not listed was refused; the driver's own numbers are about the connection."""
    listed = _BY_MYSQL_NUMBER.get(number)
    return listed or (_STATEMENT if 1000 <= number < 2000 or number >= 3000 else None)


def _numbers(original: BaseException | None) -> Iterator[int]:
    """The numbers of SQL Server in what a driver raised."""
    for part in getattr(original, "args", ()):
        if isinstance(part, int):
            yield part
        elif isinstance(part, str):
            yield from map(int, re.findall(r"\((\d{5})\)", part))


def _judge_sqlite_error(original: sqlite3.Error) -> _Verdict | None:
    text = str(original)
    if text.startswith("no such table"):
        return _NO_VIEW
    if text.startswith("no such column"):
        return _NO_COLUMN
    name = getattr(original, "sqlite_errorname", "")
    return next((verdict for sign, verdict in _BY_SQLITE_NAME.items() if name.startswith(sign)), _STATEMENT)


def _judge_by_class(original: BaseException | None) -> _Verdict:
    names = {kind.__name__ for kind in type(original).__mro__}  # PEP 249 fixes the names, no common class
    if "OperationalError" not in names and "InterfaceError" not in names:
        return _STATEMENT
    text = str(original)
    if any(words in text for words in _THROTTLED_AT_CONNECT):
        return _THROTTLED
    return _LOGIN if any(words in text for words in _REFUSED_AT_CONNECT) else _NO_ANSWER
