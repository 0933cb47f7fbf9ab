"""Prove that every page holds clients of its own key range, in the order that the source itself gives their codes.

The key ranges of a plan tile the key space only if the source compares codes as it orders them. If it does not, key
ranges overlap, and clients are in the file twice. So the codes that a plan and its pages consist of are put in a row,
as they must follow each other, and the source ranks them.

No client can be missing: for every client there is a range whose start it is not before and whose stop it is before,
because the first range has no start and the last one no stop. No client can be in two pages either. If the source
ranks codes as it compares them, rising starts mean that its ranges do not overlap. If it ranks codes as it orders
clients, all clients of a page lie between its first and its last one, and so in the range of no other page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan

RankCodes = Callable[[Sequence[str]], list[int]]
"""Takes some codes, and returns the rank of each in the order of the source; equal codes have the same rank."""


ORDER_PROBES = ("10", "9", "A", "B", "a", "b", "_", "-a", "a b", "ab", "a ", "10a")
"""Codes that text, numbers and the usual collations put in different orders. Every character set has their letters."""


class OrderedCode(NamedTuple):
    """A code in the row that must rise.

    Attributes:
        page: The page that it belongs to.
        is_start: It is the start of the page's key range, so it must be greater than the code before it. The first and
            the last client of a page may be equal to the code before: to the start of the page, and to each other.
    """

    code: str
    page: int
    is_start: bool


def codes_in_order(plan: PagePlan, records: Sequence[PageRecord]) -> Iterator[OrderedCode]:
    """Yield the start, the first and the last code of each page, as far as the page has them, in page order."""
    for record in records:
        start = plan.key_range(record.page).start
        if start is not None:
            yield OrderedCode(start, record.page, is_start=True)
        for code in (record.first_code, record.last_code):
            if code is not None:
                yield OrderedCode(code, record.page, is_start=False)


def find_disorder(codes: Sequence[OrderedCode], rank_codes: RankCodes, max_codes: int) -> OrderedCode | None:
    """Return the first code that does not follow the code before it; None if all of them rise.

    Args:
        max_codes: How many codes may be ranked at a time. Each call repeats the last code of the call before.
    """
    for begin in range(0, len(codes) - 1, max_codes - 1):
        some = codes[begin : begin + max_codes]
        ranked = zip(some, rank_codes([each.code for each in some]), strict=True)
        for (_, rank_before), (code, rank) in pairwise(ranked):
            if rank < rank_before or (code.is_start and rank == rank_before):
                return code
    return None


def has_all_codes(records: Sequence[PageRecord]) -> bool:
    """Say whether every page that has clients names its first and its last one. Those of older versions do not."""
    return all(record.first_code is not None and record.last_code is not None for record in records if record.rows)
