"""Keep spreadsheets from running text that looks like a formula, whatever character they separate cells by.

Text that begins with one of `= + - @`, tab, carriage return or line feed gets a leading apostrophe (OWASP, "CSV
Injection"). Numbers and telephone numbers stay as they are: `-5`, `+44 20 7946 0000` and a lone dash cannot run
anything, and an apostrophe would spoil them.

A program that separates cells by another character than the file does also finds cells inside our cells: after a comma,
semicolon, tab or bar, and, because it may not recognize our quotes, after a line break. There the guard applies as
well. Such a cell may begin with quotes of ours, which the program removes.

Of all control and format characters, LibreOffice drops NUL only, before it looks for a sign. No cell holds one, and
tests/spreadsheets/test_dropped_characters.py tries every other. Which ones Excel and Google Sheets drop is not
documented. So the guard looks behind format characters, and before `=`, which is rare in other text, also behind blanks
and control characters.
"""

from __future__ import annotations

import re
from itertools import pairwise

SEPARATORS = ",;\t|"
"""The characters by which spreadsheets separate cells."""

SIGNS = "=+-@＝＋－＠"
"""What a formula begins with. Japanese spreadsheets also know the full-width signs."""

FORMAT_CHARACTERS = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
BLANKS = "\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Blanks and control characters but tab and line breaks, as a class of a regular expression."""

_NUMBER = r"[+-](?:\s?[\d(£$€.][\d\s()./,%-]*|(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)?"
_HARMLESS = re.compile(_NUMBER)
_START = rf"[\t\r\n]|[{FORMAT_CHARACTERS}]*[+\-@＋－＠]|[{FORMAT_CHARACTERS}{BLANKS}]*[=＝]"
is_suspect = re.compile(rf"(?={_START})(?!{_NUMBER}\Z)").match
"""Matches text that `guard_text` changes: a spreadsheet might take its beginning for a formula."""
_PART_START = rf'(?:["{FORMAT_CHARACTERS}]*[+\-@＋－＠]|["{FORMAT_CHARACTERS}{BLANKS}]*[=＝])'
_PART = re.compile(rf"(?<=[{re.escape(SEPARATORS)}\r\n]){_PART_START}")
_ENDS = {end: re.compile(rf"[{re.escape(end)}\r\n]|\Z") for end in SEPARATORS} | dict.fromkeys(
    "\r\n", re.compile(r"[\r\n]|\Z")
)
"""Where a cell that begins after such a character ends: at the next one, or at the end of the line."""


def guard_text(text: str) -> str:
    """Return `text`, with a leading apostrophe if a spreadsheet might take its beginning for a formula."""
    return "'" + text if is_suspect(text) else text


def guard_parts(text: str) -> str:
    """Guard the beginning of `text`, and the text after each separator and line break in it."""
    places: list[int] = []
    for found in reversed(list(_PART.finditer(text))):
        start = found.start()
        end = _ENDS[text[start - 1]].search(text, start)
        stop = end.start() if end else len(text)
        holds_apostrophe = bool(places) and places[-1] < stop
        if holds_apostrophe or not _HARMLESS.fullmatch(text[start:stop].strip('"')):
            places.append(start)
    bounds = [0, *reversed(places), len(text)]
    return guard_text("'".join(text[start:stop] for start, stop in pairwise(bounds)))
