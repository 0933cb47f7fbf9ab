"""Keep spreadsheets from running text that looks like a formula.

A cell that begins with one of `= + - @`, tab, carriage return or line feed gets a leading apostrophe (OWASP, "CSV
Injection"). Numbers and telephone numbers stay as they are: `-5`, `+44 20 7946 0000` and a lone dash cannot run
anything, and an apostrophe would spoil them.

If the delimiter is not a comma, the guard also protects text within a cell. A spreadsheet that cannot tell the
delimiter may split the file at its commas, and readers of tab-separated files often ignore quotes. To such a program a
new cell begins after a comma, a delimiter or a line break.
"""

from __future__ import annotations

import re
from functools import cache

SUSPECT_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_HARMLESS = re.compile(r"[+-](?:\s?[\d(£$€.][\d\s()./,%-]*)?")


def guard_text(text: str) -> str:
    """Return `text`, with a leading apostrophe if a spreadsheet might take it for a formula."""
    if not text or text[0] not in SUSPECT_STARTS or _HARMLESS.fullmatch(text):
        return text
    return "'" + text


def guard_parts(text: str, delimiter: str) -> str:
    """Guard the beginning of `text`, and the text after each comma, `delimiter` and line break in it."""
    return guard_text(_suspect_part(delimiter).sub(lambda part: guard_text(part[0]), text))


def has_suspect_part(text: str, delimiter: str) -> bool:
    """Say whether `guard_parts` may change `text` somewhere after its beginning."""
    if not any(start in text for start in _part_starts(delimiter)):
        return False  # this check is ten times as fast as the regular expression
    return _suspect_part(delimiter).search(text) is not None


@cache
def _part_starts(delimiter: str) -> list[str]:
    return sorted(SUSPECT_STARTS - {delimiter, "\r", "\n"})


@cache
def _suspect_part(delimiter: str) -> re.Pattern[str]:
    ends = re.escape(f",{delimiter}\r\n")
    starts = re.escape("".join(_part_starts(delimiter)))
    return re.compile(f"(?<=[{ends}])[{starts}][^{ends}]*")
