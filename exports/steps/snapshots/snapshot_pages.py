"""Write the pages of a job that reads a snapshot, several at a time if the snapshot has several readers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from exports.errors import SnapshotTimeError
from exports.file.block_buffer import BlockBuffer
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.pages.write_page import render_page
from exports.workflow.commands import WritePage
from shared.invocations import carried

_CHECK_INTERVAL_SECONDS = 2.0


class JobStoppedError(Exception):
    """The job no longer runs."""


class SnapshotWatch:
    """Checks whether a job may read its snapshot on, and shows its progress. Threads may share it.

    The write of the progress is conditional on the version of the job that was read last, so it is the check. It also
    shows the watchdog that the attempt lives. Both happen every two seconds at most.
    """

    def __init__(self, services: Services, job: Job) -> None:
        self._services = services
        self._job = job
        self._began = self._checked = services.clock()
        self._progress: Callable[[Job], Job] = lambda job: job
        self._is_stopped = False
        self._lock = Lock()

    def planned(self, plan: PagePlan) -> None:
        """Show the number of clients with the next check."""
        self._progress = lambda job: job.plan(plan.total_rows, plan.lacking)

    def written(self, plan: PagePlan, pages: int, rows: int) -> None:
        """Show with the next check that the first pages are written."""
        self._progress = lambda job: job.plan(plan.total_rows, plan.lacking).settle(pages, rows)

    def stop(self) -> None:
        """Let every further check find that the job has stopped."""
        self._is_stopped = True

    def check(self) -> Job:
        """Return the job as it was last read or written.

        Raises:
            JobStoppedError: The attempt no longer runs.
            SnapshotTimeError: The time for a snapshot is over.
        """
        with self._lock:
            now = self._services.clock()
            self._require_time(now - self._began)
            if not self._is_stopped and now - self._checked >= _CHECK_INTERVAL_SECONDS:
                found = change_running(self._services, self._job.ref, self._progress, self._job)
                self._job, self._checked, self._is_stopped = found or self._job, now, found is None
            if self._is_stopped:
                raise JobStoppedError
            return self._job

    def _require_time(self, held_seconds: float) -> None:
        if held_seconds > self._services.settings.longest_snapshot.total_seconds():
            minutes = self._services.settings.snapshot_minutes
            message = (
                f"The export did not end within the {minutes:g} minutes that a snapshot of the client database may "
                "take. Export fewer clients or columns, export without a snapshot, or ask the people who run "
                "the service to raise EXPORT_SNAPSHOT_MINUTES."
            )
            raise SnapshotTimeError(message)


def write_pages(services: Services, watch: SnapshotWatch, plan: PagePlan, readers: int) -> list[PageRecord]:
    """Stage all pages, `readers` of them at a time. Return their records, in page order.

    Raises:
        JobStoppedError, SnapshotTimeError: As `SnapshotWatch.check`.
        TransientError, PermanentError: As `write_page`.
    """
    write = carried(lambda page: _write_page(services, watch, plan, page))
    with ThreadPoolExecutor(readers, thread_name_prefix="snapshot") as pool:
        futures: list[Future[PageRecord]] = [pool.submit(write, page) for page in range(plan.pages)]
        try:
            return _collect(watch, plan, futures)
        except BaseException:
            watch.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _collect(watch: SnapshotWatch, plan: PagePlan, futures: list[Future[PageRecord]]) -> list[PageRecord]:
    records: list[PageRecord] = []
    rows = 0
    for future in futures:
        records.append(future.result())
        rows += records[-1].rows
        watch.written(plan, len(records), rows)
    return records


def _write_page(services: Services, watch: SnapshotWatch, plan: PagePlan, page: int) -> PageRecord:
    command = WritePage(job=watch.check().ref, page=page)
    with BlockBuffer() as buffer:
        rendered = render_page(services, command, plan, buffer, watch.check)
        if rendered is None:
            raise JobStoppedError
        if buffer.bytes:
            services.files.stage(rendered.job.file_path, rendered.record.block, buffer.body(), buffer.bytes)
        return rendered.record
