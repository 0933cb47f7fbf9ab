"""Describe how a copy differs from its manifest: the first wrong page, missing or added bytes, and likely causes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

from exports.file.manifest import ManifestDto, ManifestFrame, ManifestPage, crc32_text
from exports.file.plan import name_page
from exports.file.ranges import KeyRange
from exports.file.text_damage import HEAD_BYTES, another_kind_of_file
from exports.file.verification.file_bytes import FileBytes, SeekableFile
from exports.file.verification.headings import changed_columns
from exports.file.verification.kinds import END_BYTES, reading_of
from exports.file.verification.verify_page import PageFound, read_frame, read_page
from exports.request.formats import Compression, FileKind

Progress = Callable[[int, int], None]
"""Takes the number of bytes read so far and the number of bytes in all."""

Piece = ManifestPage | ManifestFrame


class RunningChecksum:
    """The CRC-32 of the bytes read so far; reports progress."""

    def __init__(self, size_bytes: int, progress: Progress) -> None:
        self._size_bytes, self._progress = size_bytes, progress
        self._crc32 = self._bytes = 0

    @property
    def crc32(self) -> str | None:
        return crc32_text(self._crc32)

    def add(self, piece: bytes) -> None:
        self._crc32 = zlib.crc32(piece, self._crc32)
        self._bytes += len(piece)
        self._progress(min(self._bytes, self._size_bytes), self._size_bytes)


def damaged(
    file: FileBytes,
    manifest: ManifestDto,
    number: int,
    start: int,
    found: PageFound,
    checksum: RunningChecksum,
) -> Iterator[str]:
    """Describe the damage: the first wrong piece, missing or added bytes, the pages after it, and likely causes.

    Args:
        number: The number of the first wrong page or frame in the order of the file, counted from 0.
        start: Where it begins in the file.
        found: What the copy has in its place.
    """
    piece, *after = manifest.in_file_order[number:]
    shift = file.size_bytes - manifest.bytes
    rest = [other for other in after if other.bytes]
    pages = sum(isinstance(other, ManifestPage) for other in rest)
    right = _count_right(file, manifest, rest, start + piece.bytes + shift, checksum)
    yield f"{name_piece(piece, manifest)} is the first that is wrong: bytes {start:,} up to {start + piece.bytes:,}."
    ends_in_it = shift < 0 and not right and file.size_bytes < start + piece.bytes
    head, form = file.read(0, HEAD_BYTES), manifest.request.format
    is_cut_off = ends_in_it and (not found.bytes or _stops_midway(file, manifest, found))
    if form.kind is not FileKind.XLSX and another_kind_of_file(head, form):
        is_cut_off = False  # its length says nothing
    yield _amount(shift, file.size_bytes, cut_off=is_cut_off)
    if pages:
        yield "Every page after it is right." if right == pages else f"Right pages after it: {right:,} of {pages:,}."
    yield from reading_of(manifest.request).damage_hints(head, form, found.problem)
    if columns := wrong_columns(file, manifest):
        yield f"The columns are not those of the export: {columns}."


def wrong_columns(file: FileBytes, manifest: ManifestDto) -> str | None:
    """Say how the columns that a copy names differ from those of the export; see `changed_columns`."""
    spec = manifest.request
    if not spec.include_headers and spec.format.kind is not FileKind.JSONL:
        return None
    stream = cast(BinaryIO, io.BufferedReader(SeekableFile(file)))
    return changed_columns(stream, spec.format.kind, [column.csv_header for column in spec.columns])


def _count_right(
    file: FileBytes, manifest: ManifestDto, pieces: Sequence[Piece], start: int, checksum: RunningChecksum
) -> int:
    """Count the pages that are right, although missing or added bytes before them have moved them to `start`."""
    right = 0
    for piece in pieces:
        if start >= 0 and isinstance(piece, ManifestPage):
            found = read_page(file, start, start + piece.bytes, manifest.request, checksum.add)
            right += found.sha256 == piece.sha256
        elif start >= 0:
            read_frame(file, start, start + piece.bytes, checksum.add)
        start += piece.bytes
    return right


def _stops_midway(file: FileBytes, manifest: ManifestDto, found: PageFound) -> bool:
    """Say whether the copy ends where a complete file of this format cannot end.

    The last bytes of a gzip file do not tell. If what is there can be decompressed, it was compressed anew.
    """
    if manifest.request.format.compression is Compression.GZIP:
        return found.problem is not None
    end = file.read(max(file.size_bytes - END_BYTES, 0), file.size_bytes)
    return not reading_of(manifest.request).is_whole_end(end)


def _amount(shift: int, size_bytes: int, *, cut_off: bool) -> str:
    if cut_off:
        return f"The file ends after {size_bytes:,} bytes, {-shift:,} too early: it was cut off. Download it again."
    if shift < 0:
        return f"{count_bytes(-shift)} missing."
    return f"{count_bytes(shift)} too many." if shift else "The file has the right length, so bytes were changed."


def count_bytes(count: int) -> str:
    """Begin a sentence about a number of bytes."""
    return "1 byte is" if count == 1 else f"{count:,} bytes are"


def name_piece(piece: Piece, manifest: ManifestDto) -> str:
    """Name a page, or what stands between pages."""
    pages = len(manifest.pages)
    if isinstance(piece, ManifestPage):
        return name_page(piece.page, pages, KeyRange(piece.start, piece.stop))
    if piece.before_page == pages:
        return "The frame after the last page"
    return f"The frame before page {piece.before_page:,}"
