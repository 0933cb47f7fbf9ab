"""Records a database has written: cells quoted where they need it, but nothing guarded yet.

Text that a spreadsheet would run is rare, so the records are searched as a whole, at the speed of C, for places where
such a cell may begin; only the records found are taken apart. A false find costs time, never a byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import accumulate

from exports.csv.formula_guard import guard_parts, guard_text
from exports.csv.rows import CsvDialect

_NUMBER = rb"(?: ?[\d(.][\d ()./%-]*)?"
"""What may follow a sign: a part of what `formula_guard` spares, and most of what there is."""

_WIDE_STARTS = rb"\xbc[\x9d\x8b\x8d\xa0]"
"""The full-width signs = + - @ in UTF-8, after their first byte EF."""


class WrittenRecords:
    """Makes the bytes of a file of records of `columns` cells in the dialect, written without line endings."""

    def __init__(self, dialect: CsvDialect, columns: int) -> None:
        self._delimiter = dialect.delimiter.encode()
        self._ending = dialect.line_ending.encode()
        self._single = columns == 1
        self._suspicious = _suspicious_starts(self._delimiter) if dialect.formula_guard else ()
        by_parts = dialect.delimiter != ","
        self._guard: Callable[[str], str] = (
            partial(guard_parts, delimiter=dialect.delimiter) if by_parts else guard_text
        )

    def finish(self, records: Sequence[bytes]) -> bytes:
        """Guard what needs it and end each record."""
        if self._single:
            # an empty line would not be a record
            records = [record or b'""' for record in records]
        data = self._ended(records)
        suspects = self._suspects(data, records)
        if not suspects:
            return data
        guarded = list(records)
        for index in suspects:
            guarded[index] = self._guarded(guarded[index])
        return self._ended(guarded)

    def _ended(self, records: Sequence[bytes]) -> bytes:
        return self._ending.join([*records, b""])

    def _suspects(self, data: bytes, records: Sequence[bytes]) -> set[int]:
        """Say which records may hold a cell to be guarded. The first one begins after nothing, so it always may."""
        places = [found.start() for pattern in self._suspicious for found in pattern.finditer(data)]
        if not self._suspicious or not records:
            return set()
        length = len(self._ending)
        ends = list(accumulate(len(record) + length for record in records)) if places else []
        return {0, *(bisect_right(ends, place) for place in places)}

    def _guarded(self, record: bytes) -> bytes:
        return self._delimiter.join(map(self._guarded_cell, split_cells(record, self._delimiter)))

    def _guarded_cell(self, cell: bytes) -> bytes:
        text = cell_text(cell)
        guarded = self._guard(text)
        if guarded == text:
            return cell
        # an apostrophe changes nothing about the need for quotes
        written = guarded.encode()
        return b'"' + written.replace(b'"', b'""') + b'"' if cell.startswith(b'"') else written


def split_cells(record: bytes, delimiter: bytes) -> list[bytes]:
    """Take a record apart at its delimiters; quotes stay."""
    return _cells(delimiter).findall(record)


def cell_text(cell: bytes) -> str:
    """What a cell shows."""
    text = cell.decode()
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


@cache
def _cells(delimiter: bytes) -> re.Pattern[bytes]:
    end = re.escape(delimiter)
    return re.compile(rb'(?:\A|%b)("[^"]*(?:""[^"]*)*"|[^%b]*)' % (end, end))


@cache
def _suspicious_starts(delimiter: bytes) -> tuple[re.Pattern[bytes], ...]:
    """Patterns of where a cell, or a part of one, may begin with something to be guarded.

    Each begins with one letter, which the regular expression engine finds fast, and then looks back. A sign before
    what is certainly a number is passed over here: telephone numbers are in every record.
    """
    ends = re.escape(delimiter + b"\r\n")
    before, quote = b"," + ends, b'"'
    plain = rb'(?<=[%b"]%%b)' % before
    number = rb'(?:(?<=[%b]%%b)(?!%b[%b])|(?<="%%b)(?!%b"(?!")))' % (before, _NUMBER, ends, _NUMBER)
    in_quotes = rb"(?<=[%b]%b%%b)" % (ends, quote)
    looks = {b"=": plain, b"@": plain, b"\\+": number, b"-": number, b"\r": in_quotes, b"\n": in_quotes}
    looks[b"\t"] = in_quotes if delimiter == b"\t" else plain
    looks[b"\xef"] = plain + _WIDE_STARTS
    return tuple(re.compile(start + look.replace(b"%b", start)) for start, look in looks.items())
