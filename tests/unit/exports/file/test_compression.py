"""A page is always compressed to the same bytes, and the pages together are one gzip file."""

from __future__ import annotations

import gzip
import subprocess
import zlib
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from exports.file.compression import Packing, compress
from exports.request.formats import Compression

_PIECES = st.lists(st.binary(max_size=200), max_size=5)
_REPEATED = st.builds(lambda data, times: data * times, st.binary(min_size=1, max_size=50), st.integers(1, 5_000))
"""Up to 250 kB, so that matches reach further back than the 32 kB of a window."""


@given(_PIECES)
def test_a_compressed_block_depends_only_on_its_bytes(pieces: list[bytes]) -> None:
    assert compress(pieces, Compression.GZIP) == compress(iter(pieces), Compression.GZIP)
    assert compress(pieces, Compression.NONE) == b"".join(pieces)


@given(_PIECES)
def test_concatenated_blocks_are_a_gzip_file(pieces: list[bytes]) -> None:
    file = b"".join(compress([piece], Compression.GZIP) for piece in pieces)
    assert gzip.decompress(file) == b"".join(pieces)


_BLOCKS = st.lists(st.lists(st.binary(max_size=300) | _REPEATED, max_size=3), max_size=5)


@given(_BLOCKS, st.binary(max_size=50))
@settings(deadline=None)
def test_pieces_compressed_apart_are_one_deflate_stream(blocks: list[list[bytes]], end: bytes) -> None:
    stream = [compress(block, Packing.DEFLATE_PIECE) for block in blocks] + [compress([end], Packing.DEFLATE_END)]
    reader = zlib.decompressobj(-15)

    assert reader.decompress(b"".join(stream)) == b"".join(chain(*blocks, [end]))
    assert (reader.eof, reader.unused_data) == (True, b"")
    assert stream == [compress(block, Packing.DEFLATE_PIECE) for block in blocks] + [
        compress([end], Packing.DEFLATE_END)
    ]


def test_a_block_is_one_complete_gzip_member_without_name_or_time() -> None:
    block = compress([b"a,b\r\n"], Compression.GZIP)
    reader = zlib.decompressobj(31)
    assert (reader.decompress(block), reader.eof, reader.unused_data) == (b"a,b\r\n", True, b"")
    assert block[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_the_gzip_command_opens_concatenated_members() -> None:
    file = b"".join(compress([piece], Compression.GZIP) for piece in (b"one\r\n", b"", b"two\r\n"))
    unpacked = subprocess.run(["gzip", "-dc"], input=file, capture_output=True, check=True)
    assert unpacked.stdout == b"one\r\ntwo\r\n"
