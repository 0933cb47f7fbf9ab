"""Compute the CRC-32 of a file from the CRC-32s of its pages, without reading the bytes again.

This is the CRC of zlib, gzip and zip (ISO 3309), which common tools print. ISA-L computes and combines it.
"""

from __future__ import annotations

from collections.abc import Iterable

from isal import isal_zlib


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
        whole = isal_zlib.crc32_combine(whole, crc32, length_bytes)
    return whole
