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
def test_the_buffer_returns_the_added_bytes_and_their_digests(memory_bytes: int) -> None:
    with BlockBuffer(memory_bytes) as content:
        for part in (b"one,", b"", b"two,"):
            content.add(part)
        assert _all(content) == _all(content) == b"one,two,"
    assert content.bytes == 8
    assert content.sha256 == hashlib.sha256(b"one,two,").hexdigest()
    assert content.crc32 == zlib.crc32(b"one,two,")


def test_bytes_beyond_the_memory_limit_go_to_a_file() -> None:
    with BlockBuffer(8) as content:
        content.add(b"12345678")
        assert isinstance(content.body(), list)
        content.add(b"9")
        assert not isinstance(content.body(), list)


def test_the_temporary_file_is_closed_with_the_buffer() -> None:
    with BlockBuffer(0) as content:
        content.add(b"1")
        body = content.body()
    assert not isinstance(body, list)
    assert body.closed
