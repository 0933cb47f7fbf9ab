"""Compare a copy of a file with its manifest and, if they differ, find the first wrong page."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from exports.file.crc32 import combine
from exports.file.csv.code_count import DistinctCells
from exports.file.csv.damage import HEAD_BYTES, damage_hints
from exports.file.csv.record_count import code_column
from exports.file.manifest import KeyOrder, ManifestDto, ManifestPage, crc32_text
from exports.file.plan import name_page
from exports.file.ranges import KeyRange
from exports.file.verification.verify_page import FileBytes, PageFound, read_page
from exports.request.formats import Compression

Progress = Callable[[int, int], None]
"""Takes the number of bytes read so far and the number of bytes in all."""


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
    """

    pages: int
    rows: int
    bytes: int
    crc32: str | None
    faults: tuple[str, ...]
    order_is_checked: bool = True
    codes: int | None = None
    guarded_codes: int = 0

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
    checksum = _RunningChecksum(file.size_bytes, progress)
    start = rows = 0
    with _Codes(manifest) as codes:
        for page in manifest.pages:
            codes.begin_page()
            found = read_page(file, start, start + page.bytes, manifest.request, checksum.add, codes.add)
            if found.bytes == page.bytes and found.sha256 == page.sha256:
                faults = (*_miscounted(found, page, manifest), *codes.misplaced(page, manifest))
            else:
                faults = tuple(_damaged(file, manifest, page, start, found, checksum))
            if faults:
                return Verdict(page.page, rows, start, None, faults)
            start, rows = start + page.bytes, rows + page.rows
        faults = (*_after_the_last(file, manifest, checksum), *codes.repeated())
        total = len(manifest.pages)
        return Verdict(
            total, rows, start, checksum.crc32, faults, manifest.order_is_checked, codes.different, codes.guarded
        )


class _Codes:
    """The codes that the file shows.

    Attributes:
        guarded: How many cells cannot be compared, as `Verdict.guarded_codes` says.
    """

    def __init__(self, manifest: ManifestDto) -> None:
        self.guarded = 0
        self._is_shown = code_column(manifest.request) is not None
        self._is_guarded = manifest.request.format.formula_guard
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

    def misplaced(self, page: ManifestPage, manifest: ManifestDto) -> Iterator[str]:
        """Compare the codes at the ends of a page with those that the manifest says the database has ranked."""
        if self._ends is None or not _has_ends(page):
            return
        expected = (page.first_code or "", page.last_code or "")
        if tuple(map(_bare, self._ends)) != tuple(map(_bare, expected)):
            yield (
                f"{_name(page, manifest)} is as it was written, but it begins and ends with the clients "
                f"{self._ends[0]} and {self._ends[1]}, not {expected[0]} and {expected[1]}. Report this."
            )

    def repeated(self) -> Iterator[str]:
        if self.different is not None and self.different < self._cells.cells:
            yield (
                f"The file has {self._cells.cells:,} clients, but only {self.different:,} different codes: clients are "
                "in it more than once, although every byte is as it was written. Export again, and report this."
            )


def _bare(code: str) -> str:
    """Return a code without what a format adds or leaves out: apostrophes, `="…"`, NUL, and blanks at the end."""
    constant = re.fullmatch(r'="(.*)"', code, re.DOTALL)
    return re.sub(r"['\0]", "", constant[1] if constant else code).rstrip(" ")


class _RunningChecksum:
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


def _contradictions(manifest: ManifestDto) -> Iterator[str]:
    """Yield the contradictions within the manifest. A manifest that contradicts itself proves nothing."""
    pages = manifest.pages
    if sum(page.rows for page in pages) != manifest.rows or sum(page.bytes for page in pages) != manifest.bytes:
        yield "The manifest contradicts itself: its pages do not add up to its totals. Fetch it again."
    if not manifest.tiles:
        yield "The manifest contradicts itself: its key ranges leave a gap or overlap. Fetch it again."
    if manifest.key_order is KeyOrder.RANKED_BY_SOURCE and any(page.rows and not _has_ends(page) for page in pages):
        yield "The manifest contradicts itself: a page whose order was checked has no codes. Fetch it again."
    if manifest.key_order is KeyOrder.ONE_PAGE and len(pages) > 1:
        yield "The manifest contradicts itself: it has several pages, but says that one page holds all. Fetch it again."
    if manifest.key_order is KeyOrder.RANKED_BY_SOURCE and _lacks_recount(manifest):
        yield "The manifest contradicts itself: its clients are not as many as were counted. Fetch it again."
    pieces = [(int(page.crc32, 16), page.bytes) for page in pages if page.crc32 is not None]
    if len(pieces) == len(pages) and crc32_text(combine(pieces)) != manifest.crc32:
        yield "The manifest contradicts itself: the CRC-32 of its pages is not that of the whole. Fetch it again."


