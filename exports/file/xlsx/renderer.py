"""Render rows of the `clients` view as rows of a worksheet: as plain records first (`exports.file.xlsx.sheet_rows`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from exports.errors import SourceMismatchError
from exports.file.cells import TEXT_KINDS, Cells, Columns, ColumnText, TextMaker, booleans, dates, text_maker
from exports.file.compression import Packing
from exports.file.frame import Frame
from exports.file.page_record import PageRecord
from exports.file.renderer import Row, columns_for
from exports.file.text_warnings import is_too_long
from exports.file.xlsx.cells import count_refused, cut, day_number, without_refused
from exports.file.xlsx.frames import Layout, make_frames
from exports.file.xlsx.package import SHEET_MAX_ROWS
from exports.file.xlsx.sheet_rows import DAY, FALSE, OTHER, TEXT, TRUE, RefusedCharacterError, is_plain, sheet_rows
from exports.file.xlsx.warnings import workbook_warnings
from exports.request.columns import ColumnMapping
from exports.request.estimate import EXCEL_MAX_CELL_CHARS, EstimateWarning
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat, LongCells

SourceColumn = Sequence[Any]
CellMaker = Callable[[Sequence[SourceColumn]], Cells]
_MIN_WIDTH, _MAX_WIDTH, _MARGIN, _DATE_CHARS, _BOOLEAN_CHARS = 8, 60, 3, 10, 5
"""Widths of columns in digits of the usual font. The margin leaves room for the button of the filter."""

_TRUTHS = {"true": TRUE, "false": FALSE, "": OTHER}
_NUL = "\0"


class XlsxRenderer:
    """Renders clients by a list of column mappings. Has no state between calls: the same rows give the same bytes.

    Attributes:
        compression: How pages are compressed.
        fields: The fields that the cells of a row show, in order.
        starts_with_text: Whether the first cell of a row is text.
        source_columns: The columns of each row, in order: first `code`, then those that the mappings need.
    """

    compression = Packing.DEFLATE_PIECE

    def __init__(
        self, mappings: Sequence[ColumnMapping], wanted: CsvFormat, *, max_sheet_rows: int = SHEET_MAX_ROWS
    ) -> None:
        self._max_sheet_rows = max_sheet_rows
        self._cuts = wanted.long_cells is not LongCells.FAIL
        self._headers = tuple(mapping.csv_header for mapping in mappings)
        self.fields = tuple(mapping.target_field for mapping in mappings)
        self.source_columns = columns_for(self.fields)
        position = {name: index for index, name in enumerate(self.source_columns)}
        texts = [field for field in self.fields if cell_kind(field) in TEXT_KINDS]
        self._text_makers: dict[TargetField, TextMaker] = {field: text_maker(field, position) for field in texts}
        self._other_makers = {field: _cell_maker(field, position) for field in self.fields if field not in texts}
        shown = chain.from_iterable(map(source_columns, self._text_makers))
        self._text_positions = [position[name] for name in dict.fromkeys(shown)]
        self.starts_with_text = self.fields[0] in self._text_makers

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
        texts = self._texts(columns)
        others = {field: make(columns) for field, make in self._other_makers.items()}
        try:
            return self._rendered(texts, others, removed=0)
        except RefusedCharacterError:
            texts = self._texts([[*map(_without_nul, column)] for column in columns])  # as in CSV
            cleaned = {field: _cleaned(text) for field, text in texts.items()}
            return self._rendered(cleaned, others, self._count_refused(columns))

    def _rendered(
        self, texts: Mapping[TargetField, ColumnText], others: Mapping[TargetField, Cells], removed: int
    ) -> tuple[bytes, int, int]:
        records = self._records(texts, others)
        cut_cells = 0
        if max(map(len, records)) > EXCEL_MAX_CELL_CHARS:  # otherwise no cell is too long, as a record has more bytes
            if not all(map(self.is_plain, records)):
                raise RefusedCharacterError  # these characters are left out before cells are measured
            long = {field: text for field, text in texts.items() if _is_long(text)}
            cut_cells = sum(self.count_long(field, text.cells) for field, text in long.items())
            records = self._records({**texts, **{field: _cut_column(text) for field, text in long.items()}}, others)
        return self.sheet_rows(records), removed, cut_cells

    def _records(self, texts: Mapping[TargetField, ColumnText], others: Mapping[TargetField, Cells]) -> list[bytes]:
        """Return plain records. Each is encoded by itself: a letter outside of Latin-1 makes only its own text wider.

        Large texts are slow: they leave the cache of the processor.
        """
        columns: list[Cells] = []
        for field in self.fields:
            if field in texts:
                columns.append(texts[field].cells)
            elif columns:
                columns[-1] = [*map(str.__add__, columns[-1], others[field])]
            else:
                columns.append(others[field])
        return [record.encode("utf-8", "surrogatepass") for record in map(TEXT.join, zip(*columns, strict=True))]

    def sheet_rows(self, records: Sequence[bytes]) -> bytes:
        """Make rows of a sheet of plain records.

        Raises:
            RefusedCharacterError: A record has a character that XML cannot hold.
        """
        return sheet_rows(records, len(self.fields), starts_with_text=self.starts_with_text)

    def is_plain(self, record: bytes) -> bool:
        """Say whether `sheet_rows` takes a record."""
        return is_plain(record, len(self.fields), starts_with_text=self.starts_with_text)

    def measure(self, sample: Sequence[Row]) -> tuple[int, ...]:
        """Return widths for the columns of the sheets, judged by some clients."""
        columns = list(zip(*sample, strict=True))
        found = self._texts(columns) if sample else {}
        return tuple(
            _width(header, field, found[field].cells if field in found else ())
            for header, field in zip(self._headers, self.fields, strict=True)
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
        headers = dict(zip(self.fields, self._headers, strict=True))
        long = tuple(headers[field] for field, text in found.items() if _is_long(text) and _is_long(_cleaned(text)))
        return workbook_warnings(long, self._headers, records, self._max_sheet_rows, cuts=self._cuts)

    def _texts(self, values: Sequence[SourceColumn]) -> dict[TargetField, ColumnText]:
        columns = Columns(values)
        return {field: make(columns) for field, make in self._text_makers.items()}

    def _count_refused(self, columns: Sequence[SourceColumn]) -> int:
        """Count the characters of the clients that are left out. A column that two fields show counts once."""
        shown = chain.from_iterable(columns[index] for index in self._text_positions)
        return sum(count_refused(value) for value in shown if isinstance(value, str))

    def count_long(self, field: TargetField, cells: Cells) -> int:
        """Count the cells that are too long.

        Raises:
            SourceMismatchError: There are some, and they may not be cut.
        """
        count = sum(map(is_too_long, cells))
        if count and not self._cuts:
            name = ", ".join(names := source_columns(field))
            shown = f"column {name}" if len(names) == 1 else f"columns {name} together"
            message = (
                f"A client has more than {EXCEL_MAX_CELL_CHARS:,} characters in the {shown} of the clients view, which "
                "no cell of a workbook can hold. Shorten the text in the view, or ask for longCells cut or for CSV."
            )
            raise SourceMismatchError(message, column=name)
        return count


def _cell_maker(field: TargetField, position: Mapping[str, int]) -> CellMaker:
    """Return the function that makes a field's cells, each after its separator, for truth values and dates."""
    (name,) = source_columns(field)
    if cell_kind(field) is CellKind.BOOLEAN:
        return lambda columns: [_TRUTHS[word] for word in booleans(columns[position[name]], name)]
    return lambda columns: [_day_cell(day) for day in dates(columns[position[name]], name)]


