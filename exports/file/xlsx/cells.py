"""Turn columns of text into the cells of a worksheet (ECMA-376, part 1, 18.3.1.4), a column at a time.

Almost all columns need no change. A few scans at the speed of C find those that do, and only those are examined cell by
cell. An XML name begins with `<` and text cannot hold one, so searching for `<…>` finds markup only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from exports.file.cells import CELL_SEPARATOR, Cells, ColumnText
from exports.request.estimate import EXCEL_MAX_CELL_CHARS

DATE_STYLE, HEADER_STYLE = 1, 2
"""Numbers of the formats in `styles.xml` (`exports.file.xlsx.package`)."""

_TEXT = ('<c t="str"><v>', "</v></c>")
_INLINE = ('<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>")
_BOOLEAN = ('<c t="b"><v>', "</v></c>")
_DATE = (f'<c s="{DATE_STYLE}"><v>', "</v></c>")
NO_CELL = "<c/>"
_DIGITS = {"true": "1", "false": "0", "": ""}

_FIRST_DAY = date(1900, 3, 1)
"""Serial number 61. Excel counts a 29 February 1900, which no calendar has. So earlier numbers are ambiguous."""

_EPOCH = date(1899, 12, 30).toordinal()
_REFUSED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML 1.0 document can hold (W3C, "Extensible Markup Language", production 2)."""

_REFUSED_BYTES = bytes(byte for byte in range(32) if chr(byte) not in "\t\n\r")
_ASCII_BLANKS = " \t\n\r"
"""All blanks of ASCII that XML can hold."""

_BLANKS_OF_LIBREOFFICE = "\u180e\u200b"
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What Excel would read as the escape of a character (ECMA-376, part 1, 22.9.2.19, ST_Xstring)."""


class Column(NamedTuple):
    """The cells of one column: the text of each, and the markup around it.

    Attributes:
        markup: What stands before and after the text; None if the cells hold their markup.
    """

    cells: Cells
    markup: tuple[str, str] | None


def text_column(text: ColumnText) -> Column:
    """Make cells that show text as it is. The text holds only characters that XML can hold."""
    cells, joined = text
    escaped: Cells = cells
    if "&" in joined or "<" in joined or ">" in joined or "\r" in joined:
        escaped = _escaped(joined).split(CELL_SEPARATOR)[1:]
    if not _holds_inline(joined) and not _has_outer_blanks(text):
        return Column(escaped, _TEXT)
    if _holds_inline(joined):
        return Column([_text_cell(cell, shown) for cell, shown in zip(cells, escaped, strict=True)], None)
    before, after = _TEXT
    return Column(
        [
            _wrapped(shown, _INLINE) if cell != bare else f"{before}{shown}{after}" if shown else NO_CELL
            for cell, shown, bare in zip(cells, escaped, map(str.strip, cells), strict=True)
        ],
        None,
    )


def _has_outer_blanks(text: ColumnText) -> bool:
    """Say whether a cell begins or ends with a blank. ASCII has few blanks, so all cells can be searched at once."""
    cells, joined = text
    if not joined.isascii():
        return tuple(map(str.strip, cells)) != tuple(cells)
    return any(
        blank in joined
        and (CELL_SEPARATOR + blank in joined or blank + CELL_SEPARATOR in joined or joined.endswith(blank))
        for blank in _ASCII_BLANKS
    )


def _holds_inline(text: str) -> bool:
    """Say whether text holds something that only an inline string keeps, beside blanks at its ends.

    LibreOffice undoes escapes in inline strings only, and takes more characters than Unicode does for blanks.
    """
    if not text.isascii() and any(letter in text for letter in _BLANKS_OF_LIBREOFFICE):
        return True
    return "_x" in text and _ESCAPED.search(text) is not None


def _text_cell(cell: str, shown: str) -> str:
    if cell == cell.strip() and not _holds_inline(cell):
        return _wrapped(shown, _TEXT)
    return _wrapped(_ESCAPED.sub("_x005F_", shown), _INLINE)


def boolean_column(words: Cells) -> Column:
    """Make truth values of the words `true` and `false`."""
    return Column(list(map(_DIGITS.__getitem__, words)), _BOOLEAN)


def date_column(days: Cells) -> Column:
    """Make dates of the days `YYYY-MM-DD`. Days that Excel has no number for become text."""
    serials = list(map(_serial, days))
    if None not in serials:
        return Column([serial or "" for serial in serials], _DATE)
    pairs = zip(days, serials, strict=True)
    return Column([_wrapped(day, _TEXT) if serial is None else _wrapped(serial, _DATE) for day, serial in pairs], None)


def header_cell(text: str) -> str:
    """Make a cell of the header row."""
    shown = _ESCAPED.sub("_x005F_", _escaped(_REFUSED.sub("", text)))
    return f'<c s="{HEADER_STYLE}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _wrapped(shown: str, markup: tuple[str, str]) -> str:
    return shown.join(markup) if shown else NO_CELL


@lru_cache(maxsize=50_000)  # dates repeat, as in exports.file.cells
def _serial(day: str) -> str | None:
    """Return Excel's number of a day; empty if there is none, None if Excel has no number for it."""
    if not day:
        return ""
    found = date.fromisoformat(day)
    return str(found.toordinal() - _EPOCH) if found >= _FIRST_DAY else None


def _escaped(text: str) -> str:
    """Escape what has a meaning in XML. A bare carriage return would become a line feed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def holds_refused(columns: Iterable[ColumnText]) -> bool:
    """Say whether text holds a character that XML cannot hold."""
    for cells, joined in columns:
        if not joined.isascii() and ("\ufffe" in joined or "\uffff" in joined):
            return True
        try:
            data = joined.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return True
        if len(data.translate(None, _REFUSED_BYTES)) + len(cells) != len(data):  # a separator stands before each cell
            return True
    return False


def without_refused(text: str) -> str:
    """Leave out the characters that XML cannot hold."""
    return _REFUSED.sub("", text)


def cut(text: str) -> str:
    """Cut text to what a cell can hold, and never split a character."""
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * EXCEL_MAX_CELL_CHARS]
    return data.decode("utf-16-le", "ignore")
