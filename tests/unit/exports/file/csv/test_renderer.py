"""Each kind of cell is formed and written correctly."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.request.columns import ALL_COLUMNS, ColumnMapping
from exports.request.fields import FIELD_COLUMNS, TargetField
from exports.request.formats import CsvFormat, Delimiter, Quoting

RFC4180 = CsvFormat()


def _renderer(*fields: TargetField, wanted: CsvFormat = RFC4180) -> CsvRenderer:
    return CsvRenderer([ColumnMapping(csv_header=field.value, target_field=field) for field in fields], wanted)


def _cell(field: TargetField, *values: Any, wanted: CsvFormat = RFC4180) -> str:
    """Render one client with the code C1 and these values, and return the first of its two cells."""
    record = _renderer(field, TargetField.CODE, wanted=wanted).render([("C1", *values)]).decode()
    assert record.endswith(",C1\r\n")
    return record.removesuffix(",C1\r\n")


def test_source_columns_begin_with_the_code_and_hold_each_column_once() -> None:
    renderer = _renderer(TargetField.REGISTERED_ADDRESS, TargetField.REGISTERED_ADDRESS_CITY, TargetField.NAME)
    address = tuple(f"registered_address_{part}" for part in ("line1", "line2", "line3", "city", "post_code"))
    assert renderer.source_columns == ("code", *address, "registered_address_country", "name")


def test_a_full_export_needs_every_field_column() -> None:
    assert sorted(CsvRenderer(ALL_COLUMNS).source_columns) == sorted(FIELD_COLUMNS)


def test_columns_come_in_the_order_of_the_mappings() -> None:
    renderer = _renderer(TargetField.NAME, TargetField.CODE, TargetField.EMAIL)
    assert renderer.render([("C1", "Ann", "a@b.example")]) == b"Ann,C1,a@b.example\r\n"


def test_a_field_may_be_shown_twice() -> None:
    assert _renderer(TargetField.CODE, TargetField.CODE).render([("C1",)]) == b"C1,C1\r\n"


def test_the_header_consists_of_the_names_in_the_mappings() -> None:
    renderer = CsvRenderer([ColumnMapping(csv_header='Client, "full"', target_field=TargetField.NAME)])
    assert renderer.header() == b'"Client, ""full"""\r\n'


def test_the_header_is_guarded() -> None:
    renderer = CsvRenderer([ColumnMapping(csv_header="=HYPERLINK(1)", target_field=TargetField.NAME)])
    assert renderer.header() == b"'=HYPERLINK(1)\r\n"


def test_no_clients_give_no_bytes() -> None:
    assert _renderer(TargetField.NAME).render([]) == b""


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", ""),
        ("Ann", "Ann"),
        (" Ann ", " Ann "),
        ("0042", "0042"),
        ("Jürgen Œuvré 🙂", "Jürgen Œuvré 🙂"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\r\nlines", '"two\r\nlines"'),
        ("two\nlines", '"two\nlines"'),
        ("two\rlines", '"two\rlines"'),
        ("=1+1", "'=1+1"),
        ("-5", "-5"),
        ("+44 20 7946 0000", "+44 20 7946 0000"),
        (42, "42"),
    ],
)
def test_text_is_guarded_and_quoted_only_if_needed(value: object, cell: str) -> None:
    assert _cell(TargetField.NAME, value) == cell


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", "TRUE", "t", " true "])
def test_every_form_of_true_is_rendered_as_true(value: object) -> None:
    assert _cell(TargetField.PCL_SENT, value) == "true"


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False", "FALSE", "f"])
def test_every_form_of_false_is_rendered_as_false(value: object) -> None:
    assert _cell(TargetField.PCL_SENT, value) == "false"


@pytest.mark.parametrize("value", [None, "", " "])
def test_an_absent_boolean_is_empty(value: object) -> None:
    assert _cell(TargetField.PCL_SENT, value) == ""


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 1, 31),
        datetime.fromisoformat("2026-01-31T23:59"),
        "2026-01-31",
        "2026-01-31T23:59:00",
        "2026-01-31 11:59 PM",
        "2026-01-31 (estimated)",
        "2026-01-31 00:00:00.0000000",
    ],
)
def test_a_date_is_rendered_as_year_month_day(value: object) -> None:
    assert _cell(TargetField.VAT_REG_DATE, value) == "2026-01-31"


def test_the_year_of_a_date_has_four_digits() -> None:
    assert _cell(TargetField.CONTACT_DATE_OF_BIRTH, date(987, 1, 2)) == "0987-01-02"


@pytest.mark.parametrize(
    "value",
    [
        *(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), 20260131, "20260131", "2026-W05-6"),
        *("2026-05-31T23:00:00Z", "2026-05-31 23:00+02", "2026-05-31T23:00:00.5-05:30", "2026-05-31 23:00 Europe/Rome"),
        *("2026-05-31T23Z", "2026-05-31Z", "2026-05-31 23:00 UTC"),
    ],
)
def test_a_moment_in_a_time_zone_and_other_forms_of_a_date_are_refused(value: object) -> None:
    with pytest.raises(SourceMismatchError, match="vat_reg_date"):
        _cell(TargetField.VAT_REG_DATE, value)


