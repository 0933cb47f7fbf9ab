"""What the verification must know of each kind of file."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from exports.file.csv.record_count import code_column, count_records
from exports.file.jsonl.damage import jsonl_damage_hints
from exports.file.jsonl.line_count import count_lines
from exports.file.text_damage import text_damage_hints
from exports.file.verification.file_bytes import inflated
from exports.file.xlsx.damage import is_whole_workbook, workbook_damage_hints
from exports.file.xlsx.row_count import count_rows
from exports.request.columns import REFUSED_IN_XML
from exports.request.formats import Compression, CsvFormat, FileKind
from exports.request.spec import ExportSpec


class CountRecords(Protocol):
    """Counts the records in the decompressed bytes of a page, its header included."""

    def __call__(
        self, stream: BinaryIO, spec: ExportSpec, *, is_first: bool, on_code: Callable[[str], None]
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class FileReading:
    """How the pages of one kind of file are read.

    Attributes:
        has_header_in_page: Whether the header is a record of the first page.
        left_out: Matches each character of a client that no cell can hold. `removedCharacters` counts them.
        decompress: Returns the decompressed bytes of a page.
        is_whole_end: Whether a complete file, not compressed, may end with these bytes.
        damage_hints: Sentences about likely causes of damage; see `exports.file.text_damage.text_damage_hints`.
    """

    has_header_in_page: bool
    left_out: re.Pattern[str]
    decompress: Callable[[BinaryIO, CsvFormat], BinaryIO]
    count_records: CountRecords
    is_whole_end: Callable[[bytes], bool]
    damage_hints: Callable[[bytes, CsvFormat, str | None], Iterable[str]]


END_BYTES = 22
"""How many bytes of the end `FileReading.is_whole_end` needs: those that end a ZIP archive."""


def reading_of(spec: ExportSpec) -> FileReading:
    """Return how files of this specification are read."""
    return READINGS[spec.format.kind]


def _gunzipped(stream: BinaryIO, form: CsvFormat) -> BinaryIO:
    opened = gzip.GzipFile(fileobj=stream) if form.compression is Compression.GZIP else stream
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, opened)))


def _ends_a_record(end: bytes) -> bool:
    return end.endswith(b"\n")


def _count_rows(stream: BinaryIO, spec: ExportSpec, *, is_first: bool, on_code: Callable[[str], None]) -> int:
    return count_rows(stream, len(spec.columns), code_column(spec), on_code)


def _count_lines(stream: BinaryIO, spec: ExportSpec, *, is_first: bool, on_code: Callable[[str], None]) -> int:
    headers = [column.csv_header for column in spec.columns]
    return count_lines(stream, headers, code_column(spec), on_code)


READINGS: Mapping[FileKind | None, FileReading] = {
    None: FileReading(
        has_header_in_page=True,
        left_out=re.compile("\0"),
        decompress=_gunzipped,
        count_records=count_records,
        is_whole_end=_ends_a_record,
        damage_hints=text_damage_hints,
    ),
    FileKind.JSONL: FileReading(
        has_header_in_page=False,
        left_out=re.compile(r"(?!)"),
        decompress=_gunzipped,
        count_records=_count_lines,
        is_whole_end=_ends_a_record,
        damage_hints=jsonl_damage_hints,
    ),
    FileKind.XLSX: FileReading(
        has_header_in_page=False,
        left_out=re.compile(f"[{REFUSED_IN_XML}]"),
        decompress=lambda stream, _: inflated(stream),
        count_records=_count_rows,
        is_whole_end=is_whole_workbook,
        damage_hints=lambda head, _form, _problem: workbook_damage_hints(head),
    ),
}
