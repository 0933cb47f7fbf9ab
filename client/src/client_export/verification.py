"""Proves a file against its manifest, while its bytes arrive: size, SHA-256 and records of each page, and the whole."""

from __future__ import annotations

import codecs
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from client_export.contradictions import contradictions, in_file_order
from client_export.errors import FileMismatchError
from client_export.headings import changed_columns

CHUNK_BYTES = 1 << 20
_COUNTED = (None, "jsonl")
"""The kinds of files whose records are counted; None is CSV. Of other kinds only the bytes are proved."""

_CODE = re.compile(r"[0-9a-z]{1,100}")
_JOINERS = dict.fromkeys((0x200C, 0x200D))
"""Without these invisible characters, letters of some scripts fall apart."""
_ANY_GZIP = 31
"""The window of zlib for one gzip member."""

_WITHOUT_RECORDS = (b"", codecs.BOM_UTF8)
"""What a page without records may hold: of CSV that has no header, the byte order mark."""

_END_BYTES = 1 + len(codecs.BOM_UTF8)
"""Enough of the end of a text to see that it holds more than a byte order mark."""
Progress = Callable[[int, int], None]
"""Takes the bytes so far, and the bytes in all."""


def no_progress(done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class ManifestPage:
    """One page of a file: its bytes follow those of the page before.

    Attributes:
        is_frame: Whether these are bytes of a workbook between its pages, without clients.
    """

    page: int
    rows: int
    bytes: int
    sha256: str
    is_frame: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The proof of a file.

    Attributes:
        crc32: CRC-32 of the whole file in hex; None if the service did not record it.
        kind: What the file is if it is not CSV: `xlsx`, `jsonl`, or a kind that is newer than this package.
        order_is_checked: Whether the database confirmed the order of the pages, so that no client can be missing
            between two of them.
        removed_characters: How many characters of clients are not in the file because no cell can hold them; None if
            there were none.
        cut_cells: How many texts were too long for a cell, so that the file has only their beginnings; None if there
            were none.
    """

    code: str
    file_name: str
    rows: int
    bytes: int
    crc32: str | None
    pages: tuple[ManifestPage, ...]
    include_headers: bool
    is_gzip: bool
    kind: str | None
    order_is_checked: bool
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    removed_characters: int | None = None
    cut_cells: int | None = None

    @property
    def removed_codes(self) -> frozenset[str]:
        """Codes of the clients to remove from the file of the earlier export, which the request named as `since`.

        First replace or add the clients of this file there.

        Raises:
            FileMismatchError: The request named none, or the database of the service cannot tell which were deleted.
        """
        changes = self.raw.get("changes") or {}
        if changes.get("deletedCodes") is None:
            raise FileMismatchError("The manifest does not say which clients were deleted since another export.")
        return frozenset([*changes["deletedCodes"], *changes["leftCodes"]])

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns that the file names, in their order; empty if it names none."""
        if not self.include_headers and self.kind != "jsonl":
            return ()
        return tuple(map(_checked_header, self.raw["request"].get("columns") or ()))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Manifest:
        """Read a manifest as the service gives it.

        Raises:
            FileMismatchError: The document is no manifest, or contradicts itself.
        """
        try:
            manifest = cls._read(document)
            found = next(contradictions(document), None)
            _ = manifest.headers
        except (KeyError, TypeError, AttributeError, ValueError):
            raise FileMismatchError("This is not a manifest of an export.") from None
        if found:
            message = f"The manifest contradicts itself: {found}."
            raise FileMismatchError(message)
        return manifest

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Manifest:
        request = document["request"]
        form = request.get("format") or {}
        pages = document["pages"]
        pieces = in_file_order(pages, document.get("frames") or ())
        return cls(
            code=_checked_code(document["code"]),
            file_name=_checked_name(document["fileName"]),
            rows=document["rows"],
            bytes=document["bytes"],
            crc32=document.get("crc32"),
            pages=tuple(map(_piece, pieces)),
            include_headers=_checked_flag(request.get("includeHeaders", True)),
            is_gzip=form.get("compression") == "gzip",
            kind=form.get("kind"),
            order_is_checked=len(pages) == 1 or document.get("keyOrder") == "RankedBySource",
            raw=document,
            removed_characters=document.get("removedCharacters"),
            cut_cells=document.get("cutCells"),
        )


def _checked_code(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise ValueError("The code of an export becomes part of a path, so it has letters and digits only.")
    return code


def _checked_name(name: str) -> str:
    shown = name.translate(_JOINERS)
    if not shown.isprintable() or shown.strip()[:1] in ("", ".") or not {*name}.isdisjoint("/\\:"):
        raise ValueError("The name of a file never leaves the folder, and never hides the file.")
    return name


def _checked_header(column: Mapping[str, Any]) -> str:
    header = column["csvHeader"]
    if not isinstance(header, str):
        raise TypeError("A header is text.")
    return header


def _checked_flag(flag: object) -> bool:
    if not isinstance(flag, bool):
        raise TypeError("A file has headers, or it has none.")
    return flag


def _piece(piece: Mapping[str, Any]) -> ManifestPage:
    is_frame = "beforePage" in piece
    number, rows = (piece["beforePage"], 0) if is_frame else (piece["page"], piece["rows"])
    if any(type(each) is not int or each < 0 for each in (number, rows, piece["bytes"])):
        raise ValueError("A number of a manifest counts something, so it is never negative.")
    return ManifestPage(number, rows, piece["bytes"], piece["sha256"], is_frame)


@dataclass(frozen=True, slots=True)
class Verification:
    """The file is, byte for byte, what the export wrote.

    Attributes:
        is_proved: Whether the manifest also proves that every client was written once.
        removed_characters, cut_cells: What the file lacks, as in `Manifest`.
    """

    rows: int
    bytes: int
    pages: int
    crc32: str
    is_proved: bool
    removed_characters: int | None = None
    cut_cells: int | None = None


class RecordCounter:
    """Counts the records of a text in pieces. Line breaks within the quotes of CSV do not end a record."""

    def __init__(self, *, is_csv: bool) -> None:
        self.records = 0
        self._is_csv = is_csv
        self._is_quoted = False
        self._end = b""

    @property
    def is_complete(self) -> bool:
        """Whether nothing follows the last record."""
        return self._end in _WITHOUT_RECORDS or (self._end.endswith(b"\n") and not self._is_quoted)

    def add(self, piece: bytes) -> None:
        """Count the records that end in the next piece."""
        for index, part in enumerate(piece.split(b'"') if self._is_csv else [piece]):
            if index:
                self._is_quoted = not self._is_quoted
            if not self._is_quoted:
                self.records += part.count(b"\n")
        self._end = (self._end + piece[-_END_BYTES:])[-_END_BYTES:]


class Verifier:
    """Takes the bytes of a file in order, and raises as soon as a page is wrong.

    Attributes:
        proved_bytes: Size of the pages that are right so far.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.bytes = self.proved_bytes = self._rows = self._crc32 = 0
        self._is_csv = manifest.kind is None
        self._counts_records = manifest.kind in _COUNTED
        self._pages = iter(manifest.pages)
        self._page: ManifestPage | None = None
        self._begin_page()

    def add(self, data: bytes) -> None:
        """Check the next bytes.

        Raises:
            FileMismatchError: A page is wrong, or the file is longer than its manifest says.
        """
        view = memoryview(data)
        while view:
            if self._page is None:
                message = f"The file is longer than the {self.manifest.bytes:,} bytes of its manifest."
                raise FileMismatchError(message)
            piece = view[: self._page_left]
            self._take(self._page, bytes(piece))
            view = view[len(piece) :]

    def finish(self) -> Verification:
        """Check that nothing is missing, and the CRC-32 of the whole.

        Raises:
            FileMismatchError: The file is too short, or the whole is wrong.
        """
        if self._page is not None:
            message = (
                f"The file ends after {self.bytes:,} bytes, in page {self._page.page}; it should have "
                f"{self.manifest.bytes:,} bytes."
            )
            raise FileMismatchError(message, self._page.page)
        crc32 = f"{self._crc32:08x}"
        if self.manifest.crc32 not in (None, crc32):
            message = f"The CRC-32 of the file is {crc32}; in the manifest it is {self.manifest.crc32}."
            raise FileMismatchError(message)
        pages = sum(not page.is_frame for page in self.manifest.pages)
        return Verification(
            self._rows,
            self.bytes,
            pages,
            crc32,
            self.manifest.order_is_checked,
            self.manifest.removed_characters,
            self.manifest.cut_cells,
        )

    def _begin_page(self) -> None:
        """Go to the next page that has bytes."""
        while True:
            self._page = next(self._pages, None)
            self._page_left = self._page.bytes if self._page else 0
            self._digest, self._counter = hashlib.sha256(), RecordCounter(is_csv=self._is_csv)
            self._inflate = zlib.decompressobj(_ANY_GZIP) if self.manifest.is_gzip else None
            if self._page is None or self._page.bytes:
                return
            self._check(self._page)

    def _take(self, page: ManifestPage, piece: bytes) -> None:
        self._digest.update(piece)
        self._crc32 = zlib.crc32(piece, self._crc32)
        self.bytes += len(piece)
        self._page_left -= len(piece)
        if self._counts_records:
            for plain in self._plain(page, piece):
                self._counter.add(plain)
        if self._page_left == 0:
            self._check(page)
            self._begin_page()

    def _plain(self, page: ManifestPage, piece: bytes) -> Iterator[bytes]:
        """Yield the text in pieces of a limited size: a thousand bytes of it may need only one that is compressed."""
        if self._inflate is None:
            yield piece
            return
        try:
            while plain := self._inflate.decompress(piece, CHUNK_BYTES):
                yield plain
                piece = self._inflate.unconsumed_tail
        except zlib.error:
            raise _wrong(page, "its bytes cannot be decompressed") from None

    def _check(self, page: ManifestPage) -> None:
        if self._digest.hexdigest() != page.sha256:
            raise _wrong(page, "its SHA-256 is another")
        has_header = page.page == 0 and self.manifest.include_headers and self._is_csv
        rows = self._counter.records - int(has_header) if self._counts_records else page.rows
        if rows != page.rows or not self._counter.is_complete:
            raise _wrong(page, f"it has {rows:,} records, not {page.rows:,}")
        self._rows += rows
        self.proved_bytes = self.bytes


def verify_file(path: Path, manifest: Manifest, progress: Progress = no_progress) -> Verification:
    """Prove a file that is on disk.

    Args:
        progress: Takes the bytes read so far, and the bytes in all.

    Raises:
        FileMismatchError: The file is not the one that the manifest describes.
    """
    verifier = Verifier(manifest)
    with path.open("rb") as file:
        try:
            while piece := file.read(CHUNK_BYTES):
                verifier.add(piece)
                progress(verifier.bytes, manifest.bytes)
            found = verifier.finish()
        except FileMismatchError as error:
            if columns := _wrong_columns(file, manifest):
                message = f"{error} The columns are not those of the export: {columns}."
                raise FileMismatchError(message, error.page) from None
            raise
        if columns := _wrong_columns(file, manifest):
            message = f"Every byte is as it was written, but the columns are not those of the manifest: {columns}."
            raise FileMismatchError(message)
        return found


def _wrong_columns(file: BinaryIO, manifest: Manifest) -> str | None:
    return changed_columns(file, manifest.kind, manifest.headers) if manifest.headers else None


def _wrong(page: ManifestPage, reason: str) -> FileMismatchError:
    return FileMismatchError(f"Page {page.page} of the file is wrong: {reason}.", page.page)
