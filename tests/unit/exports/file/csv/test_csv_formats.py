"""Every format can be read back unchanged, after the guard and the constants are undone.

`_shown` returns the content of a cell, and `_undo` is its inverse. It cannot undo a text that looks guarded already:
one that has an apostrophe before a suspect sign, at its beginning or after a delimiter.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import duckdb
import polars
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from exports.file.compression import compress
from exports.file.csv.excel_text import apostrophe, constant, is_converted
from exports.file.csv.formula_guard import BLANKS, FORMAT_CHARACTERS, SIGNS, guard_parts
from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import Compression, CsvFormat, Delimiter, FormatDto, FormatPreset, LineEnding, Quoting
from tests.support.csv_presets import CSV_PRESETS

Row = tuple[str, str | None, str | None]
HARMLESS_CONSTANT = r'''="[0-9A-Za-zäÄ +\-./:()%,'£€$\u00a0\u202f]+"'''
_FIELDS = (TargetField.CODE, TargetField.NAME, TargetField.EMAIL)
_STARTS = re.escape(SIGNS + "\t\r\n")
_SKIPPED = f'"{BLANKS}{FORMAT_CHARACTERS}'


def _renderer(wanted: CsvFormat) -> CsvRenderer:
    columns = [ColumnMapping(csv_header=field.value, target_field=field) for field in _FIELDS]
    return CsvRenderer(columns, wanted)


def _shown(value: str | None, wanted: CsvFormat, column: int) -> str:
    text = (value or "").replace("\0", "")
    if wanted.excel_text and is_converted(text):
        return apostrophe(text) if column == 0 and wanted.formula_guard else constant(text)
    return guard_parts(text) if wanted.formula_guard else text


def _cells(row: Row, wanted: CsvFormat) -> tuple[str, ...]:
    return tuple(_shown(cell, wanted, column) for column, cell in enumerate(row))


def _undo(cell: str, wanted: CsvFormat) -> str:
    if wanted.excel_text and (inside := re.fullmatch('="(.+)"', cell)) and is_converted(inside[1]):
        return inside[1]
    if not wanted.formula_guard:
        return cell
    if wanted.excel_text and cell.startswith("'") and is_converted(cell[1:]):
        return cell[1:]
    return re.sub(rf"(?:\A|(?<=[,;|\t\r\n]))'(?=[{_SKIPPED}]*[{_STARTS}])", "", cell)


def _looks_guarded(text: str | None, wanted: CsvFormat) -> bool:
    plain = (text or "").replace("\0", "")
    return wanted.formula_guard and _undo(plain, wanted) != plain


def _parse(data: bytes, wanted: CsvFormat) -> list[tuple[str, ...]]:
    lines = io.StringIO(data.decode("utf-8-sig" if wanted.byte_order_mark else "utf-8"), newline="")
    return [tuple(row) for row in csv.reader(lines, strict=True, delimiter=wanted.delimiter)]


_FORMATS = st.builds(
    FormatDto,
    preset=st.sampled_from(CSV_PRESETS),
    delimiter=st.none() | st.sampled_from(Delimiter),
    line_ending=st.none() | st.sampled_from(LineEnding),
    byte_order_mark=st.none() | st.booleans(),
    quoting=st.none() | st.sampled_from(Quoting),
    formula_guard=st.booleans(),
).map(FormatDto.resolve)
_HOSTILE = st.text(st.sampled_from(list("01239 eE,;\t|\"\r\n'=+-@\x1f\0é＝ab(/:.")), max_size=8)
_TEXTS = _HOSTILE | st.text() | st.from_regex(r"\A[0+ -]?[0-9]{1,20}\Z") | st.sampled_from(["MAR1", "1E5", "+44 20"])
_ROWS = st.lists(st.tuples(_TEXTS, st.none() | _TEXTS, st.none() | _TEXTS), max_size=6)


@given(_FORMATS, _ROWS)
def test_parsing_a_rendered_file_gives_the_expected_cells(wanted: CsvFormat, rows: list[Row]) -> None:
    renderer = _renderer(wanted)
    file = renderer.opening(with_header=True) + renderer.render(rows)
    expected = [_cells(row, wanted) for row in rows]
    assert _parse(file, wanted) == [tuple(field.value for field in _FIELDS), *expected]


@given(_FORMATS, _ROWS)
def test_guards_and_constants_can_be_undone(wanted: CsvFormat, rows: list[Row]) -> None:
    assume(wanted.formula_guard or not wanted.excel_text)  # unguarded, a constant may be the client's own
    assume(not any(_looks_guarded(cell, wanted) for row in rows for cell in row))
    parsed = _parse(_renderer(wanted).render(rows), wanted)
    assert [tuple(_undo(cell, wanted) for cell in row) for row in parsed] == [
        tuple((cell or "").replace("\0", "") for cell in row) for row in rows
    ]


@given(_FORMATS, _ROWS)
def test_the_same_clients_give_the_same_bytes(wanted: CsvFormat, rows: list[Row]) -> None:
    blocks = {compress([_renderer(wanted).render(rows)], compression) for compression in Compression for _ in range(2)}
    assert len(blocks) <= len(Compression)


@given(_FORMATS.filter(lambda wanted: wanted.formula_guard), _TEXTS)
def test_only_constants_begin_with_a_formula_sign(wanted: CsvFormat, text: str) -> None:
    cell = _shown(text, wanted, 1)
    if cell[:1] in ("=", "@"):
        assert re.fullmatch(HARMLESS_CONSTANT, cell)


@given(st.sampled_from(Delimiter), _HOSTILE)
def test_splitting_a_guarded_cell_never_makes_a_formula(delimiter: Delimiter, text: str) -> None:
    parts = re.split(f"[\r\n{re.escape(delimiter.value)}]", guard_parts(text))
    assert not any(re.match('[ "]*=|"*@', part) for part in parts[1:])
    assert not re.match(" *=|@", parts[0])


@given(_HOSTILE)
@example("+ 1,--")  # harmless only until the guard marks its second half
@example("\t;+ 1,--")
def test_a_cell_holds_a_guarded_text_whatever_separates_cells(text: str) -> None:
    assert guard_parts(guard_parts(text)) == guard_parts(text)


def test_presets_that_are_not_for_excel_keep_digits_unchanged() -> None:
    digits = ("C1", "0123", "1234567890123456")
    assert _renderer(CsvFormat()).render([digits]) == b"C1,0123,1234567890123456\r\n"
    assert _renderer(FormatDto(preset=FormatPreset.TSV).resolve()).render([digits]) == b"C1\t0123\t1234567890123456\r\n"


def test_the_excel_preset_changes_only_text_that_excel_would_convert() -> None:
    renderer = _renderer(FormatDto(preset=FormatPreset.EXCEL).resolve())
    assert renderer.opening(with_header=True) == b"\xef\xbb\xbfCode,Name,Email\r\n"
    assert renderer.render([("C1", "0042", '="0042"')]) == b'C1,"=""0042""","\'=""0042"""\r\n'


