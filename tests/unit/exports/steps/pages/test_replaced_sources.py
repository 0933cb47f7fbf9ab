"""A source that is replaced while a job reads it stops the job; a resume plans and reads from the beginning."""

from __future__ import annotations

import asyncio

import pytest

from exports.errors import SourceReplacedError, SourceUnavailableError
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import CommitFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesPlanned, PageWritten
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, some_clients

TARGET_BYTES = 500 * len("C0001,Client 1\r\n")
OLD, NEW = "the first file", "the second file"


def _planned(services: MemoryServices, job: Job) -> int:
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=TARGET_BYTES))
    assert isinstance(planned, PagesPlanned)
    return planned.pages


def _a_job() -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(1200))
    services.clients.data_generation = OLD
    job = a_stored_job(services)
    assert _planned(services, job) > 1
    return services, job


def _replace(services: MemoryServices) -> None:
    services.clients.clients = [{**client, "name": "NEW"} for client in some_clients(1100)]
    services.clients.data_generation = NEW


def _write(services: MemoryServices, job: Job, page: int) -> PageWritten:
    written = write_page(services, WritePage(job=job.ref, page=page))
    assert isinstance(written, PageWritten)
    return written


def _fail_and_resume(services: MemoryServices, job: Job) -> Job:
    with pytest.raises(SourceReplacedError) as caught:
        _write(services, job, 1)
    record_outcome(services, RecordOutcome(job=job.ref, failure=failure_of(caught.value)))
    return asyncio.run(resume_export(services, RecordingStarter(), TENANT, job.code, "me"))


def test_a_page_of_a_replaced_source_fails_the_job_in_words_of_its_own() -> None:
    services, job = _a_job()
    _write(services, job, 0)
    _replace(services)

    with pytest.raises(SourceReplacedError, match="Resume the export") as caught:
        _write(services, job, 1)

    failure = failure_of(caught.value)
    assert (failure.code, failure.retryable, failure.resumable) == ("source-replaced", True, True)
    assert services.pages.find(job.ref, 1) is None


def test_a_source_that_is_replaced_during_the_read_stages_nothing() -> None:
    services, job = _a_job()
    services.clients.after_read = lambda: _replace(services)

    with pytest.raises(SourceReplacedError):
        _write(services, job, 0)

    assert services.files.staged(job.file_path) == {}


def test_a_source_that_is_replaced_during_planning_is_planned_again() -> None:
    services = a_services(some_clients(3))
    services.clients.data_generation = OLD
    job = a_stored_job(services)
    services.clients.after_read = lambda: _replace(services)

    with pytest.raises(SourceUnavailableError, match="replaced"):
        _planned(services, job)


def test_a_resume_after_a_replacement_exports_only_the_new_clients() -> None:
    services, job = _a_job()
    _write(services, job, 0)
    _replace(services)

    resumed = _fail_and_resume(services, job)
    pages = _planned(services, resumed)
    written = [_write(services, resumed, page) for page in range(pages)]
    rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)
    publish_file(services, CommitFile(job=resumed.ref, pages=pages, rows=rows, bytes=size))

    assert (resumed.settled_pages, rows) == (0, 1100)
    assert (services.files.read(job.file_path) or b"").count(b",NEW\r\n") == 1100


@pytest.mark.parametrize("moment", ["before the new step", "during the new step"])
def test_a_page_that_a_late_step_of_the_old_plan_records_never_counts(moment: str) -> None:
    services, job = _a_job()
    _replace(services)
    resumed = _fail_and_resume(services, job)
    _planned(services, resumed)
    late = PageRecord(0, 7, 70, "0" * 64, "old", 0, attempt=1)

    def record_late() -> None:
        services.pages.record(job.ref, late)

    if moment == "before the new step":
        record_late()
    else:
        services.clients.after_read = record_late

    assert _write(services, resumed, 0).rows > 7
    kept = services.pages.find(resumed.ref, 0)
    assert kept is not None
    assert kept.attempt == 2


def test_a_plan_of_a_source_that_cannot_be_replaced_is_stored_as_before() -> None:
    services = a_services(some_clients(3))
    job = a_stored_job(services)
    _planned(services, job)

    document = services.files.load_plan(job.ref)
    assert b"sourceGeneration" not in document
    assert b"attempt" not in document
    assert PagePlan.model_validate_json(document).source_generation is None


def test_a_source_replaced_after_the_last_page_is_not_proved_against_the_new_clients() -> None:
    services, job = _a_job()
    pages = _planned(services, job)
    written = [_write(services, job, page) for page in range(pages)]
    services.clients.data_generation = NEW
    rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)

    with pytest.raises(SourceReplacedError):
        publish_file(services, CommitFile(job=job.ref, pages=pages, rows=rows, bytes=size))
    assert services.files.read(job.file_path) is None


@pytest.mark.parametrize("is_counted_again", [True, False])
def test_a_single_page_is_published_unless_a_replaced_source_must_count_it_again(is_counted_again: bool) -> None:
    services = a_services(some_clients(3))
    services.clients.data_generation = OLD
    job = a_stored_job(services)
    assert _planned(services, job) == 1
    if is_counted_again:
        del services.clients.clients[-1]
    written = _write(services, job, 0)
    command = CommitFile(job=job.ref, pages=1, rows=written.rows, bytes=written.bytes)
    _replace(services)

    if is_counted_again:
        with pytest.raises(SourceReplacedError):
            publish_file(services, command)
    else:
        publish_file(services, command)
    assert (services.files.read(job.file_path) is None) == is_counted_again
