"""A job writes columns that the view lacks as empty cells: in all of its pages, or in none."""

from __future__ import annotations

import asyncio

import pytest

from exports.errors import SourceReplacedError
from exports.file.manifest import ManifestDto
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.spec import ExportSpec
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import CommitFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesPlanned, PageWritten
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, some_clients, two_columns

TARGET_BYTES = 500 * len("C0001,\r\n")
CODE_AND_WEB = (
    ColumnMapping(csv_header="Code", target_field=TargetField.CODE),
    ColumnMapping(csv_header="Web", target_field=TargetField.WEBSITE),
)


def _a_job(*lacking: str) -> tuple[MemoryServices, Job, int]:
    """Plan a job of `Code` and `Web` of clients that all have a website."""
    services = a_services([{**client, "website": "www.example.com"} for client in some_clients(1200)])
    services.clients.lacking = frozenset(lacking)
    job = a_stored_job(services, spec=two_columns(columns=CODE_AND_WEB))
    return services, job, _planned(services, job)


def _planned(services: MemoryServices, job: Job) -> int:
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=TARGET_BYTES))
    assert isinstance(planned, PagesPlanned)
    return planned.pages


def _write(services: MemoryServices, job: Job, page: int) -> PageWritten:
    written = write_page(services, WritePage(job=job.ref, page=page))
    assert isinstance(written, PageWritten)
    return written


def _publish(services: MemoryServices, job: Job, pages: int) -> tuple[bytes, ManifestDto]:
    written = [_write(services, job, page) for page in range(pages)]
    rows, size = sum(page.rows for page in written), sum(page.bytes for page in written)
    publish_file(services, CommitFile(job=job.ref, pages=pages, rows=rows, bytes=size))
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
    return services.files.read(job.file_path) or b"", manifest


def _resume_after(services: MemoryServices, job: Job, error: Exception) -> Job:
    assert isinstance(error, SourceReplacedError)
    record_outcome(services, RecordOutcome(job=job.ref, failure=failure_of(error)))
    return asyncio.run(resume_export(services, RecordingStarter(), TENANT, job.code, "me"))


def test_a_column_that_the_view_lacks_is_empty_and_the_manifest_says_why() -> None:
    services, job, pages = _a_job("website")

    data, manifest = _publish(services, job, pages)

    assert data.count(b",\r\n") == 1200
    assert [column.model_dump(mode="json", by_alias=True) for column in manifest.incomplete_columns or ()] == [
        {
            "csvHeader": "Web",
            "targetField": "Website",
            "missing": ["website"],
            "reason": "The view clients lacks website, so every cell is empty.",
        }
    ]


def test_an_address_without_its_town_is_incomplete_not_empty() -> None:
    columns = tuple(
        ColumnMapping(csv_header=field.value, target_field=field)
        for field in (TargetField.CODE, TargetField.POSTAL_ADDRESS, TargetField.POSTAL_ADDRESS_CITY)
    )
    services = a_services([{**client, "postal_address_line1": "1 Quay"} for client in some_clients(1)])
    services.clients.lacking = frozenset({"postal_address_city"})
    job = a_stored_job(services, spec=ExportSpec(columns=columns))

    data, manifest = _publish(services, job, _planned(services, job))

    assert data.endswith(b"C0001,1 Quay,\r\n")
    reasons = [(column.csv_header, column.reason) for column in manifest.incomplete_columns or ()]
    assert reasons == [
        ("PostalAddress", "The view clients lacks postal_address_city, so every cell lacks a part."),
        ("PostalAddressCity", "The view clients lacks postal_address_city, so every cell is empty."),
    ]


def test_the_manifest_and_the_plan_of_a_whole_view_are_as_before() -> None:
    services, job, pages = _a_job()

    _, manifest = _publish(services, job, pages)

    assert b"absentColumns" not in services.files.load_plan(job.ref)
    assert "incompleteColumns" not in manifest.model_dump_json(by_alias=True)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [((), ("website",), "lost the column website"), (("website",), (), "gained the column website")],
)
def test_a_job_whose_view_changes_its_columns_fails_and_a_resume_reads_all_anew(
    before: tuple[str, ...], after: tuple[str, ...], words: str
) -> None:
    services, job, pages = _a_job(*before)
    assert pages > 1
    _write(services, job, 0)
    services.clients.lacking = frozenset(after)

    with pytest.raises(SourceReplacedError, match=words) as caught:
        _write(services, job, 1)
    resumed = _resume_after(services, job, caught.value)
    data, manifest = _publish(services, resumed, _planned(services, resumed))

    assert data.count(b",\r\n" if after else b",www.example.com\r\n") == 1200
    assert [column.csv_header for column in manifest.incomplete_columns or ()] == (["Web"] if after else [])


def test_a_resume_after_a_change_of_the_columns_keeps_no_page_of_the_old_view() -> None:
    services, job, _ = _a_job()
    services.clients.lacking = frozenset({"website"})
    with pytest.raises(SourceReplacedError) as caught:
        _write(services, job, 0)
    resumed = _resume_after(services, job, caught.value)
    _planned(services, resumed)
    services.pages.record(job.ref, PageRecord(0, 7, 70, "0" * 64, "old", 0, attempt=1))  # a late step

    written = _write(services, resumed, 0)

    assert written.rows > 7
    kept = services.pages.find(resumed.ref, 0)
    assert kept is not None
    assert kept.attempt == 2


def test_a_plan_of_an_older_version_needs_every_column() -> None:
    services, job, _ = _a_job()
    plan = PagePlan.model_validate_json(services.files.load_plan(job.ref))
    assert plan.absent_columns is None
    services.clients.lacking = frozenset({"website"})

    with pytest.raises(SourceReplacedError, match="lost the column website"):
        _write(services, job, 0)
