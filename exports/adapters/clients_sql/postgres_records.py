"""Records a database has written: cells quoted where they need it, but nothing guarded yet.

Text that a spreadsheet would run is rare, so the records are searched as a whole, at the speed of C, for places where
such a cell may begin; only the records found are taken apart. A false find costs time, never a byte.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import accumulate

from exports.file.csv.formula_guard import guard_parts, guard_text
from exports.file.csv.renderer import CsvRenderer

_NUMBER = rb"(?: ?[0-9(.][0-9 ()./%-]*+)?+"
"""What may follow a sign: a part of what `formula_guard` spares, and most of what there is."""

_WIDE_STARTS = rb"\xbc[\x9d\x8b\x8d\xa0]"
"""The full-width signs = + - @ in UTF-8, after their first byte EF."""

_SUSPECT_CELL = rb'"?[=+\-@\t\r\n\xef]'
"""How a cell begins if `guard_text` may change it: few cells of a record do."""


Search = Callable[[bytes], Iterable[int]]
"""Gives places in records that are joined by the delimiter."""


class PostgresRecords:
    """Turns records that the database wrote without line endings into the bytes that a `CsvRenderer` would write."""

    def __init__(self, renderer: CsvRenderer) -> None:
        self._delimiter = renderer.delimiter.encode()
        self._ending = renderer.line_ending.encode()
        self._single = len(renderer.fields) == 1
        self._suspicious = _searches(self._delimiter) if renderer.format.formula_guard else ()
        by_parts = renderer.delimiter != ","
        self._guard: Callable[[str], str] = (
            partial(guard_parts, delimiter=renderer.delimiter) if by_parts else guard_text
        )
        self._may_need_guard = re.compile(b"" if by_parts else _SUSPECT_CELL).match

    def finish(self, records: Sequence[bytes]) -> bytes:
        """Guard what needs it and end each record."""
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
        """Say which records may hold a cell to be guarded."""
        if not self._suspicious:
            return set()
        data = self._delimiter.join([b"", *records, b""])  # so before and after every cell there is a delimiter
        places = [place for search in self._suspicious for place in search(data)]
        if not places:
            return set()
        starts = list(accumulate((len(record) + 1 for record in records), initial=1))
        return {bisect_right(starts, place) - 1 for place in places}

    def _guarded(self, record: bytes) -> bytes:
        cells = split_cells(record, self._delimiter)
        return self._delimiter.join(self._guarded_cell(cell) if self._may_need_guard(cell) else cell for cell in cells)

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
def _searches(delimiter: bytes) -> tuple[Search, ...]:
    """What finds the places where a cell, or a part of one, may begin with something to be guarded.

    Every search is led by one letter and then looks back. A sign before what is certainly a number is passed over
    here: telephone numbers are in every record.
    """
    ends = re.escape(delimiter + b"\r\n")
    plain = rb'(?<=[,%b"]%%b)' % ends
    number = rb'(?:(?<!"%%b)(?!%b[%b])|(?<="%%b)(?!%b"(?!")))' % (_NUMBER, ends, _NUMBER)
    in_quotes = rb'(?<=%b"%%b)' % re.escape(delimiter)
    frequent = {b"@": plain, b"+": plain + number, b"-": plain + number}
    rare = {b"=": plain, b"\r": in_quotes, b"\n": in_quotes, b"\xef": plain + _WIDE_STARTS}
    if delimiter == b"\t":
        frequent[b'"'] = rb'(?<=\t")\t'
    else:
        rare[b"\t"] = plain
    return (
        *(partial(_search, _led_by(letter, look)) for letter, look in frequent.items()),
        *(partial(_search_rare, letter, _led_by(letter, look)) for letter, look in rare.items()),
    )


def _led_by(letter: bytes, look: bytes) -> re.Pattern[bytes]:
    escaped = re.escape(letter)
    return re.compile(escaped + look.replace(b"%b", escaped))


def _search(pattern: re.Pattern[bytes], data: bytes) -> Iterable[int]:
    return (found.start() for found in pattern.finditer(data))


def _search_rare(letter: bytes, pattern: re.Pattern[bytes], data: bytes) -> Iterable[int]:
    """Finding a single letter is ten times as fast as a regular expression; meeting it is slower."""
    place = data.find(letter)
    while place >= 0:
        if pattern.match(data, place):
            yield place
        place = data.find(letter, place + 1)
