"""The plan of a job: the key ranges of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from exports.file.compression import Packing
from exports.file.ranges import Boundaries, KeyRange
from exports.request.formats import Compression
from exports.request.spec import ExportSpec
from shared.models import Model, OptionalField

MAX_BLOCKS = 50_000
"""The most blocks that a block blob can have (Azure Storage, "Scalability targets for Blob storage")."""

MIN_PAGE_ROWS, MAX_PAGE_ROWS = 500, 100_000
PAGE_SECONDS = 25.0
"""The longest time that reading a page from a slow source should take. It is far below the time-outs of a statement
(240 s) and of a step on the host (ten minutes), and a failed try costs it again."""
_MIN_PLANNED_SHARE = 1 / 3


class PagePlan(Model):
    """The plan is written once per job and never changes, so every process may cache it.

    Attributes:
        starts: The code of the first client of every page except the first (see `Boundaries`).
        source_generation: Identifies the data that were planned; None if the source cannot be replaced as a whole.
        attempt: The attempt of the job that made the plan. Pages of earlier attempts belong to another plan. None
            in plans that every attempt may use.
        absent_columns: Columns of the view that the export needs and the view lacked. They are empty in every page.
            None if there are none, as in plans of versions that refused such a view.
        code_order: The ranks of `ORDER_PROBES` in the source; empty if it cannot rank them. None if there is one page,
            and in plans of versions that did not ask.
        column_widths: Widths of the columns, if the format shows any; judged by the first clients.
    """

    spec: ExportSpec
    total_rows: int
    starts: tuple[str, ...]
    source_generation: OptionalField[str] = None
    attempt: OptionalField[int] = None
    absent_columns: OptionalField[tuple[str, ...]] = None
    code_order: OptionalField[tuple[int, ...]] = None
    column_widths: OptionalField[tuple[int, ...]] = None

    @property
    def pages(self) -> int:
        """The number of pages: at least one, so that even an export of no clients has its header."""
        return len(self.starts) + 1

    @property
    def lacking(self) -> tuple[str, ...]:
        """The exported columns that the view lacked."""
        return self.absent_columns or ()

    def key_range(self, page: int) -> KeyRange:
        """Return the half-open key range of a page, counted from 0."""
        return KeyRange(
            start=self.starts[page - 1] if page > 0 else None,
            stop=self.starts[page] if page < len(self.starts) else None,
        )


def name_page(page: int, pages: int, key_range: KeyRange) -> str:
    """Describe a page to the owner of its clients. Never log this text, because it contains codes of clients."""
    ends = (
        "" if key_range.start is None else f" from {key_range.start}",
        "" if key_range.stop is None else f" up to, not including, {key_range.stop}",
    )
    clients = f"clients{''.join(ends)}" if any(ends) else "all clients"
    place = "the only page" if pages == 1 else f"of {pages:,} pages, counted from 0"
    return f"Page {page:,} ({clients}; {place})"


def rows_per_page(sample_rows: int, sample_bytes: int, target_bytes: int) -> int:
    """Return how many clients make a block of about `target_bytes`, judged by a sample."""
    if not sample_rows or not sample_bytes:
        return MAX_PAGE_ROWS
    return min(max(target_bytes * sample_rows // sample_bytes, MIN_PAGE_ROWS), MAX_PAGE_ROWS)


def planned_bytes(plain_bytes: int, packed_bytes: int) -> float:
    """Return the size by which pages are planned: compressed, but no less than a share of the plain size.

    A page takes as long as its plain bytes take to make. Pages of full blocks of well compressed data would be few, so
    fewer processes could share them, and would take long to repeat.
    """
    return max(packed_bytes, plain_bytes * _MIN_PLANNED_SHARE)


def is_small(compression: Compression | Packing, rows: int, file_bytes: float, target_bytes: int) -> bool:
    """Say whether one page holds all clients of a job, and its file is not compressed.

    `even_pages` alone may divide them: `weigh_strides` raises strides of small clients, and counts the last stride as a
    whole one. Two pages would be three steps instead of one, with a plan, blocks and a ledger to store.
    """
    return compression is Compression.NONE and rows <= MAX_PAGE_ROWS and file_bytes <= target_bytes


def even_pages(strides: Boundaries, stride_bytes: Sequence[float], target_bytes: int) -> Boundaries:
    """Join strides, which are short key ranges, into pages of about equal size, about `target_bytes` at most.

    Args:
        stride_bytes: The likely size of each stride.
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


def weigh_strides(
    stride_rows: int, stride_bytes: Sequence[float], client_seconds: float, target_bytes: int
) -> list[float]:
    """Return the sizes of strides, raised where pages of `target_bytes` would have too many clients or take too long.

    `MAX_PAGE_ROWS` clients, or `PAGE_SECONDS` of reading from a slow source, weigh as much as a full page. Without
    that, clients without text beside large ones would fill pages with more clients than a sheet of a workbook has rows.
    """
    by_rows = target_bytes * stride_rows // MAX_PAGE_ROWS
    by_time = stride_rows * client_seconds / PAGE_SECONDS * target_bytes
    return [max(size, by_rows, by_time) for size in stride_bytes]


def cap_pages(boundaries: Boundaries, max_pages: int = MAX_BLOCKS) -> Boundaries:
    """Merge neighbouring pages evenly until there are at most `max_pages`."""
    every = -(-(len(boundaries.starts) + 1) // max_pages)
    return Boundaries(boundaries.total_rows, boundaries.starts[every - 1 :: every])
