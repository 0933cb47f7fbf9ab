"""Turn rendered records into the bytes of a block, compressed or not."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from exports.request.formats import Compression

_LEVEL = 4
"""80 MB/s, to a 4.4th of the size. Level 6 reaches a 4.6th at 55 MB/s (sample clients, one core)."""

_GZIP_WINDOW = 31
"""Makes zlib write a gzip header and trailer, without a name and with the time 0: equal data give equal bytes."""


def compress(pieces: Iterable[bytes], compression: Compression) -> bytes:
    """Return one block made of rendered pieces; see `compress_stream`."""
    return b"".join(compress_stream(pieces, compression))


def compress_stream(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the bytes of one block, and take the rendered pieces one by one.

    With gzip the block is one complete member (RFC 1952), even if there are no data: concatenated members are a gzip
    file.
    """
    if compression is Compression.NONE:
        yield from pieces
        return
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    yield from filter(None, map(compressor.compress, pieces))
    yield compressor.flush()
