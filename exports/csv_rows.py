"""From rows of the `clients` view to the bytes of CSV records (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from exports.errors import SourceMismatchError
from exports.fields import CellKind, TargetField, cell_kind, source_columns
from exports.formula_guard import guard_text
from exports.ports import Row
from exports.requests import ColumnMapping

Column = Sequence[Any]
Cells = Sequence[str | None]
_LEADING_COLUMN = "code"


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """How records are written: UTF-8, CRLF, comma, quotes only where needed."""

    delimiter: str = ","
    line_ending: str = "\r\n"
    quote_all: bool = False
    formula_guard: bool = True


class CsvRows:
    """Renders clients by a list of column mappings. Stateless between calls; the same rows give the same bytes.

    `source_columns` names what `render` expects of each row, in order: first `code`, then what the mappings need.
    """

    def __init__(self, mappings: Sequence[ColumnMapping], dialect: CsvDialect | None = None) -> None:
        self._mappings = mappings
        self._dialect = dialect or CsvDialect()
        needed = (name for mapping in mappings for name in source_columns(mapping.target_field))
        self.source_columns: tuple[str, ...] = tuple(dict.fromkeys((_LEADING_COLUMN, *needed)))
        position = {name: index for index, name in enumerate(self.source_columns)}
        self._cells = [self._cell_maker(mapping.target_field, position) for mapping in mappings]

    def header(self) -> bytes:
        """Render the header record."""
        return self._write([[self._guard(mapping.csv_header) for mapping in self._mappings]])

    def render(self, rows: Sequence[Row]) -> bytes:
        """Render one record per row, in the order given.

        Raises:
            SourceMismatchError: A value does not fit its column; names the column, never the value.
        """
        if not rows:
            return b""
        columns = list(zip(*rows, strict=True))
        return self._write(zip(*(cells(columns) for cells in self._cells), strict=True))

    def _write(self, records: Iterable[Cells]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(
            text,
            delimiter=self._dialect.delimiter,
            lineterminator=self._dialect.line_ending,
            quoting=csv.QUOTE_ALL if self._dialect.quote_all else csv.QUOTE_MINIMAL,
        )
        writer.writerows(records)
        return text.getvalue().encode()

    def _guard(self, text: str) -> str:
        return guard_text(text) if self._dialect.formula_guard else text

    def _cell_maker(self, field: TargetField, position: dict[str, int]) -> Callable[[Sequence[Column]], Cells]:
        names = source_columns(field)
        kind = cell_kind(field)
        if kind is CellKind.BOOLEAN:
            return lambda columns: _booleans(columns[position[names[0]]], names[0])
        if kind is CellKind.DATE:
            return lambda columns: _dates(columns[position[names[0]]], names[0])
        if kind is CellKind.ADDRESS:
            parts = [position[name] for name in names]
            return lambda columns: self._guarded(_addresses([columns[part] for part in parts]))
        return lambda columns: self._guarded(_texts(columns[position[names[0]]]))

    def _guarded(self, cells: Cells) -> Cells:
        if not self._dialect.formula_guard:
            return cells
        return [guard_text(cell) if cell and cell[0] not in _PLAIN_STARTS else cell for cell in cells]


_PLAIN_STARTS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_BOOLEAN_WORDS = {
    True: "true",  # also 1: equal and of equal hash
    False: "false",
    None: None,
    "": None,
    "1": "true",
    "0": "false",
    "true": "true",
    "false": "false",
    "t": "true",
    "f": "false",
}


def _texts(values: Column) -> Cells:
    return [value if value is None or isinstance(value, str) else str(value) for value in values]


def _booleans(values: Column, name: str) -> Cells:
    return [_boolean(value, name) for value in values]


def _boolean(value: object, name: str) -> str | None:
    try:
        return _BOOLEAN_WORDS[value.strip().lower() if isinstance(value, str) else value]  # type: ignore[index]
    except (KeyError, TypeError):
        message = f"The column {name} of the clients view holds a value that is not a boolean (true, false, 1 or 0)."
        raise SourceMismatchError(message) from None


def _dates(values: Column, name: str) -> Cells:
    return [_date(value, name) for value in values]


def _date(value: object, name: str) -> str | None:
    """Format a date. A date-time loses its time of day; a text must be ISO 8601."""
    if value is None or value == "":
        return None
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
    except ValueError:
        message = f"The column {name} of the clients view holds a value that is not a date (YYYY-MM-DD)."
        raise SourceMismatchError(message) from None
    return day.isoformat()[:10]


def _addresses(parts: Sequence[Column]) -> Cells:
    return [", ".join(filter(None, map(_line, lines))) for lines in zip(*parts, strict=True)]


def _line(value: object) -> str:
    return "" if value is None else str(value).strip()
