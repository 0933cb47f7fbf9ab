r"""Render rows of the `clients` view as JSON Lines: one JSON object (RFC 8259) on each line, in UTF-8.

The keys are the headers of the columns, in their order. Text and dates are strings, truth values are `true` or `false`,
and a value that is absent is `null`. A line ends with a line feed. Other characters that some programs take for the
end of a line are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring

from exports.file.cells import Cells, Column, addresses, booleans, dates
from exports.file.jsonl.cells import NULL_MARK, boolean_cells, escaped, string_cells
from exports.file.renderer import Row, columns_for
from exports.file.text_warnings import headers_alike
from exports.request.columns import ColumnMapping
from exports.request.estimate import EstimateWarning
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat

CellMaker = Callable[[Sequence[Column]], Cells]
_NULL_IN_QUOTES = f'"{NULL_MARK}"'
_LINE_SEPARATORS = "\x85\u2028\u2029"
"""What Unicode takes for the end of a line (UAX 14), and `str.splitlines`, beside control characters."""


class JsonLinesRenderer:
    """Renders clients by a list of column mappings. Has no state between calls: the same rows give the same bytes.

    Attributes:
        compression: The compression of the file.
        source_columns: The columns of each row, in order: first `code`, then those that the mappings need.
    """

    def __init__(self, mappings: Sequence[ColumnMapping], wanted: CsvFormat) -> None:
        fields = [mapping.target_field for mapping in mappings]
        self.compression = wanted.compression
        self.source_columns = columns_for(fields)
        self._headers = [mapping.csv_header for mapping in mappings]
        position = {name: index for index, name in enumerate(self.source_columns)}
        self._makers = [_cell_maker(field, position) for field in fields]
        self._line = "{" + ",".join(map(_member, self._headers, fields)) + "}\n"

    def opening(self, *, with_header: bool) -> bytes:
        """Return nothing: each line holds the headers as its keys."""
        return b""

    def render(self, rows: Sequence[Row]) -> bytes:
        """Render one line for each row, in the order given.

        Raises:
            SourceMismatchError: A value does not fit its column. The message names the column, never the value.
        """
        if not rows:
            return b""
        columns: list[Column] = list(zip(*rows, strict=True))
        cells = zip(*(make(columns) for make in self._makers), strict=True)
        lines = "".join(map(self._line.__mod__, cells)).replace(_NULL_IN_QUOTES, "null")
        return _encoded(lines if lines.isascii() else _without_line_separators(lines))

    def warnings(self, sample: Sequence[Row], records: int) -> Iterator[EstimateWarning]:
        """Warn about headers that look alike."""
        if alike := headers_alike(self._headers):
            yield alike


def _member(header: str, field: TargetField) -> str:
    """Return a pattern of a member of the object: its key, and a place for its value."""
    key = encode_basestring(header).replace("%", "%%")
    return f"{key}:%s" if cell_kind(field) is CellKind.BOOLEAN else f'{key}:"%s"'


def _cell_maker(field: TargetField, position: dict[str, int]) -> CellMaker:
    """Return the function that makes what stands in the place of a field's value, from the columns of some rows."""
    names = source_columns(field)
    name, index = names[0], position[names[0]]
    kind = cell_kind(field)
    if kind is CellKind.BOOLEAN:
        return lambda columns: boolean_cells(booleans(columns[index], name))
    if kind is CellKind.DATE:
        return lambda columns: _absent_if_empty(dates(columns[index], name))
    if kind is CellKind.ADDRESS:
        return lambda columns: _absent_if_empty(addresses({part: columns[position[part]] for part in names}).cells)
    return lambda columns: string_cells(columns[index], name)


def _absent_if_empty(cells: Cells) -> Cells:
    return escaped([cell or None for cell in cells])


def _without_line_separators(lines: str) -> str:
    """Escape the characters beside line feeds that some programs take for the end of a line."""
    for letter in _LINE_SEPARATORS:
        if letter in lines:
            lines = lines.replace(letter, f"\\u{ord(letter):04x}")
    return lines


def _encoded(lines: str) -> bytes:
    """Encode lines. Half of a surrogate pair, which UTF-8 cannot hold, is escaped."""
    try:
        return lines.encode()
    except UnicodeEncodeError:
        return lines.encode(errors="backslashreplace")
