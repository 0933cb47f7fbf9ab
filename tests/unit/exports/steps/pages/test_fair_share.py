"""The pages in flight are divided among tenants, and the share of a tenant among its jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exports.file.plan import MIN_PAGE_ROWS
from exports.jobs.watchdog import watched
from exports.steps.pages.fair_share import share_of
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.record_progress import record_progress
from exports.steps.requests.cancel_export import cancel_export
from exports.workflow.commands import PlanPages, RecordProgress
from exports.workflow.outcomes import PagesPlanned
from tests.support.builders import NOON, a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, a_stored_job, some_clients


def with_jobs(budget: int = 64, **jobs: int) -> MemoryServices:
    """Return services with this number of active jobs for each tenant."""
    services = a_services(some_clients(5), EXPORT_WAVE_PAGES=budget)
    for tenant, count in jobs.items():
        for _ in range(count):
            services.watch.watch(watched(replace(a_job(), tenant=tenant).ref, NOON))
    return services


@pytest.mark.parametrize(
    ("jobs", "share"),
    [
        ({}, 64),
        ({"a": 1}, 64),
        ({"a": 2}, 32),
        ({"a": 1, "b": 1}, 32),
        ({"a": 1, "b": 20}, 32),
        ({"a": 1, "b": 1, "c": 1}, 21),
        ({"a": 4, "b": 1}, 8),
        ({"b": 1}, 64),
        ({"a": 20, "b": 1, "c": 1}, 2),
    ],
)
def test_a_job_has_its_share_of_its_tenants_share(jobs: dict[str, int], share: int) -> None:
    assert share_of(with_jobs(**jobs), "a") == share


@pytest.mark.parametrize(("budget", "share"), [(1, 1), (2, 2), (3, 2), (16, 2)])
def test_a_share_is_at_least_two_pages_and_at_most_the_budget(budget: int, share: int) -> None:
    assert share_of(with_jobs(budget, a=10, b=3), "a") == share


def test_planning_and_every_settled_wave_report_the_current_share() -> None:
    services = with_jobs(other=1)
    services.clients.clients = some_clients(3 * MIN_PAGE_ROWS)
    job = a_stored_job(services)
    services.watch.watch(watched(job.ref, NOON))
    planned = plan_pages(services, PlanPages(job=job.ref, target_bytes=1))
    assert planned == PagesPlanned(pages=3, rows=1500, wave_pages=32)
    services.watch.unwatch(next(entry for entry in services.watch.watched(10) if entry.tenant == "other"))
    settled = record_progress(services, RecordProgress(job=job.ref, pages=1, rows=500))
    assert settled.model_dump(by_alias=True)["wavePages"] == 64


@pytest.mark.parametrize(("pages", "share"), [(1, 64), (2, 64), (3, 32)])
def test_jobs_are_not_counted_if_the_pages_fit_in_every_share(pages: int, share: int) -> None:
    assert share_of(with_jobs(a=1, b=1), "a", pages) == share


def test_an_ended_job_frees_its_share_at_once() -> None:
    services = with_jobs()
    job, other = a_planned_job(services), a_planned_job(services)
    for each in (job, other):
        services.watch.watch(watched(each.ref, NOON))
    assert share_of(services, TENANT) == 32
    cancel_export(services, TENANT, other.code, "me")
    assert share_of(services, TENANT) == 64
