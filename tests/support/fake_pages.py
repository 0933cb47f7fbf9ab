"""The ledger of pages in memory."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from exports.file.page_record import PageBlock, PageRecord
from exports.jobs.job import JobRef
from tests.support.hooks import Hook, do_nothing


class MemoryPageLedger:
    """Implements `PageLedger`.

    `before_record` runs before a record is written: a test raises in it, or lets another run come first.
    """

    def __init__(self) -> None:
        self.before_record: Hook = do_nothing
        self._records: dict[tuple[str, str], dict[int, PageRecord]] = {}
        self._lock = Lock()

    def record(self, job: JobRef, record: PageRecord) -> PageRecord:
        self.before_record()
        with self._lock:
            return self._of(job).setdefault(record.page, record)

    def find(self, job: JobRef, page: int) -> PageRecord | None:
        return self._of(job).get(page)

    def records(self, job: JobRef, first_page: int = 0) -> Iterator[PageRecord]:
        found = self._of(job)
        return iter([found[page] for page in sorted(found) if page >= first_page])

    def blocks(self, job: JobRef) -> Iterator[PageBlock]:
        return (PageBlock(each.page, each.rows, each.bytes, each.block) for each in self.records(job))

    def forget(self, job: JobRef, page: int) -> None:
        self._of(job).pop(page, None)

    def purge(self, job: JobRef) -> None:
        self._records.pop((job.tenant, job.code), None)

    def next_job(self, cursor: str) -> tuple[JobRef, str] | None:
        found = {"|".join(job): job for job, records in self._records.items() if records}
        following = min((each for each in found if each > cursor), default=None)
        if following is None:
            return None
        tenant, code = found[following]
        return JobRef(tenant=tenant, code=code, attempt=1), following

    def _of(self, job: JobRef) -> dict[int, PageRecord]:
        return self._records.setdefault((job.tenant, job.code), {})
