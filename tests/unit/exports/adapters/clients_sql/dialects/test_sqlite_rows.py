"""Rows that were given to a function are found by their numbers."""

from __future__ import annotations

from exports.adapters.clients_sql.dialects.sqlite_rows import GivenRows


def test_the_number_says_which_row_it_is_in_whatever_order_rows_were_given() -> None:
    rows = GivenRows()
    first, second, third = (rows.give(code, None) for code in ("A", "B", "C"))
    assert rows.take([(third,), (first,)]) == [("C", None), ("A", None)]
    assert rows.take([(second,)]) == [("B", None)]


def test_rows_that_were_taken_are_kept_no_longer() -> None:
    rows = GivenRows()
    numbers = [(rows.give("A"),), (rows.give("B"),)]
    assert rows.waiting == 2
    rows.take(numbers)
    assert rows.waiting == 0