def test_a_record_never_begins_with_a_constant_that_other_separators_would_extend() -> None:
    excel = FormatDto(preset=FormatPreset.EXCEL)
    assert _renderer(excel.resolve()).render([("0042", "a", "b")]) == b"'0042,a,b\r\n"
    unguarded = excel.model_copy(update={"formula_guard": False}).resolve()
    assert _renderer(unguarded).render([("0042", "a", "b")]) == b'"=""0042""",a,b\r\n'


def test_a_file_without_a_header_still_begins_with_the_byte_order_mark() -> None:
    renderer = _renderer(CsvFormat(byte_order_mark=True))
    assert renderer.opening(with_header=False) == b"\xef\xbb\xbf"


@pytest.mark.parametrize("preset", CSV_PRESETS)
@pytest.mark.parametrize("compression", Compression)
def test_polars_and_duckdb_read_every_preset(preset: FormatPreset, compression: Compression, tmp_path: Path) -> None:
    wanted = FormatDto(preset=preset, compression=compression).resolve()
    renderer = _renderer(wanted)
    rows: list[Row] = [("0042", "=1+1", 'tab\t, semi; "quoted"'), ("C2", None, "two\r\nlines"), ("C3", "Zoë", "-5")]
    blocks = [[renderer.opening(with_header=True), renderer.render(rows[:1])], [renderer.render(rows[1:])]]
    file = tmp_path / f"clients{wanted.extension}"
    file.write_bytes(b"".join(compress(block, compression) for block in blocks))
    expected = [_cells(row, wanted) for row in rows]
    by_polars = polars.read_csv(file, separator=wanted.delimiter, infer_schema=False).rows()
    assert [tuple(cell or "" for cell in row) for row in by_polars] == expected
    options = f"""header=true, all_varchar=true, delim='{wanted.delimiter.value}', quote='"', escape='"'"""
    with duckdb.connect() as connection:
        by_duckdb = connection.execute(f"SELECT * FROM read_csv('{file}', {options})").fetchall()
    assert [tuple(cell or "" for cell in row) for row in by_duckdb] == expected