def _lacks_recount(manifest: ManifestDto) -> bool:
    return manifest.recounted_rows is None and manifest.counted_rows not in (None, manifest.rows)


def _has_ends(page: ManifestPage) -> bool:
    return page.first_code is not None and page.last_code is not None


def _miscounted(found: PageFound, page: ManifestPage, manifest: ManifestDto) -> Iterator[str]:
    """Compare the number of records. If it differs although the bytes are right, the service is at fault."""
    header = 1 if page.page == 0 and manifest.request.include_headers else 0
    if found.records != page.rows + header:
        count = found.problem or f"{(found.records or 0) - header:,} clients, not {page.rows:,}"
        yield f"{_name(page, manifest)} is as it was written, but its content is wrong: {count}. Report this."


def _damaged(
    file: FileBytes, manifest: ManifestDto, page: ManifestPage, start: int, found: PageFound, checksum: _RunningChecksum
) -> Iterator[str]:
    """Describe the damage: the first wrong page, missing or added bytes, the pages after it, and likely causes."""
    shift = file.size_bytes - manifest.bytes
    rest = [other for other in manifest.pages[page.page + 1 :] if other.bytes]
    right = _count_right(file, manifest, rest, start + page.bytes + shift, checksum)
    yield f"{_name(page, manifest)} is the first that is wrong: bytes {start:,} up to {start + page.bytes:,}."
    ends_in_it = shift < 0 and not right and file.size_bytes < start + page.bytes
    yield _amount(shift, file.size_bytes, cut_off=ends_in_it and (not found.bytes or _stops_midway(file, manifest)))
    if rest:
        all_right = right == len(rest)
        yield "Every page after it is right." if all_right else f"Of the {len(rest):,} after it {right:,} are right."
    yield from damage_hints(file.read(0, HEAD_BYTES), manifest.request.format, found.problem)


def _count_right(
    file: FileBytes, manifest: ManifestDto, pages: Sequence[ManifestPage], start: int, checksum: _RunningChecksum
) -> int:
    """Count the pages that are right, although missing or added bytes before them have moved them to `start`."""
    right = 0
    for page in pages:
        if start >= 0:
            found = read_page(file, start, start + page.bytes, manifest.request, checksum.add)
            right += found.sha256 == page.sha256
        start += page.bytes
    return right


def _stops_midway(file: FileBytes, manifest: ManifestDto) -> bool:
    """Say whether the copy ends where a complete file of this format cannot end."""
    last = file.read(max(file.size_bytes - 1, 0), file.size_bytes)
    return manifest.request.format.compression is Compression.GZIP or last != b"\n"


def _amount(shift: int, size_bytes: int, *, cut_off: bool) -> str:
    if cut_off:
        return f"The file ends after {size_bytes:,} bytes, {-shift:,} too early: it was cut off. Download it again."
    if shift < 0:
        return f"{_bytes(-shift)} missing."
    return f"{_bytes(shift)} too many." if shift else "The file has the right length, so bytes were changed."


def _bytes(count: int) -> str:
    return "1 byte is" if count == 1 else f"{count:,} bytes are"


def _after_the_last(file: FileBytes, manifest: ManifestDto, checksum: _RunningChecksum) -> Iterator[str]:
    extra = file.size_bytes - manifest.bytes
    if extra:
        yield f"Every page is right, but after the last one {_bytes(extra)} too many: something was appended."
    elif manifest.crc32 not in (None, checksum.crc32):
        yield f"The CRC-32 of the file is {checksum.crc32}, not {manifest.crc32}."


def _name(page: ManifestPage, manifest: ManifestDto) -> str:
    return name_page(page.page, len(manifest.pages), KeyRange(page.start, page.stop))
