r"""Turn columns of the `clients` view into JSON values, a column at a time.

Most columns hold no character that JSON escapes, and their text is used as it is. Otherwise the text of a column is
escaped all at once, at the speed of C: it is joined by a control character, which escaping turns into `\u001f`.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import NamedTuple

from exports.file.cells import CELL_SEPARATOR, Cells, text_of
from exports.file.cells import Column as SourceColumn

_ESCAPED_SEPARATOR = "\\u001f"
_QUOTES = 2


class Column(NamedTuple):
    """The values of one column.

    Attributes:
        is_bare: Whether the quotes around each of them are missing, because all of them are strings.
    """

    cells: Cells
    is_bare: bool


def text_column(values: SourceColumn, name: str) -> Column:
    """Convert values to strings; None to null."""
    try:
        return string_column(values)
    except TypeError:
        return string_column([value if value is None else text_of(value, name) for value in values])


def boolean_column(words: Cells) -> Column:
    """Convert the words `true` and `false`, which JSON has too; empty text to null."""
    return Column([word or "null" for word in words], is_bare=False)


def string_column(texts: Sequence[str | None]) -> Column:
    """Make strings of text, and null of None. Raises a TypeError if a value is neither."""
    present = [text for text in texts if text is not None]
    written = _escaped(present)
    if len(present) == len(texts):
        return Column(written, is_bare=True)
    if not present:
        return Column(["null"] * len(texts), is_bare=False)
    if written is present:
        return Column(["null" if text is None else f'"{text}"' for text in texts], is_bare=False)
    following = iter(written)
    return Column(["null" if text is None else f'"{next(following)}"' for text in texts], is_bare=False)


def _escaped(texts: list[str]) -> list[str]:
    """Escape text. Return the same list if no text needs it."""
    plain = "".join(texts)
    if len(encode_basestring(plain)) == len(plain) + _QUOTES:
        return texts
    found = encode_basestring(CELL_SEPARATOR.join(texts))[1:-1].split(_ESCAPED_SEPARATOR)
    if len(found) == len(texts):
        return found
    return [encode_basestring(text)[1:-1] for text in texts]  # a text holds the separator, or its escape