@pytest.mark.parametrize("value", [Decimal("1.50"), 1.5, ["a"], {"a": 1}, b"a", datetime(2026, 1, 31, tzinfo=UTC)])
@pytest.mark.parametrize("field", [TargetField.NAME, TargetField.POSTAL_ADDRESS])
def test_a_value_without_a_documented_text_is_refused_and_names_its_column(field: TargetField, value: object) -> None:
    renderer = _renderer(field)
    row = ["C1", *[value for _ in renderer.source_columns[1:]]]

    with pytest.raises(SourceMismatchError, match=r"The column (name|postal_address_line1) of the clients view"):
        renderer.render([row])


@pytest.mark.parametrize("value", [None, ""])
def test_an_absent_date_is_empty(value: object) -> None:
    assert _cell(TargetField.VAT_REG_DATE, value) == ""


@pytest.mark.parametrize(
    ("parts", "cell"),
    [
        (("1 High St", "Flat 2", "Town", "Leeds", "LS1", "UK"), "1 High St, Flat 2, Town, Leeds, LS1, UK"),
        (("1 High St", None, "", "Leeds", "  ", None), "1 High St, Leeds"),
        ((" 1 High St ", None, None, None, None, None), "1 High St"),
        ((None, "", None, "", None, ""), ""),
        (("=1+1", None, None, "Leeds", None, None), "'=1+1, Leeds"),
    ],
)  # fmt: skip
def test_a_whole_address_consists_of_its_non_empty_lines(parts: tuple[str | None, ...], cell: str) -> None:
    assert _cell(TargetField.POSTAL_ADDRESS, *parts).strip('"') == cell


@pytest.mark.parametrize(
    ("field", "column", "value"),
    [
        (TargetField.PCL_SENT, "pcl_sent", "s3cret"),
        (TargetField.PCL_SENT, "pcl_sent", 7),
        (TargetField.PCL_SENT, "pcl_sent", ["s3cret"]),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "s3cret"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "31/01/2026"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "2026-02-30"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "0000-00-00"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "2026-01-311"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", "2026-01-31s3cret"),
        (TargetField.VAT_REG_DATE, "vat_reg_date", ["s3cret"]),
    ],
)
def test_a_value_that_does_not_fit_is_a_mismatch_that_names_the_column(
    field: TargetField, column: str, value: object
) -> None:
    with pytest.raises(SourceMismatchError, match=f"The column {column} of the clients view") as raised:
        _renderer(field).render([("C1", value)])
    assert str(value) not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_format_without_the_guard_keeps_formulas() -> None:
    assert _cell(TargetField.NAME, "=1+1", wanted=CsvFormat(formula_guard=False)) == "=1+1"


def test_cells_with_the_chosen_delimiter_are_quoted() -> None:
    renderer = _renderer(TargetField.CODE, TargetField.NAME, wanted=CsvFormat(delimiter=Delimiter.SEMICOLON))
    assert renderer.render([("C1", "a;b,c")]) == b'C1;"a;b,c"\r\n'


def test_all_cells_can_be_quoted() -> None:
    renderer = _renderer(TargetField.CODE, TargetField.NAME, wanted=CsvFormat(quoting=Quoting.ALL))
    assert renderer.render([("C1", None)]) == b'"C1",""\r\n'


def test_a_single_empty_cell_is_still_a_record() -> None:
    assert _renderer(TargetField.NAME).render([("C1", None)]) == b'""\r\n'


_CLIENTS = st.lists(
    st.tuples(st.text(min_size=1), st.none() | st.text(), st.none() | st.booleans(), st.none() | st.dates()),
    max_size=12,
)


@given(_CLIENTS, st.integers(1, 12))
def test_the_same_clients_give_the_same_bytes_in_lists_of_any_length(clients: list[Any], size: int) -> None:
    fields = (TargetField.CODE, TargetField.NAME, TargetField.PCL_SENT, TargetField.VAT_REG_DATE)
    parts = [clients[first : first + size] for first in range(0, len(clients), size)]
    assert b"".join(map(_renderer(*fields).render, parts)) == _renderer(*fields).render(clients)


def test_a_renderer_keeps_no_rows() -> None:
    renderer = _renderer(TargetField.CODE)
    renderer.render([("C1",)])
    assert renderer.render([("C2",)]) == b"C2\r\n"


@pytest.mark.parametrize("delimiter", Delimiter)
def test_cells_are_quoted_as_by_the_csv_module_whatever_letters_a_column_holds(delimiter: Delimiter) -> None:
    """How a cell is examined depends on the letters that occur in its column."""
    renderer = _renderer(TargetField.NAME, TargetField.CODE, wanted=CsvFormat(delimiter=delimiter, formula_guard=False))
    letters = (delimiter.value, '"', "\r", "\n")
    for count in range(len(letters) + 1):
        for found in combinations(letters, count):
            rows = [(f"C{number}", f"a{letter}b") for number, letter in enumerate(("", *found, ""))]
            expected = StringIO(newline="")
            csv.writer(expected, delimiter=delimiter.value).writerows((name, code) for code, name in rows)
            assert renderer.render(rows).decode() == expected.getvalue()


def test_only_characters_of_shown_text_count_as_left_out() -> None:
    renderer = _renderer(TargetField.NAME, TargetField.REGISTERED_ADDRESS_CITY, TargetField.VAT_REGISTERED)
    assert renderer.render_counted([("C\0\0", "A\0nn", "\0", None)]) == (b"Ann,,\r\n", 2)


def test_a_truth_value_with_nul_is_refused_whatever_stands_beside_it() -> None:
    renderer = _renderer(TargetField.NAME, TargetField.VAT_REGISTERED)
    for name in ("Ann", "A\0nn"):
        with pytest.raises(SourceMismatchError, match="vat_registered"):
            renderer.render([("C1", name, "1\0")])
