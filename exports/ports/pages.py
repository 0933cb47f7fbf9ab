"""Port: the ledger of pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from exports.file.page_record import PageBlock, PageRecord
from exports.jobs.job import JobRef


class PageLedger(Protocol):
    """Keeps one record for each page of a job. All attempts of the job share the records.

    The first record of a page is kept, so a page counts once however often it is written.
    Every method raises `StorageUnavailableError` when a retry can help.
    """

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        """Add a page's record and return it. If the page has a record, return that one and change nothing."""

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        """Look a page's record up."""

    def forget(self, job: JobRef, page: int) -> None:
        """Remove a page's record, if it exists. The page counts no longer, and will be read again."""

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        """Yield the records of all pages from `first_page` on, by page number."""

    def blocks(self, job: JobRef) -> Iterator[PageBlock]:
        """Yield the blocks of all pages, by page number. Costs less than their whole records."""

    def purge(self, job: JobRef) -> None:
        """Remove the records of all pages of a job."""

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        """Find the next job with records after a cursor, and return it with its own cursor; None after the last job."""
