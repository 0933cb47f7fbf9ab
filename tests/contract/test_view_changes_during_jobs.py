"""A real view that changes its columns during a job: the file never mixes pages with and without a column."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest
from azure.data.tables import UpdateMode

from exports.errors import SourceMismatchError, SourceReplacedError
from exports.file.manifest import ManifestDto
from exports.jobs.failures import failure_of
from exports.jobs.job import Job
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter
from exports.request.spec import ExportSpec
from exports.services import Services
from exports.steps.finalize.publish_file import publish_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import CommitFile, PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import PagesPlanned, PageWritten
from tests.contract.client_stores import SQL_STORES, TENANT, ClientStore, SqlStore, TableStore, client
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import a_services
from tests.support.steps import a_stored_job
from tests.unit.exports.steps.pages.test_absent_columns import CODE_AND_WEB

TARGET_BYTES = 500 * len("C0001,\r\n")
WEB = b",www.example.com\r\n"


@pytest.fixture(params=SQL_STORES)
def store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


def a_job(store: ClientStore, wanted: ClientFilter | None = None) -> tuple[Services, Job]:
    """Store 1,100 clients with a website, and a job that exports it over the real source."""
    store.put(*(client(f"C{n:04d}", website="www.example.com", team_code="T1") for n in range(1100)))
    services = a_services()
    spec = ExportSpec(columns=CODE_AND_WEB, filter=wanted or ClientFilter())
    job = a_stored_job(services, tenant=TENANT, spec=spec)
    return replace(cast(Services, services), clients=store.source), job


def leave_out(store: SqlStore, *columns: str) -> None:
    names = ", ".join(name for name in VIEW_COLUMNS if name not in columns)
    store.replace_view(f"SELECT {names} FROM client_records")


def plan(services: Services, job: Job) -> int:
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=TARGET_BYTES))
    assert isinstance(planned, PagesPlanned)
    return planned.pages


def publish(services: Services, job: Job, pages: int) -> tuple[bytes, ManifestDto]:
    written = [write_page(services, WritePage(job=job.ref, page=page)) for page in range(pages)]
    rows = sum(page.rows for page in written if isinstance(page, PageWritten))
    size = sum(page.bytes for page in written if isinstance(page, PageWritten))
    publish_file(services, CommitFile(job=job.ref, pages=pages, rows=rows, bytes=size))
    data = services.files.read_range(job.file_path, 0, size)
    return data, ManifestDto.model_validate_json(services.files.load_manifest(job.ref))


@pytest.mark.parametrize("change", ["lost", "gained"])
def test_a_column_lost_or_gained_between_pages_fails_the_job_and_a_resume_is_whole(
    store: SqlStore, change: str
) -> None:
    before, after = (("website",), ())[:: -1 if change == "lost" else 1]
    services, job = a_job(store)
    leave_out(store, *before)
    assert plan(services, job) > 1
    write_page(services, WritePage(job=job.ref, page=0))
    leave_out(store, *after)

    with pytest.raises(SourceReplacedError, match=f"has {change} the column website") as caught:
        write_page(services, WritePage(job=job.ref, page=1))
    record_outcome(services, RecordOutcome(job=job.ref, failure=failure_of(caught.value)))
    resumed = asyncio.run(resume_export(services, RecordingStarter(), TENANT, job.code, "me"))
    data, manifest = publish(services, resumed, plan(services, resumed))

    incomplete = manifest.incomplete_columns or ()
    assert (data.count(WEB), data.count(b",\r\n")) == ((0, 1100) if change == "lost" else (1100, 0))
    assert [column.csv_header for column in incomplete] == (["Web"] if change == "lost" else [])
    assert manifest.order_is_checked


def test_an_estimate_warns_of_columns_that_will_be_empty(store: SqlStore) -> None:
    services, job = a_job(store)
    leave_out(store, "website", "email")

    (warning,) = estimate_export(services, TENANT, job.spec).warnings

    assert (warning.code, warning.columns) == ("incomplete-columns", ("Web",))
    assert "lacks website, so" in warning.message


def test_a_filter_column_lost_between_pages_fails_the_job_in_words_of_the_filter(store: SqlStore) -> None:
    services, job = a_job(store, ClientFilter(team_codes=("T1",)))
    assert plan(services, job) > 1
    leave_out(store, "team_code")

    with pytest.raises(SourceMismatchError, match="lacks the column team_code, which the filter teamCodes needs"):
        write_page(services, WritePage(job=job.ref, page=1))
    with pytest.raises(SourceMismatchError, match="teamCodes"):
        estimate_export(services, TENANT, job.spec)


@pytest.mark.thorough
def test_a_property_that_entities_do_not_have_is_empty_and_no_fault(table_store: TableStore) -> None:
    services, job = a_job(table_store)
    for entity in table_store.table.list_entities():
        if entity["RowKey"] >= "C0550":
            del entity["website"]
            table_store.table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    data, manifest = publish(services, job, plan(services, job))

    assert (data.count(WEB), data.count(b",\r\n")) == (550, 550)
    assert manifest.incomplete_columns is None


OTHER_CODES = {
    "order": {
        "sqlite": "code COLLATE NOCASE",
        "postgresql": 'code COLLATE "en-x-icu"',
        "mysql": "code COLLATE utf8mb4_general_ci",
    },
    "type": {"mysql": "CAST(substr(code, 2) AS SIGNED)", "": "CAST(substr(code, 2) AS INTEGER)"},
}


@pytest.mark.parametrize("change", OTHER_CODES)
@pytest.mark.parametrize("fixture", ["sqlite_store", "postgres_store", "mariadb_store"])
def test_codes_that_get_another_type_or_order_between_pages_fail_the_job(
    request: pytest.FixtureRequest, fixture: str, change: str
) -> None:
    """Without the comparison of orders, the file would lack clients, and have others twice."""
    store: SqlStore = request.getfixturevalue(fixture)
    services, job = a_job(store)
    store.put(*(client(f"{'aBcDeF'[n % 6]}{n + 2000:04d}") for n in range(1100)))
    pages = plan(services, job)
    write_page(services, WritePage(job=job.ref, page=0))
    found = OTHER_CODES[change]
    others = ", ".join(name for name in VIEW_COLUMNS if name != "code")
    code = found.get(store.engine.dialect.name) or found[""]
    store.replace_view(f"SELECT {code} AS code, {others} FROM client_records")

    with pytest.raises((SourceReplacedError, SourceMismatchError)) as caught:
        publish(services, job, pages)
    assert change == "type" or "another type or collation" in str(caught.value)
