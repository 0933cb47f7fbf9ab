"""Lists of clients are rendered one after the other."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

from exports.file.csv.renderer import CsvRenderer
from exports.file.renderer import Row, render_lists
from tests.support.steps import two_columns


class _Rows(list[Row]):
    """A list that can be referred to weakly."""


def test_a_list_is_dropped_before_the_next_one_is_read() -> None:
    renderer = CsvRenderer(two_columns().columns)
    kept: list[bool] = []

    def lists() -> Iterator[list[Row]]:
        for number in range(3):
            made = [_Rows([(f"C{number}", "Acme")])]
            seen = weakref.ref(made[0])
            yield made.pop()
            kept.append(seen() is not None)

    assert [records.first_code for records in render_lists(lists(), renderer)] == ["C0", "C1", "C2"]
    assert kept == [False] * 3
