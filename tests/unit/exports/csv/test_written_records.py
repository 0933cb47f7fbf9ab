"""Records that a database has written become those that `CsvRows` writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.csv.formats import CsvFormat, Delimiter, LineEnding, Quoting
from exports.csv.rows import CsvDialect, CsvRows, dialect_of
from exports.csv.written_records import WrittenRecords, cell_text, split_cells
from exports.fields import TargetField
from exports.requests import ColumnMapping

Row = tuple[str, str | None, str | None]
_FIELDS = (TargetField.CODE, TargetField.NAME, TargetField.EMAIL)
_ALPHABET = list("019 eE,;\t|\"\r\n'=+-@(.%/£é＝＋\u00a0ab")
_TEXTS = st.text(st.sampled_from(_ALPHABET), max_size=9) | st.text(max_size=9)
_ROWS = st.lists(st.tuples(_TEXTS, st.none() | _TEXTS, st.none() | _TEXTS), max_size=8)
_FORMATS = st.builds(
    CsvFormat,
    delimiter=st.sampled_from(Delimiter),
    line_ending=st.sampled_from(LineEnding),
    quoting=st.sampled_from(Quoting),
    formula_guard=st.booleans(),
)


def _rows_of(dialect: CsvDialect, *fields: TargetField) -> CsvRows:
    return CsvRows([ColumnMapping(csv_header=field.value, target_field=field) for field in fields], dialect)


def _written(rows: list[Row], dialect: CsvDialect, columns: int) -> list[bytes]:
    """As a database writes them: quoted, but neither guarded nor ended."""
    unguarded = CsvDialect(
        delimiter=dialect.delimiter, line_ending="\n", quote_all=dialect.quote_all, formula_guard=False
    )
    render = _rows_of(unguarded, *_FIELDS[:columns]).render
    records = [render([row[:columns]])[:-1] for row in rows]
    return [b"" if columns == 1 and record == b'""' and not dialect.quote_all else record for record in records]


@given(_FORMATS, _ROWS, st.integers(1, 3))
def test_guarding_what_a_database_wrote_gives_what_rendering_gives(
    wanted: CsvFormat, rows: list[Row], columns: int
) -> None:
    dialect = dialect_of(wanted)
    expected = _rows_of(dialect, *_FIELDS[:columns]).render([row[:columns] for row in rows])
    assert WrittenRecords(dialect, columns).finish(_written(rows, dialect, columns)) == expected


@given(_FORMATS, _ROWS)
def test_a_record_is_split_into_the_cells_it_was_written_of(wanted: CsvFormat, rows: list[Row]) -> None:
    dialect = dialect_of(wanted)
    delimiter = dialect.delimiter.encode()
    cells = [split_cells(record, delimiter) for record in _written(rows, dialect, 3)]
    assert [[cell_text(cell) for cell in record] for record in cells] == [[text or "" for text in row] for row in rows]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "text", ["=1+1", "@x", "+a", "-a", "\tx", "\rx", "\nx", "＝1", '+44 "x', "+44\n=1", "-5 apples"]
)
def test_a_formula_is_found_in_every_place_of_every_record(text: str, place: int) -> None:
    rows: list[Row] = [("C1", "a", "b"), ("C2", "a", "b"), ("C3", "a", "b")]
    for number, row in enumerate(rows):
        changed: list[Row] = [*rows[:number], (*row[:place], text, *row[place + 1 :]), *rows[number + 1 :]]  # type: ignore[list-item]
        written = _written(changed, CsvDialect(), 3)
        finished = WrittenRecords(CsvDialect(), 3).finish(written)
        assert finished == _rows_of(CsvDialect(), *_FIELDS).render(changed)
        assert b"'" in finished


def test_numbers_and_telephone_numbers_are_not_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = ("+44 20 7946 0000", "+1.5", "-0", "+")
    rows: list[Row] = [(number, number, number) for number in numbers]
    records = WrittenRecords(CsvDialect(), 3)
    looked: list[bytes] = []

    def look(record: bytes) -> bytes:
        looked.append(record)
        return record

    monkeypatch.setattr(records, "_guarded", look)
    records.finish(_written(rows, CsvDialect(), 3))
    assert looked == []
