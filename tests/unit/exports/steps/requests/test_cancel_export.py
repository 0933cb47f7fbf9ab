"""Cancelling takes effect at once, at every stage of a job. It keeps the blocks for a resume, and removes a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from azure.core.exceptions import ResourceNotFoundError

from exports.errors import JobNotFoundError, StorageUnavailableError
from exports.jobs.audit import AuditAction
from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.jobs.states import IllegalTransitionError, JobStatus
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.record_progress import record_progress
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.workflow.commands import CommitFile, DiscardFile, PlanPages, RecordOutcome, RecordProgress, WritePage
from exports.workflow.outcomes import Done, Stopped
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import (
    READER,
    TENANT,
    a_planned_job,
    a_stored_job,
    cancel,
    get_export,
    some_clients,
    stored,
    take_over,
    write_pages,
)

ROWS = 5
Stage = Callable[[MemoryServices], Job]


def _cancel(services: MemoryServices, job: Job) -> Job:
    return cancel_export(services, job.tenant, job.code, "me")


def _remaining(services: MemoryServices, job: Job) -> tuple[int | None, dict[str, int]]:
    """Return the size of the job's file and the sizes of its staged blocks."""
    return services.files.size_bytes(job.file_path), services.files.staged(job.file_path)


NOTHING_REMAINS: tuple[None, dict[str, int]] = (None, {})


def _queued(services: MemoryServices) -> Job:
    return a_stored_job(services)


def _planned(services: MemoryServices) -> Job:
    return a_planned_job(services)


def _half_written(services: MemoryServices) -> Job:
    job = a_planned_job(services)
    write_pages(services, job, pages=2)
    return job


def _written(services: MemoryServices) -> Job:
    job = a_planned_job(services)
    write_pages(services, job)
    return job


def _published(services: MemoryServices) -> Job:
    job = a_planned_job(services)
    publish_file(services, write_pages(services, job))
    return job


stages = pytest.mark.parametrize("stage", [_queued, _planned, _half_written, _written, _published])


@stages
def test_cancelling_at_any_stage_takes_effect_at_once(stage: Stage) -> None:
    services = a_services(some_clients(ROWS))
    job = stage(services)
    cancelled = _cancel(services, job)
    assert (cancelled.status, cancelled.completed_date) == (JobStatus.CANCELLED, services.now())
    assert stored(services, job) == cancelled


@pytest.mark.parametrize("stage", [_queued, _planned, _half_written, _written])
def test_cancelling_before_the_file_is_published_keeps_the_blocks(stage: Stage) -> None:
    services = a_services(some_clients(ROWS))
    job = stage(services)
    before = _remaining(services, job)
    _cancel(services, job)
    assert _discard(services, job) == Done()
    assert _remaining(services, job) == before


def test_cancelling_after_the_file_was_published_removes_it() -> None:
    services = a_services(some_clients(ROWS))
    job = _published(services)
    _cancel(services, job)
    assert _remaining(services, job) == NOTHING_REMAINS


@stages
def test_no_step_of_a_cancelled_job_reads_or_writes(stage: Stage) -> None:
    services = a_services(some_clients(ROWS))
    job = stage(services)
    cancelled = _cancel(services, job)
    reads, remaining = services.clients.reads, _remaining(services, job)
    outcomes = [
        plan_pages(services, PlanPages(job=job.ref, target_bytes=1_000)),
        *(write_page(services, WritePage(job=job.ref, page=page)) for page in range(3)),
        record_progress(services, RecordProgress(job=job.ref, pages=1, rows=1)),
        commit_file(services, CommitFile(job=job.ref, pages=3, rows=ROWS, bytes=1)),
        record_outcome(services, RecordOutcome(job=job.ref, rows=ROWS, bytes=1)),
        record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED)),
    ]
    assert outcomes == [Stopped()] * len(outcomes)
    assert services.clients.reads == reads
    assert _remaining(services, job) == remaining
    assert stored(services, job) == cancelled


@stages
def test_a_cancelled_job_has_no_link(stage: Stage) -> None:
    services = a_services(some_clients(ROWS))
    job = stage(services)
    _cancel(services, job)
    assert get_export(services, TENANT, job.code, READER).download_url is None


def test_cancelling_twice_keeps_the_first_completion_date() -> None:
    services = a_services()
    job = a_stored_job(services)
    first = _cancel(services, job)
    services.now.advance(minutes=1)
    assert _cancel(services, job) == first


def test_the_audit_log_names_the_caller_who_cancelled() -> None:
    services = a_services()
    job = a_stored_job(services)
    _cancel(services, job)
    cancel_export(services, TENANT, job.code, "another, who cancels nothing")
    ((entry),) = services.audit.all
    assert (entry.action, entry.actor, entry.code) == (AuditAction.CANCELLED, "me", job.code)


def test_nothing_is_cancelled_if_the_audit_entry_cannot_be_written() -> None:
    services = a_services()
    job = a_stored_job(services)

    def fail() -> None:
        raise StorageUnavailableError("No answer.")

    services.audit.before_append = fail
    with pytest.raises(StorageUnavailableError):
        _cancel(services, job)
    assert stored(services, job).status is JobStatus.QUEUED


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_completed_or_failed_job_cannot_be_cancelled_and_keeps_its_file(status: JobStatus) -> None:
    services = a_services(some_clients(ROWS))
    job = _published(services)
    services.jobs.change(TENANT, job.code, lambda job: replace(job, status=status))
    before = _remaining(services, job)
    with pytest.raises(IllegalTransitionError):
        _cancel(services, job)
    assert (_remaining(services, job), stored(services, job).status) == (before, status)
    assert services.audit.all == []


