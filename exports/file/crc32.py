"""Compute the CRC-32 of a file from the CRC-32s of its pages, without reading the bytes again.

This is the CRC of zlib, gzip and zip (ISO 3309), which common tools print. As a polynomial over GF(2), a message
followed by n zero bits is the message times x^n. So the CRC of two concatenated messages is the CRC of the first times
x^n, modulo the polynomial, plus the CRC of the second, where n is the length of the second in bits. The method is that
of `crc32_combine` in zlib 1.2.12 (Mark Adler). Bits are reflected: the highest bit of a word is the coefficient of x^0.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from isal import isal_zlib

_POLYNOMIAL = 0xEDB88320
_ONE, _X = 1 << 31, 1 << 30


def crc32_of(data: bytes, before: int = 0) -> int:
    """Return the CRC-32 of some bytes; 0 for no bytes. ISA-L takes a twentieth to an eighth of the time of zlib.

    Args:
        before: The CRC-32 of the bytes before them.
    """
    return isal_zlib.crc32(data, before)


def combine(pieces: Iterable[tuple[int, int]]) -> int:
    """Return the CRC-32 of concatenated pieces, given the CRC-32 and the length in bytes of each."""
    whole = 0
    for crc32, length_bytes in pieces:
        whole = _times(_power_of_x(8 * length_bytes), whole) ^ crc32
    return whole


def _times(a: int, b: int) -> int:
    """Multiply modulo the polynomial."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
    return product


def _power_of_x(exponent: int) -> int:
    """Return x^exponent modulo the polynomial, by repeated squaring."""
    power, square = _ONE, 0
    while exponent:
        if exponent & 1:
            power = _times(_squared(square), power)
        exponent >>= 1
        square += 1
    return power


@cache
def _squared(times: int) -> int:
    """Return x, squared this many times."""
    if not times:
        return _X
    half = _squared(times - 1)
    return _times(half, half)
