"""Compare a copy of a file with its manifest and, if they differ, find the first wrong page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from exports.file.crc32 import combine
from exports.file.csv.record_count import code_column
from exports.file.manifest import KeyOrder, ManifestDto, ManifestPage, crc32_text
from exports.file.verification.code_count import DistinctCells
from exports.file.verification.describe_damage import (
    Piece,
    Progress,
    RunningChecksum,
    count_bytes,
    damaged,
    name_piece,
    wrong_columns,
)
from exports.file.verification.file_bytes import FileBytes
from exports.file.verification.kinds import reading_of
from exports.file.verification.verify_page import PageFound, read_frame, read_page


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a comparison.

    Attributes:
        pages, rows, bytes: The totals of the pages that are right, up to the first wrong one.
        crc32: The CRC-32 of the whole copy, as common tools write it; None if a page is wrong.
        faults: Sentences about the differences, the most important one first. Empty if the copy equals the file.
        order_is_checked: Whether the manifest says that every page holds clients of its own key range. Otherwise nobody
            knows whether a client is missing between two pages, or in both.
        codes: How many different codes the column `Code` shows; None if the file has no such column, or is wrong.
        guarded_codes: How many more cells of it have an apostrophe that the formula guard may have put there. Two codes
            may have the same cell then, so they are not compared.
        alike_codes: How many more cells of it equal another one. If the file lacks characters of clients or ends of
            long texts, two codes may have the same cell, so these are not compared either.
    """

    pages: int
    rows: int
    bytes: int
    crc32: str | None
    faults: tuple[str, ...]
    order_is_checked: bool = True
    codes: int | None = None
    guarded_codes: int = 0
    alike_codes: int = 0

    @property
    def is_intact(self) -> bool:
        """Whether the copy is, byte for byte, what the export wrote."""
        return not self.faults

    @property
    def proved(self) -> bool:
        """Whether the copy is intact, and the export wrote every client once."""
        return self.is_intact and self.order_is_checked


def verify(file: FileBytes, manifest: ManifestDto, progress: Progress = lambda *_: None) -> Verdict:
    """Check the manifest itself, then the bytes, SHA-256 and records of each page, then the CRC-32 of the whole.

    Also count the different codes of clients, if the file shows them.
    """
    contradictions = tuple(_contradictions(manifest))
    if contradictions:
        return Verdict(0, 0, 0, None, contradictions)
    checksum = RunningChecksum(file.size_bytes, progress)
    start = pages = rows = 0
    with _Codes(manifest) as codes:
        for number, piece in enumerate(manifest.in_file_order):
            found = _read(file, manifest, piece, start, checksum, codes)
            if found.bytes != piece.bytes or found.sha256 != piece.sha256:
                faults = tuple(damaged(file, manifest, number, start, found, checksum))
            elif isinstance(piece, ManifestPage):
                faults = (*_miscounted(found, piece, manifest), *codes.misplaced(piece, manifest))
            else:
                faults = ()
            if faults:
                return Verdict(pages, rows, start, None, faults)
            start += piece.bytes
            if isinstance(piece, ManifestPage):
                pages, rows = pages + 1, rows + piece.rows
        faults = (*_after_the_last(file, manifest, checksum), *codes.repeated(), *_misnamed(file, manifest))
        return Verdict(
            pages,
            rows,
            start,
            checksum.crc32,
            faults,
            manifest.order_is_checked,
            codes.different,
            codes.guarded,
            codes.alike,
        )


def _read(
    file: FileBytes, manifest: ManifestDto, piece: Piece, start: int, checksum: RunningChecksum, codes: _Codes
) -> PageFound:
    stop = start + piece.bytes
    if not isinstance(piece, ManifestPage):
        return read_frame(file, start, stop, checksum.add)
    codes.begin_page()
    return read_page(file, start, stop, manifest.request, checksum.add, codes.add)


