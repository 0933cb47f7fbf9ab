"""LibreOffice shows in a workbook what the CSV file of the same clients holds, cell by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from exports.commands.sample.clients import SAMPLE_COLUMNS, SampleClients
from exports.file.csv.renderer import CsvRenderer
from exports.file.xlsx.cells import without_refused
from exports.file.xlsx.renderer import XlsxRenderer
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat
from tests.spreadsheets.files import hostile_rows
from tests.support.libreoffice import workbook_as_csv
from tests.support.workbooks import XLSX, as_text, columns, read_with_calamine, read_with_openpyxl, workbook
from tests.unit.exports.file.xlsx.test_read_back import TEXTS

PLAIN = CsvFormat(formula_guard=False)
BOOLEANS = [column.csv_header for column in ALL_COLUMNS if cell_kind(column.target_field) is CellKind.BOOLEAN]


def _csv_of(mappings: Sequence[ColumnMapping], rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    renderer = CsvRenderer(mappings, PLAIN)
    data = renderer.header() + renderer.render(rows)
    return [*csv.reader(io.StringIO(data.decode(), newline=""), strict=True)]


def _in_lower_case(table: Iterable[list[str]]) -> list[list[str]]:
    """Write truth values as CSV files of the service do: LibreOffice shows TRUE and FALSE."""
    header, *rows = table
    at = {header.index(name) for name in BOOLEANS if name in header}
    return [header, *([cell.lower() if number in at else cell for number, cell in enumerate(row)] for row in rows)]


def _one_kind_of_line_break(table: Iterable[list[str]]) -> list[list[str]]:
    """LibreOffice keeps one kind of line break in a cell."""
    return [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in table]


def _sample(count: int) -> list[tuple[Any, ...]]:
    at = [SAMPLE_COLUMNS.index(name) for name in XlsxRenderer(ALL_COLUMNS, XLSX).source_columns]
    return [tuple(row[number] for number in at) for row in SampleClients("northwind", 7).rows(1, count)]


def test_three_readers_show_all_67_columns_of_a_workbook_as_its_csv_file_has_them() -> None:
    rows = _sample(400)
    data = workbook(XlsxRenderer(ALL_COLUMNS, XLSX), [rows[:150], rows[150:]])
    expected = _csv_of(ALL_COLUMNS, rows)

    assert len(expected[0]) == 67
    assert _in_lower_case(workbook_as_csv(data)) == expected
    for read in (read_with_openpyxl, read_with_calamine):
        (sheet,) = read(data)
        assert [[as_text(cell) for cell in row] for row in sheet] == expected


def _hostile(count: int) -> list[tuple[Any, ...]]:
    texts = [text for text in TEXTS if len(text) <= 1_000 and text == without_refused(text)]
    values: dict[CellKind, Sequence[Any]] = {
        CellKind.BOOLEAN: (None, True, False),
        CellKind.DATE: (None, "2026-01-31", "1899-12-31", "9999-12-31"),
    }
    kinds = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
    chance = Random(5)
    names = XlsxRenderer(ALL_COLUMNS, XLSX).source_columns[1:]
    return [
        (f"C{number:04}", *(chance.choice(values.get(kinds[name], (None, *texts))) for name in names))
        for number in range(count)
    ]


def test_libreoffice_shows_hostile_text_in_all_67_columns_as_the_csv_file_has_it() -> None:
    rows = _hostile(120)
    shown = workbook_as_csv(workbook(XlsxRenderer(ALL_COLUMNS, XLSX), [rows[:50], rows[50:]]))

    assert _one_kind_of_line_break(_in_lower_case(shown)) == _one_kind_of_line_break(_csv_of(ALL_COLUMNS, rows))


def test_libreoffice_shows_hostile_text_in_a_workbook_as_it_is_and_runs_nothing() -> None:
    texts = [text for text in TEXTS if len(text) <= 32_767]
    rows = [(f"C{number}", text, "") for number, text in enumerate(texts)]
    rows += [(f"D{number}", name, email) for number, (_, name, email) in enumerate(hostile_rows(1, 200))]
    mappings = columns(TargetField.CODE, TargetField.NAME, TargetField.EMAIL)
    cleaned = [tuple(cell.replace("\0", "") for cell in row) for row in rows]

    shown = workbook_as_csv(workbook(XlsxRenderer(mappings, XLSX), [rows]))
    assert _one_kind_of_line_break(shown) == _one_kind_of_line_break(_csv_of(mappings, cleaned))
