"""Step: plan a job, and if one page holds all its clients, write and publish its file and end it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from exports.errors import PermanentError, SourceThrottledError, TransientError
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost
from exports.jobs.job import Job, JobRef
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.commit_file import commit_page, finalize_if_completed
from exports.steps.pages.plan_pages import announce_plan, make_plan
from exports.steps.pages.write_page import StagedPage, stage_page
from exports.workflow.commands import CommitFile, PlanOrExport, WritePage
from exports.workflow.outcomes import Done, PagesLost, PagesPlanned, Stopped
from shared.events import emit
from shared.telemetry import count

_LONGEST_PLANNING = timedelta(seconds=10)
"""If planning took longer, the source is slow. Then an activity of its own writes the page, with a time-out of its own,
and the time between the two activities does not matter."""

_CHECK_INTERVAL = timedelta(seconds=1)
_ONLY_PAGE = 0


def plan_or_export(services: Services, command: PlanOrExport) -> PagesPlanned | Done | Stopped:
    """Do the work of `plan_pages`, and for a job of one page also that of `write_page` and `commit_file`.

    An activity costs an orchestration two messages through queues. A small job needs only this activity.

    The export after the plan is tried once. If it does not end the job, the step returns the plan. The orchestrator
    then calls `write_page` and `commit_file`, which have their own tries and repeat only what is missing. This happens
    after an error that can be tried again, if the page was lost, if the end of the job could not be written, and if the
    step runs again because its process has died. So a page that kills its process does so only once here, and then
    fails as page 0.

    Safe to run twice, and late, like the three steps: the plan and the record of the page are stored before the file is
    published, the first plan and the first record stay, and publishing and ending are conditional on the versions of
    the file and the job.

    Returns:
        Done, with `ended`, if the job is completed. The plan, if the job has several pages or is not completed;
        `retry_after_seconds` is set after an error. `Stopped`, if the attempt no longer runs.

    Raises:
        TransientError: The job is not planned; can be tried again.
        PermanentError: Cannot be tried again. Its `page` is set if the page could not be written.
    """
    began = services.now()
    job, is_repeat = _begin(services, command.job)
    if job is None:
        return finalize_if_completed(services, command.job) or Stopped()
    plan = make_plan(services, job, command.target_bytes)
    if plan.pages > 1 or is_repeat or services.now() - began > _LONGEST_PLANNING:
        return announce_plan(services, job, plan)
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
    planned = announce_plan(services, job, plan)
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
    staged = _stage(services, announcement)
    if staged is None:
        return Stopped()
    rows, size = staged.record.rows, staged.record.bytes
    # this run counts the cost of all steps, so there is no cost before it
    command = CommitFile(job=staged.job.ref, pages=1, rows=rows, bytes=size, cost=Cost())
    committed = commit_page(services, command, staged.job, staged.record)
    if isinstance(committed, PagesLost) or (isinstance(committed, Done) and not committed.ended):
        return None
    return committed


def _stage(services: Services, announcement: _Announcement) -> StagedPage | None:
    command = WritePage(job=announcement.job.ref, page=_ONLY_PAGE)
    try:
        return stage_page(services, command, announcement.check)
    except PermanentError as error:
        error.page = _ONLY_PAGE
        raise


class _Announcement:
    """Checks whether the job still runs, and shows its number of clients.

    The write of that number is conditional on the version of the job that was read last, so it is the check. If the job
    began less than a second ago, there is no time to see the number before the job ends, and no check: a cancel in that
    second is noticed when the end of the job is written, and the file, to which no link was given, is removed.
    """

    def __init__(self, services: Services, job: Job, plan: PagePlan, checked: datetime) -> None:
        self.job = job
        self._services = services
        self._plan = plan
        self._checked = checked

    def check(self) -> Job | None:
        """Return the job; None if the attempt no longer runs."""
        now = self._services.now()
        if now - self._checked < _CHECK_INTERVAL:
            return self.job
        checked = change_running(self._services, self.job.ref, lambda job: job.plan(self._plan.total_rows), self.job)
        self.job, self._checked = checked or self.job, now
        return checked
