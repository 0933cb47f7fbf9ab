"""Rows of a worksheet that are made together are those that a simple writer makes cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exports.file.xlsx.renderer import XlsxRenderer
from exports.file.xlsx.sheet_rows import RefusedCharacterError, sheet_rows
from exports.request.columns import ColumnMapping
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from tests.support.workbooks import XLSX

SEPARATORS = "\x01\x02\x03\x04\x1d\x1e\x1f"
PIECES = [
    *("a", "b c", "é", "“q”", "🙂", "_x0041_", "_x", "_", "x0041_", "x" * 300, "&", "<v>", "</v>", "]]>", "&#13;"),
    *(" ", "\t", "\n", "\r", "\x85", "\u00a0", "\u1680", "\u180e", "\u2003", "\u200b", "\u2028", "\u205f", "\u3000"),
]
REFUSED = [*SEPARATORS, "\0", "\x0b", "\ufffe", "\uffff", "\ud800"]
FIELDS = [
    TargetField.CODE,
    TargetField.NAME,
    TargetField.TEAM,
    TargetField.PCL_SENT,
    TargetField.VAT_REGISTERED,
    TargetField.VAT_REG_DATE,
    TargetField.INCORPORATION_DATE,
    TargetField.POSTAL_ADDRESS,
]


def simple_cell(kind: CellKind, value: Any) -> str:
    """Write one cell as ECMA-376 says, with nothing in mind but this cell."""
    if value is None or value == "":
        return "<c/>"
    if kind is CellKind.BOOLEAN:
        return f'<c t="b"><v>{int(value)}</v></c>'
    if kind is CellKind.DATE and value >= date(1900, 3, 1):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    text = "".join(letter for letter in str(value) if letter not in REFUSED)
    shown = escape(text).replace("\r", "&#13;")
    if text != text.strip() or "\u200b" in text or "\u180e" in text or "_x0041_" in text:
        shown = re.sub("_(?=x0041_)", "_x005F_", shown)  # of two escapes, the second may begin where the first ends
        return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
    return f'<c t="str"><v>{shown}</v></c>' if text else "<c/>"


def simple_rows(fields: Sequence[TargetField], rows: Sequence[dict[str, Any]]) -> str:
    """Write rows cell by cell."""
    written = ""
    for row in rows:
        cells = ""
        for field in fields:
            values = [row[name] for name in source_columns(field)]
            if cell_kind(field) is CellKind.ADDRESS:
                values = [", ".join(line.strip(" ") for line in values if line and line.strip(" "))]
            cells += simple_cell(cell_kind(field), values[0])
        written += f"<row>{cells}</row>"
    return written


def texts(pieces: Sequence[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.just("") | st.lists(st.sampled_from(pieces), max_size=4).map("".join)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[TargetField], list[dict[str, Any]]]:
    fields = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=9))
    pieces = draw(st.sampled_from([PIECES, PIECES + REFUSED, ["a"], ["a", " "]]))
    kinds: dict[CellKind, st.SearchStrategy[Any]] = {
        CellKind.BOOLEAN: st.none() | st.booleans(),
        CellKind.DATE: st.none() | st.dates(),
        CellKind.TEXT: texts(pieces),
        CellKind.ADDRESS: texts([piece for piece in pieces if piece not in REFUSED]),
    }
    names = {name: kinds[cell_kind(field)] for field in fields for name in source_columns(field)}
    return fields, draw(st.lists(st.fixed_dictionaries(names), min_size=1, max_size=6))


@given(tables())
@example(([TargetField.CODE], [{"code": "_x0041_x0041_"}]))
@example(([TargetField.PCL_SENT, TargetField.NAME], [{"pcl_sent": None, "name": None}] * 2))
@example(([TargetField.NAME], [{"name": None}, {"name": " "}, {"name": ""}]))
@settings(deadline=None, max_examples=400)
def test_rows_made_together_are_those_of_a_simple_writer(
    table: tuple[list[TargetField], list[dict[str, Any]]],
) -> None:
    fields, rows = table
    mappings = [ColumnMapping(csv_header=f"{number}", target_field=field) for number, field in enumerate(fields)]
    renderer = XlsxRenderer(mappings, XLSX)
    values = [tuple(row.get(name, "C1") for name in renderer.source_columns) for row in rows]

    data, removed, cut_cells = renderer.render_cut(values)

    assert data.decode() == simple_rows(fields, rows)
    shown = {name for field in fields for name in source_columns(field)}
    text = "".join(row[name] for row in rows for name in shown if isinstance(row[name], str))
    assert (removed, cut_cells) == (sum(map(text.count, REFUSED)), 0)


@pytest.mark.parametrize("letter", [*SEPARATORS, "\0", "\x0b", "\ufffe", "\ud800"])
def test_a_record_with_a_character_that_xml_refuses_is_not_made_into_a_row(letter: str) -> None:
    record = f"a{letter}b\x1fc".encode("utf-8", "surrogatepass")

    assert sheet_rows([b"a\x1fc"], 2, starts_with_text=True).startswith(b"<row>")
    with pytest.raises(RefusedCharacterError):
        sheet_rows([record], 2, starts_with_text=True)
