"""Planning counts once, stores the plan once, and stops if the job does not run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exports.errors import SourceMismatchError, SourceUnavailableError
from exports.file.key_order import ORDER_PROBES
from exports.file.page_record import MAX_CODE_CHARS
from exports.file.plan import MIN_PAGE_ROWS, PagePlan
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.filters import ClientFilter
from exports.request.formats import Compression, FormatDto, FormatPreset
from exports.steps.pages.plan_pages import plan_pages
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import PagesPlanned, Stopped
from tests.support.builders import NOON, a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, cancel, some_clients, stored, take_over, two_columns, write_pages

ANY_BYTES = 6 * 1024 * 1024


def _plan(services: MemoryServices, job: Job, target_bytes: int = ANY_BYTES) -> PagesPlanned | Stopped:
    return plan_pages(services, PlanPages(job=job.ref, target_bytes=target_bytes))


def _stored_plan(services: MemoryServices, job: Job) -> PagePlan:
    return PagePlan.model_validate_json(services.files.load_plan(job.ref))


def test_planning_starts_the_job_and_sets_its_total() -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)
    assert _plan(services, job) == PagesPlanned(pages=1, rows=7, wave_pages=64)
    now = stored(services, job)
    assert (now.status, now.started_date, now.total_items) == (JobStatus.IN_PROGRESS, NOON, 7)


def test_the_plan_holds_the_specification_and_the_first_client_of_every_further_page() -> None:
    services = a_services(some_clients(2 * MIN_PAGE_ROWS + 1))
    job = a_stored_job(services)
    assert _plan(services, job, target_bytes=1) == PagesPlanned(pages=2, rows=1001, wave_pages=64)
    assert _stored_plan(services, job) == PagePlan(
        spec=job.spec,
        total_rows=1001,
        starts=("C0601",),
        code_order=tuple(services.clients.rank_codes(ORDER_PROBES)),
    )


def test_pages_have_fewer_rows_if_rows_are_longer() -> None:
    services = a_services([{**client, "name": "x" * 1000} for client in some_clients(1500)])
    job = a_stored_job(services)
    assert _plan(services, job, target_bytes=750 * 1008) == PagesPlanned(pages=2, rows=1500, wave_pages=64)


@pytest.mark.parametrize("chosen", [FormatDto(compression=Compression.GZIP), FormatDto(preset=FormatPreset.XLSX)])
def test_pages_that_compress_well_hold_at_most_three_times_the_wanted_bytes(chosen: FormatDto) -> None:
    """Otherwise a file that compresses to a hundredth would be one page, made by one process."""
    services = a_services([{**client, "name": "x" * 1000} for client in some_clients(6000)])
    job = a_stored_job(services, spec=two_columns(format=chosen.resolve()))
    planned = _plan(services, job, target_bytes=750 * 1008)
    assert isinstance(planned, PagesPlanned)
    assert 2 < planned.pages < 8


def test_pages_have_equal_sizes_although_clients_differ_in_size() -> None:
    """The first half of the clients is small. Judged by the beginning alone, the second half would make huge blocks."""
    clients = some_clients(8_000)
    services = a_services([{**client, "name": "x" * (10 if n < 4_000 else 1_000)} for n, client in enumerate(clients)])
    job = a_stored_job(services)
    planned = _plan(services, job, target_bytes=2_100_000)
    command = write_pages(services, job, planned.pages if isinstance(planned, PagesPlanned) else 0)
    sizes = [record.bytes for record in services.pages.records(job.ref)]
    assert command.rows == 8_000
    assert max(sizes) < 1.1 * 2_100_000
    assert min(sizes) > 0.9 * 2_000_000


def test_a_plan_whose_page_starts_with_a_code_too_long_to_prove_is_refused() -> None:
    clients = [{**client, "code": client["code"] + "x" * MAX_CODE_CHARS} for client in some_clients(1500)]
    services = a_services(clients)
    job = a_stored_job(services)
    with pytest.raises(SourceMismatchError, match=r"The column code of .* more than 8,000"):
        _plan(services, job, target_bytes=750 * MAX_CODE_CHARS)
    with pytest.raises(KeyError):
        services.files.load_plan(job.ref)


def test_an_export_of_no_clients_has_one_page() -> None:
    services = a_services()
    job = a_stored_job(services)
    assert _plan(services, job) == PagesPlanned(pages=1, rows=0, wave_pages=64)
    assert stored(services, job).total_items == 0


def test_only_clients_of_the_tenant_that_pass_the_filter_are_counted() -> None:
    services = a_services([*some_clients(3), *some_clients(5, "other"), {"tenant": TENANT, "code": "X"}])
    job = a_stored_job(services, spec=two_columns(filter=ClientFilter(search="client")))
    assert _plan(services, job) == PagesPlanned(pages=1, rows=3, wave_pages=64)


def test_planning_again_changes_nothing() -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)
    first = _plan(services, job)
    before = stored(services, job), services.files.load_plan(job.ref)
    services.clients.clients += some_clients(9)
    services.now.advance(minutes=1)
    assert _plan(services, job) == first
    assert (stored(services, job), services.files.load_plan(job.ref)) == before


def test_two_plans_made_at_the_same_time_report_the_stored_one() -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)
    outcomes: list[PagesPlanned | Stopped] = []

    def run_another_first() -> None:
        services.clients.after_read = lambda: None
        services.clients.clients.pop()
        outcomes.append(_plan(services, job))
        services.clients.clients += some_clients(9)[7:]

    services.clients.after_read = run_another_first
    outcomes.append(_plan(services, job))
    assert outcomes == [PagesPlanned(pages=1, rows=6, wave_pages=64)] * 2
    assert stored(services, job).total_items == 6


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_is_not_read(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)
    interrupt(services, job)
    assert _plan(services, job) == Stopped()
    assert services.clients.reads == 0


def test_an_unknown_job_is_stopped() -> None:
    assert _plan(a_services(), a_job()) == Stopped()


def test_a_job_cancelled_during_planning_gets_no_total() -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)
    services.clients.after_read = lambda: cancel(services, job)
    assert _plan(services, job) == Stopped()
    assert (stored(services, job).status, stored(services, job).total_items) == (JobStatus.CANCELLED, None)


@pytest.mark.parametrize("column", ["tenant", "code", "name"])
def test_a_missing_column_is_named(column: str) -> None:
    services = a_services(some_clients(1))
    services.clients.lacking = frozenset({column})
    with pytest.raises(SourceMismatchError, match=f"lacks the column {column};"):
        _plan(services, a_stored_job(services))


def test_a_missing_column_that_is_not_exported_does_no_harm() -> None:
    services = a_services(some_clients(1))
    services.clients.lacking = frozenset({"email"})
    assert _plan(services, a_stored_job(services)) == PagesPlanned(pages=1, rows=1, wave_pages=64)


def test_a_client_without_code_is_a_mismatch() -> None:
    services = a_services([{"tenant": TENANT, "code": None}])
    with pytest.raises(SourceMismatchError, match="has no code"):
        _plan(services, a_stored_job(services))


def test_planning_succeeds_on_the_next_try_after_the_source_failed() -> None:
    services = a_services(some_clients(7))
    job = a_stored_job(services)

    def fail_once() -> None:
        services.clients.before_ask = lambda: None
        raise SourceUnavailableError("No answer.")

    services.clients.before_ask = fail_once
    with pytest.raises(SourceUnavailableError):
        _plan(services, job)
    assert _plan(services, job) == PagesPlanned(pages=1, rows=7, wave_pages=64)
