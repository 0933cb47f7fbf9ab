"""Port: the ledger of pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from exports.file.page_record import PageRecord
from exports.jobs.job import JobRef

if TYPE_CHECKING:
    pass


class PageLedger(Protocol):
    """Keeps one record per page of a job: the first one written stays, so a page counts once however often it runs.

    Every method raises `StorageUnavailableError` when trying again can help.
    """

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        """Add a page's record and return it; if the page has one, return that and change nothing."""

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        """Look a page's record up."""

    def forget(self, job: JobRef, page: int) -> None:
        """Remove a page's record, if there is one: the page counts no longer, and will be read again."""

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        """Yield the records of all pages from `first_page`, by page."""

    def purge(self, job: JobRef) -> None:
        """Remove the records of all pages of a job."""

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        """Find the job that has records and comes next after a place, and its own place; None after the last."""
