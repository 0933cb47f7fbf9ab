"""Python functions that each SQLite connection gets, for what SQLite's own functions cannot do.

A column of SQLite declares a type, but each value has its own: INTEGER, REAL, TEXT, BLOB or NULL.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from exports.adapters.clients_sql.dialects.sqlite_rows import GivenRows
from shared.models import rfc3339

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\n\v\f\r]*", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2}))?)?",
    re.ASCII,
)
USUAL_MOMENT = "'{0}{0}{0}{0}-[01]{0}-[0-3]{0}T[0-2]{0}:[0-5]{0}:[0-5]{0}.{0}{0}{0}Z'".format("[0-9]")
"""The GLOB pattern of the text that `rfc3339` writes. Its order is that of the moments."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MIN_SECONDS, _MAX_SECONDS = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999. Milliseconds since 1970 lie far beyond, so they are never taken for seconds."""


def add_functions(connection: sqlite3.Connection, record: ConnectionPoolEntry | None = None) -> None:
    """Add the functions that the statements call.

    Args:
        record: What SQLAlchemy knows of the connection. Statements find there what `client_row` was given.
    """
    if record is not None:
        rows = record.info[GivenRows] = GivenRows()
        connection.create_function("client_row", -1, rows.give)
    connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own `lower` knows only A to Z
    connection.create_function("client_real", 1, real_text, deterministic=True)
    connection.create_function("client_moment", 1, moment_of, deterministic=True)
    connection.create_function("is_client_moment", 1, _is_moment, deterministic=True)


def integer_of(text: str) -> int | None:
    """Return the integer whose text this is; None if it is not the text of an INTEGER of SQLite."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if _MIN_INTEGER <= number <= _MAX_INTEGER else None


def is_other_number(text: str) -> bool:
    """Say whether SQLite would convert the text to a number that has another text, such as `01`, `1.0` or `1e3`."""
    return integer_of(text) is None and _NUMBER.fullmatch(text) is not None


def real_text(value: float) -> str:
    """Return the shortest number that reads back, such as `0.1` and `1234567890.0`."""
    return repr(value).replace("inf", "Infinity")


def moment_of(value: Any) -> int | None:
    """Return the microseconds from 1970 to a moment, in UTC.

    A moment is text of RFC 3339, a date with or without a time (then in UTC), or an integer: seconds since 1970.

    Raises:
        ValueError: The value is none of these.
    """
    if type(value) is str and _MOMENT.fullmatch(value):
        moment = datetime.fromisoformat(value.upper().replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND
    if type(value) is int and _MIN_SECONDS <= value <= _MAX_SECONDS:
        return value * 1_000_000
    if value is None:
        return None
    raise ValueError("This is not a moment.")


def milliseconds_from(moment: datetime) -> str:
    """Return the text of the first whole millisecond that is not before a moment.

    `rfc3339` cuts to milliseconds. Rounding up first leaves out clients that changed just before the moment.
    """
    return rfc3339(moment + timedelta(microseconds=-moment.microsecond % 1000))


def _is_moment(value: Any) -> bool:
    try:
        moment_of(value)
    except (ValueError, OverflowError):
        return False
    return True


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
