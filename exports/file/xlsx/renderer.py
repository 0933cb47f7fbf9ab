"""Render rows of the `clients` view as rows of a worksheet, column by column.

A row is `<row><c t="str"><v>text</v></c>…</row>`. Neither rows nor cells say where they are (`r` is optional, ECMA-376,
part 1, 18.3.1.73), so a page does not need to know the number of its first row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from exports.errors import SourceMismatchError
from exports.file.cells import TEXT_KINDS, Cells, ColumnText, TextMaker, booleans, dates, text_maker
from exports.file.compression import Packing
from exports.file.frame import Frame
from exports.file.page_record import PageRecord
from exports.file.renderer import Row, columns_for
from exports.file.text_warnings import is_too_long
from exports.file.xlsx.cells import (
    NO_CELL,
    Column,
    boolean_column,
    cut,
    date_column,
    holds_refused,
    text_column,
    without_refused,
)
from exports.file.xlsx.frames import Layout, make_frames
from exports.file.xlsx.package import SHEET_MAX_ROWS
from exports.file.xlsx.warnings import workbook_warnings
from exports.request.columns import ColumnMapping
from exports.request.estimate import EXCEL_MAX_CELL_CHARS, EstimateWarning
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat, LongCells

SourceColumn = Sequence[Any]
ColumnMaker = Callable[[Sequence[SourceColumn]], Column]
_MIN_WIDTH, _MAX_WIDTH, _MARGIN, _DATE_CHARS, _BOOLEAN_CHARS = 8, 60, 3, 10, 5
"""Widths of columns in digits of the usual font. The margin leaves room for the button of the filter."""


class XlsxRenderer:
    """Renders clients by a list of column mappings. Has no state between calls: the same rows give the same bytes.

    Attributes:
        compression: How pages are compressed.
        source_columns: The columns of each row, in order: first `code`, then those that the mappings need.
    """

    compression = Packing.DEFLATE_PIECE

    def __init__(
        self, mappings: Sequence[ColumnMapping], wanted: CsvFormat, *, max_sheet_rows: int = SHEET_MAX_ROWS
    ) -> None:
        self._max_sheet_rows = max_sheet_rows
        self._cuts = wanted.long_cells is not LongCells.FAIL
        self._headers = tuple(mapping.csv_header for mapping in mappings)
        self._fields = tuple(mapping.target_field for mapping in mappings)
        self.source_columns = columns_for(self._fields)
        position = {name: index for index, name in enumerate(self.source_columns)}
        self._makers: list[tuple[TargetField, TextMaker | None, ColumnMaker | None]] = [
            (field, _text_maker(field, position), _column_maker(field, position)) for field in self._fields
        ]

    def opening(self, *, with_header: bool) -> bytes:
        """Return nothing: the frame before the first page opens the sheet and holds its header."""
        return b""

    def render(self, rows: Sequence[Row]) -> bytes:
        """Render one row of a sheet for each row, in the order given. Characters that XML cannot hold are left out.

        Raises:
            SourceMismatchError: A value does not fit its column. The message names the column, never the value.
        """
        return self.render_cut(rows)[0]

    def render_cut(self, rows: Sequence[Row]) -> tuple[bytes, int, int]:
        """Render as `render` does, and count the characters that are left out, and the cells that are cut."""
        if not rows:
            return b"", 0, 0
        columns: list[SourceColumn] = list(zip(*rows, strict=True))
        removed = 0
        found = self._texts(columns)
        if holds_refused(found.values()):
            cleaned: list[SourceColumn] = [[*map(_cleaned, column)] for column in columns]
            removed = _count_chars(columns) - _count_chars(cleaned)
            columns, found = cleaned, self._texts(cleaned)
        lines = self._lines(columns, found)
        cut_cells = 0
        if max(map(len, lines)) > EXCEL_MAX_CELL_CHARS:  # otherwise no cell is too long, as a line has more bytes
            long = {field: text for field, text in found.items() if _is_long(text)}
            cut_cells = sum(self._count_long(field, text) for field, text in long.items())
            lines = self._lines(columns, found | {field: _cut_column(text) for field, text in long.items()})
        return b"".join(lines), removed, cut_cells

    def _lines(self, columns: Sequence[SourceColumn], found: Mapping[TargetField, ColumnText]) -> list[bytes]:
        """Return the rows of a sheet, made of the columns of the source and the text of some cells."""
        made = [text_column(found[field]) if make is None else make(columns) for field, _, make in self._makers]
        return _rows(made)

    def measure(self, sample: Sequence[Row]) -> tuple[int, ...]:
        """Return widths for the columns of the sheets, judged by some clients."""
        columns = list(zip(*sample, strict=True))
        found = self._texts(columns) if sample else {}
        return tuple(
            _width(header, field, found[field].cells if field in found else ())
            for header, field in zip(self._headers, self._fields, strict=True)
        )

    def frames(
        self, records: Sequence[PageRecord], file_name: str, widths: Sequence[int] | None, *, with_header: bool
    ) -> list[Frame]:
        """See `FramedRenderer.frames`."""
        layout = Layout(self._headers, tuple(widths or self.measure([])), with_header, file_name, self._max_sheet_rows)
        return make_frames(records, layout)

    def warnings(self, sample: Sequence[Row], records: int) -> Iterator[EstimateWarning]:
        """Warn about cells that are too long, about several sheets, and about headers that look alike."""
        found = self._texts(list(zip(*sample, strict=True))) if sample else {}
        headers = dict(zip(self._fields, self._headers, strict=True))
        long = tuple(headers[field] for field, text in found.items() if _is_long(text))
        return workbook_warnings(long, self._headers, records, self._max_sheet_rows, cuts=self._cuts)

    def _texts(self, columns: Sequence[SourceColumn]) -> dict[TargetField, ColumnText]:
        return {field: make(columns) for field, make, _ in self._makers if make is not None}

    def _count_long(self, field: TargetField, text: ColumnText) -> int:
        """Count the cells that are cut, or refuse them."""
        count = sum(map(is_too_long, text.cells))
        if count and not self._cuts:
            name = ", ".join(source_columns(field))
            message = (
                f"A client has more than {EXCEL_MAX_CELL_CHARS:,} characters in the column {name} of the clients view, "
                "which no cell of a workbook can hold. Shorten it in the view, or ask for longCells cut or for CSV."
            )
            raise SourceMismatchError(message, column=name)
        return count


def _text_maker(field: TargetField, position: dict[str, int]) -> TextMaker | None:
    """Return the function that makes the text of a field's cells; None if they are no text."""
    return text_maker(field, position) if cell_kind(field) in TEXT_KINDS else None


