"""Finish values of SQL Server that its own functions cannot form."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from exports.adapters.clients_sql.sql.json_text import compact_json

_DIGITS_OF_REAL = range(1, 10)


def shortest_double(text: str | None) -> str | None:
    """Return the shortest number that reads back, from a text with 17 digits such as `1.0000000000000001e-001`."""
    return None if text is None else _without_point(repr(float(text)))


def shortest_real(text: str | None) -> str | None:
    """Return the shortest number that reads back as a `real`, which has four bytes."""
    if text is None:
        return None
    value = float(text)
    wanted = struct.pack("f", value)
    shortest = (f"{value:.{digits}g}" for digits in _DIGITS_OF_REAL)
    found = next((number for number in shortest if _packed(number) == wanted), text)
    return _without_point(repr(float(found)))


def _packed(number: str) -> bytes:
    try:
        return struct.pack("f", float(number))
    except OverflowError:
        return b""


def _without_point(number: str) -> str:
    return number.removesuffix(".0")


FINISHES: Mapping[str, Callable[[Any], Any]] = {
    "float": shortest_double,
    "real": shortest_real,
    "json": compact_json,
}
"""What finishes the values of a type."""