def test_a_job_that_completes_during_the_cancel_stays_completed() -> None:
    services = a_services(some_clients(ROWS))
    job = _published(services)

    def complete_first() -> None:
        services.jobs.before_write = lambda: None
        record_outcome(services, RecordOutcome(job=job.ref, rows=ROWS, bytes=_remaining(services, job)[0] or 0))

    services.jobs.before_write = complete_first
    with pytest.raises(IllegalTransitionError):
        _cancel(services, job)
    assert stored(services, job).status is JobStatus.COMPLETED
    assert _remaining(services, job) != NOTHING_REMAINS


@pytest.mark.parametrize("tenant", ["other", TENANT])
def test_a_job_of_another_tenant_looks_like_an_unknown_job(tenant: str) -> None:
    services = a_services()
    job = a_stored_job(services)
    with pytest.raises(JobNotFoundError, match=r"^There is no export with this code\.$"):
        cancel_export(services, tenant, job.code if tenant == "other" else "7" * 26, "me")
    assert stored(services, job).status is JobStatus.QUEUED


def test_repeating_a_cancel_that_storage_interrupted_completes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(ROWS))
    job = _published(services)

    def fail(_path: str, _version: str | None) -> None:
        raise StorageUnavailableError("No answer.")

    with monkeypatch.context() as broken:
        broken.setattr(services.files, "discard", fail)
        with pytest.raises(StorageUnavailableError):
            _cancel(services, job)
    assert stored(services, job).status is JobStatus.CANCELLED
    _cancel(services, job)
    assert _remaining(services, job) == NOTHING_REMAINS


# --- discard_file ---


def _discard(services: MemoryServices, job: Job) -> Done:
    return discard_file(services, DiscardFile(job=job.ref))


def test_a_page_that_was_being_written_at_the_cancel_is_kept_too() -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    services.files.before_stage = lambda: _cancel_before_staging(services, job)
    write_page(services, WritePage(job=job.ref, page=2))
    assert _discard(services, job) == Done()
    assert len(services.files.staged(job.file_path)) == 3
    shown = get_export(services, TENANT, job.code, READER)
    assert (shown.kept_items, shown.processed_items) == (ROWS, ROWS)


@pytest.mark.parametrize("shown_items", [0, ROWS])  # of a resumed job that has lost its pages, ROWS were shown before
def test_a_page_that_ends_after_the_cancel_counts_as_kept_at_once(shown_items: int) -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    services.jobs.change(TENANT, job.code, lambda job: replace(job, shown_items=shown_items))
    kept: list[int | None] = []

    def cancel_and_look() -> None:
        _cancel_before_staging(services, job)
        kept.append(get_export(services, TENANT, job.code, READER).kept_items)

    services.files.before_stage = cancel_and_look
    write_page(services, WritePage(job=job.ref, page=2))
    kept.append(get_export(services, TENANT, job.code, READER).kept_items)
    assert kept == [ROWS - 1, ROWS]


def _cancel_before_staging(services: MemoryServices, job: Job) -> None:
    """Cancel after the step has read the job and before it stages its block. Acts once."""
    services.files.before_stage = lambda: None
    _cancel(services, job)


def test_a_file_published_just_after_the_cancel_is_removed_with_its_manifest() -> None:
    services = a_services(some_clients(ROWS))
    job = a_planned_job(services)
    command = write_pages(services, job)
    services.files.before_commit = lambda: cancel(services, job)
    assert commit_file(services, command) == Done(ended=False)
    assert record_outcome(services, RecordOutcome(job=job.ref, rows=command.rows, bytes=command.bytes)) == Stopped()
    assert _remaining(services, job) == NOTHING_REMAINS
    with pytest.raises(ResourceNotFoundError):
        services.files.load_manifest(job.ref)


def test_discarding_twice_does_no_harm() -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    _cancel(services, job)
    assert [_discard(services, job), _discard(services, job)] == [Done(), Done()]


def test_discarding_leaves_a_newer_attempt_alone() -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    take_over(services, job)
    staged = _remaining(services, job)
    assert _discard(services, job) == Done()
    assert _remaining(services, job) == staged


def test_discarding_leaves_a_cancelled_newer_attempt_alone() -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    take_over(services, job)
    services.jobs.change(TENANT, job.code, lambda job: job.cancel(services.now()))
    staged = _remaining(services, job)
    _discard(services, job)
    assert _remaining(services, job) == staged


@pytest.mark.parametrize("status", [status for status in JobStatus if status is not JobStatus.CANCELLED])
def test_discarding_leaves_a_job_that_is_not_cancelled_alone(status: JobStatus) -> None:
    services = a_services(some_clients(ROWS))
    job = _half_written(services)
    services.jobs.change(TENANT, job.code, lambda job: replace(job, status=status))
    staged = _remaining(services, job)
    _discard(services, job)
    assert _remaining(services, job) == staged


def test_discarding_an_unknown_job_does_nothing() -> None:
    services = a_services()
    job = a_stored_job(a_services())
    assert _discard(services, job) == Done()
