"""Bytes of a block: the same from memory and from a file."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from exports.file.block_buffer import BlockBuffer


def _all(content: BlockBuffer) -> bytes:
    body = content.body()
    return b"".join(body) if isinstance(body, list) else body.read()


@pytest.mark.parametrize("memory_bytes", [0, 3, 4, 7, 8, 100])
def test_what_was_added_comes_out_with_its_proof(memory_bytes: int) -> None:
    with BlockBuffer(memory_bytes) as content:
        for part in (b"one,", b"", b"two,"):
            content.add(part)
        assert _all(content) == _all(content) == b"one,two,"
    assert content.bytes == 8
    assert content.sha256 == hashlib.sha256(b"one,two,").hexdigest()
    assert content.crc32 == zlib.crc32(b"one,two,")


def test_what_fits_stays_in_memory_and_no_more_does() -> None:
    with BlockBuffer(8) as content:
        content.add(b"12345678")
        assert isinstance(content.body(), list)
        content.add(b"9")
        assert not isinstance(content.body(), list)


def test_its_file_goes_with_it() -> None:
    with BlockBuffer(0) as content:
        content.add(b"1")
        body = content.body()
    assert not isinstance(body, list)
    assert body.closed
