"""Step: plan a job, and if one page holds all its clients, write and publish its file and end it."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

from exports.errors import FileChangedError, PermanentError, SourceThrottledError, TransientError
from exports.file.block_buffer import BlockBuffer
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost
from exports.jobs.job import Job, JobRef
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.commit_file import commit_bytes, commit_page, finalize_if_completed
from exports.steps.pages.plan_pages import announce_plan, draw_plan, store_plan
from exports.steps.pages.write_page import RenderedPage, render_page, stage_rendered
from exports.workflow.commands import CommitFile, PlanOrExport, WritePage
from exports.workflow.outcomes import Done, PagesLost, PagesPlanned, Stopped
from shared.events import emit
from shared.telemetry import count

_LONGEST_PLANNING_SECONDS = 10.0
"""If planning took longer, the source is slow. Then an activity of its own writes the page, with a time-out of its own,
and the time between the two activities does not matter."""

_CHECK_INTERVAL_SECONDS = 2.0
_ONLY_PAGE = 0


def plan_or_export(services: Services, command: PlanOrExport) -> PagesPlanned | Done | Stopped:
    """Do the work of `plan_pages`, and for a job of one page also that of `write_page` and `commit_file`.

    An activity costs an orchestration two messages through queues. A small job needs only this activity.

    Usually the page is read within two seconds. Then its bytes are published at once: no plan, block or record is
    stored, because no other step needs them. Otherwise, the step stores them as the three steps do.

    The export after the plan is tried once. If it does not end the job, the step stores and returns the plan. The
    orchestrator then calls `write_page` and `commit_file`, which have their own tries and repeat only what is missing.
    This happens after an error that can be tried again, if the page was lost, if the end of the job could not be
    written, if the page was read slowly and `find_changes` may take as long again, and if the step runs again because
    its process has died. So a page that kills its process does so only once here, and then fails as page 0.

    Safe to run twice, and late. A run that finds the job begun stores and announces the plan, which changes the job.
    From then on an earlier run, which may have read other clients, can no longer end the job. It publishes only where
    no file is, and stores a manifest only where none is, so it overwrites nothing of a later step.

    Returns:
        Done, with `ended`, if the job is completed. The plan, if the job has several pages or is not completed;
        `retry_after_seconds` is set after an error. `Stopped`, if the attempt no longer runs.

    Raises:
        TransientError: The job is not planned; can be tried again.
        PermanentError: Cannot be tried again. Its `page` is set if the page could not be written.
    """
    began = services.clock()
    job, is_repeat = _begin(services, command.job)
    if job is None:
        return finalize_if_completed(services, command.job) or Stopped()
    plan = draw_plan(services, job, command.target_bytes, join_small=True)
    if plan.pages > 1 or is_repeat or services.clock() - began > _LONGEST_PLANNING_SECONDS:
        return announce_plan(services, job, store_plan(services, job, plan))
    retry_after_seconds = None
    try:
        ended = _export(services, _Announcement(services, job, plan, checked=began))
        if ended is not None:
            return ended
    except TransientError as error:
        told = {"tenant": job.tenant, "job": job.code, "attempt": job.attempt, "error": error.code}
        count("export.retries", 1, step=type(command).__name__, error=error.code)
        emit("page.retried", logging.WARNING, cause=error, page=_ONLY_PAGE, step=type(command).__name__, **told)
        asked_seconds = error.retry_after_seconds if isinstance(error, SourceThrottledError) else None
        retry_after_seconds = asked_seconds or 0.0
    planned = announce_plan(services, job, store_plan(services, job, plan))
    if isinstance(planned, Stopped):
        return finalize_if_completed(services, command.job) or planned
    return planned.model_copy(update={"retry_after_seconds": retry_after_seconds})


def _begin(services: Services, ref: JobRef) -> tuple[Job | None, bool]:
    """Start processing. Return the job, None if the attempt no longer runs, and whether an earlier run has begun it."""
    is_repeat = False

    def begin(job: Job) -> Job:
        nonlocal is_repeat
        is_repeat = job.started_date is not None
        return job.begin(services.now())

    return change_running(services, ref, begin), is_repeat


def _export(services: Services, announcement: _Announcement) -> Done | Stopped | None:
    """Write the only page, publish the file and end the job. Return None if the job is neither ended nor stopped."""
    with BlockBuffer() as buffer:
        rendered = _render(services, announcement, buffer)
        if rendered is None:
            return Stopped()
        data = buffer.body()
        if isinstance(data, list) and not announcement.is_made:
            with suppress(FileChangedError):  # an answer of storage was lost, or another run has published a file
                done = commit_bytes(
                    services, _command(rendered), rendered.job, announcement.plan, rendered.record, data
                )
                return done if done.ended else None
        job = announcement.make()
        if job is None:
            return Stopped()
        if announcement.is_of_another_run:
            return None
        rendered = replace(rendered, job=job)
        record = stage_rendered(services, rendered, buffer)
    if job.spec.since is not None:
        return _settle(services, job, record)
    committed = commit_page(services, _command(replace(rendered, record=record)), job, record)
    if isinstance(committed, PagesLost) or (isinstance(committed, Done) and not committed.ended):
        return None
    return committed


def _settle(services: Services, job: Job, record: PageRecord) -> Stopped | None:
    """Settle the page, so that `write_page` looks its record up instead of reading it again."""
    settled = change_running(services, job.ref, lambda job: job.settle(1, record.rows), job)
    return Stopped() if settled is None else None


def _command(page: RenderedPage) -> CommitFile:
    """Return the command for the commit. This run counts the cost of all steps, so there is no cost before it."""
    return CommitFile(job=page.job.ref, pages=1, rows=page.record.rows, bytes=page.record.bytes, cost=Cost())


def _render(services: Services, announcement: _Announcement, buffer: BlockBuffer) -> RenderedPage | None:
    command = WritePage(job=announcement.job.ref, page=_ONLY_PAGE)
    try:
        return render_page(services, command, announcement.plan, buffer, announcement.check)
    except PermanentError as error:
        store_plan(services, announcement.job, announcement.plan)  # the failure names the page with its key range
        error.page = _ONLY_PAGE
        raise


class _Announcement:
    """Checks whether the job still runs; stores its plan, and shows its number of clients, if it does not end at once.

    The write of that number is conditional on the version of the job that was read last, so it is the check. If the job
    began less than two seconds ago, there is no time to see the number before the job ends, and no check: a cancel in
    that time is noticed when the end of the job is written, and the file, to which no link was given, is removed.

    Attributes:
        job: The job as it was last read or written.
        plan: The plan of this run.
        is_made: Whether a plan is stored.
        is_of_another_run: Whether the stored plan is another one, which another run of the step has made.
    """

    def __init__(self, services: Services, job: Job, plan: PagePlan, checked: float) -> None:
        self.job = job
        self.plan = plan
        self.is_made = False
        self.is_of_another_run = False
        self._services = services
        self._checked = checked

    def check(self) -> Job | None:
        """Return the job; None if the attempt no longer runs."""
        is_fresh = self._services.clock() - self._checked < _CHECK_INTERVAL_SECONDS
        return self.job if is_fresh else self.make()

    def make(self) -> Job | None:
        """Store the plan and show its number of clients. Return the job; None if the attempt no longer runs."""
        now = self._services.clock()
        stored = self.plan if self.is_made else store_plan(self._services, self.job, self.plan)
        self.is_made = True
        self.is_of_another_run = self.is_of_another_run or stored != self.plan
        checked = change_running(
            self._services, self.job.ref, lambda job: job.plan(stored.total_rows, stored.lacking), self.job
        )
        self.job, self._checked = checked or self.job, now
        return checked
