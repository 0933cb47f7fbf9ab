"""Name the types of values in words of SQL, for people who write views."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

_SQL_TYPES: dict[type[Any] | tuple[type[Any], ...], str] = {
    (bytes, bytearray, memoryview): "binary data, such as a BLOB",
    float: "an inexact number, such as a REAL",
    Decimal: "an exact number, such as a NUMERIC",
    date: "a timestamp",
    time: "a TIME",
    timedelta: "an INTERVAL",
    UUID: "a UUID",
    (list, tuple, set): "a list, such as an array",
    dict: "JSON",
}


def in_sql(value: Any) -> str:
    """Name the type of a value in words of SQL."""
    return next((words for kind, words in _SQL_TYPES.items() if isinstance(value, kind)), "of an unknown type")
