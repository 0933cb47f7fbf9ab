"""Put a workbook together: the frames around pages that are deflated already.

The data of a ZIP entry are one deflate stream (RFC 1951). A stream may consist of pieces that were compressed
independently, if each but the last one ends at a byte and is not marked as final. So the opening of a sheet, its pages
and its closing are compressed by different processes. Their CRC-32s combine to that of the sheet.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from exports.errors import FileMismatchError
from exports.file.compression import Packing, compress
from exports.file.crc32 import combine
from exports.file.frame import Frame
from exports.file.page_record import PageRecord
from exports.file.xlsx.package import fixed_documents, sheet_closing, sheet_names, sheet_opening, sheet_path
from exports.file.xlsx.zip_entries import DEFLATED, STORED, ZipEntry, central_directory


@dataclass(frozen=True, slots=True)
class Layout:
    """How the sheets of a workbook look.

    Attributes:
        file_name: The name of the file, from which the sheets get their names.
        max_rows: The most rows of a sheet.
    """

    headers: tuple[str, ...]
    widths: tuple[int, ...]
    has_header: bool
    file_name: str
    max_rows: int


@dataclass(slots=True)
class _Archive:
    """Collects entries, and the bytes of the current frame.

    Attributes:
        offset: How many bytes of the file come before the current frame.
    """

    offset: int = 0
    entries: list[ZipEntry] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    _data: bytes = b""

    def begin(self, name: str, method: int, packed_bytes: int, plain_bytes: int, crc32: int) -> None:
        entry = ZipEntry(name, self.offset + len(self._data), method, packed_bytes, plain_bytes, crc32)
        self.entries.append(entry)
        self._data += entry.local_header()

    def add(self, data: bytes) -> None:
        self._data += data

    def end_frame(self, before_page: int) -> None:
        self.frames.append(Frame(before_page, self._data))
        self.offset += len(self._data)
        self._data = b""

    def end(self, pages: int) -> list[Frame]:
        self.add(central_directory(self.entries, self.offset + len(self._data)))
        self.end_frame(pages)
        return self.frames


def make_frames(records: Sequence[PageRecord], layout: Layout) -> list[Frame]:
    """Make the frames of a workbook. A new sheet begins before a page that does not fit into the sheet before.

    Args:
        records: The records of all pages, in page order.

    Raises:
        FileMismatchError: A page has more clients than a sheet has rows, or its record does not describe its sheet
            rows.
    """
    sheets = _divide(records, layout.max_rows - layout.has_header)
    rows = [sum(record.rows for record in pages) + layout.has_header for pages in sheets]
    filtered = rows if layout.has_header else []
    columns = len(layout.headers)
    archive = _Archive()
    for name, content in fixed_documents(sheet_names(layout.file_name, len(sheets)), columns, filtered):
        archive.begin(name, STORED, len(content), len(content), zlib.crc32(content))
        archive.add(content)
    for number, pages in enumerate(sheets):
        opening = sheet_opening(
            layout.headers, layout.widths, rows[number], with_header=layout.has_header, is_first=number == 0
        )
        closing = sheet_closing(columns, filtered[number] if filtered else 0)
        packed = compress([opening], Packing.DEFLATE_PIECE), compress([closing], Packing.DEFLATE_END)
        plain = [(zlib.crc32(opening), len(opening)), *map(_content, pages), (zlib.crc32(closing), len(closing))]
        page_bytes = sum(record.bytes for record in pages)
        plain_bytes = sum(size for _, size in plain)
        packed_bytes = sum(map(len, packed)) + page_bytes
        archive.begin(sheet_path(number + 1), DEFLATED, packed_bytes, plain_bytes, combine(plain))
        archive.add(packed[0])
        archive.end_frame(pages[0].page)
        archive.offset += page_bytes
        archive.add(packed[1])
    return archive.end(len(records))


def _divide(records: Sequence[PageRecord], max_rows: int) -> list[list[PageRecord]]:
    """Divide pages among sheets. Every sheet has at least one page."""
    sheets: list[list[PageRecord]] = []
    left = -1
    for record in records:
        if record.rows > max_rows:
            message = (
                f"A page has {record.rows:,} clients, but a sheet of a workbook only {max_rows:,} rows: clients were "
                "added since the export was planned. Export again."
            )
            raise FileMismatchError(message)
        if left < record.rows:
            sheets.append([])
            left = max_rows
        sheets[-1].append(record)
        left -= record.rows
    return sheets


def _content(record: PageRecord) -> tuple[int, int]:
    """Return the CRC-32 and the length of the sheet rows of a page, before compression."""
    if record.content_crc32 is None or record.content_bytes is None:
        raise FileMismatchError("The record of a page does not describe its rows.")
    return record.content_crc32, record.content_bytes
