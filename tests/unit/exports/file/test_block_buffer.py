"""A block has the same bytes from memory and from a file."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from exports.file.block_buffer import BlockBuffer


def _all(buffer: BlockBuffer) -> bytes:
    body = buffer.body()
    return b"".join(body) if isinstance(body, list) else body.read()


@pytest.mark.parametrize("memory_bytes", [0, 3, 4, 7, 8, 100])
def test_the_buffer_returns_the_added_bytes_and_their_digests(memory_bytes: int) -> None:
    with BlockBuffer(memory_bytes) as buffer:
        for piece in (b"one,", b"", b"two,"):
            buffer.add(piece)
        assert _all(buffer) == _all(buffer) == b"one,two,"
    assert buffer.bytes == 8
    assert buffer.sha256 == hashlib.sha256(b"one,two,").hexdigest()
    assert buffer.crc32 == zlib.crc32(b"one,two,")


def test_bytes_beyond_the_memory_limit_go_to_a_file() -> None:
    with BlockBuffer(8) as buffer:
        buffer.add(b"12345678")
        assert isinstance(buffer.body(), list)
        buffer.add(b"9")
        assert not isinstance(buffer.body(), list)


def test_the_temporary_file_is_closed_with_the_buffer() -> None:
    with BlockBuffer(0) as buffer:
        buffer.add(b"1")
        body = buffer.body()
    assert not isinstance(body, list)
    assert body.closed
