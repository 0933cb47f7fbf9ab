"""A resume keeps the proven pages, reads the lost ones again, and stops the steps of older attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exports.errors import (
    JobNotFoundError,
    NotResumableError,
    QuotaExceededError,
    SourceReplacedError,
    SourceUnavailableError,
)
from exports.file.manifest import ManifestDto
from exports.jobs.audit import AuditAction
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.get_export import present
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import CommitFile, DiscardFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesLost, PagesPlanned, Stopped
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import READER, TENANT, a_planned_job, a_stored_job, cancel, get_export, some_clients, stored
from tests.support.watched_jobs import Crash, crash


def _resume(services: MemoryServices, job: Job, starter: RecordingStarter | None = None) -> Job:
    return asyncio.run(resume_export(services, starter or RecordingStarter(), TENANT, job.code, "me"))


def _fail(services: MemoryServices, job: Job, *, resumable: bool = True) -> None:
    failure = failure_of(SourceUnavailableError("The client database did not answer."))
    failure = failure.model_copy(update={"resumable": resumable})
    record_outcome(services, RecordOutcome(job=stored(services, job).ref, failure=failure))


def _write(services: MemoryServices, job: Job, pages: range) -> list[Any]:
    return [write_page(services, WritePage(job=job.ref, page=page)) for page in pages]


def _ten_pages() -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(20))
    return services, a_planned_job(services, tuple(f"C{number:04d}" for number in range(3, 20, 2)))


def test_after_an_outage_at_ninety_percent_a_resume_reads_ten_percent() -> None:
    services, job = _ten_pages()
    _write(services, job, range(9))
    _fail(services, job)
    reads_before = services.clients.reads

    resumed = _resume(services, job)
    written = _write(services, resumed, range(10))

    assert services.clients.reads == reads_before + 1
    assert sum(page.rows for page in written) == 20


def test_a_resumed_job_publishes_the_same_file_as_one_that_never_failed() -> None:
    files = []
    for pages in (10, 4):
        services, job = _ten_pages()
        _write(services, job, range(pages))
        if pages < 10:
            _fail(services, job)
            job = _resume(services, job)
        written = _write(services, job, range(10))
        rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)
        publish_file(services, CommitFile(job=job.ref, pages=10, rows=rows, bytes=size))
        files.append(services.files.read(job.file_path))
    assert files[0] == files[1]
    assert files[0]


def test_a_resume_renews_the_plan_so_that_storage_keeps_it() -> None:
    services, job = _ten_pages()
    _fail(services, job)
    _resume(services, job)
    assert services.files.renewed_plans == [job.code]


def test_a_resume_that_was_overtaken_by_another_attempt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    services, job = _ten_pages()
    _fail(services, job)
    renew_plan = services.files.renew_plan

    def renew_plan_after_another_attempt(ref: Any) -> None:
        monkeypatch.undo()
        _resume(services, job)
        cancel_export(services, TENANT, job.code, "another caller")
        renew_plan(ref)

    monkeypatch.setattr(services.files, "renew_plan", renew_plan_after_another_attempt)
    with pytest.raises(NotResumableError, match="resumed this export at the same time"):
        _resume(services, job)

    assert (stored(services, job).attempt, stored(services, job).status) == (2, JobStatus.CANCELLED)
    resumed = _resume(services, job)
    assert resumed.attempt in [entry.attempt for entry in services.watch.watched(10)]


def test_a_resume_that_was_overtaken_forgets_no_page_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads which blocks storage holds before the other attempt writes pages, and the records of pages after it."""
    services, job = _ten_pages()
    _fail(services, job)
    blocks = services.pages.blocks

    def blocks_after_another_attempt(ref: Any) -> Any:
        monkeypatch.undo()
        _write(services, _resume(services, job), range(10))
        return blocks(ref)

    monkeypatch.setattr(services.pages, "blocks", blocks_after_another_attempt)
    with pytest.raises(NotResumableError):
        _resume(services, job)

    assert [record.page for record in services.pages.records(job.ref)] == [*range(10)]
    assert get_export(services, TENANT, job.code, READER).processed_items == 20