def _column_maker(field: TargetField, position: dict[str, int]) -> ColumnMaker | None:
    """Return the function that makes a field's cells; None if they are text."""
    name = source_columns(field)[0]
    if cell_kind(field) is CellKind.BOOLEAN:
        return lambda columns: boolean_column(booleans(columns[position[name]], name))
    if cell_kind(field) is CellKind.DATE:
        return lambda columns: date_column(dates(columns[position[name]], name))
    return None


def _rows(columns: Sequence[Column]) -> list[bytes]:
    """Join cells to rows. What all rows have in common stands between the columns of what differs.

    Each row is encoded by itself, so that a letter outside of Latin-1 makes only its own row wider. Large texts are
    slow: they leave the cache of the processor.
    """
    pieces: list[Sequence[str] | repeat[str]] = []
    markup = "<row>"
    for cells, around in columns:
        if around is not None and "" not in cells:
            pieces += (repeat(markup + around[0]), cells)
            markup = around[1]
        elif around is not None and not any(cells):
            markup += NO_CELL
        else:
            pieces += (repeat(markup), cells if around is None else _wrapped(cells, around))
            markup = ""
    rows = len(columns[0].cells)
    pieces.append(repeat(markup + "</row>", rows))
    return list(map(str.encode, map("".join, zip(*pieces, strict=False))))


def _wrapped(cells: Cells, around: tuple[str, str]) -> list[str]:
    before, after = around
    return [f"{before}{cell}{after}" if cell else NO_CELL for cell in cells]


def _is_long(text: ColumnText) -> bool:
    """Say whether a column has a cell that is too long for a workbook. Most columns are too short as a whole."""
    if 2 * len(text.joined) <= EXCEL_MAX_CELL_CHARS or 2 * max(map(len, text.cells)) <= EXCEL_MAX_CELL_CHARS:
        return False
    return any(map(is_too_long, text.cells))


def _cut_column(text: ColumnText) -> ColumnText:
    return ColumnText.of(list(map(cut, text.cells)))


def _cleaned(value: Any) -> Any:
    return without_refused(value) if isinstance(value, str) else value


def _count_chars(columns: Sequence[SourceColumn]) -> int:
    return sum(len(value) for column in columns for value in column if isinstance(value, str))


def _width(header: str, field: TargetField, cells: Cells) -> int:
    usual = {CellKind.DATE: _DATE_CHARS, CellKind.BOOLEAN: _BOOLEAN_CHARS}.get(cell_kind(field), 0)
    lines = (line for cell in cells for line in cell.splitlines())
    longest = max(len(header) + _MARGIN, usual + 1, max(map(len, lines), default=0) + 1)
    return min(max(longest, _MIN_WIDTH), _MAX_WIDTH)
