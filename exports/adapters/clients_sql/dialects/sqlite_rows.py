"""Read whole rows of SQLite through a function of ours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from exports.file.renderer import Row


class GivenRows:
    """Keeps the rows that a statement gives to a function, until the statement returns their numbers.

    For each value of a result, Python's driver gives up the global interpreter lock and takes it again. That takes
    longer than the value itself. The arguments of a function have the same types and texts, and cost half as much.

    SQLite may call a function before it brings the rows into order, as for the parts of a compound view. So only the
    number that the function returns says which row it is.
    """

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._next_number = count().__next__

    @property
    def waiting(self) -> int:
        """How many rows were given and not yet taken."""
        return len(self._rows)

    def give(self, *row: Any) -> int:
        """Keep a row, and return its number."""
        number = self._next_number()
        self._rows[number] = row
        return number

    def take(self, numbers: Sequence[Row]) -> list[Row]:
        """Return the rows with these numbers, each in a result of its own, and keep them no longer."""
        pop = self._rows.pop
        return [pop(number) for (number,) in numbers]
