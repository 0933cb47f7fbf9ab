"""Readers that share no code with the renderer read the cells of workbooks back unchanged."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.renderer import Row, render_lists
from exports.file.xlsx.renderer import XlsxRenderer
from exports.request.fields import TargetField
from exports.request.formats import LongCells
from tests.support.workbooks import XLSX, Table, as_text, columns, read_with_calamine, read_with_openpyxl, workbook
from tests.unit.exports.file.csv.test_read_back import HOSTILE

NAMED = columns(TargetField.CODE, TargetField.NAME)
TYPED = columns(TargetField.CODE, TargetField.VAT_REGISTERED, TargetField.VAT_REG_DATE)
READERS = [read_with_openpyxl, read_with_calamine]
LIMIT = 32_767
TEXTS = (
    *HOSTILE,
    "0042",
    "12345678901234567890",
    "1.5",
    "2026-01-31",
    " leading",
    "trailing ",
    "\ttab",
    "a\nb\n",
    "<v>&amp;</v>",
    "]]>",
    '<c t="str"><v></v></c>',
    "_x000D_",
    "_x005F_x000D_",
    "_x0041_x0041_",
    "__x0041_",
    "100%s",
)


def _names(data: bytes, read: Callable[[bytes], list[Table]]) -> list[str]:
    (sheet,) = read(data)
    return [as_text(row[1]) for row in sheet]


@pytest.mark.parametrize("read", READERS)
def test_hostile_text_is_read_back_from_a_workbook_unchanged(read: Callable[[bytes], list[Table]]) -> None:
    texts = [text for text in TEXTS if len(text) <= LIMIT]
    rows = [(f"C{number}", text) for number, text in enumerate(texts)]

    assert _names(workbook(XlsxRenderer(NAMED, XLSX), [rows]), read) == ["Name", *texts]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=8), st.integers(1, 8))
@settings(deadline=None)
def test_any_text_is_read_back_without_the_characters_that_xml_refuses(texts: list[str], page_rows: int) -> None:
    rows = [(f"C{number}", text) for number, text in enumerate(texts)]
    pages = [rows[start : start + page_rows] for start in range(0, len(rows), page_rows)]
    held = ["".join(letter for letter in text if _is_xml(letter)) for text in texts]

    data = workbook(XlsxRenderer(NAMED, XLSX), pages)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert _names(data, read_with_openpyxl) == ["Name", *held]


def _is_xml(letter: str) -> bool:
    return letter in "\t\n\r" or " " <= letter <= "\ud7ff" or "\ue000" <= letter <= "\ufffd" or letter >= "\U00010000"


def test_characters_that_xml_refuses_are_left_out_and_counted() -> None:
    (records,) = render_lists([[("C1", "a\x00b\x1fc\ufffed"), ("C2", "\x0b")]], XlsxRenderer(NAMED, XLSX))

    assert records.removed_characters == 4
    assert b"<v>abcd</v>" in records.data
    (records,) = render_lists([[("C1", "abc\u00e9")]], XlsxRenderer(NAMED, XLSX))
    assert records.removed_characters == 0


@given(st.lists(st.tuples(st.none() | st.booleans(), st.none() | st.dates()), min_size=1, max_size=20))
@settings(deadline=None)
def test_dates_and_truth_values_are_read_back_as_what_they_are(values: list[tuple[bool | None, date | None]]) -> None:
    rows = [(f"C{number}", *pair) for number, pair in enumerate(values)]
    (sheet,) = read_with_openpyxl(workbook(XlsxRenderer(TYPED, XLSX), [rows]))
    first = date(1900, 3, 1)

    expected = [
        (flag, day if day is None or day >= first else day.isoformat()) for flag, day in values
    ]  # Excel has no number for earlier days, so they are text
    assert [(row[1], row[2]) for row in sheet[1:]] == expected


def test_text_of_a_database_becomes_dates_and_truth_values_as_in_csv() -> None:
    rows = [("C1", "t", "2026-01-31T10:00"), ("C2", 0, "1899-12-31"), ("C3", None, "")]
    (sheet,) = read_with_openpyxl(workbook(XlsxRenderer(TYPED, XLSX), [rows]))

    assert [row[1:] for row in sheet[1:]] == [[True, date(2026, 1, 31)], [False, "1899-12-31"], [None, None]]
    shown = CsvRenderer(TYPED).render(rows).decode().split("\r\n")[:-1]
    assert [",".join(map(as_text, row)) for row in sheet[1:]] == shown


def test_a_cell_of_too_many_characters_is_cut_between_two_and_counted() -> None:
    rows: list[Row] = [("C1", "x" * LIMIT), ("C2", "x" * (LIMIT - 1) + "🙂"), ("C3", "é" * (LIMIT + 5)), ("C4", "")]
    (records,) = render_lists([rows], XlsxRenderer(NAMED, XLSX))
    (sheet,) = read_with_openpyxl(workbook(XlsxRenderer(NAMED, XLSX), [rows]))

    assert records.cut_cells == 2
    assert [row[1] for row in sheet[1:]] == ["x" * LIMIT, "x" * (LIMIT - 1), "é" * LIMIT, None]


def test_with_long_cells_fail_a_job_says_which_column_and_client_are_too_long() -> None:
    wanted = XLSX.model_copy(update={"long_cells": LongCells.FAIL})
    rows: list[Row] = [("C1", "x" * LIMIT), ("C2", "x" * (LIMIT + 1))]

    with pytest.raises(SourceMismatchError, match="32,767 characters in the column name") as caught:
        list(render_lists([rows], XlsxRenderer(NAMED, wanted)))
    assert caught.value.private == "The client has the code C2."
    assert list(render_lists([rows[:1]], XlsxRenderer(NAMED, wanted)))


def test_with_long_cells_fail_a_job_names_all_columns_of_an_address_that_is_too_long() -> None:
    wanted = XLSX.model_copy(update={"long_cells": LongCells.FAIL})
    renderer = XlsxRenderer(columns(TargetField.CODE, TargetField.POSTAL_ADDRESS), wanted)
    line = "x" * (LIMIT // 6)

    with pytest.raises(SourceMismatchError, match=r"in the columns postal_address_line1, .*_country together of the"):
        renderer.render([("C1", *[line] * 6)])


@pytest.mark.parametrize("text", ["x" * LIMIT + "\x01", "\x01" + "x" * LIMIT, "\ud800" + "x" * LIMIT])
@pytest.mark.parametrize("long_cells", LongCells)
def test_characters_that_are_left_out_make_no_cell_too_long(text: str, long_cells: LongCells) -> None:
    wanted = XLSX.model_copy(update={"long_cells": long_cells})
    (records,) = render_lists([[("C1", text)]], XlsxRenderer(NAMED, wanted))

    assert (records.removed_characters, records.cut_cells) == (1, 0)
    assert records.data.count(b"x" * LIMIT) == 1


def test_a_sheet_has_a_bold_frozen_header_a_filter_and_widths_of_its_sample() -> None:
    rows = [("C1", "A name of some thirty characters"), ("C2", "x" * 300)]
    book = openpyxl.load_workbook(io.BytesIO(workbook(XlsxRenderer(NAMED, XLSX), [rows], name="My clients.xlsx")))
    sheet = book["My clients"]

    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")
    assert [cell.font.bold for cell in sheet[1]] == [True, True]
    assert [cell.font.bold for cell in sheet[2]] == [False, False]
    assert 8 <= sheet.column_dimensions["A"].width < sheet.column_dimensions["B"].width <= 60


def test_without_headers_a_sheet_has_no_frozen_row_and_no_filter() -> None:
    data = workbook(XlsxRenderer(NAMED, XLSX), [[("C1", "Larkspur")]], with_header=False)
    (sheet,) = openpyxl.load_workbook(io.BytesIO(data)).worksheets

    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet["A1"].value) == (None, None, "C1")
    assert sheet["A1"].font.bold is False


def test_the_same_clients_give_the_same_workbook() -> None:
    pages = [[("C1", "one")], [], [("C2", "two")]]
    assert workbook(XlsxRenderer(NAMED, XLSX), pages) == workbook(XlsxRenderer(NAMED, XLSX), pages)
