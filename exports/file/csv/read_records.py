"""Read the records of CSV text with a reader that shares no code with the renderer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

_MAX_CELL_CHARS = 2**31 - 1


def each_record(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Return the cells of each record in turn, header included. Raises `csv.Error` where the text is not CSV."""
    csv.field_size_limit(_MAX_CELL_CHARS)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def read_records(text: str, delimiter: str) -> list[list[str]]:
    """Return the cells of each record, header included."""
    return list(each_record(io.StringIO(text, newline=""), delimiter))
