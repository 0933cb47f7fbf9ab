"""Render rows of the `clients` view as CSV records (RFC 4180), column by column.

Most columns hold no cell that needs an apostrophe or quotes. A few scans over the joined cells of a column, at the
speed of C, find the columns that do, and only those are examined cell by cell. The result is byte for byte what
Python's csv module writes, in half the time.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from exports.file.cells import TEXT_KINDS, Cells, Column, Columns, ColumnText, booleans, dates, text_maker
from exports.file.csv.excel_text import apostrophe, constant, converted_of
from exports.file.csv.formula_guard import guard_text, is_suspect
from exports.file.csv.formula_search import find_guard, may_be_changed
from exports.file.csv.spreadsheet_start import protect_start
from exports.file.csv.warnings import csv_warnings
from exports.file.renderer import Row, columns_for
from exports.request.columns import ColumnMapping
from exports.request.estimate import EstimateWarning
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat, LineEnding, Quoting

CellMaker = Callable[[Columns], Cells]
_NUL = "\0"
_LINE_ENDINGS = {LineEnding.CRLF: "\r\n", LineEnding.LF: "\n"}
_DEFAULT_FORMAT = CsvFormat()


class _NulFoundError(Exception):
    """A cell holds NUL."""


class CsvRenderer:
    """Renders clients by a list of column mappings. Has no state between calls: the same rows give the same bytes.

    Attributes:
        format: The format of the file.
        compression: The compression of the file.
        delimiter: The character between cells.
        line_ending: The characters at the end of a record.
        quotes_all: Whether every cell is in quotes.
        source_columns: The columns of each row, in order: first `code`, then those that the mappings need.
        fields: The fields that the cells of a record show, in order.
    """

    def __init__(self, mappings: Sequence[ColumnMapping], wanted: CsvFormat = _DEFAULT_FORMAT) -> None:
        self.fields = tuple(mapping.target_field for mapping in mappings)
        self.format = wanted
        self.compression = wanted.compression
        self.delimiter = wanted.delimiter.value
        self.line_ending = _LINE_ENDINGS[wanted.line_ending]
        self.quotes_all = wanted.quoting is Quoting.ALL
        self._headers = [mapping.csv_header.replace(_NUL, "") for mapping in mappings]
        self.source_columns = columns_for(self.fields)
        position = {name: index for index, name in enumerate(self.source_columns)}
        self._guards_constants = wanted.formula_guard and len(mappings) > 1
        self._cell_makers = [
            self._cell_maker(mapping.target_field, position, is_first=number == 0)
            for number, mapping in enumerate(mappings)
        ]
        shown = chain.from_iterable(source_columns(field) for field in self.fields if cell_kind(field) in TEXT_KINDS)
        self._text_positions = {position[name] for name in shown}
        self._text_makers = {
            mapping.csv_header: text_maker(mapping.target_field, position)
            for mapping in mappings
            if cell_kind(mapping.target_field) in TEXT_KINDS
        }

    def opening(self, *, with_header: bool) -> bytes:
        """Render the beginning of a file: the byte order mark and the header record, if they are wanted."""
        mark = codecs.BOM_UTF8 if self.format.byte_order_mark else b""
        return mark + (self.protect_start(self.header()) if with_header else b"")

    def protect_start(self, data: bytes) -> bytes:
        """See `SpreadsheetRenderer.protect_start`. A byte order mark is protection enough."""
        return data if self.format.byte_order_mark else protect_start(data, self.delimiter.encode())

    def header(self) -> bytes:
        """Render the header record."""
        headers = (ColumnText.of([header]) for header in self._headers)
        return self._records([self._text(header, number == 0) for number, header in enumerate(headers)])

    def render(self, rows: Sequence[Row]) -> bytes:
        """Render one record for each row, in the order given. NUL characters are left out.

        Raises:
            SourceMismatchError: A value does not fit its column. The message names the column, never the value.
        """
        return self.render_counted(rows)[0]

    def render_counted(self, rows: Sequence[Row]) -> tuple[bytes, int]:
        """Render as `render` does, and count the characters of the clients that are left out."""
        if not rows:
            return b"", 0
        columns: list[Column] = list(zip(*rows, strict=True))
        try:
            return self._render(columns), 0
        except _NulFoundError:
            texts = {index: columns[index] for index in self._text_positions}
            cleaned = {index: [_without_nul(value) for value in column] for index, column in texts.items()}
            return self._render([cleaned.get(index, column) for index, column in enumerate(columns)]), _count_nul(texts)

    def _render(self, values: Sequence[Column]) -> bytes:
        columns = Columns(values)
        return self._records([make(columns) for make in self._cell_makers])

    def warnings(self, sample: Sequence[Row], records: int) -> Iterator[EstimateWarning]:
        """Warn about cells that the guard changes, and about cells and rows that Excel would change or drop."""
        return csv_warnings(self._texts(sample), self._headers, self.format, records)

    def _texts(self, rows: Sequence[Row]) -> dict[str, Cells]:
        """Return the cells that are free text, by header, before they are guarded and quoted."""
        columns = Columns(list(zip(*rows, strict=True)))
        return {header: make(columns).cells for header, make in self._text_makers.items()} if rows else {}

    def _records(self, columns: Sequence[Cells]) -> bytes:
        if len(columns) == 1:
            # an empty line would not be a record
            columns = [[cell or '""' for cell in columns[0]]]
        records = map(self.delimiter.join, zip(*columns, strict=True))
        # a letter outside of Latin-1 makes only its own record wider
        return self.line_ending.encode().join(chain(map(str.encode, records), [b""]))

    def _cell_maker(self, field: TargetField, position: dict[str, int], *, is_first: bool) -> CellMaker:
        """Return the function that makes a field's cells, guarded and quoted, from the columns of a list of rows."""
        if cell_kind(field) in TEXT_KINDS:
            make = text_maker(field, position)
            return lambda columns: self._text(make(columns), is_first)
        (name,) = source_columns(field)
        index, read = position[name], booleans if cell_kind(field) is CellKind.BOOLEAN else dates
        return lambda columns: self._quoted_if_all(read(columns.values[index], name))

    def _text(self, text: ColumnText, is_first: bool) -> Cells:
        """Guard and quote the cells that need it.

        Args:
            is_first: Whether the cells begin their records.

        Raises:
            _NulFoundError: A cell holds NUL.
        """
        cells, joined = text
        if _NUL in joined:
            raise _NulFoundError
        changed = self._protected(cells, joined, is_first)
        if self.quotes_all:
            return self._quoted_if_all(changed)
        has_quotes = '"' in joined or (self.format.excel_text and changed is not cells)  # constants contain quotes
        special = [letter for letter in (self.delimiter, "\r", "\n") if letter in joined]
        return _quoted_where_needed(changed, special, has_quotes=has_quotes) if special or has_quotes else changed

    def _protected(self, cells: Cells, joined: str, is_first: bool) -> Cells:
        """Write text that Excel would convert as constants, and guard text that a spreadsheet would run."""
        changes: dict[str, str] = {}
        if self.format.excel_text:
            write = apostrophe if is_first and self._guards_constants else constant
            changes = {cell: write(cell) for cell in converted_of(set(cells))}
        if self.format.formula_guard and (guard := find_guard(joined, len(cells))):
            suspects: Iterable[str] = may_be_changed(cells, joined)
            if guard is guard_text:
                suspects = filter(is_suspect, suspects)
            changes = {cell: guard(cell) for cell in suspects} | changes
        return list(map(changes.get, cells, cells)) if changes else cells

    def _quoted_if_all(self, cells: Cells) -> Cells:
        """Quote all cells if the format wants that."""
        return [_quoted(cell) for cell in cells] if self.quotes_all else cells


def _without_nul(value: Any) -> Any:
    return value.replace(_NUL, "") if isinstance(value, str) else value


def _count_nul(texts: Mapping[int, Column]) -> int:
    return sum(value.count(_NUL) for column in texts.values() for value in column if isinstance(value, str))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _quoted_where_needed(cells: Cells, special: list[str], *, has_quotes: bool) -> Cells:
    """Quote the cells that hold a quote or one of the special letters, at most three.

    A search for each letter is faster than one pattern.
    """
    if has_quotes:
        cells = [cell.replace('"', '""') if '"' in cell else cell for cell in cells]
        special = [*special, '"']
    first, second, third, fourth = (special * 4)[:4]
    if len(special) == 1:
        return [f'"{cell}"' if first in cell else cell for cell in cells]
    if len(special) == 2:
        return [f'"{cell}"' if first in cell or second in cell else cell for cell in cells]
    return [
        f'"{cell}"' if first in cell or second in cell or third in cell or fourth in cell else cell for cell in cells
    ]
