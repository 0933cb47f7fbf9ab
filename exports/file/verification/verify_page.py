"""Read one page of a copy: hash its bytes and count its records in one pass, a piece at a time."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from exports.file.unreadable import UnreadablePageError
from exports.file.verification.file_bytes import PIECE_BYTES, FileBytes, HashedRange
from exports.file.verification.kinds import reading_of
from exports.request.spec import ExportSpec

_UNREADABLE = (UnreadablePageError, EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class PageFound:
    """What a copy holds in place of a page or a frame.

    Attributes:
        bytes: The number of bytes; smaller than requested if the file ends before.
        records: The number of records, header included; None if they cannot be read, and for a frame.
        problem: Why they cannot be read, in words.
    """

    bytes: int
    sha256: str
    records: int | None
    problem: str | None = None


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
    reading = reading_of(spec)
    records, problem = None, None
    try:
        stream = reading.decompress(cast(BinaryIO, io.BufferedReader(raw, PIECE_BYTES)), spec.format)
        records = reading.count_records(stream, spec, is_first=start == 0, on_code=on_code)
    except _UNREADABLE as error:
        is_known = isinstance(error, UnreadablePageError)
        problem = str(error) if is_known else "the compressed data cannot be decompressed"
    raw.read_rest()
    return PageFound(raw.count, raw.sha256, records, problem)


def read_frame(file: FileBytes, start: int, stop: int, on_piece: Callable[[bytes], None] = lambda _: None) -> PageFound:
    """Read the bytes `[start, stop)` as a frame."""
    raw = HashedRange(file, start, stop, on_piece)
    raw.read_rest()
    return PageFound(raw.count, raw.sha256, None)
