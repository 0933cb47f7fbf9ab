r"""Turn columns of the `clients` view into JSON values, a column at a time.

Most columns hold no character that JSON escapes, and their text is used as it is. Otherwise the text of a column is
escaped all at once, at the speed of C: it is joined by a control character, which escaping turns into `\u001f`.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring

from exports.file.cells import CELL_SEPARATOR, Cells, Column, text_of

NULL_MARK = "\x1e"
"""Stands for null between the quotes of a string until lines are put together. Escaped text never holds it."""

_ESCAPED_MARK, _ESCAPED_SEPARATOR = "\\u001e", "\\u001f"
_MARK_GROWTH = len(_ESCAPED_MARK) - len(NULL_MARK)
_QUOTES = 2


def string_cells(values: Column, name: str) -> Cells:
    """Convert values to what is between the quotes of JSON strings. None becomes `NULL_MARK`."""
    try:
        return escaped(values)
    except TypeError:
        return escaped([value if value is None else text_of(value, name) for value in values])


def boolean_cells(words: Cells) -> Cells:
    """Convert the words `true` and `false`, which JSON has too. Empty text becomes null."""
    return [word or "null" for word in words]


def escaped(texts: Sequence[str | None]) -> Cells:
    """Escape text. None becomes `NULL_MARK`. Raises a TypeError if a value is neither."""
    present = [text for text in texts if text is not None]
    nulls = len(texts) - len(present)
    cells = [NULL_MARK if text is None else text for text in texts] if nulls else present
    plain = "".join(cells)
    if len(encode_basestring(plain)) == len(plain) + nulls * _MARK_GROWTH + _QUOTES:
        return cells
    written = encode_basestring(CELL_SEPARATOR.join(cells))[1:-1]
    found = written.replace(_ESCAPED_MARK, NULL_MARK).split(_ESCAPED_SEPARATOR)
    if len(found) == len(cells) and written.count(_ESCAPED_MARK) == nulls:
        return found
    return [NULL_MARK if text is None else encode_basestring(text)[1:-1] for text in texts]