def _day_cell(day: str) -> str:
    number = day_number(day) if day else None
    return OTHER + day if number is None else DAY + number


def _is_long(text: ColumnText) -> bool:
    """Say whether a column has a cell that is too long for a workbook. Most columns are too short as a whole."""
    if 2 * len(text.joined) <= EXCEL_MAX_CELL_CHARS or 2 * max(map(len, text.cells)) <= EXCEL_MAX_CELL_CHARS:
        return False
    return any(map(is_too_long, text.cells))


def _cleaned(text: ColumnText) -> ColumnText:
    return ColumnText.of([*map(without_refused, text.cells)])


def _cut_column(text: ColumnText) -> ColumnText:
    return ColumnText.of(list(map(cut, text.cells)))


def _without_nul(value: Any) -> Any:
    return value.replace(_NUL, "") if isinstance(value, str) else value


def _width(header: str, field: TargetField, cells: Cells) -> int:
    usual = {CellKind.DATE: _DATE_CHARS, CellKind.BOOLEAN: _BOOLEAN_CHARS}.get(cell_kind(field), 0)
    lines = (line for cell in cells for line in cell.splitlines())
    longest = max(len(header) + _MARGIN, usual + 1, max(map(len, lines), default=0) + 1)
    return min(max(longest, _MIN_WIDTH), _MAX_WIDTH)
