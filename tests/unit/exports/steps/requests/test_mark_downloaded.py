"""A scheduled export counts as downloaded once a caller receives the link to its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.requests.download_file import create_link
from exports.steps.requests.give_link import Reader
from exports.steps.requests.list_exports import list_exports
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import READER, a_stored_job, get_export, stored

DAY = timedelta(days=1)
REQUESTS = {
    "status": lambda services, job: get_export(services, job.tenant, job.code, READER),
    "download": lambda services, job: create_link(services, job.tenant, job.code, READER),
}
Request = Callable[[MemoryServices, Job], object]


def a_scheduled_job(services: MemoryServices, **changes: object) -> Job:
    """Store a completed job that a schedule started. It expires after a day."""
    values = {"status": JobStatus.COMPLETED, "expiry_date": NOON + DAY, "schedule_code": "0" * 20} | changes
    return a_stored_job(services, **values)


@pytest.mark.parametrize("request_link", REQUESTS.values(), ids=REQUESTS)
def test_only_the_first_link_sets_the_downloaded_date(request_link: Request) -> None:
    services = a_services()
    job = a_scheduled_job(services)
    request_link(services, job)
    services.now.advance(hours=1)
    request_link(services, job)
    assert stored(services, job) == replace(job, downloaded_date=NOON)


@pytest.mark.parametrize("request_link", REQUESTS.values(), ids=REQUESTS)
def test_a_job_without_a_schedule_is_not_changed(request_link: Request) -> None:
    services = a_services()
    job = a_scheduled_job(services, schedule_code=None)
    request_link(services, job)
    assert stored(services, job) == job


def test_a_status_without_a_link_does_not_mark_the_job_downloaded() -> None:
    services = a_services()
    for job in (a_scheduled_job(services, status=JobStatus.IN_PROGRESS), a_scheduled_job(services, expiry_date=NOON)):
        get_export(services, job.tenant, job.code, READER)
        assert stored(services, job) == job


def test_a_status_without_a_wanted_link_marks_nothing_and_is_not_audited() -> None:
    services = a_services()
    job = a_scheduled_job(services)
    shown = get_export(services, job.tenant, job.code, Reader("reader", wants_link=False))
    assert (shown.status, shown.download_url) == (JobStatus.COMPLETED, None)
    assert services.audit.all == []
    assert stored(services, job) == job
    get_export(services, job.tenant, job.code, Reader("reader"))
    assert stored(services, job).downloaded_date == NOON


def test_a_list_does_not_mark_its_jobs_downloaded() -> None:
    services = a_services()
    job = a_scheduled_job(services)
    (shown,) = list_exports(services, job.tenant, 10, None).data
    assert shown.download_url is None
    assert stored(services, job) == job


@pytest.mark.parametrize("request_link", REQUESTS.values(), ids=REQUESTS)
def test_the_link_is_issued_even_if_the_date_cannot_be_stored(request_link: Request) -> None:
    services = a_services()
    job = a_scheduled_job(services)

    def fail() -> None:
        raise StorageUnavailableError("no")

    services.jobs.before_write = fail
    assert "expires=" in str(request_link(services, job))
