"""Records that PostgreSQL has written become the records that `CsvRenderer` writes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.adapters.clients_sql.dialects.postgresql_records import PostgresRecords, cell_text, split_cells
from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat, Delimiter, LineEnding, Quoting

Row = tuple[str, str | None, str | None]
_FIELDS = (TargetField.CODE, TargetField.NAME, TargetField.EMAIL)
_ALPHABET = list("019 eE,;\t|\"\r\n'=+-@(.%/£é＝＋\u00a0ab\ufeff\u200b\u00ad\u2062ī\u2029&")
_TEXTS = st.text(st.sampled_from(_ALPHABET), max_size=9) | st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), max_size=9
)
_ROWS = st.lists(st.tuples(_TEXTS, st.none() | _TEXTS, st.none() | _TEXTS), max_size=8)
_FORMATS = st.builds(
    CsvFormat,
    delimiter=st.sampled_from(Delimiter),
    line_ending=st.sampled_from(LineEnding),
    quoting=st.sampled_from(Quoting),
    formula_guard=st.booleans(),
)


def _renderer(wanted: CsvFormat, *fields: TargetField) -> CsvRenderer:
    return CsvRenderer([ColumnMapping(csv_header=field.value, target_field=field) for field in fields], wanted)


def _written(rows: list[Row], wanted: CsvFormat, columns: int) -> list[bytes]:
    """Return records as PostgreSQL writes them: quoted, but without the guard and without line endings."""
    unguarded = wanted.model_copy(update={"line_ending": LineEnding.LF, "formula_guard": False})
    render = _renderer(unguarded, *_FIELDS[:columns]).render
    records = [render([row[:columns]])[:-1] for row in rows]
    return [
        b"" if columns == 1 and record == b'""' and wanted.quoting is Quoting.MINIMAL else record for record in records
    ]


@given(_FORMATS, _ROWS, st.integers(1, 3))
def test_guarded_records_of_the_database_equal_rendered_records(
    wanted: CsvFormat, rows: list[Row], columns: int
) -> None:
    renderer = _renderer(wanted, *_FIELDS[:columns])
    expected = renderer.render([row[:columns] for row in rows])
    assert PostgresRecords(renderer).finish(_written(rows, wanted, columns)) == expected


@given(_FORMATS, _ROWS)
def test_a_record_is_split_into_its_cells(wanted: CsvFormat, rows: list[Row]) -> None:
    delimiter = wanted.delimiter.encode()
    cells = [split_cells(record, delimiter) for record in _written(rows, wanted, 3)]
    assert [[cell_text(cell) for cell in record] for record in cells] == [[text or "" for text in row] for row in rows]


@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize(
    "text", ["=1+1", "@x", "+a", "-a", "\tx", "\rx", "\nx", "＝1", '+44 "x', "+44\n=1", "-5 apples", ';\u200b"-']
)
def test_a_formula_is_found_in_every_cell_of_every_record(text: str, column: int) -> None:
    rows: list[Row] = [("C1", "a", "b"), ("C2", "a", "b"), ("C3", "a", "b")]
    for number, row in enumerate(rows):
        changed: list[Row] = [*rows[:number], (*row[:column], text, *row[column + 1 :]), *rows[number + 1 :]]  # type: ignore[list-item]
        written = _written(changed, CsvFormat(), 3)
        finished = PostgresRecords(_renderer(CsvFormat(), *_FIELDS)).finish(written)
        assert finished == _renderer(CsvFormat(), *_FIELDS).render(changed)
        assert b"'" in finished


def test_records_with_only_numbers_and_telephone_numbers_are_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = ("+44 20 7946 0000", "+1.5", "-0", "+")
    rows: list[Row] = [(number, number, number) for number in numbers]
    records = PostgresRecords(_renderer(CsvFormat(), *_FIELDS))
    split: list[bytes] = []

    def note(record: bytes, _positions: Sequence[int]) -> bytes:
        split.append(record)
        return record

    monkeypatch.setattr(records, "_guarded", note)
    records.finish(_written(rows, CsvFormat(), 3))
    assert split == []
