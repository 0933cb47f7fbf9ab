"""Where pages begin in Table Storage, found in parallel.

The service answers with at most 1,000 keys, and a single partition gives some 2,000 entities a second. So the
partitions of a tenant are divided into lanes, by the beginnings of their keys, and lanes are walked side by side. A
walk keeps one mark an answer: its first code, and how many clients it had. When all walks have ended, sums of marks
tell the position of each; the answers in which pages begin are then asked for once more, to read the codes there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

from exports.adapters.clients_tables.keys import TenantKeys, after
from exports.file.ranges import Boundaries
from shared.metering import with_current_meter

_THREADS = 8
_LANES_ENOUGH, _LANES_AT_MOST = 16, 64


class Mark(NamedTuple):
    """One answer of a walk: the code of its first client, if it had any, and how many it had."""

    code: str | None
    rows: int


class Scanner(ABC):
    """Asks for the keys of one selection. Safe to use from several threads.

    Attributes:
        keys: Of its tenant.
    """

    keys: TenantKeys

    @abstractmethod
    def marks(self, start: str, stop: str) -> Iterator[Mark]:
        """Walk over the partitions `[start, stop)`."""

    @abstractmethod
    def codes_at(self, start: str, positions: Sequence[int]) -> list[str]:
        """Give the codes of the clients at rising positions, counted from 0 at the code `start`; those that are left if
        there are fewer clients by now."""

    @abstractmethod
    def first_partition(self, start: str) -> str | None:
        """Name the first partition of the tenant from `start` on that has a client."""


def find_boundaries(scan: Scanner, rows_per_page: int) -> Boundaries:
    """Count clients and find the first of every page."""
    with ThreadPoolExecutor(_THREADS) as pool:
        marks = _all_marks(scan, pool)
        places = list(_places(marks, rows_per_page))
        found = pool.map(with_current_meter(lambda place: scan.codes_at(*place)), places)
        starts = tuple(code for codes in found for code in codes)
    return Boundaries(sum(mark.rows for mark in marks), starts)


def _all_marks(scan: Scanner, pool: ThreadPoolExecutor) -> list[Mark]:
    """Walk over all clients; what one answer can tell needs no lanes."""
    walk = scan.marks(scan.keys.first, scan.keys.end)
    beginning = next(walk, None)
    following = next(walk, None)
    if beginning is None or following is None:
        return [] if beginning is None else [beginning]
    lanes = pairwise([*_lane_starts(scan), scan.keys.end])
    found = pool.map(with_current_meter(lambda lane: list(scan.marks(*lane))), lanes)
    return [mark for marks in found for mark in marks]


def _lane_starts(scan: Scanner) -> list[str]:
    """Divide the partitions by ever longer beginnings of keys, until there are enough lanes."""
    starts = [scan.keys.first]
    for length in range(1, scan.keys.prefix + 1):
        finer = _beginnings(scan, length)
        if len(finer) > _LANES_AT_MOST:
            break
        starts = [scan.keys.first, *finer[1:]]
        if len(starts) >= _LANES_ENOUGH:
            break
    return starts


def _beginnings(scan: Scanner, length: int) -> list[str]:
    """Hop from one beginning of so many characters to the next; a few more than wanted are enough to know."""
    found: list[str] = []
    partition = scan.first_partition(scan.keys.first)
    while partition is not None and len(found) <= _LANES_AT_MOST:
        found.append(scan.keys.first + scan.keys.beginning(partition)[:length])
        partition = scan.first_partition(after(found[-1]))
    return found


def _places(marks: list[Mark], rows_per_page: int) -> Iterator[tuple[str, range]]:
    """Where all pages but the first begin: the code of an answer, and the positions there."""
    position = 0
    for code, rows in marks:
        first = -position % rows_per_page or (rows_per_page if position == 0 else 0)
        if code is not None and first < rows:
            yield code, range(first, rows, rows_per_page)
        position += rows
