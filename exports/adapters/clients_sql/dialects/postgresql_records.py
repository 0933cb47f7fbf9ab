"""Finish the records that PostgreSQL has written: their cells are quoted as needed, but not guarded yet.

Text that a spreadsheet would run is rare. So the records are searched as a whole, at the speed of C, for positions
where such a cell may begin, and only the records found are split into cells. A false positive costs time but changes no
byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import accumulate

from exports.file.csv.formula_guard import SEPARATORS, guard_parts
from exports.file.csv.renderer import CsvRenderer

_NUMBER = rb"(?: ?[0-9(.][0-9 ()./%-]*+)?+"
"""What may follow a sign in numbers: most of the text that `formula_guard` leaves alone."""

_SIGN = rb"(?:[+\-@]|\xef\xbc[\x8b\x8d\xa0])"
_WIDE = rb"\xbc(?:[\x8b\x8d\xa0]|(?<![0-9A-Za-z]\xef\xbc)\x9d)"
"""The full-width signs = + - @ in UTF-8, after their first byte EF."""

_BEYOND_ASCII = {
    b"\xc2": rb"\xad" + _SIGN,
    b"\xe2": rb"(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xa4\xa6-\xa9])" + _SIGN,
    b"\xef": rb"(?:\xbb\xbf" + _SIGN + rb"|" + _WIDE + rb")",
}
"""Signs behind format characters, and full-width signs, in UTF-8."""

_AFTER_HIDDEN = rb"(?<![!#-+\--:<-{}~]=)"
"""Not after a visible ASCII character, but perhaps after a quote or separator."""

_may_need_guard = re.compile(
    rb'(?:\A|[,;\t|\r\n])(?:["\x00-\x20\x7f]|[\xc2\xe1\xe2\xe3\xef][\x80-\xbf]{1,2})*(?:[=+\-@\t\r\n]|\xef\xbc)'
).search
"""Finds a sign at the beginning of a cell or of a part of a cell, behind quotes, blanks and format characters. Few
cells of a record hold one, and this search takes a fraction of the time of `guard_parts`."""

Search = Callable[[bytes], Iterable[int]]
"""Returns positions in records that are joined by the delimiter."""


class PostgresRecords:
    """Turns records without line endings, as PostgreSQL wrote them, into the bytes that a `CsvRenderer` would write."""

    def __init__(self, renderer: CsvRenderer) -> None:
        self._delimiter = renderer.delimiter.encode()
        self._ending = renderer.line_ending.encode()
        self._single = len(renderer.fields) == 1
        self._suspicious = _searches(self._delimiter) if renderer.format.formula_guard else ()

    def finish(self, records: Sequence[bytes]) -> bytes:
        """Guard the cells that need it, and end each record."""
        if self._single:
            # an empty line would not be a record
            records = [record or b'""' for record in records]
        suspects = self._suspects(records)
        if suspects:
            records = list(records)
            for index in suspects:
                records[index] = self._guarded(records[index])
        return self._ending.join([*records, b""])

    def _suspects(self, records: Sequence[bytes]) -> set[int]:
        """Return the indexes of the records that may hold a cell that needs the guard."""
        if not self._suspicious:
            return set()
        data = self._delimiter.join([b"", *records, b""])  # puts a delimiter before and after every cell
        positions = [position for search in self._suspicious for position in search(data)]
        if not positions:
            return set()
        starts = list(accumulate((len(record) + 1 for record in records), initial=1))
        return {bisect_right(starts, position) - 1 for position in positions}

    def _guarded(self, record: bytes) -> bytes:
        cells = split_cells(record, self._delimiter)
        return self._delimiter.join([_guarded_cell(cell) if _may_need_guard(cell) else cell for cell in cells])


def _guarded_cell(cell: bytes) -> bytes:
    text = cell_text(cell)
    guarded = guard_parts(text)
    if guarded == text:
        return cell
    # an apostrophe does not change whether the cell needs quotes
    written = guarded.encode()
    return b'"' + written.replace(b'"', b'""') + b'"' if cell.startswith(b'"') else written


def split_cells(record: bytes, delimiter: bytes) -> list[bytes]:
    """Split a record into its cells, with their quotes."""
    return _cells(delimiter).findall(record)


def cell_text(cell: bytes) -> str:
    """Return the text that a cell shows."""
    text = cell.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


@cache
def _cells(delimiter: bytes) -> re.Pattern[bytes]:
    end = re.escape(delimiter)
    return re.compile(rb'(?:\A|%b)("[^"]*(?:""[^"]*)*"|[^%b]*)' % (end, end))


@cache
def _searches(delimiter: bytes) -> tuple[Search, ...]:
    """Return searches for the positions where a cell, or a part of a cell, may begin with text that needs the guard.

    Every search finds one letter first and then looks at the bytes before it. The searches skip a sign that certainly
    begins a number, because every record contains telephone numbers.
    """
    starts = re.escape(SEPARATORS.encode() + b"\r\n")
    plain = rb'(?<=[%b"]%%b)' % starts
    end = re.escape(delimiter)
    number = rb'(?:(?<!%b%%b)|(?!%b[%b\r\n]))(?:(?<!"%%b)|(?!%b"(?!")))' % (end, _NUMBER, end, _NUMBER)
    in_quotes = rb'(?<=%b"%%b)' % end
    frequent = {b"@": plain, b"+": plain + number, b"-": plain + number}
    rare = {b"=": _AFTER_HIDDEN, b"\r": in_quotes, b"\n": in_quotes, **_BEYOND_ASCII}
    if delimiter == b"\t":
        frequent[b'"'] = rb'(?<=\t")\t'
    else:
        rare[b"\t"] = rb'(?<=[%b"]%%b)' % end
    return (
        *(partial(_search, _after_letter(letter, context)) for letter, context in frequent.items()),
        *(partial(_search_rare, letter, _after_letter(letter, context)) for letter, context in rare.items()),
    )


def _after_letter(letter: bytes, context: bytes) -> re.Pattern[bytes]:
    escaped = re.escape(letter)
    return re.compile(escaped + context.replace(b"%b", escaped))


def _search(pattern: re.Pattern[bytes], data: bytes) -> Iterable[int]:
    return (found.start() for found in pattern.finditer(data))


def _search_rare(letter: bytes, pattern: re.Pattern[bytes], data: bytes) -> Iterable[int]:
    """Search for a rare letter. `bytes.find` passes over other bytes ten times as fast as a regular expression, but is
    slower for each letter found."""
    position = data.find(letter)
    while position >= 0:
        if pattern.match(data, position):
            yield position
        position = data.find(letter, position + 1)
