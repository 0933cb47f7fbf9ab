"""Cells made a column at a time are those made one by one."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.errors import SourceMismatchError
from exports.file.cells import Columns, ColumnText, addresses, booleans, dates

_LINES = st.lists(
    st.lists(st.text(st.sampled_from(" a,\x1f\u3000\n"), max_size=4), min_size=2, max_size=2), min_size=1, max_size=6
)


@given(_LINES)
def test_an_address_consists_of_its_trimmed_lines_whatever_other_clients_have(lines: list[list[str]]) -> None:
    expected = [", ".join(filter(None, (line.strip(" ") for line in client))) for client in zip(*lines, strict=True)]
    assert addresses([ColumnText.of(line) for line in lines]).cells == expected


@given(st.lists(st.sampled_from([True, False, None, 1, 0, 1.0, "", " T ", "TRUE", "false", "f", "1", "0"])))
def test_one_unusual_truth_value_changes_no_other(values: list[object]) -> None:
    assert booleans(values, "pcl_sent") == [booleans([value], "pcl_sent")[0] for value in values]


_DATES = [None, "", "2026-01-31", "2024-02-29", "2026-01-31T00:00", "2026-01-31 23:59:59", date(2026, 1, 31)]
_OTHER_FORMS = ["2026-W05-6", "20260131", "2026W056", "20260131xx", "20260131--", "2026W056-1"]
_NO_DAYS = ["2026-02-29", "0000-01-01", "2026-1-31", "2026-01-311", "２026-01-31", 0, False, b""]
_NO_DATES = [*_OTHER_FORMS, *_NO_DAYS]


@given(st.lists(st.sampled_from([*_DATES, *_NO_DATES])))
def test_one_unusual_date_changes_no_other(values: list[object]) -> None:
    if any(value in _NO_DATES for value in values):
        with pytest.raises(SourceMismatchError):
            dates(values, "vat_reg_date")
    else:
        assert dates(values, "vat_reg_date") == [dates([value], "vat_reg_date")[0] for value in values]


def test_dates_are_right_though_more_of_them_occur_than_are_kept() -> None:
    days = [date.fromordinal(number) for number in range(700_000, 752_000)]
    shown = [day.isoformat() for day in days]
    for _ in range(2):
        assert dates([*days, *shown], "vat_reg_date") == [*shown, *shown]


def test_a_date_that_was_shown_hides_no_moment_with_a_time_zone() -> None:
    moment = datetime.fromisoformat("2026-01-31T00:00")
    assert dates([moment, date(2026, 1, 31), "2026-01-31"], "vat_reg_date") == ["2026-01-31"] * 3
    with pytest.raises(SourceMismatchError):
        dates([moment.astimezone()], "vat_reg_date")


def test_a_column_that_several_fields_show_becomes_text_once() -> None:
    columns = Columns([("a", None), (1, 2)])
    assert columns.text(0, "name").cells == ["a", ""]
    assert columns.text(1, "code").cells == ["1", "2"]
    assert columns.text(0, "name") is columns.text(0, "name")
