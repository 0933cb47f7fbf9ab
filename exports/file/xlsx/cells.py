"""The text and the numbers of single cells of a worksheet (ECMA-376, part 1, 18.3.1.4)."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from exports.request.columns import REFUSED_IN_XML
from exports.request.estimate import EXCEL_MAX_CELL_CHARS

DATE_STYLE, HEADER_STYLE = 1, 2
"""Numbers of the formats in `styles.xml` (`exports.file.xlsx.package`)."""

FIRST_DAY = date(1900, 3, 1)
"""Serial number 61. Excel counts a 29 February 1900, which no calendar has. So earlier numbers are ambiguous."""

EPOCH = date(1899, 12, 30)
"""The day with the number 0, for all days from `FIRST_DAY` on."""

_REFUSED = re.compile(rf"[{REFUSED_IN_XML}\ud800-\udfff]")

ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What Excel would read as the escape of a character (ECMA-376, part 1, 22.9.2.19, ST_Xstring)."""


def header_cell(text: str) -> str:
    """Make a cell of the header row."""
    plain = ESCAPED.sub("_x005F_", without_refused(text))
    shown = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return f'<c s="{HEADER_STYLE}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


@lru_cache(maxsize=50_000)  # dates repeat, as in exports.file.cells
def day_number(day: str) -> str | None:
    """Return Excel's number of a day `YYYY-MM-DD`; None if Excel has no number for it."""
    found = date.fromisoformat(day)
    return str((found - EPOCH).days) if found >= FIRST_DAY else None


def without_refused(text: str) -> str:
    """Leave out the characters that XML cannot hold."""
    return _REFUSED.sub("", text)


def count_refused(text: str) -> int:
    """Count the characters that XML cannot hold."""
    return len(text) - len(without_refused(text))


def cut(text: str) -> str:
    """Cut text to what a cell can hold, and never split a character."""
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * EXCEL_MAX_CELL_CHARS]
    return data.decode("utf-16-le", "ignore")
