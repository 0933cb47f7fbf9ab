"""Read one page of a copy: hash its bytes and count its records in one pass, a piece at a time."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from exports.file.csv.record_count import UnreadableCsvError, count_records
from exports.request.formats import Compression
from exports.request.spec import ExportSpec

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 1024 * 1024
"""How much of a file is in memory at a time, whatever its size."""

_UNREADABLE = (UnreadableCsvError, EOFError, gzip.BadGzipFile, zlib.error)


class FileBytes(Protocol):
    """A copy of a file. Any range of its bytes can be read."""

    @property
    def size_bytes(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes `[start, stop)`, as far as the file reaches."""


@dataclass(frozen=True, slots=True)
class PageFound:
    """What a copy holds in place of a page.

    Attributes:
        bytes: The number of bytes; smaller than requested if the file ends before.
        records: The number of records, header included; None if they cannot be read.
        problem: Why they cannot be read, in words.
    """

    bytes: int
    sha256: str
    records: int | None
    problem: str | None = None


class HashedRange(io.RawIOBase):
    """A range of a file as a stream. Hashes the bytes that are read and passes them to `on_piece`."""

    def __init__(self, file: FileBytes, start: int, stop: int, on_piece: Callable[[bytes], None]) -> None:
        self._file, self._at, self._stop, self._on_piece = file, start, min(stop, file.size_bytes), on_piece
        self._sha256 = hashlib.sha256()
        self.count = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        piece = self._file.read(self._at, min(self._at + min(len(view), PIECE_BYTES), self._stop))
        view[: len(piece)] = piece
        self._at += len(piece)
        self.count += len(piece)
        self._sha256.update(piece)
        self._on_piece(piece)
        return len(piece)


def read_page(
    file: FileBytes,
    start: int,
    stop: int,
    spec: ExportSpec,
    on_piece: Callable[[bytes], None] = lambda _: None,
    on_code: Callable[[str], None] = lambda _: None,
) -> PageFound:
    """Read the bytes `[start, stop)` as a page of a file that was written by `spec`.

    `on_piece` takes all bytes, and `on_code` the cell of the column `Code` of each client.
    """
    raw = HashedRange(file, start, stop, on_piece)
    stream = _decompressed(raw, spec)
    records, problem = None, None
    try:
        records = count_records(stream, spec, is_first=start == 0, on_code=on_code)
    except _UNREADABLE as error:
        problem = str(error) if isinstance(error, UnreadableCsvError) else "the compressed data cannot be decompressed"
        while raw.read(PIECE_BYTES):  # the digest must cover the rest too
            pass
    return PageFound(raw.count, raw.sha256, records, problem)


def _decompressed(raw: HashedRange, spec: ExportSpec) -> BinaryIO:
    binary = io.BufferedReader(raw, PIECE_BYTES)
    stream = gzip.GzipFile(fileobj=binary) if spec.format.compression is Compression.GZIP else binary
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream)))
