"""Prove that a file holds every client once, whatever the source does with its key ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from exports.errors import KeyOrderError, RowCountError, SourceUnavailableError
from exports.file.key_order import OrderedCode, codes_in_order, find_disorder, has_all_codes
from exports.file.manifest import KeyOrder
from exports.file.page_record import PageRecord
from exports.file.plan import MAX_PAGE_ROWS, PagePlan, name_page
from exports.jobs.job import Job
from exports.ports.clients import MAX_RANKED_CODES, ClientSelection, released
from exports.services import Services
from exports.steps.pages.same_source import require_same_order

_CODE_ONLY = ("code",)

_LONGEST_RECOUNT_SECONDS, _LONGEST_SECONDS_BEFORE_CHANGES = 240.0, 100.0
"""How long after it has begun the comparison of counts may begin another statement; the second if `find_changes`
follows. A statement takes 240 seconds at most, and so does `find_changes`. So both end after 480 or 580 seconds, and
the host gives an activity 600, for all that it does."""


class ClientsProof(TypedDict):
    """How the clients of a file were proved, as `ManifestDto` shows it."""

    key_order: KeyOrder | None
    recounted_rows: int | None


def prove_clients(services: Services, job: Job, plan: PagePlan, records: Sequence[PageRecord]) -> ClientsProof:
    """Compare the pages of a file with the order and the count of the source.

    A file of one page needs no comparison of its order, because its statement has no key range. Other files cost one
    small statement. Every file costs a count if the number of its clients is not the planned one.

    Call `require_not_replaced` afterwards, also after an error: the source may be replaced between two statements.

    Args:
        records: The records of all pages, in page order.

    Raises:
        KeyOrderError: The source compares codes in another order than it sorts them.
        RowCountError: The source counts other clients than it returns.
        SourceReplacedError: The source has another order than the pages, so it cannot prove them.
        SourceUnavailableError: Can be tried again.
    """
    if plan.pages == 1:
        return ClientsProof(key_order=KeyOrder.ONE_PAGE, recounted_rows=_prove_count(services, job, plan, records))
    require_same_order(services, plan.code_order)
    _prove_order(services, plan, records)
    key_order = KeyOrder.RANKED_BY_SOURCE if has_all_codes(records) else None
    return ClientsProof(key_order=key_order, recounted_rows=_prove_count(services, job, plan, records))


def _prove_order(services: Services, plan: PagePlan, records: Sequence[PageRecord]) -> None:
    disorder = find_disorder([*codes_in_order(plan, records)], services.clients.rank_codes, MAX_RANKED_CODES)
    if disorder is not None:
        raise KeyOrderError(
            "The client database compares codes in another order than it sorts them, so clients could be missing from "
            "the file or be in it twice. The column code of the view clients needs one type and one collation; "
            "docs/client-view.md says which ones.",
            private=_describe(plan, records, disorder),
        )


def _describe(plan: PagePlan, records: Sequence[PageRecord], disorder: OrderedCode) -> str:
    """Name the pages around the code that is out of order."""
    pages = range(max(0, disorder.page - disorder.is_start), disorder.page + 1)
    return " ".join(
        f"{name_page(page, plan.pages, plan.key_range(page))} has {_found(records[page])}." for page in pages
    )


def _found(record: PageRecord) -> str:
    if record.first_code is None or record.last_code is None:
        return f"{record.rows:,} clients"
    return f"{record.rows:,} clients, from {record.first_code} to {record.last_code}"


def _prove_count(services: Services, job: Job, plan: PagePlan, records: Sequence[PageRecord]) -> int | None:
    """Count the clients again if the file has not as many as were planned. Return the new count, or None.

    As a rule clients were added or removed meanwhile: before their page was read, so that the new count is that of the
    file, or after it, so that the pages have other numbers now. If neither explains the new count, a third one is like
    it, and the pages do not explain it then either, the source is at fault: it counts clients that it does not give.
    If the third count is another one, clients still come and go.

    Raises:
        RowCountError: The source is at fault.
        SourceUnavailableError: The time was over before every page was compared, although the source counts as many
            clients as were planned, or as before. If it counts others, usually some came or went, and the pages that
            are left may explain it.
    """
    rows = sum(record.rows for record in records)
    if rows == plan.total_rows:
        return None
    longest_seconds = _LONGEST_RECOUNT_SECONDS if job.spec.since is None else _LONGEST_SECONDS_BEFORE_CHANGES
    end = services.clock() + longest_seconds
    selection = ClientSelection(job.tenant, _CODE_ONLY, plan.spec.filter)
    source = _CountedSource(services, selection, plan, records, end)
    counted = source.count()
    if counted == rows:
        return counted
    is_explained, must_explain = source.has_changed_by(counted - rows), counted == plan.total_rows
    if is_explained is False:
        must_explain = source.count() == counted
        if must_explain:  # clients may have come and gone while the pages were read
            is_explained = source.has_changed_by(counted - rows)
    if is_explained is None and must_explain:
        raise SourceUnavailableError("The client database takes too long to count the clients of the file again.")
    if is_explained is False and must_explain:
        message = (
            f"The client database counts {counted:,} clients, but gives {rows:,} when they are read. "
            "The view clients must give the same clients to every statement, and its columns tenant and code need one "
            "type and collation in all parts of a UNION; docs/client-view.md says how."
        )
        raise RowCountError(message)
    return counted


@dataclass(frozen=True)
class _CountedSource:
    """The source, and the pages that were read from it.

    Attributes:
        selection: The clients of the file. Only their codes are read.
        end: No page is read after this time of the clock of `services`, in seconds.
    """

    services: Services
    selection: ClientSelection
    plan: PagePlan
    records: Sequence[PageRecord]
    end: float

    def count(self) -> int:
        return self.services.clients.find_boundaries(self.selection, MAX_PAGE_ROWS).total_rows

    def has_changed_by(self, clients: int) -> bool | None:
        """Say whether the pages have changed by so many clients since they were written. Read their codes to know it.

        Only changes in the same direction count: they are at least as many as all together. The last page is the first
        to be read, because new clients often get the highest codes.

        Args:
            clients: How many came; negative: how many went.

        Returns:
            None if it was later than `end` before that was known.
        """
        left, sign = abs(clients), 1 if clients > 0 else -1
        for record in reversed(self.records):
            count = self._count_page(record)
            if count is None:
                return None
            left -= max(0, sign * (count - record.rows))
            if left <= 0:
                return True
        return None if self._is_late() else False

    def _count_page(self, record: PageRecord) -> int | None:
        """Count the clients of a page by reading them. Return None if it was later than `end` before it was done."""
        if self._is_late():
            return None
        count = 0
        with released(self.services.clients.read(self.selection, self.plan.key_range(record.page))) as lists:
            for rows in lists:
                count += len(rows)
                if self._is_late():
                    return None
        return count

    def _is_late(self) -> bool:
        return self.services.clock() > self.end
