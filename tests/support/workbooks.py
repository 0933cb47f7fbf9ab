"""Workbooks made of pages, and the readers that tests open them with.

Microsoft's Open XML SDK judges them as well: a program that reads files and prints each error as
`FILE: PART PATH: message`; its exit code is 1 if there is one.
"""

from __future__ import annotations

import io
import os
import subprocess
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import python_calamine
from openpyxl.utils.escape import unescape

from exports.file.block_ids import digest
from exports.file.compression import compress
from exports.file.frame import Frame, in_file_order
from exports.file.page_record import PageRecord
from exports.file.renderer import Row
from exports.file.xlsx.renderer import XlsxRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import FORMAT_PRESETS, FormatPreset

XLSX = FORMAT_PRESETS[FormatPreset.XLSX]
Table = list[list[Any]]
_BESIDE_THE_CHECKOUT = Path(__file__).parents[2].parent / "shared" / "xlsx" / "xlsx-validator"
_MISSING = (
    "The validator of Microsoft's Open XML SDK is not there. Name it in XLSX_VALIDATOR, or put it at "
    "../shared/xlsx/xlsx-validator beside the checkout: a program around the NuGet package DocumentFormat.OpenXml."
)


def columns(*fields: TargetField) -> list[ColumnMapping]:
    """Return columns with the names of their fields as headers."""
    return [ColumnMapping(csv_header=field.value, target_field=field) for field in fields]


def workbook(
    renderer: XlsxRenderer, pages: Sequence[Sequence[Row]], *, with_header: bool = True, name: str = "clients.xlsx"
) -> bytes:
    """Write a workbook of some pages, as the steps of a job do."""
    blocks, records = [], []
    for number, rows in enumerate(pages):
        content = renderer.render(rows)
        block = compress([content], renderer.compression)
        blocks.append(block)
        records.append(record_of(number, len(rows), block, content))
    widths = renderer.measure(pages[0][:50] if pages else [])
    return joined(blocks, renderer.frames(records, name, widths, with_header=with_header))


def record_of(page: int, rows: int, block: bytes, content: bytes) -> PageRecord:
    """Return the record of a page."""
    return PageRecord(
        page,
        rows,
        len(block),
        digest(block),
        block="",
        crc32=zlib.crc32(block),
        content_crc32=zlib.crc32(content),
        content_bytes=len(content),
    )


def joined(blocks: Sequence[bytes], frames: Sequence[Frame]) -> bytes:
    """Put the blocks of a file together."""
    return b"".join(piece if isinstance(piece, bytes) else piece.data for piece in in_file_order(blocks, frames))


def read_with_openpyxl(data: bytes) -> list[Table]:
    """Read the values of all sheets. This reader leaves escapes in text as they are; Excel does not."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [[[_value(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] for sheet in book]


def _value(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.date()
    return unescape(cell) if isinstance(cell, str) else cell


def read_with_calamine(data: bytes) -> list[Table]:
    """Read the values of all sheets. An empty cell is empty text."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = (book.get_sheet_by_index(number) for number in range(len(book.sheet_names)))
    return [sheet.to_python(skip_empty_area=False) for sheet in sheets]


def as_text(value: Any) -> str:
    """Return what CSV shows for a value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def find_validator() -> Path:
    """Find the program. Under CI a missing program fails the test; elsewhere the test is skipped."""
    program = Path(os.environ.get("XLSX_VALIDATOR") or _BESIDE_THE_CHECKOUT)
    if not program.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(_MISSING)
    return program


def validate(*files: Path) -> str:
    """Let the validator read workbooks; return its messages, which are empty if it finds no error."""
    done = subprocess.run([find_validator(), *files], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")
