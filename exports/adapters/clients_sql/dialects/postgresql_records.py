"""Finish the records that PostgreSQL has written: their cells are quoted as needed, but not guarded yet.

Text that a spreadsheet would run is rare. So the records are searched as a whole, at the speed of C, for positions
where such a cell, or a part of one, may begin. Only the records found are split, and only the cells found are guarded.
A false positive costs time but changes no byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import accumulate

from exports.file.csv.formula_guard import SEPARATORS, guard_parts
from exports.file.csv.renderer import CsvRenderer

QUOTE = b'"'

_NUMBER = rb"(?: ?[0-9(.][0-9 ()./%-]*+)?+"
"""What may follow a sign in numbers: most of the text that `formula_guard` leaves alone."""

_WIDE = rb"\xbc(?:[\x8b\x8d\xa0]|(?<![0-9A-Za-z]\xef\xbc)\x9d)"
"""The full-width signs = + - @ in UTF-8, after their first byte EF."""

_FORMAT_ENDS = rb"\x8b-\x8f\xa0-\xa4\xa6-\xae\xbf"
_FORMAT_CHARACTER = rb"|".join(
    rb"(?<=%s%%b)" % character
    for character in (
        rb"\xc2\xad",
        rb"\xe2\x80[\x8b-\x8f\xaa-\xae]",
        rb"\xe2\x81[\xa0-\xa4\xa6-\xa9]",
        rb"\xef\xbb\xbf",
    )
)
"""The last bytes of format characters in UTF-8, and patterns that find a letter behind one of these characters."""

_AFTER_HIDDEN = rb"(?<![!#-+\--:<-{}~]=)"
"""Not after a visible ASCII character, but perhaps after a quote or separator."""

Search = Callable[[bytes], Iterable[int]]
"""Returns positions in records that are joined by the delimiter."""


class PostgresRecords:
    """Turns records without line endings, as PostgreSQL wrote them, into the bytes that a `CsvRenderer` would write.

    Attributes:
        delimiter, quote: The characters by which PostgreSQL separates and quotes cells.
        quotes_all: Whether PostgreSQL quotes every cell.
    """

    quote = QUOTE

    def __init__(self, renderer: CsvRenderer) -> None:
        self.delimiter = renderer.delimiter.encode()
        self.quotes_all = renderer.quotes_all
        self._ending = renderer.line_ending.encode()
        self._single = len(renderer.fields) == 1
        self._suspicious = _searches(self.delimiter) if renderer.format.formula_guard else ()

    def finish(self, records: Sequence[bytes]) -> bytes:
        """Guard the cells that need it, and end each record."""
        if self._single:
            # an empty line would not be a record
            records = [record or b'""' for record in records]
        finished = [*records, b""]
        for index, positions in self._suspects(records).items():
            finished[index] = self._guarded(finished[index], positions)
        return self._ending.join(finished)

    def finish_counted(self, records: Sequence[bytes], codes: Sequence[bytes]) -> tuple[bytes, int, int]:
        """Finish records of which nothing is left out and no cell is cut."""
        return self.finish(records), 0, 0

    def _suspects(self, records: Sequence[bytes]) -> Mapping[int, Sequence[int]]:
        """Return the records that may hold cells that need the guard: by index, a position in each such cell."""
        found: dict[int, list[int]] = {}
        if not self._suspicious:
            return found
        data = self.delimiter.join([b"", *records, b""])  # puts a delimiter before and after every cell
        positions = [position for search in self._suspicious for position in search(data)]
        starts = list(accumulate(map(len, records), _next_start, initial=1)) if positions else []
        for position in positions:
            index = bisect_right(starts, position) - 1
            found.setdefault(index, []).append(position - starts[index])
        return found

    def _guarded(self, record: bytes, positions: Iterable[int]) -> bytes:
        cells = split_cells(record, self.delimiter)
        starts = list(accumulate(map(len, cells), _next_start, initial=0))
        for number in {bisect_right(starts, position) - 1 for position in positions}:
            cells[number] = _guarded_cell(cells[number])
        return self.delimiter.join(cells)


def _next_start(start: int, length: int) -> int:
    return start + length + 1


def _guarded_cell(cell: bytes) -> bytes:
    text = cell_text(cell)
    guarded = guard_parts(text)
    if guarded == text:
        return cell
    # an apostrophe does not change whether the cell needs quotes
    written = guarded.encode()
    return b'"' + written.replace(b'"', b'""') + b'"' if cell.startswith(b'"') else written


def split_cells(record: bytes, delimiter: bytes, quote: bytes = QUOTE) -> list[bytes]:
    """Split a record into its cells, with their quotes."""
    return _cells(delimiter, quote).findall(record)


def cell_text(cell: bytes, quote: bytes = QUOTE) -> str:
    """Return the text that a cell shows."""
    return (cell[1:-1].replace(quote * 2, quote) if cell.startswith(quote) else cell).decode()


@cache
def _cells(delimiter: bytes, quote: bytes) -> re.Pattern[bytes]:
    end, mark = re.escape(delimiter), re.escape(quote)
    return re.compile(
        rb"(?:\A|%(end)b)(%(mark)b[^%(mark)b]*(?:%(mark)b%(mark)b[^%(mark)b]*)*%(mark)b|[^%(end)b]*)"
        % {b"end": end, b"mark": mark}
    )


@cache
def _searches(delimiter: bytes) -> tuple[Search, ...]:
    """Return searches for the positions where a cell, or a part of a cell, may begin with text that needs the guard.

    Every search finds one letter first and then looks at the bytes before it. The searches skip a sign that certainly
    begins a number, because every record contains telephone numbers. The byte before a sign excludes nearly all signs,
    so what else is before it is looked at last.
    """
    starts = re.escape(SEPARATORS.encode() + b"\r\n") + b'"'
    plain = rb"(?<=[%b%b]%%b)" % (starts, _FORMAT_ENDS)
    exactly = rb"(?:(?<=[%b]%%b)|%b)" % (starts, _FORMAT_CHARACTER)
    end = re.escape(delimiter)
    number = rb'(?:(?<!%b%%b)|(?!%b[%b\r\n]))(?:(?<!%b"%%b)|(?!%b"(?!")))' % (end, _NUMBER, end, end, _NUMBER)
    in_quotes = rb'(?<=%b"%%b)' % end
    frequent = {b"@": plain + exactly, b"+": plain + number + exactly, b"-": plain + number + exactly}
    rare = {b"=": _AFTER_HIDDEN, b"\r": in_quotes, b"\n": in_quotes, b"\xef": _WIDE}
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
