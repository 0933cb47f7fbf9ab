"""Keep spreadsheets from running text that looks like a formula.

A cell that begins with one of `= + - @`, tab, carriage return or line feed gets a leading apostrophe (OWASP, "CSV
Injection"). Numbers and telephone numbers are spared: `-5`, `+44 20 7946 0000` and a lone dash cannot call anything,
and an apostrophe would spoil them.
"""

from __future__ import annotations

import re

SUSPECT_STARTS = frozenset("=+-@\t\r\n＝＋－＠")
_HARMLESS = re.compile(r"[+-](?:\s?[\d(£$€.][\d\s()./,%-]*)?")


def guard_text(text: str) -> str:
    """Return `text`, with a leading apostrophe if a spreadsheet might take it for a formula."""
    if not text or text[0] not in SUSPECT_STARTS or _HARMLESS.fullmatch(text):
        return text
    return "'" + text
