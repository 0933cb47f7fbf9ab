"""The requests that a job sends to storage: few, and more for a larger job only where each page needs its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote
from uuid import uuid4

import pytest

from devhost.local.azurite import Azurite
from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.pages import TablePageLedger, _to_entity
from exports.adapters.storage.watch import MANY_TENANTS, TableWatchIndex
from exports.file.page_record import PageRecord
from exports.jobs.codes import new_job_code
from exports.jobs.job import Job, JobRef
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import watched
from exports.request.body import CsvExportRequestDto
from exports.request.spec import SensitiveFields
from exports.schedules.runs import RunOutcome, run_of
from exports.services import Services
from exports.settings import read_settings
from exports.steps.finalize.commit_file import commit_file
from exports.steps.pages.fair_share import share_of
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.recent_rate import MAX_JOBS_READ, recent_rate
from exports.steps.requests.request_export import ExportCommand, request_export
from exports.steps.schedules.save_schedules import list_runs
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.wiring import build_services
from exports.workflow.commands import CommitFile, PlanOrExport, PlanPages, WritePage
from exports.workflow.outcomes import Done, PagesPlanned, PageWritten
from shared.storage import StorageAccount
from tests.scale.fleet import MEASURED
from tests.support.builders import NOON, a_job, a_schedule
from tests.support.counting import counted_requests
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import a_services
from tests.support.steps import READER, get_export
from tests.support.system import NORTHWIND, sample_database

T = TypeVar("T")
IN_FLIGHT = 64
ROWS = 100


def a_job_of(account: StorageAccount, pages: int) -> tuple[TableJobStore, TablePageLedger, Job]:
    """Create a job whose pages are all written and, except those of the last wave, settled."""
    name = uuid4().hex[:16]
    jobs, ledger = TableJobStore(account, f"jobs{name}"), TablePageLedger(account, f"pages{name}")
    settled = max(0, pages - IN_FLIGHT)
    job = a_job().begin(NOON).plan(pages * ROWS).settle(settled, settled * ROWS)
    jobs.create(job)
    records = [_to_entity(job.ref, PageRecord(page, ROWS, 1, "0" * 64, "block")) for page in range(pages)]
    for first in range(0, pages, 100):
        ledger._table.submit_transaction([("create", entity) for entity in records[first : first + 100]])
    return jobs, ledger, job


@pytest.mark.parametrize("pages", [10, 1_000, pytest.param(10_000, marks=pytest.mark.thorough)])
def test_a_status_takes_two_requests_for_a_job_of_any_size(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    jobs, ledger, job = a_job_of(account, pages)
    services = a_services()
    object.__setattr__(services, "jobs", jobs)
    object.__setattr__(services, "pages", ledger)

    with counted_requests(monkeypatch) as sent:
        shown = get_export(services, job.tenant, job.code, READER)

    assert shown.processed_items == pages * ROWS
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("pages", "of_ledger"),
    [(10, 1), *(pytest.param(*sizes, marks=pytest.mark.thorough) for sizes in ((2_500, 3), (10_000, 10)))],
)
def test_a_status_asks_once_in_a_while_how_many_clients_a_resume_would_keep(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch, pages: int, of_ledger: int
) -> None:
    """A file has 50,000 pages at most, so no status takes more than 52 requests, beside the one for the blocks."""
    jobs, ledger, job = a_job_of(account, pages)
    services = a_services()
    object.__setattr__(services, "jobs", jobs)
    object.__setattr__(services, "pages", ledger)
    jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()))

    requests = []
    for _ in range(4):
        with counted_requests(monkeypatch) as sent:
            assert get_export(services, job.tenant, job.code, READER).kept_items == 0  # no block is staged
        requests.append(len(sent))

    assert requests == [2 + of_ledger, 2, 2, 2]
    ended = jobs.change(job.tenant, job.code, lambda job: replace(job, created_by="Ann"))
    assert ended.is_resumable
    with counted_requests(monkeypatch) as sent:
        get_export(services, job.tenant, job.code, READER)
    assert len(sent) == 2 + of_ledger
    assert sum("select=RowKey,rows,bytes,block" in unquote(request) for request in sent) == of_ledger


def test_the_jobs_of_all_runs_of_a_schedule_take_one_request(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = a_services()
    jobs = TableJobStore(account, f"jobs{uuid4().hex[:16]}")
    object.__setattr__(services, "jobs", jobs)
    schedule = a_schedule()
    services.schedules.create(schedule)
    for hours in range(40):
        slot = NOON + timedelta(hours=hours)
        code = schedule.job_code(slot)
        jobs.create(a_job(tenant=schedule.tenant, code=code, schedule_code=schedule.code, created_date=slot))
        services.runs.record(run_of(schedule, slot, RunOutcome.STARTED, slot, job_code=code))

    with counted_requests(monkeypatch) as sent:
        shown = list_runs(services, schedule.tenant, schedule.code, 30)

    assert len(sent) == 1
    assert [run.job_status for run in shown.data] == [JobStatus.QUEUED] * 30
    assert shown.has_more


def test_an_estimate_learns_its_rate_by_one_request(account: StorageAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services()
    jobs = TableJobStore(account, f"jobs{uuid4().hex[:16]}")
    object.__setattr__(services, "jobs", jobs)
    spec = a_job().spec
    for number in range(2 * MAX_JOBS_READ):
        created = NOON + timedelta(seconds=number)
        job = a_job(code=new_job_code(created), created_date=created, spec=spec).begin(created).plan(10_000)
        jobs.create(job.complete(created + timedelta(seconds=10), 10_000, 1, timedelta(hours=1)))

    with counted_requests(monkeypatch) as sent:
        rate = recent_rate(services, job.tenant, spec, 10_000, 0.0)

    assert rate is not None
    assert rate.rows_per_second == pytest.approx(1_000)
    assert len(sent) == 1


@pytest.mark.thorough
def test_one_request_reads_a_thousand_records_of_the_ledger(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ledger, job = a_job_of(account, 2_500)

    with counted_requests(monkeypatch) as sent:
        assert len(list(ledger.records(job.ref))) == 2_500

    assert len(sent) == 3


@pytest.mark.thorough
def test_one_request_counts_any_number_of_running_jobs(
    account: StorageAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = TableWatchIndex(account, f"watch{uuid4().hex[:16]}")
    rows = [("create", {"PartitionKey": "active", "RowKey": f"tenant{number:05d}|job"}) for number in range(3_000)]
    for first in range(0, len(rows), 100):
        index._table.submit_transaction(rows[first : first + 100])

    with counted_requests(monkeypatch) as sent:
        for _ in range(10):
            active = index.active()

    assert len(sent) == 1
    assert len(active) == MANY_TENANTS
    assert share_of_one_tenant(MANY_TENANTS) == share_of_one_tenant(3_000)


def requests_of_a_job(services: Services, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Export two pages in this process, from the request to the end of the job. Return the requests of each stage."""
    sent_requests: dict[str, int] = {}

    def count(stage: str, act: Callable[[], T]) -> T:
        with counted_requests(monkeypatch) as sent:
            result = act()
        sent_requests[stage] = len(sent)
        return result

    command = ExportCommand(NORTHWIND, "me", CsvExportRequestDto(), SensitiveFields.ALLOWED)
    job = count("request", lambda: asyncio.run(request_export(services, RecordingStarter(), command)))
    planned = count("plan", lambda: plan_pages(services, PlanPages(job=job.ref, target_bytes=600_000)))
    assert isinstance(planned, PagesPlanned)
    assert planned.pages == 2
    pages = count("pages", lambda: [write_page(services, WritePage(job=job.ref, page=page)) for page in range(2)])
    written = [page for page in pages if isinstance(page, PageWritten)]
    order = CommitFile(job=job.ref, pages=2, rows=planned.rows, bytes=sum(page.bytes for page in written))
    assert count("commit", lambda: commit_file(services, order)) == Done(ended=True)
    return sent_requests


