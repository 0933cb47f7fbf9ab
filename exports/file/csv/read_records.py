"""Read the records of CSV text with a reader that shares no code with the renderer."""

from __future__ import annotations

import csv
import io

_MAX_CELL_CHARS = 2**31 - 1


def read_records(text: str, delimiter: str) -> list[list[str]]:
    """Return the cells of each record, header included."""
    csv.field_size_limit(_MAX_CELL_CHARS)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