def test_lost_pages_of_a_resume_that_died_midway_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    services, job = _ten_pages()
    _write(services, job, range(10))
    _fail(services, job)
    services.files.discard(job.file_path, None)
    monkeypatch.setattr(services.pages, "forget", crash)
    with pytest.raises(Crash):
        _resume(services, job)
    monkeypatch.undo()

    resumed = stored(services, job)
    written = _write(services, resumed, range(10))
    rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)
    command = CommitFile(job=resumed.ref, pages=10, rows=rows, bytes=size)
    lost = publish_file(services, command)
    assert isinstance(lost, PagesLost)
    _write(services, resumed, range(10))
    assert isinstance(publish_file(services, command), Job)


def test_a_resume_reads_only_the_pages_whose_blocks_are_gone() -> None:
    services, job = _ten_pages()
    _write(services, job, range(10))
    _fail(services, job)
    record = services.pages.find(job.ref, 3)
    assert record is not None
    services.files.lose_block(job.file_path, record.block)
    reads_before = services.clients.reads

    _write(services, _resume(services, job), range(10))

    assert services.clients.reads == reads_before + 1


def test_resuming_a_cancelled_job_reads_only_the_missing_pages() -> None:
    services, job = _ten_pages()
    _write(services, job, range(5))
    cancel_export(services, TENANT, job.code, "me")
    discard_file(services, DiscardFile(job=job.ref))
    reads_before = services.clients.reads

    resumed = _resume(services, job)
    written = _write(services, resumed, range(10))
    rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)
    publish_file(services, CommitFile(job=resumed.ref, pages=10, rows=rows, bytes=size))

    assert services.clients.reads == reads_before + 5
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(resumed.ref))
    assert [page.attempt for page in manifest.pages] == [1] * 5 + [2] * 5


def test_a_resumed_job_is_not_planned_again() -> None:
    services, job = _ten_pages()
    cancel(services, job)
    resumed = _resume(services, job)
    reads_before = services.clients.reads
    services.clients.clients += some_clients(30)[20:]

    planned = plan_pages(services, PlanPages(job=resumed.ref, target_bytes=10))

    assert isinstance(planned, PagesPlanned)
    assert (planned.pages, planned.rows, services.clients.reads) == (10, 20, reads_before)


def test_a_resume_whose_blocks_are_gone_shows_no_less_progress() -> None:
    services, job = _ten_pages()
    _write(services, job, range(5))
    cancel(services, job)
    before = present(services, stored(services, job)).processed_items
    services.files.discard(job.file_path, None)
    assert get_export(services, TENANT, job.code, READER).kept_items == 0

    resumed = _resume(services, job)

    assert list(services.pages.records(job.ref)) == []
    seen = [get_export(services, TENANT, job.code, READER).processed_items]
    for page in range(10):
        _write(services, resumed, range(page, page + 1))
        seen.append(get_export(services, TENANT, job.code, READER).processed_items)
    assert (seen, seen[0], seen[-1]) == (sorted(seen), before, 20)


@pytest.mark.parametrize("end", [cancel, _fail], ids=["cancelled", "failed"])
def test_a_job_says_until_when_it_can_be_resumed_and_how_much_is_kept(
    end: Callable[[MemoryServices, Job], None],
) -> None:
    services, job = _ten_pages()
    _write(services, job, range(4))
    _write(services, job, range(6, 7))
    end(services, job)
    rows = sum(record.rows for record in services.pages.records(job.ref))
    record = services.pages.find(job.ref, 2)
    assert record is not None
    services.files.lose_block(job.file_path, record.block)

    shown = get_export(services, TENANT, job.code, READER)
    assert (shown.kept_items, shown.processed_items) == (rows - record.rows, rows)
    assert shown.resumable_until == services.now() + timedelta(days=7)

    _resume(services, job)
    shown = get_export(services, TENANT, job.code, READER)
    assert (shown.kept_items, shown.processed_items, shown.resumable_until) == (rows - record.rows, rows, None)


