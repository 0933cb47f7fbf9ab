"""Three readers that share no code read files back unchanged."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.csv.formula_guard import guard_parts
from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat, Delimiter, LineEnding, Quoting

RFC4180 = CsvFormat()

Client = tuple[str, str | None, str | None]
Table = list[tuple[str, ...]]
HEADERS = ("Client, full", 'The "code"', "Post\ncode")
HOSTILE = (
    "plain",
    " spaces on both sides ",
    "comma, comma",
    'quote " quote',
    '""',
    '"quoted"',
    "ends with a quote\"",
    "line\nbreak",
    "line\r\nbreak",
    "carriage\rreturn",
    "\nbegins with one",
    "tab\tinside",
    "=1+1",
    "@SUM(A1)",
    "+cmd|'/c calc'!A1",
    "-2+3",
    "-5",
    "+44 (0)20 7946 0000",
    "0042",
    "1e5",
    "NULL",
    "null",
    "NaN",
    "true",
    "\\",
    "\\n",
    "a\\,b",
    "'single'",
    "#comment",
    "--",
    ";",
    "|",
    "Zoë Müller-Łukasz",
    "日本語",
    "🙂 👩‍👩‍👧",
    "e\u0301",
    "right\u202eleft",
    "\u00a0",
    "\u2028",
    "\ufeffmark",
    "x" * 40_000,
)  # fmt: skip


def _csv(wanted: CsvFormat = RFC4180) -> CsvRenderer:
    fields = (TargetField.NAME, TargetField.CODE, TargetField.POSTAL_ADDRESS_POST_CODE)
    pairs = zip(HEADERS, fields, strict=True)
    return CsvRenderer([ColumnMapping(csv_header=header, target_field=field) for header, field in pairs], wanted)


def _with_csv(file: Path) -> Table:
    with file.open(encoding="utf-8", newline="") as lines:
        return [tuple(row) for row in csv.reader(lines, strict=True)]


def _with_polars(file: Path) -> Table:
    frame = polars.read_csv(file, infer_schema=False, has_header=False)  # polars keeps quotes doubled in headers
    return [tuple(value or "" for value in row) for row in frame.rows()]


def _with_duckdb(file: Path) -> Table:
    options = r"""header=true, all_varchar=true, delim=',', quote='"', escape='"', new_line='\r\n'"""
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM read_csv('{file}', {options}, max_line_size=1000000)")
        names = tuple(column[0] for column in found.description or ())
        return [names, *(tuple(value or "" for value in row) for row in found.fetchall())]


@pytest.mark.parametrize("read", [_with_csv, _with_polars, _with_duckdb])
def test_three_readers_read_hostile_text_back_unchanged(read: Callable[[Path], Table], tmp_path: Path) -> None:
    rows: list[Client] = [(f"C{number}", text, None) for number, text in enumerate(HOSTILE)]
    rows += [("C98", None, "LS1 1AA"), ("C99", "last", '"')]
    file = tmp_path / "clients.csv"
    file.write_bytes(_csv().header() + _csv().render(rows))
    expected = [(guard_parts(name or ""), code, post_code or "") for code, name, post_code in rows]
    assert read(file) == [HEADERS, *expected]


_ROWS = st.lists(st.tuples(st.text(), st.none() | st.text(), st.none() | st.text()), max_size=8)


def _without_nul(text: str | None) -> str:
    return (text or "").replace("\0", "")


def _parse(data: bytes, delimiter: str = ",") -> Table:
    lines = io.StringIO(data.decode("utf-8"), newline="")
    return [tuple(row) for row in csv.reader(lines, strict=True, delimiter=delimiter)]


@given(_ROWS, st.sampled_from(",;\t|"), st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_parsing_rendered_records_gives_the_clients(
    rows: list[Client], delimiter: str, line_ending: str, quote_all: bool
) -> None:
    wanted = CsvFormat(
        delimiter=Delimiter(delimiter),
        line_ending=LineEnding.CRLF if line_ending == "\r\n" else LineEnding.LF,
        quoting=Quoting.ALL if quote_all else Quoting.MINIMAL,
        formula_guard=False,
    )
    expected = [tuple(map(_without_nul, (name, code, post_code))) for code, name, post_code in rows]
    assert _parse(_csv(wanted).render(rows), delimiter) == expected


@given(_ROWS)
def test_parsing_guarded_records_gives_the_guarded_clients(
    rows: list[Client],
) -> None:
    expected = [
        tuple(guard_parts(_without_nul(text)) for text in (name, code, post_code)) for code, name, post_code in rows
    ]
    assert _parse(_csv().render(rows)) == expected


_ODD = st.text(st.sampled_from(list("ab ,;\t\"\r\n'=+-@\x1f\x1e\0é＝5(")), max_size=6)
_ODD_ROWS = st.lists(st.tuples(_ODD, st.none() | _ODD, st.none() | _ODD), max_size=5)


@given(_ODD_ROWS, st.sampled_from(",;\t"), st.booleans(), st.booleans())
def test_the_bytes_are_those_of_the_csv_module_of_python(
    rows: list[Client], delimiter: str, quote_all: bool, guarded: bool
) -> None:
    guard = guard_parts if guarded else str
    cells = [[guard(_without_nul(text)) for text in (name, code, post_code)] for code, name, post_code in rows]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(cells)
    wanted = CsvFormat(
        delimiter=Delimiter(delimiter),
        quoting=Quoting.ALL if quote_all else Quoting.MINIMAL,
        formula_guard=guarded,
    )
    assert _csv(wanted).render(rows) == text.getvalue().encode()
