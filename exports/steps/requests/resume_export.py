"""Step: resume a failed or cancelled job."""

from __future__ import annotations

import asyncio

from exports.errors import NotResumableError
from exports.file.page_record import PageBlock
from exports.jobs.audit import AuditAction
from exports.jobs.job import Job
from exports.ports.orchestrations import OrchestrationStarter
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.requests.get_export import find_job, processed_items
from exports.steps.requests.kept_pages import kept_pages, needs_new_plan
from exports.steps.requests.quotas import quota_of, require_room
from exports.steps.requests.start_export import start_attempt
from exports.steps.watching import watching


async def resume_export(services: Services, starter: OrchestrationStarter, tenant: str, code: str, actor: str) -> Job:
    """Queue a job for another attempt, which reads only the pages that have no block.

    A file that the last attempt has published is removed first, so that a late cleanup of that attempt finds another
    version than the one it wants to remove. The job keeps its plan and the records of pages whose blocks storage still
    holds. It keeps neither if it failed because its source was replaced. Storage keeps the plan for as long as a new
    one. If two callers resume the job at the same time, one succeeds and the other is refused. The records of lost
    pages are forgotten by the one that succeeded: the other may take pages that the new attempt has written since for
    lost ones. If that caller dies first, `commit_file` finds these pages. Each resume counts towards the tenant's
    exports of the day; another attempt that the service itself begins does not.

    Raises:
        JobNotFoundError, NotResumableError, QuotaExceededError: Nothing was changed.
        NotStartedError, StorageUnavailableError: As `start_attempt`.
    """
    job = await asyncio.to_thread(_queue_again, services, tenant, code)
    await start_attempt(services, starter, job, AuditAction.RESUMED, actor)
    return job


def _queue_again(services: Services, tenant: str, code: str) -> Job:
    job = find_job(services, tenant, code)
    _require_resumable(job)
    require_room(services, tenant)
    clean_up_attempt(services, job.ref)
    is_replaced = needs_new_plan(job)
    shown = processed_items(services, job)
    kept, lost = ([], []) if is_replaced else kept_pages(services, job)
    services.files.renew_plan(job.ref)
    with watching(services, job.resume().ref):
        restart = quota_of(services), services.now()
        resumed = services.jobs.change(tenant, code, lambda now: _resumed(now, job, kept, shown), restart=restart)
    if is_replaced:
        _forget_everything(services, resumed)
    for each in lost:
        services.pages.forget(resumed.ref, each.page)
    return resumed


def _forget_everything(services: Services, job: Job) -> None:
    """Remove the plan and all pages, so that the new attempt plans and reads from the beginning.

    Only the caller that began the attempt does this, before the first step of the attempt. If it dies, the attempt
    finds the old plan and fails like the one before. A late step of an earlier attempt may still record a page;
    `write_page` recognizes by the attempt that the page belongs to another plan.
    """
    services.pages.purge(job.ref)
    services.files.purge(job.ref)


def _resumed(job: Job, before: Job, kept: list[PageBlock], shown_items: int) -> Job:
    """Resume the job and settle the first pages kept, because a status query adds up only the pages after them.

    Args:
        before: The job for which the new attempt was prepared. If it has had another attempt since, that one's end
            decides what is kept, and the attempt after it is not watched yet.
    """
    if job.attempt != before.attempt:
        raise NotResumableError("Another caller has resumed this export at the same time. Ask for its status.")
    _require_resumable(job)
    first = [each for page, each in enumerate(kept) if each.page == page]
    resumed = job.resume(sum(each.rows for each in kept), shown_items)
    return resumed.settle(len(first), sum(each.rows for each in first))


def _require_resumable(job: Job) -> None:
    if not job.is_resumable:
        message = f"This export is {job.status}; only a Cancelled or a resumable Failed one can be resumed."
        raise NotResumableError(message)
