"""Readers that share no code with the renderer read the values of JSON Lines back unchanged."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.commands.sample.clients import SAMPLE_COLUMNS, SampleClients
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.jsonl.renderer import JsonLinesRenderer
from exports.file.renderer import render_lists
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import FORMAT_PRESETS, CsvFormat, FormatPreset
from tests.support.expected import records
from tests.support.workbooks import as_text, columns
from tests.unit.exports.file.csv.test_read_back import HOSTILE

JSONL = FORMAT_PRESETS[FormatPreset.JSONL]
HEADERS = ('The "code"', "Client, 100 %s", "Post\ncode\u2028")
TEXTS = (
    *HOSTILE,
    "",
    "\x1e",
    "\x1f",
    "\\u001e",
    "\\u001f",
    "\x1ea",
    '"\x1e"',
    "\x7f\x85",
    "nu\x00l",
    "{}",
    "%s %%",
    "\\",
)
TYPED = columns(TargetField.CODE, TargetField.VAT_REGISTERED, TargetField.VAT_REG_DATE, TargetField.INVOICE_ADDRESS)

Table = list[list[Any]]


def _renderer() -> JsonLinesRenderer:
    fields = (TargetField.CODE, TargetField.NAME, TargetField.POSTAL_ADDRESS_POST_CODE)
    pairs = zip(HEADERS, fields, strict=True)
    return JsonLinesRenderer([ColumnMapping(csv_header=header, target_field=field) for header, field in pairs], JSONL)


def _with_json(file: Path) -> Table:
    """Split at every line break that Python knows, as a careless reader does."""
    objects = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert all(tuple(found) == HEADERS for found in objects)
    return [list(found.values()) for found in objects]


def _with_polars(file: Path) -> Table:
    frame = polars.read_ndjson(file, infer_schema_length=None)
    assert tuple(frame.columns) == HEADERS
    return [list(row) for row in frame.rows()]


def _with_duckdb(file: Path) -> Table:
    with duckdb.connect() as connection:
        types = dict.fromkeys(HEADERS, "VARCHAR")
        found = connection.read_json(str(file), columns=types, format="newline_delimited", maximum_object_size=10**7)
        return [list(row) for row in found.fetchall()]


def _with_pandas(file: Path) -> Table:
    frame = pd.read_json(file, lines=True, dtype=False)
    assert tuple(frame.columns) == HEADERS
    return [[None if value is None or value != value else value for value in row] for row in frame.to_numpy()]


READERS = [_with_json, _with_polars, _with_duckdb, _with_pandas]


@pytest.mark.parametrize("read", READERS)
def test_hostile_text_is_read_back_from_json_lines_unchanged(read: Callable[[Path], Table], tmp_path: Path) -> None:
    rows = [[f"C{number}", text, None if number % 3 else ""] for number, text in enumerate(TEXTS)]
    file = tmp_path / "clients.jsonl"
    file.write_bytes(_renderer().render(rows))

    assert read(file) == rows


_TEXT = st.text() | st.text(st.sampled_from(list('ab"\\u001ef{}:,%\x1e\x1f\0\x85\n\r\u2028é')), max_size=8)
_ROWS = st.lists(st.tuples(st.text(min_size=1), st.none() | _TEXT, st.none() | _TEXT), max_size=8)


@given(_ROWS)
def test_parsing_lines_gives_the_clients_for_any_text(rows: list[tuple[str, str | None, str | None]]) -> None:
    lines = _renderer().render(rows).decode().split("\n")

    assert lines.pop() == ""
    assert [tuple(json.loads(line).values()) for line in lines] == rows


@given(_ROWS)
def test_the_bytes_are_those_of_the_json_module_of_python(rows: list[tuple[str, str | None, str | None]]) -> None:
    dumped = [
        json.dumps(dict(zip(HEADERS, row, strict=True)), ensure_ascii=False, separators=(",", ":")) for row in rows
    ]
    expected = "".join(f"{line}\n" for line in dumped)
    for letter in "\x85\u2028\u2029":
        expected = expected.replace(letter, f"\\u{ord(letter):04x}")

    assert _renderer().render(rows) == expected.encode()


def test_half_of_a_surrogate_pair_is_escaped() -> None:
    data = _renderer().render([("C1", "a\ud800b", "\udfff")])

    assert b'"a\\ud800b"' in data
    assert list(json.loads(data).values()) == ["C1", "a\ud800b", "\udfff"]


def test_values_are_text_truth_values_and_dates_and_null_if_they_are_absent() -> None:
    parts = [None, " 1 High Street ", "", "Leeds", None, None]
    rows = [("C1", True, date(2026, 1, 31), *parts), ("C2", "f", "2026-02-01 10:00", *parts), ("C3", *[None] * 8)]
    renderer = JsonLinesRenderer(TYPED, JSONL)
    found = [list(json.loads(line).values()) for line in renderer.render(rows).splitlines()]

    assert found == [
        ["C1", True, "2026-01-31", "1 High Street, Leeds"],
        ["C2", False, "2026-02-01", "1 High Street, Leeds"],
        ["C3", None, None, None],
    ]


def test_numbers_and_truth_values_in_columns_of_text_are_text() -> None:
    rows = [(12, True, 7), (13, date(2026, 1, 31), None)]
    assert [list(json.loads(line).values()) for line in _renderer().render(rows).splitlines()] == [
        ["12", "true", "7"],
        ["13", "2026-01-31", None],
    ]


def test_a_value_that_does_not_fit_is_refused_with_its_column_and_client() -> None:
    with pytest.raises(SourceMismatchError, match="column name") as caught:
        list(render_lists([[("C1", "x", None), ("C2", 1.5, None)]], _renderer()))
    assert caught.value.private == "The client has the code C2."


def test_json_lines_show_in_all_67_columns_what_the_csv_file_shows() -> None:
    renderer, plain = JsonLinesRenderer(ALL_COLUMNS, JSONL), CsvRenderer(ALL_COLUMNS, CsvFormat(formula_guard=False))
    at = [SAMPLE_COLUMNS.index(name) for name in renderer.source_columns]
    rows = [tuple(row[number] for number in at) for row in SampleClients("northwind", 7).rows(1, 400)]
    header, *expected = records(plain.header() + plain.render(rows))
    found = [json.loads(line) for line in io.BytesIO(renderer.render(rows))]

    assert len(header) == 67
    assert all(tuple(each) == header for each in found)
    assert [tuple(map(as_text, each.values())) for each in found] == expected
    assert {type(value) for each in found for value in each.values()} == {str, bool, type(None)}


def test_no_clients_make_no_line() -> None:
    assert _renderer().render([]) == _renderer().opening(with_header=True) == b""
