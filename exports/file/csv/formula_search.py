"""Find out, at the speed of C, whether a column of cells holds text that the formula guard changes.

Most columns hold none. Searching for one letter is ten times as fast as searching for two, and a regular expression is
slower still, so each search runs only if the ones before have found something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from exports.file.cells import CELL_SEPARATOR
from exports.file.csv.formula_guard import BLANKS, FORMAT_CHARACTERS, SEPARATORS, SIGNS, guard_parts, guard_text

_ENDS = (*SEPARATORS, "\r", "\n")
_BLANK_STARTS = "\t\r\n"
_ASCII_SIGNS = [sign for sign in SIGNS if sign.isascii()]
_BEFORE = rf"{re.escape(SEPARATORS)}\r\n\"{FORMAT_CHARACTERS}"
_HIDDEN = {sign: re.compile(rf"{sign}(?<=[{_BEFORE}{BLANKS}].)") for sign in "=＝"}
_AFTER = {sign: re.compile(rf"{re.escape(sign)}(?<=[{_BEFORE}].)") for sign in SIGNS} | _HIDDEN
"""Searches for a sign behind a character that the guard looks behind. Before `=` it looks behind blanks too."""

_SIGNED = {CELL_SEPARATOR + sign for sign in "+-"}
_NO_NUMBER = re.compile(rf"{CELL_SEPARATOR}[+-](?!(?: ?[0-9(.][ 0-9()./,%-]*)?(?:{CELL_SEPARATOR}|\Z))")
"""Finds a cell that begins with a sign and may be no number, if no cell holds a separator. It knows fewer numbers than
the guard does."""

_DIGITS_AND_BLANKS = b"0123456789 " + CELL_SEPARATOR.encode()


def find_guard(joined: str, cells: int) -> Callable[[str], str] | None:
    """Return the guard that a column needs, or None if the guard changes none of its cells.

    Args:
        joined: The cells, each after a `CELL_SEPARATOR`.
        cells: How many there are.
    """
    signs = [sign for sign in (_ASCII_SIGNS if joined.isascii() else SIGNS) if sign in joined]
    if signs and _has_suspect_parts(joined, signs):
        return guard_parts
    starts = (
        *(CELL_SEPARATOR + sign for sign in signs),
        *(CELL_SEPARATOR + blank for blank in _BLANK_STARTS if blank in joined),
    )
    found = [start for start in starts if start in joined]
    return guard_text if found and not _are_numbers(found, joined, cells) else None


def may_be_changed(cells: Sequence[str], joined: str) -> set[str]:
    """Return all cells that a guard changes, and few others: a guard takes much longer than these searches.

    Args:
        joined: As `find_guard`.
    """
    letters = [letter for letter in (*SIGNS, *_BLANK_STARTS) if letter in joined]
    return {cell for letter in letters for cell in cells if letter in cell}


def _are_numbers(found: Sequence[str], joined: str, cells: int) -> bool:
    """Say whether all cells with these starts are surely numbers, such as telephone numbers."""
    if not set(found) <= _SIGNED or joined.count(CELL_SEPARATOR) != cells:
        return False
    return _are_plain_numbers(joined) or not _NO_NUMBER.search(joined)


def _are_plain_numbers(joined: str) -> bool:
    """Say whether all cells are digits and blanks, some behind a plus. The pattern takes twice as long."""
    pluses = joined.count("+")
    return (
        joined.isascii()
        and joined.count(CELL_SEPARATOR + "+") == pluses
        and "+ " not in joined
        and not joined.encode().translate(None, _DIGITS_AND_BLANKS + b"+")
    )


def _has_suspect_parts(joined: str, signs: list[str]) -> bool:
    """Say whether `guard_parts` may change a cell anywhere but at a sign that begins it, unlike `guard_text`."""
    has_parts = not joined.isascii() or any(end in joined for end in _ENDS)
    return any(_AFTER[sign].search(joined) for sign in signs if has_parts or sign in _HIDDEN)