def test_a_job_whose_source_was_replaced_keeps_nothing() -> None:
    services, job = _ten_pages()
    _write(services, job, range(4))
    failure = failure_of(SourceReplacedError("The client data were replaced."))
    record_outcome(services, RecordOutcome(job=job.ref, failure=failure))
    assert get_export(services, TENANT, job.code, READER).kept_items == 0
    assert _resume(services, job).kept_items == 0


def test_a_resume_queues_a_new_attempt_and_starts_its_orchestration() -> None:
    services, job = _ten_pages()
    _fail(services, job)
    starter = RecordingStarter()

    resumed = _resume(services, job, starter)

    assert stored(services, job) == resumed
    assert (resumed.status, resumed.attempt, resumed.failure) == (JobStatus.QUEUED, 2, None)
    assert (resumed.started_date, resumed.completed_date) == (None, None)
    assert [instance for _, instance, _ in starter.started] == [f"{job.code}-2"]
    assert [entry.action for entry in services.audit.all] == [AuditAction.RESUMED]


def test_steps_of_the_previous_attempt_can_no_longer_write() -> None:
    services, job = _ten_pages()
    cancel(services, job)
    _resume(services, job)

    assert _write(services, job, range(1)) == [Stopped()]
    assert list(services.pages.records(job.ref)) == []


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.IN_PROGRESS, JobStatus.COMPLETED])
def test_only_failed_and_cancelled_jobs_can_be_resumed(status: JobStatus) -> None:
    services = a_services()
    job = a_stored_job(services, status=status)
    with pytest.raises(NotResumableError):
        _resume(services, job)
    assert stored(services, job) == job


def test_a_permanent_failure_cannot_be_resumed() -> None:
    services, job = _ten_pages()
    _fail(services, job, resumable=False)
    with pytest.raises(NotResumableError):
        _resume(services, job)


def test_a_second_resume_is_refused_and_starts_no_attempt() -> None:
    services, job = _ten_pages()
    _fail(services, job)
    _resume(services, job)
    with pytest.raises(NotResumableError):
        _resume(services, job)
    assert stored(services, job).attempt == 2


def test_a_resume_counts_towards_the_quota() -> None:
    services = a_services(EXPORT_MAX_ACTIVE_JOBS=1)
    job = a_stored_job(services)
    cancel(services, job)
    a_stored_job(services)
    with pytest.raises(QuotaExceededError):
        _resume(services, job)


def test_cancelling_and_resuming_again_and_again_ends_at_the_daily_limit() -> None:
    services, starter = a_services(EXPORT_MAX_JOBS_PER_DAY=3), RecordingStarter()
    job = a_stored_job(services)
    for _ in range(2):
        cancel(services, job)
        _resume(services, job, starter)
    cancel(services, job)
    with pytest.raises(QuotaExceededError):
        _resume(services, job, starter)
    assert len(starter.started) == 2
    assert stored(services, job).status is JobStatus.CANCELLED
    services.now.advance(hours=12)
    assert _resume(services, job, starter).status is JobStatus.QUEUED


def test_an_unknown_job_cannot_be_resumed() -> None:
    with pytest.raises(JobNotFoundError):
        asyncio.run(resume_export(a_services(), RecordingStarter(), TENANT, "7" * 26, "me"))


def test_a_resume_settles_all_pages_before_the_first_lost_block() -> None:
    services, job = _ten_pages()
    _write(services, job, range(10))
    _fail(services, job)
    record = services.pages.find(job.ref, 7)
    assert record is not None
    services.files.lose_block(job.file_path, record.block)

    resumed = _resume(services, job)

    before = [services.pages.find(job.ref, page) for page in range(7)]
    assert (resumed.settled_pages, resumed.settled_items) == (7, sum(page.rows for page in before if page))