def test_a_small_job_sends_only_the_requests_that_docs_costs_lists(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sample_database(tmp_path, 1_600)
    settings = {"EXPORT_STORAGE": azurite.connection_string, "CLIENTS_DATABASE_URL": database}
    services = build_services(read_settings(settings))
    requests_of_a_job(services, monkeypatch)  # creates the missing tables

    assert requests_of_a_job(services, monkeypatch) == {
        "request": 3,
        "plan": MEASURED.plan_requests,
        "pages": 2 * MEASURED.page_requests,
        "commit": MEASURED.commit_requests,
    }
    assert [MEASURED.plan_requests, MEASURED.page_requests, MEASURED.commit_requests] == [4, 4, 8]


def test_a_job_of_one_page_sends_the_requests_that_docs_costs_lists(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "EXPORT_STORAGE": azurite.connection_string,
        "CLIENTS_DATABASE_URL": sample_database(tmp_path, 150),
    }
    services = build_services(read_settings(settings))
    command = ExportCommand(NORTHWIND, "me", CsvExportRequestDto(), SensitiveFields.ALLOWED)

    def export() -> int:
        job = asyncio.run(request_export(services, RecordingStarter(), command))
        with counted_requests(monkeypatch) as sent:
            outcome = plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=600_000))
        assert outcome == Done(ended=True)
        return len(sent)

    export()  # creates the missing tables
    assert export() == MEASURED.small_job_requests == 7


def share_of_one_tenant(tenants: int) -> int:
    """Return a tenant's share of the largest possible budget if so many tenants have one job each."""
    services = a_services()
    object.__setattr__(services, "settings", services.settings.model_copy(update={"wave_pages": 500}))
    for number in range(tenants):
        services.watch.watch(watched(JobRef(tenant=f"t{number}", code="c", attempt=1), NOON))
    return share_of(services, "t0")
