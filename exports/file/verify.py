"""Hold a copy of a file against its manifest; where they differ, find the first page that is wrong."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exports.file.crc32 import combine
from exports.file.manifest import ManifestDto, ManifestPage, crc32_text
from exports.file.plan import name_page
from exports.file.ranges import KeyRange
from exports.file.verify_damage import hints, stops_midway
from exports.file.verify_page import FileBytes, PageFound, read_page

Progress = Callable[[int, int], None]
"""Bytes looked at, of how many."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it.

    Attributes:
        pages, rows, bytes: Those that are right.
        crc32: Of the whole copy, as common tools write it; None if a page is wrong.
        faults: What is wrong, in sentences, the most telling first; none: the copy is the file.
    """

    pages: int
    rows: int
    bytes: int
    crc32: str | None
    faults: tuple[str, ...]

    @property
    def proved(self) -> bool:
        return not self.faults


def verify(file: FileBytes, manifest: ManifestDto, progress: Progress = lambda *_: None) -> Verdict:
    """Check a copy page by page: bytes, SHA-256 and records of each; sums, whole CRC-32 and key ranges."""
    contradictions = tuple(_contradictions(manifest))
    if contradictions:
        return Verdict(0, 0, 0, None, contradictions)
    whole = _Whole(file.size_bytes, progress)
    start = rows = 0
    for page in manifest.pages:
        found = read_page(file, start, start + page.bytes, manifest.request, whole.pass_on)
        if found.bytes == page.bytes and found.sha256 == page.sha256:
            faults = tuple(_miscounted(found, page, manifest))
        else:
            faults = tuple(_damaged(file, manifest, page, start, found, whole))
        if faults:
            return Verdict(page.page, rows, start, None, faults)
        start, rows = start + page.bytes, rows + page.rows
    return Verdict(len(manifest.pages), rows, start, whole.crc32, tuple(_after_the_last(file, manifest, whole)))


class _Whole:
    """Sums up what is read of the copy from its first byte on."""

    def __init__(self, size_bytes: int, progress: Progress) -> None:
        self._size_bytes, self._progress = size_bytes, progress
        self._crc32 = self._bytes = 0

    @property
    def crc32(self) -> str | None:
        return crc32_text(self._crc32)

    def pass_on(self, piece: bytes) -> None:
        self._crc32 = zlib.crc32(piece, self._crc32)
        self._bytes += len(piece)
        self._progress(min(self._bytes, self._size_bytes), self._size_bytes)


def _contradictions(manifest: ManifestDto) -> Iterator[str]:
    """A manifest that does not agree with itself proves nothing."""
    pages = manifest.pages
    if sum(page.rows for page in pages) != manifest.rows or sum(page.bytes for page in pages) != manifest.bytes:
        yield "The manifest contradicts itself: its pages do not add up to its totals. Fetch it again."
    if not manifest.tiles:
        yield "The manifest contradicts itself: its key ranges leave a gap or overlap. Fetch it again."
    parts = [(int(page.crc32, 16), page.bytes) for page in pages if page.crc32 is not None]
    if len(parts) == len(pages) and crc32_text(combine(parts)) != manifest.crc32:
        yield "The manifest contradicts itself: the CRC-32 of its pages is not that of the whole. Fetch it again."


def _miscounted(found: PageFound, page: ManifestPage, manifest: ManifestDto) -> Iterator[str]:
    """Bytes that are as they were written, yet do not hold what was counted, are a fault of the service."""
    header = 1 if page.page == 0 and manifest.request.include_headers else 0
    if found.records != page.rows + header:
        count = found.trouble or f"{(found.records or 0) - header:,} clients, not {page.rows:,}"
        yield f"{_name(page, manifest)} is as it was written, but holds what it should not: {count}. Report this."


def _damaged(
    file: FileBytes, manifest: ManifestDto, page: ManifestPage, start: int, found: PageFound, whole: _Whole
) -> Iterator[str]:
    """Say what is wrong, whether it is one page or more, and what may have happened."""
    shift = file.size_bytes - manifest.bytes
    rest = [other for other in manifest.pages[page.page + 1 :] if other.bytes]
    right = _count_right(file, manifest, rest, start + page.bytes + shift, whole)
    yield f"{_name(page, manifest)} is the first that is wrong: bytes {start:,} up to {start + page.bytes:,}."
    ends_in_it = shift < 0 and not right and file.size_bytes < start + page.bytes
    yield _amount(shift, file.size_bytes, cut_off=ends_in_it and (not found.bytes or stops_midway(file, manifest)))
    if rest:
        all_right = right == len(rest)
        yield "Every page after it is right." if all_right else f"Of the {len(rest):,} after it {right:,} are right."
    yield from hints(file, manifest, found.trouble)


def _count_right(
    file: FileBytes, manifest: ManifestDto, pages: Sequence[ManifestPage], start: int, whole: _Whole
) -> int:
    """Count the pages that are right, but moved by what is missing or too much before them."""
    right = 0
    for page in pages:
        if start >= 0:
            found = read_page(file, start, start + page.bytes, manifest.request, whole.pass_on)
            right += found.sha256 == page.sha256
        start += page.bytes
    return right


def _amount(shift: int, size_bytes: int, *, cut_off: bool) -> str:
    if cut_off:
        return f"The file ends after {size_bytes:,} bytes, {-shift:,} too early: it was cut off. Download it again."
    if shift < 0:
        return f"{_bytes(-shift)} missing."
    return f"{_bytes(shift)} too many." if shift else "The file has the right length, so bytes were changed."


def _bytes(count: int) -> str:
    return "1 byte is" if count == 1 else f"{count:,} bytes are"


def _after_the_last(file: FileBytes, manifest: ManifestDto, whole: _Whole) -> Iterator[str]:
    extra = file.size_bytes - manifest.bytes
    if extra:
        yield f"Every page is right, but after the last one {_bytes(extra)} too many: something was appended."
    elif manifest.crc32 not in (None, whole.crc32):
        yield f"The CRC-32 of the file is {whole.crc32}, not {manifest.crc32}."


def _name(page: ManifestPage, manifest: ManifestDto) -> str:
    return name_page(page.page, len(manifest.pages), KeyRange(page.start, page.stop))
