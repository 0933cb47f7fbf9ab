"""Count the rows of a page of a workbook with a reader that shares no code with the renderer."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import BinaryIO
from xml.parsers.expat import ExpatError, ParserCreate

from exports.file.unreadable import UnreadablePageError

_PIECE_BYTES = 256 * 1024
_ROW_END = b"</row>"
_CELL = b"<c"
_TEXT = re.compile(rb"<(?:v|t)(?: [^>]*)?>([^<]*)<")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def count_rows(stream: BinaryIO, columns: int, code_at: int | None, on_code: Callable[[str], None]) -> int:
    """Count the rows in the decompressed bytes of a page.

    The bytes must be well-formed XML, and every row must have a cell for each column. Only a piece is in memory.

    Args:
        code_at: The number of the column that shows the codes of clients, counted from 0; None if there is none.
        on_code: Takes the text of that cell of each row.

    Raises:
        UnreadablePageError: The bytes are not rows of a sheet, or a row has too few or too many cells.
    """
    parser = ParserCreate("utf-8")
    count = 0
    rest = b""
    try:
        parser.Parse(b"<page>")
        while piece := stream.read(_PIECE_BYTES):
            parser.Parse(piece)
            *rows, rest = (rest + piece).split(_ROW_END)
            for row in rows:
                count += 1
                _require_cells(row, count, columns)
                if code_at is not None:
                    on_code(_text(row, code_at))
        parser.Parse(b"</page>", True)
    except (ExpatError, UnicodeDecodeError):
        raise UnreadablePageError("the rows are not well-formed XML") from None
    if rest:
        raise UnreadablePageError("the page does not end with a row")
    return count


def _require_cells(row: bytes, number: int, columns: int) -> None:
    cells = row.count(_CELL)
    if not row.startswith(b"<row>") or cells != columns:
        message = f"row {number} of the page has {cells} cells, not {columns}"
        raise UnreadablePageError(message)


def _text(row: bytes, column: int) -> str:
    """Return the text of a cell. `<` begins markup wherever it stands."""
    cell = row.split(_CELL, column + 2)[column + 1]
    found = _TEXT.search(cell)
    text = html.unescape(found[1].decode()) if found else ""
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text) if b"inlineStr" in cell else text
