"""The plan of a job: which key ranges its pages cover."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from exports.file.ranges import Boundaries, KeyRange
from exports.request.spec import ExportSpec
from shared.models import Model

MAX_BLOCKS = 50_000
"""Committed blocks a block blob may have (Azure Storage, "Scalability targets for Blob storage")."""

MIN_PAGE_ROWS, MAX_PAGE_ROWS = 500, 100_000
PAGE_SECONDS = 25.0
"""What the reading of a page from a slow source should take at most: far less than a statement may (240 s) or the host
gives a step (ten minutes), and what a try that fails costs again."""


class PagePlan(Model):
    """Written once per job, then never changed; so every process may keep it in memory.

    Attributes:
        starts: Code of the first client of every page but the first (see `Boundaries`).
    """

    spec: ExportSpec
    total_rows: int
    starts: tuple[str, ...]

    @property
    def pages(self) -> int:
        """Number of pages; at least one, so that an export of no clients still has its header."""
        return len(self.starts) + 1

    def key_range(self, page: int) -> KeyRange:
        """Give the half-open key range of a page, counted from 0."""
        return KeyRange(
            start=self.starts[page - 1] if page > 0 else None,
            stop=self.starts[page] if page < len(self.starts) else None,
        )


def name_page(page: int, pages: int, key_range: KeyRange) -> str:
    """Name a page to the owner of its clients; never in a log, for it tells codes of clients."""
    ends = (
        "" if key_range.start is None else f" from {key_range.start}",
        "" if key_range.stop is None else f" up to, not including, {key_range.stop}",
    )
    clients = f"clients{''.join(ends)}" if any(ends) else "all clients"
    return f"Page {page:,} ({clients}; of {pages:,} pages, counted from 0)"


def rows_per_page(sample_rows: int, sample_bytes: int, target_bytes: int) -> int:
    """Choose how many clients make a block of about `target_bytes`, judging by a sample."""
    if not sample_rows or not sample_bytes:
        return MAX_PAGE_ROWS
    return min(max(target_bytes * sample_rows // sample_bytes, MIN_PAGE_ROWS), MAX_PAGE_ROWS)


def even_pages(strides: Boundaries, stride_bytes: Sequence[float], target_bytes: int) -> Boundaries:
    """Join strides, which are short pages, to pages of about the same bytes each, and of at most some `target_bytes`.

    Args:
        stride_bytes: What each stride is likely to come to.
    """
    if not any(stride_bytes):
        stride_bytes = [1.0] * len(stride_bytes)
    total = sum(stride_bytes)
    wanted = max(-(-total // target_bytes), -(-strides.total_rows // MAX_PAGE_ROWS))
    pages = int(max(1, min(wanted, strides.total_rows // MIN_PAGE_ROWS)))
    starts: list[str] = []
    for start, done in zip(strides.starts, accumulate(stride_bytes), strict=False):
        if len(starts) < pages - 1 and done * pages >= total * (len(starts) + 1):
            starts.append(start)
    return Boundaries(strides.total_rows, tuple(starts))


def weight_by_time(
    stride_rows: int, stride_bytes: Sequence[float], client_seconds: float, target_bytes: int
) -> list[float]:
    """Give the bytes of strides, more where reading them takes longer: `PAGE_SECONDS` weigh as much as a full page."""
    least = stride_rows * client_seconds / PAGE_SECONDS * target_bytes
    return [max(size, least) for size in stride_bytes]


def cap_pages(boundaries: Boundaries, max_pages: int = MAX_BLOCKS) -> Boundaries:
    """Merge neighbouring pages evenly until there are at most `max_pages`."""
    every = -(-(len(boundaries.starts) + 1) // max_pages)
    return Boundaries(boundaries.total_rows, boundaries.starts[every - 1 :: every])
