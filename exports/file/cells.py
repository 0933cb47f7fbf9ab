"""Turn the values of a column of the `clients` view into cells: text, booleans, dates and addresses.

Values are converted a column at a time, by functions that loop in C wherever they can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import repeat
from typing import Any, NamedTuple

from exports.errors import SourceMismatchError
from exports.file.known import Known
from exports.file.sql_words import in_sql
from exports.request.fields import CellKind, TargetField, cell_kind, source_columns

CELL_SEPARATOR = "\x1f"
"""ASCII unit separator, which joins the cells of a column for a scan. A cell that holds one only costs time."""

Column = Sequence[Any]
Cells = Sequence[str]


class ColumnText(NamedTuple):
    """Some cells of one column.

    Attributes:
        joined: The cells, each after a separator, so that all of them can be searched at once.
    """

    cells: Cells
    joined: str

    @classmethod
    def of(cls, cells: Cells) -> ColumnText:
        """Join cells. Raises a TypeError if one is not text."""
        return cls(cells, CELL_SEPARATOR + CELL_SEPARATOR.join(cells))


class Columns:
    """The columns of some rows. A column that several fields show, such as a line of an address, becomes text once.

    Attributes:
        values: The values of each column.
    """

    def __init__(self, values: Sequence[Column]) -> None:
        self.values = values
        self._texts: dict[int, ColumnText] = {}

    def text(self, index: int, name: str) -> ColumnText:
        """Return the text of a column. The name is that of the column in the view; errors give it."""
        found = self._texts.get(index)
        if found is None:
            found = self._texts[index] = texts(self.values[index], name)
        return found


TextMaker = Callable[[Columns], ColumnText]
TEXT_KINDS = (CellKind.TEXT, CellKind.ADDRESS)


def text_maker(field: TargetField, position: Mapping[str, int]) -> TextMaker:
    """Return the function that makes the text of a field's cells, one of `TEXT_KINDS`, from the columns of some rows.

    Args:
        position: Where each column is among them.
    """
    names = source_columns(field)
    if cell_kind(field) is CellKind.ADDRESS:
        return lambda columns: addresses([columns.text(position[name], name) for name in names])
    (name,) = names
    return lambda columns: columns.text(position[name], name)


def texts(values: Column, name: str) -> ColumnText:
    """Convert values to text. Joining them is the fastest way to see that all are text, and is needed anyway."""
    try:
        return ColumnText.of(values)
    except TypeError:
        cells = ["" if value is None else value for value in values]
    try:
        return ColumnText.of(cells)
    except TypeError:
        return ColumnText.of([text_of(cell, name) for cell in cells])


def text_of(value: Any, name: str) -> str:
    """Return the text of a value. A source turns values of all other types into text itself, as its database does."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or type(value) is date:
        return str(value)
    message = (
        f"The column {name} of the clients view holds a value that has no text in a file ({in_sql(value)}); convert "
        "it to text in the view."
    )
    raise SourceMismatchError(message, column=name)


_AFTER_DATE = {"", "T", " "}
_TIME = re.compile("[T ] *[0-9]")
_TIME_WITHOUT_ZONE = re.compile("[T ] *[0-9][0-9:., ]*(?:[AaPp][Mm])? *")
_BOOLEAN_WORDS = {
    True: "true",  # also found by 1, which is equal and has the same hash
    False: "false",
    None: "",
    "": "",
    "1": "true",
    "0": "false",
    "true": "true",
    "false": "false",
    "t": "true",
    "f": "false",
}


def booleans(values: Column, name: str) -> Cells:
    try:
        return list(map(_BOOLEAN_WORDS.__getitem__, values))
    except (KeyError, TypeError):
        pass  # a text may have blanks and capital letters
    try:
        return [_BOOLEAN_WORDS[value.strip().lower() if isinstance(value, str) else value] for value in values]
    except (KeyError, TypeError):
        message = f"The column {name} of the clients view holds a value that is not a boolean (true, false, 1 or 0)."
        raise SourceMismatchError(message, column=name) from None


def dates(values: Column, name: str) -> Cells:
    try:
        return _plain_dates(values)
    except (ValueError, TypeError):
        pass  # values of another type, or text of another form
    try:
        return list(map(_DAYS.__getitem__, values))
    except (ValueError, TypeError):
        message = (
            f"The column {name} of the clients view holds a value that is not a date (YYYY-MM-DD). A moment with a "
            "time zone is a date only in a zone: make the date of it in the view."
        )
        raise SourceMismatchError(message, column=name) from None


def _plain_dates(values: Column) -> Cells:
    """Return text that has no other form than `YYYY-MM-DD` as it is; None as empty text.

    Python takes no text of more than ten letters for a date. So if all texts together have ten for each, each has ten,
    and their hyphens are in known places. Python also takes `2026-W05-6`, `20260131` and `20260131xx` for dates.
    """
    cells = ["" if value is None else value for value in values]
    joined, dates_given = "".join(cells), len(cells) - cells.count("")
    hyphens = "-" * dates_given
    if len(joined) != 10 * dates_given or joined[4::10] != hyphens or joined[7::10] != hyphens:
        raise ValueError
    for _ in map(date.fromisoformat, filter(None, cells)):
        pass
    return cells


def _day(value: object) -> str:
    if value is None:
        return ""
    return _date_of_text(value) if type(value) is str else _date(value)


_DAYS = Known(_day, most=50_000)
"""Dates repeat: there are some 36,500 in a century."""


def _date(value: object) -> str:
    """Format a date. A date-time loses its time of day. One with a zone is refused: its day depends on the zone."""
    if type(value) is date:
        return value.isoformat()
    if not isinstance(value, date) or getattr(value, "tzinfo", None) is not None:
        raise TypeError(value)
    return value.isoformat()[:10]


def _date_of_text(text: str) -> str:
    """Parse text that begins with a date. ISO 8601 has other forms too, such as `2026-W05-6`; they are refused.

    A time of day is dropped. After a time, anything else may name a zone, and then the day depends on the zone.
    """
    if not text:
        return ""
    if text[10:11] not in _AFTER_DATE or text[4:5] + text[7:8] != "--":
        raise ValueError(text)
    if _TIME.match(text, 10) and not _TIME_WITHOUT_ZONE.fullmatch(text, 10):
        raise ValueError(text)
    return date.fromisoformat(text[:10]).isoformat()


def addresses(texts_of_lines: Sequence[ColumnText]) -> ColumnText:
    """Join the lines of addresses. Only spaces are trimmed: PostgreSQL, which may render instead, trims only those."""
    lines = list(map(_trimmed, texts_of_lines))
    return ColumnText.of(list(map(", ".join, map(filter, repeat(None), zip(*lines, strict=True)))))


def _trimmed(text: ColumnText) -> Cells:
    cells, joined = text
    spaced = f"{CELL_SEPARATOR} " in joined or f" {CELL_SEPARATOR}" in joined or joined.endswith(" ")
    return [cell.strip(" ") for cell in cells] if spaced else cells
