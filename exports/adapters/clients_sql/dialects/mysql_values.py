"""Make the text of those values that MySQL and MariaDB cannot print exactly as a cell shows them."""

from __future__ import annotations

import struct
from decimal import Decimal

_MAX_DIGITS = 9
_PLAIN_POWERS = range(-15, 15)
"""The powers of ten that MariaDB prints without an exponent."""


def shortest_single(value: str | None) -> str | None:
    """Return the shortest text that reads back as a number of single precision, in the form of the database's doubles.

    Args:
        value: The number with the digits of double precision: `0.10000000149011612` for `0.1`.
    """
    if value is None:
        return None
    number = float(value)
    texts = (f"{number:.{digits}e}" for digits in range(_MAX_DIGITS))
    return _plain(next((text for text in texts if _single(text) == number), value))


def _single(text: str) -> float:
    """Return the number of single precision that is nearest to the text; infinity if the text is beyond all of them."""
    try:
        (number,) = struct.unpack("<f", struct.pack("<f", float(text)))
    except OverflowError:
        return float("inf")
    return float(number)


def _plain(text: str) -> str:
    """Write `1.5e+01` as `15`, and `1.5e+30` as `1.5e30`."""
    number = Decimal(text)
    if number.is_zero() or number.adjusted() in _PLAIN_POWERS:
        return format(number, "f")
    digits, _, power = text.partition("e")
    return f"{digits}e{int(power)}"
