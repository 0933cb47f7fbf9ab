"""Find out, at the speed of C, whether a column of cells holds text that the formula guard changes.

Most columns hold none. Searching for one letter is ten times as fast as searching for two, and a regular expression is
slower still, so each search runs only if the ones before have found something.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from exports.file.cells import CELL_SEPARATOR
from exports.file.csv.formula_guard import BLANKS, FORMAT_CHARACTERS, SEPARATORS, SIGNS, guard_parts, guard_text

_ENDS = (*SEPARATORS, "\r", "\n")
_BLANK_STARTS = [CELL_SEPARATOR + blank for blank in "\t\r\n"]
_ASCII_SIGNS = [sign for sign in SIGNS if sign.isascii()]
_BEFORE = rf"{re.escape(SEPARATORS)}\r\n\"{FORMAT_CHARACTERS}"
_HIDDEN = {sign: re.compile(rf"{sign}(?<=[{_BEFORE}{BLANKS}].)") for sign in "=＝"}
_AFTER = {sign: re.compile(rf"{re.escape(sign)}(?<=[{_BEFORE}].)") for sign in SIGNS} | _HIDDEN
"""Searches for a sign behind a character that the guard looks behind. Before `=` it looks behind blanks too."""

may_be_changed = re.compile(rf"[{re.escape(SIGNS)}\t\r\n]").search
"""Finds something in every cell that a guard changes, and in few others: a guard takes ten times as long."""


def find_guard(joined: str) -> Callable[[str], str] | None:
    """Return the guard that a column needs, or None if the guard changes none of its cells.

    Args:
        joined: The cells, each after a `CELL_SEPARATOR`.
    """
    signs = [sign for sign in (_ASCII_SIGNS if joined.isascii() else SIGNS) if sign in joined]
    if signs and _has_suspect_parts(joined, signs):
        return guard_parts
    starts = (*(CELL_SEPARATOR + sign for sign in signs), *(start for start in _BLANK_STARTS if start[1] in joined))
    return guard_text if any(start in joined for start in starts) else None


def _has_suspect_parts(joined: str, signs: list[str]) -> bool:
    """Say whether `guard_parts` may change a cell anywhere but at a sign that begins it, unlike `guard_text`."""
    has_parts = not joined.isascii() or any(end in joined for end in _ENDS)
    return any(_AFTER[sign].search(joined) for sign in signs if has_parts or sign in _HIDDEN)
