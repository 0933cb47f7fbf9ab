"""Workbooks of several sheets, their names, and pages that do not fit."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from exports.errors import FileMismatchError
from exports.file.page_record import PageRecord
from exports.file.xlsx.package import column_letters, sheet_names
from exports.file.xlsx.renderer import XlsxRenderer
from exports.request.columns import ALL_COLUMNS
from exports.request.estimate import WarningCode
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from tests.support.workbooks import (
    XLSX,
    columns,
    read_with_calamine,
    read_with_openpyxl,
    record_of,
    validate,
    workbook,
)
from tests.unit.exports.file.xlsx.test_read_back import TEXTS

CODE = columns(TargetField.CODE)
Page = list[tuple[str]]


def _pages(*sizes: int) -> list[Page]:
    codes = iter(range(sum(sizes)))
    return [[(f"C{next(codes):03d}",) for _ in range(size)] for size in sizes]


@pytest.mark.parametrize("with_header", [True, False])
@pytest.mark.parametrize("sizes", [(3, 3, 3), (5, 0, 4, 1), (0, 0), (0, 5, 5), (9,), (1,) * 11])
def test_a_new_sheet_begins_before_a_page_that_does_not_fit(sizes: tuple[int, ...], with_header: bool) -> None:
    pages, room = _pages(*sizes), 10 - with_header
    expected: list[list[str]] = [[]]
    for page in pages:
        if len(expected[-1]) + len(page) > room:
            expected.append([])
        expected[-1] += [code for (code,) in page]

    data = workbook(XlsxRenderer(CODE, XLSX, max_sheet_rows=10), pages, with_header=with_header)
    header = ["Code"] if with_header else []
    for read in (read_with_openpyxl, read_with_calamine):
        assert [[row[0] for row in sheet] for sheet in read(data)] == [[*header, *codes] for codes in expected]


def test_every_sheet_has_its_header_filter_and_name_but_only_the_first_is_selected() -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(XlsxRenderer(CODE, XLSX, max_sheet_rows=4), _pages(2, 2, 3), name="All.xlsx"))
    )

    assert book.sheetnames == ["All", "All (2)", "All (3)"]
    assert [sheet.auto_filter.ref for sheet in book] == ["A1:A3", "A1:A3", "A1:A4"]
    assert [sheet.freeze_panes for sheet in book] == ["A2", "A2", "A2"]
    assert [bool(sheet.sheet_view.tabSelected) for sheet in book] == [True, False, False]


@pytest.mark.parametrize(
    ("pages", "with_header", "expected"),
    [((2, 1, 3), True, [4, 4]), ((2, 1, 3), False, [3, 3]), ((0,), True, [1]), ((0,), False, [1])],
)
def test_a_reader_that_streams_rows_knows_the_size_of_a_sheet_at_once(
    pages: tuple[int, ...], with_header: bool, expected: list[int]
) -> None:
    data = workbook(XlsxRenderer(CODE, XLSX, max_sheet_rows=4), _pages(*pages), with_header=with_header)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)  # reads a whole sheet if it does not say its size

    assert [(sheet.max_row, sheet.max_column) for sheet in book.worksheets] == [(rows, 1) for rows in expected]


def test_a_page_of_more_clients_than_a_sheet_has_rows_is_an_error() -> None:
    with pytest.raises(FileMismatchError, match="A page has 10 clients, but a sheet of a workbook only 9 rows"):
        workbook(XlsxRenderer(CODE, XLSX, max_sheet_rows=10), _pages(10))


def test_a_record_that_does_not_describe_the_rows_of_its_page_is_an_error() -> None:
    record = PageRecord(0, rows=1, bytes=1, sha256="", block="")
    with pytest.raises(FileMismatchError, match="does not describe"):
        XlsxRenderer(CODE, XLSX).frames([record], "a.xlsx", None, with_header=True)


def test_frames_have_a_block_of_their_own_each_with_an_id_as_long_as_that_of_a_page() -> None:
    records = [record_of(page, 3, b"block", b"content") for page in range(3)]
    frames = XlsxRenderer(CODE, XLSX, max_sheet_rows=4).frames(records, "a.xlsx", None, with_header=True)

    assert [frame.before_page for frame in frames] == [0, 1, 2, 3]
    assert {len(frame.block) for frame in frames} == {46}
    assert len({frame.block for frame in frames}) == 4
    again = XlsxRenderer(CODE, XLSX, max_sheet_rows=4).frames(records, "a.xlsx", None, with_header=True)
    assert frames == again


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("clients.xlsx", ["clients", "clients (2)"]),
        ("History.XLSX", ["History_", "History (2)"]),
        ("a[b]: c/d?.xlsx", ["a_b__ c_d_", "a_b__ c_d_ (2)"]),
        ("'quoted'.xlsx", ["quoted", "quoted (2)"]),
        ("'.xlsx", ["clients", "clients (2)"]),
        ("x" * 40, ["x" * 27, "x" * 27 + " (2)"]),
        ("x" * 26 + "🙂", ["x" * 26, "x" * 26 + " (2)"]),
        ("x" * 27 + " (2)", ["x" * 27, "x" * 27 + " (2)"]),
    ],
)
def test_sheets_are_named_after_the_file_as_excel_allows(file_name: str, expected: list[str]) -> None:
    assert sheet_names(file_name, 2) == expected


def test_the_name_of_an_only_sheet_has_up_to_31_characters() -> None:
    assert sheet_names("x" * 40, 1) == ["x" * 31]
    assert sheet_names("x" * 30 + "🙂", 1) == ["x" * 30]


def test_columns_are_named_by_letters() -> None:
    assert [column_letters(number) for number in (1, 26, 27, 67, 702, 703)] == ["A", "Z", "AA", "BO", "ZZ", "AAA"]


def test_an_estimate_warns_of_several_sheets_and_of_cells_that_are_cut() -> None:
    renderer = XlsxRenderer(columns(TargetField.CODE, TargetField.NAME), XLSX)
    found = [*renderer.warnings([("C1", "x" * 32_768)], 1_048_577)]

    assert [(warning.code, warning.columns) for warning in found] == [
        (WarningCode.SEVERAL_SHEETS, ()),
        (WarningCode.CELLS_TOO_LONG, ("Name",)),
    ]
    assert [*renderer.warnings([("C1", "x" * 32_767), ("C2", "\x01" + "x" * 32_767)], 1_048_576)] == []
    assert [*renderer.warnings([], 0)] == []


def _of_kind(column: str, text: str, number: int) -> object:
    kinds = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
    if kinds[column] is CellKind.BOOLEAN:
        return (None, True, False)[number % 3]
    if kinds[column] is CellKind.DATE:
        return (None, "2026-01-31", "1899-01-31", "9999-12-31")[number % 4]
    return text


@pytest.mark.parametrize("with_header", [True, False])
def test_microsofts_sdk_finds_no_error_in_workbooks_of_every_kind_of_cell(tmp_path: Path, with_header: bool) -> None:
    renderer = XlsxRenderer(ALL_COLUMNS, XLSX, max_sheet_rows=40)
    rows = [
        (f"C{number}", *(_of_kind(name, text, number) for name in renderer.source_columns[1:]))
        for number, text in enumerate((*TEXTS, "", "\0\x01", "\ud7ff\ue000"))
    ]
    pages = [rows[start : start + 20] for start in range(0, len(rows), 20)]
    file, empty = tmp_path / "clients.xlsx", tmp_path / "empty.xlsx"
    file.write_bytes(workbook(renderer, pages, with_header=with_header, name='It\'s <all> & "more".xlsx'))
    empty.write_bytes(workbook(renderer, [[]], with_header=with_header))

    assert validate(file, empty) == ""


def test_microsofts_sdk_notices_a_workbook_with_an_element_out_of_order(tmp_path: Path) -> None:
    renderer = XlsxRenderer(CODE, XLSX)
    (frame, *others) = renderer.frames([record_of(0, 0, b"", b"")], "a.xlsx", None, with_header=True)
    damaged = frame.data.replace(b"<cellStyles count", b"<cellFormat count")
    file = tmp_path / "damaged.xlsx"
    file.write_bytes(damaged + b"".join(other.data for other in others))

    assert "damaged.xlsx" in validate(file)
