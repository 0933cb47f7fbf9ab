"""The CRC of a whole is computed from the CRCs of its pieces."""

from __future__ import annotations

import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.crc32 import combine, crc32_of
from exports.file.plan import MAX_BLOCKS


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_the_combined_crc_is_the_crc_of_the_concatenated_pieces(pieces: list[bytes]) -> None:
    assert combine((crc32_of(piece), len(piece)) for piece in pieces) == zlib.crc32(b"".join(pieces))


@pytest.mark.parametrize("length", [2**20 - 1, 2**20, 6 * 2**20 + 13])
def test_pieces_as_long_as_blocks_can_be_combined(length: int) -> None:
    first, second = b"\x00" + b"a" * length, bytes(range(256)) * 4 + b"\x00" * length
    pieces = [(crc32_of(piece), len(piece)) for piece in (first, second, first)]
    assert combine(pieces) == zlib.crc32(first + second + first)


def test_the_combined_crc_of_the_check_string_is_the_published_value() -> None:
    """CRC-32/ISO-HDLC of `123456789` is cbf43926 (Catalogue of parametrised CRC algorithms)."""
    assert combine([(crc32_of(b"1234"), 4), (crc32_of(b""), 0), (crc32_of(b"56789"), 5)]) == 0xCBF43926


def test_pieces_in_another_order_have_another_crc() -> None:
    pieces = [(crc32_of(b"first"), 5), (crc32_of(b"second"), 6)]
    assert combine(pieces) != combine(reversed(pieces))


def test_the_most_pages_of_a_file_are_combined_in_two_seconds() -> None:
    begun = time.monotonic()
    combine((page * 7919, 6_000_000 + page) for page in range(MAX_BLOCKS))
    assert time.monotonic() - begun < 2


def test_pieces_longer_than_four_gibibytes_can_be_combined() -> None:
    """A sheet of a workbook may be so long."""
    zeros, length = crc32_of(bytes(2**20)), 2**20
    while length < 2**32:
        zeros, length = combine([(zeros, length)] * 2), 2 * length
    first = (crc32_of(b"first"), 5)
    whole = (combine([(zeros, length)] * 2), 2 * length)
    assert combine([first, whole]) == combine([first, (zeros, length), (zeros, length)])