class _Codes:
    """The codes that the file shows.

    Attributes:
        guarded: How many cells cannot be compared, as `Verdict.guarded_codes` says.
    """

    def __init__(self, manifest: ManifestDto) -> None:
        self.guarded = 0
        self._is_shown = code_column(manifest.request) is not None
        self._is_guarded = manifest.request.format.formula_guard
        self._left_out = reading_of(manifest.request).left_out
        self._shortened = (manifest.removed_characters or 0) + (manifest.cut_cells or 0)
        self._cells = DistinctCells()
        self._ends: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cells.close()

    def begin_page(self) -> None:
        self._ends = None

    def add(self, cell: str) -> None:
        self._ends = (self._ends[0] if self._ends else cell, cell)
        if self._is_guarded and "'" in cell:
            self.guarded += 1
        else:
            self._cells.add(cell)

    @cached_property
    def different(self) -> int | None:
        return self._cells.count() if self._is_shown else None

    @cached_property
    def alike(self) -> int:
        """How many cells equal another one."""
        return 0 if self.different is None else self._cells.cells - self.different

    def misplaced(self, page: ManifestPage, manifest: ManifestDto) -> Iterator[str]:
        """Compare the codes at the ends of a page with those that the manifest says the database has ranked."""
        if self._ends is None or not _has_ends(page):
            return
        expected = (page.first_code or "", page.last_code or "")
        if [*map(self._bare, self._ends)] != [*map(self._bare, expected)]:
            yield (
                f"{name_piece(page, manifest)} is as it was written, but it begins and ends with the clients "
                f"{self._ends[0]} and {self._ends[1]}, not {expected[0]} and {expected[1]}. Report this."
            )

    def repeated(self) -> Iterator[str]:
        """Find clients that are in the file more than once.

        Of different codes with equal cells, all but one lost a character, or the end that no cell can hold. So if no
        more cells are alike than characters were left out and cells were cut, every client may be in the file once.
        """
        if self.alike > self._shortened:
            yield (
                f"The file has {self._cells.cells:,} clients, but only {self.different:,} different codes: clients are "
                "in it more than once, although every byte is as it was written. Export again, and report this."
            )

    def _bare(self, code: str) -> str:
        """Return a code without what a format adds or leaves out: apostrophes, `="…"`, and blanks at the end."""
        plain = self._left_out.sub("", code.replace("'", ""))
        constant = re.fullmatch(r'="(.*)"', plain, re.DOTALL)
        return (constant[1] if constant else plain).rstrip(" ")


def _contradictions(manifest: ManifestDto) -> Iterator[str]:
    """Yield the contradictions within the manifest. A manifest that contradicts itself proves nothing."""
    pages, pieces = manifest.pages, manifest.in_file_order
    if sum(page.rows for page in pages) != manifest.rows or sum(piece.bytes for piece in pieces) != manifest.bytes:
        yield "The manifest contradicts itself: its pages do not add up to its totals. Fetch it again."
    if not manifest.tiles:
        yield "The manifest contradicts itself: its key ranges leave a gap or overlap. Fetch it again."
    if manifest.key_order is KeyOrder.RANKED_BY_SOURCE and any(page.rows and not _has_ends(page) for page in pages):
        yield "The manifest contradicts itself: a page whose order was checked has no codes. Fetch it again."
    if manifest.key_order is KeyOrder.ONE_PAGE and len(pages) > 1:
        yield "The manifest contradicts itself: it has several pages, but says that one page holds all. Fetch it again."
    if manifest.recounted_rows is None and manifest.counted_rows not in (None, manifest.rows):
        yield "The manifest contradicts itself: its clients are not as many as were counted. Fetch it again."
    if len(pieces) != len(pages) + len(manifest.frames or ()):
        yield "The manifest contradicts itself: it has a frame where no page is. Fetch it again."
    sums = [(int(piece.crc32, 16), piece.bytes) for piece in pieces if piece.crc32 is not None]
    if len(sums) == len(pieces) and crc32_text(combine(sums)) != manifest.crc32:
        yield "The manifest contradicts itself: the CRC-32 of its pages is not that of the whole. Fetch it again."


def _has_ends(page: ManifestPage) -> bool:
    return page.first_code is not None and page.last_code is not None


def _miscounted(found: PageFound, page: ManifestPage, manifest: ManifestDto) -> Iterator[str]:
    """Compare the number of records. If it differs although the bytes are right, the service is at fault."""
    has_header = manifest.request.include_headers and reading_of(manifest.request).has_header_in_page
    header = 1 if page.page == 0 and has_header else 0
    if found.records != page.rows + header:
        count = found.problem or f"{(found.records or 0) - header:,} clients, not {page.rows:,}"
        yield f"{name_piece(page, manifest)} is as it was written, but its content is wrong: {count}. Report this."


def _misnamed(file: FileBytes, manifest: ManifestDto) -> Iterator[str]:
    """Compare the columns with those of the manifest. If they differ although the bytes are right, either is wrong."""
    if file.size_bytes == manifest.bytes and (columns := wrong_columns(file, manifest)):
        yield f"Every byte is as it was written, but the columns are not those of the manifest: {columns}. Report this."


def _after_the_last(file: FileBytes, manifest: ManifestDto, checksum: RunningChecksum) -> Iterator[str]:
    extra = file.size_bytes - manifest.bytes
    if extra:
        yield f"Every page is right, but after the last one {count_bytes(extra)} too many: something was appended."
    elif manifest.crc32 not in (None, checksum.crc32):
        yield f"The CRC-32 of the file is {checksum.crc32}, not {manifest.crc32}."
