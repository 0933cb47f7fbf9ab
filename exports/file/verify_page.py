"""One page of a copy: its bytes hashed and its records counted in one pass, a piece at a time."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from exports.request.formats import Compression
from exports.request.spec import ExportSpec

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE_BYTES = 1024 * 1024
"""What is in memory of a file, whatever its size."""

NOT_UTF8 = "the text is not UTF-8"
_LONGEST_CELL_CHARS = 2**31 - 1
_UNREADABLE = (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error)


class FileBytes(Protocol):
    """A copy of a file, of which any stretch can be read."""

    @property
    def size_bytes(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes:
        """Give the bytes `[start, stop)`; what lies beyond the end is left out."""


@dataclass(frozen=True, slots=True)
class PageFound:
    """What stands where a page should be.

    Attributes:
        bytes: How many there are; fewer than asked for if the file ends before.
        records: CSV records, header included; None if they cannot be read.
        trouble: Why not, in words.
    """

    bytes: int
    sha256: str
    records: int | None
    trouble: str | None = None


class Digest(io.RawIOBase):
    """A stretch of a file as a stream; what passes is hashed and told to `passed`."""

    def __init__(self, file: FileBytes, start: int, stop: int, passed: Callable[[bytes], None]) -> None:
        self._file, self._at, self._stop, self._passed = file, start, min(stop, file.size_bytes), passed
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
        self._passed(piece)
        return len(piece)


def read_page(
    file: FileBytes, start: int, stop: int, spec: ExportSpec, passed: Callable[[bytes], None] = lambda _: None
) -> PageFound:
    """Read the bytes `[start, stop)` as a page of a file that was written by `spec`."""
    raw = Digest(file, start, stop, passed)
    records, trouble = None, None
    try:
        records = _count_records(raw, spec, is_first=start == 0)
    except _UNREADABLE as error:
        trouble = _in_words(error)
        while raw.read(PIECE_BYTES):  # the rest is hashed all the same
            pass
    return PageFound(raw.count, raw.sha256, records, trouble)


def _count_records(raw: Digest, spec: ExportSpec, *, is_first: bool) -> int:
    """Count as a CSV reader does, so line breaks in quotes are none; each record must have a cell for every column."""
    csv.field_size_limit(_LONGEST_CELL_CHARS)
    binary = io.BufferedReader(raw, PIECE_BYTES)
    stream = gzip.GzipFile(fileobj=binary) if spec.format.compression is Compression.GZIP else binary
    encoding = "utf-8-sig" if is_first and spec.format.byte_order_mark else "utf-8"
    text = io.TextIOWrapper(io.BufferedReader(stream), encoding=encoding, newline="")
    count = 0
    for record in csv.reader(text, delimiter=spec.format.delimiter.value, strict=True):
        if len(record) != len(spec.columns):
            message = f"record {count + 1} of the page has {len(record)} cells, not {len(spec.columns)}"
            raise csv.Error(message)
        count += 1
    return count


def _in_words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return NOT_UTF8
    if isinstance(error, csv.Error):
        return str(error)
    return "what is compressed cannot be unpacked"
