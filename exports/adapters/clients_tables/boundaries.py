"""Find where pages begin in Table Storage, by scanning the keys in parallel.

A response of the service holds at most 1,000 keys, and one partition delivers some 2,000 entities a second. So the
partitions of a tenant are divided into segments by the prefixes of their keys, and the segments are scanned in
parallel. Of each response a scan keeps only its first code and its number of clients. When all scans have ended, the
sums of these numbers tell the position of each response. The responses in which pages begin are then requested once
more, to read the codes there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

from exports.adapters.clients_tables.keys import TenantKeys, after_prefix
from exports.file.ranges import Boundaries
from shared.invocations import carried

_THREADS = 8
_ENOUGH_SEGMENTS, _MAX_SEGMENTS = 16, 64


class ResponseSummary(NamedTuple):
    """One response of a scan: the code of its first client, or None if it has none, and its number of clients."""

    code: str | None
    rows: int


class Scanner(ABC):
    """Requests the keys of one selection. Safe to use from several threads.

    Attributes:
        keys: The keys of the selection's tenant.
    """

    keys: TenantKeys

    @abstractmethod
    def scan(self, start: str, stop: str) -> Iterator[ResponseSummary]:
        """Scan the partitions `[start, stop)`."""

    @abstractmethod
    def codes_at(self, start: str, positions: Sequence[int]) -> list[str]:
        """Return the codes of the clients at rising positions, counted from 0 at the code `start`.

        If clients were removed meanwhile, positions beyond the last client are left out.
        """

    @abstractmethod
    def first_partition(self, start: str) -> str | None:
        """Return the first partition of the tenant, from `start` on, that holds a client; None if there is none."""


def find_boundaries(scanner: Scanner, rows_per_page: int) -> Boundaries:
    """Count the clients and find the first client of every page."""
    with ThreadPoolExecutor(_THREADS) as pool:
        responses = _scan_all(scanner, pool)
        places = list(_page_starts(responses, rows_per_page))
        found = pool.map(carried(lambda place: scanner.codes_at(*place)), places)
        starts = tuple(code for codes in found for code in codes)
    return Boundaries(sum(response.rows for response in responses), starts)


def _scan_all(scanner: Scanner, pool: ThreadPoolExecutor) -> list[ResponseSummary]:
    """Scan all clients. If one response holds them all, no segments are needed."""
    responses = scanner.scan(scanner.keys.first, scanner.keys.end)
    first = next(responses, None)
    second = next(responses, None)
    if first is None or second is None:
        return [] if first is None else [first]
    segments = pairwise([*_segment_starts(scanner), scanner.keys.end])
    found = pool.map(carried(lambda segment: list(scanner.scan(*segment))), segments)
    return [response for responses in found for response in responses]


def _segment_starts(scanner: Scanner) -> list[str]:
    """Divide the partitions by longer and longer prefixes, until there are enough segments."""
    starts = [scanner.keys.first]
    for length in range(1, scanner.keys.prefix_chars + 1):
        finer = _prefixes(scanner, length)
        if len(finer) > _MAX_SEGMENTS:
            break
        starts = [scanner.keys.first, *finer[1:]]
        if len(starts) >= _ENOUGH_SEGMENTS:
            break
    return starts


def _prefixes(scanner: Scanner, length: int) -> list[str]:
    """Find the prefixes of this length by skipping from one to the next.

    Stops when there are more than `_MAX_SEGMENTS`, because the caller then uses shorter prefixes.
    """
    found: list[str] = []
    partition = scanner.first_partition(scanner.keys.first)
    while partition is not None and len(found) <= _MAX_SEGMENTS:
        found.append(scanner.keys.first + scanner.keys.row_key_prefix(partition)[:length])
        partition = scanner.first_partition(after_prefix(found[-1]))
    return found


def _page_starts(responses: list[ResponseSummary], rows_per_page: int) -> Iterator[tuple[str, range]]:
    """Yield where all pages except the first begin: the first code of a response, and positions counted from there."""
    position = 0
    for code, rows in responses:
        first = -position % rows_per_page or (rows_per_page if position == 0 else 0)
        if code is not None and first < rows:
            yield code, range(first, rows, rows_per_page)
        position += rows
