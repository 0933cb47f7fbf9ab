r"""Render rows of the `clients` view as JSON Lines: one JSON object (RFC 8259) on each line, in UTF-8.

The keys are the headers of the columns, in their order. Text and dates are strings, truth values are `true` or `false`,
and a value that is absent is `null`. A line ends with a line feed. Other characters that some programs take for the
end of a line are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from json.encoder import encode_basestring

from exports.file.cells import Cells, addresses, booleans, dates, texts
from exports.file.cells import Column as SourceColumn
from exports.file.jsonl.cells import Column, boolean_column, string_column, text_column
from exports.file.renderer import Row, columns_for
from exports.file.text_warnings import headers_alike
from exports.request.columns import ColumnMapping
from exports.request.estimate import EstimateWarning
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns
from exports.request.formats import CsvFormat

ColumnMaker = Callable[[Sequence[SourceColumn]], Column]
_LINE_SEPARATORS = [letter.encode() for letter in "\x85\u2028\u2029"]
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
        self._makers = [_column_maker(field, position) for field in fields]
        self._keys = [encode_basestring(header).replace("%", "%%") for header in self._headers]

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
        columns: list[SourceColumn] = list(zip(*rows, strict=True))
        made = [make(columns) for make in self._makers]
        members = (
            f'{key}:"%s"' if column.is_bare else f"{key}:%s" for key, column in zip(self._keys, made, strict=True)
        )
        line = "{" + ",".join(members) + "}\n"
        return _encoded(map(line.__mod__, zip(*(column.cells for column in made), strict=True)))

    def warnings(self, sample: Sequence[Row], records: int) -> Iterator[EstimateWarning]:
        """Warn about headers that look alike."""
        if alike := headers_alike(self._headers):
            yield alike


def _column_maker(field: TargetField, position: dict[str, int]) -> ColumnMaker:
    """Return the function that makes a field's values from the columns of some rows."""
    names = source_columns(field)
    name, index = names[0], position[names[0]]
    kind = cell_kind(field)
    if kind is CellKind.BOOLEAN:
        return lambda columns: boolean_column(booleans(columns[index], name))
    if kind is CellKind.DATE:
        return lambda columns: _null_if_empty(dates(columns[index], name))
    if kind is CellKind.ADDRESS:
        return lambda columns: _null_if_empty(addresses([texts(columns[position[part]], part) for part in names]).cells)
    return lambda columns: text_column(columns[index], name)


def _null_if_empty(cells: Cells) -> Column:
    return string_column([cell or None for cell in cells])


def _encoded(lines: Iterable[str]) -> bytes:
    """Encode lines. What a reader may take for the end of a line, and half of a surrogate pair, are escaped.

    Each line is encoded by itself: large texts are slow, because they leave the cache of the processor.
    """
    found = list(lines)
    try:
        data = b"".join(map(str.encode, found))
    except UnicodeEncodeError:  # UTF-8 cannot hold half of a pair
        data = "".join(found).encode(errors="backslashreplace")
    for letter in _LINE_SEPARATORS:
        if not data.isascii() and letter in data:
            data = data.replace(letter, f"\\u{ord(letter.decode()):04x}".encode())
    return data
