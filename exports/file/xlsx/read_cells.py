"""Read the cells of some rows of a worksheet back, as the text that a person would see in CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from xml.etree import ElementTree

from exports.file.xlsx.cells import DATE_STYLE

_BOOLEANS = {"1": "true", "0": "false"}
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_EPOCH = date(1899, 12, 30).toordinal()


def read_cells(rows: bytes) -> list[list[str]]:
    """Return the text of each cell of each row. Dates are `YYYY-MM-DD`, truth values `true` and `false`."""
    sheet = ElementTree.fromstring(b"<rows>%b</rows>" % rows)  # noqa: S314 (the renderer has just written it)
    return [list(map(_text, row)) for row in sheet]


def _text(cell: ElementTree.Element) -> str:
    shown = "".join(_texts(cell))
    kind = cell.get("t")
    if kind == "b":
        return _BOOLEANS[shown]
    if kind == "inlineStr":
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), shown)
    if cell.get("s") == str(DATE_STYLE):
        return date.fromordinal(_EPOCH + int(shown)).isoformat()
    return shown


def _texts(cell: ElementTree.Element) -> Iterator[str]:
    return (part.text for part in cell.iter() if part.text)
