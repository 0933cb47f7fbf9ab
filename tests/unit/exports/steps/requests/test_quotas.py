"""Quotas limit the active jobs and the jobs a day, separately for each tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exports.errors import QuotaExceededError
from exports.jobs.codes import new_job_code
from exports.jobs.states import ACTIVE, JobStatus
from exports.steps.requests.quotas import require_room
from exports.triggers.http.problems import QUOTA_EXCEEDED, describe
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_stored_job, cancel

MIDNIGHT = NOON.replace(hour=0)


def _quotas(active: int = 100, per_day: int = 100) -> MemoryServices:
    return a_services(EXPORT_MAX_ACTIVE_JOBS=active, EXPORT_MAX_JOBS_PER_DAY=per_day)


def _a_job_of(
    services: MemoryServices, created: datetime = NOON, status: JobStatus = JobStatus.COMPLETED, tenant: str = TENANT
) -> None:
    a_stored_job(services, tenant=tenant, code=new_job_code(created), created_date=created, status=status)


def _refusal(services: MemoryServices) -> QuotaExceededError:
    """Return the error with which the quota refuses another job."""
    with pytest.raises(QuotaExceededError) as raised:
        require_room(services, TENANT)
    return raised.value


# --- active jobs ---


@pytest.mark.parametrize("status", ACTIVE)
def test_a_tenant_at_its_limit_of_active_jobs_is_refused(status: JobStatus) -> None:
    services = _quotas(active=2)
    _a_job_of(services, status=status)
    require_room(services, TENANT)
    _a_job_of(services, status=status)
    assert "tenant: 2," in str(_refusal(services))


@pytest.mark.parametrize("status", [status for status in JobStatus if status.is_terminal])
def test_jobs_that_have_ended_do_not_count_as_active(status: JobStatus) -> None:
    services = _quotas(active=1)
    _a_job_of(services, status=status)
    require_room(services, TENANT)


def test_cancelling_a_job_lets_the_next_one_start() -> None:
    services = _quotas(active=1)
    job = a_stored_job(services)
    _refusal(services)
    cancel(services, job)
    require_room(services, TENANT)


def test_a_job_started_yesterday_still_counts_as_active() -> None:
    services = _quotas(active=1)
    _a_job_of(services, NOON - timedelta(days=1), JobStatus.IN_PROGRESS)
    _refusal(services)


def test_a_tenant_at_its_limit_of_active_jobs_may_retry_within_a_minute() -> None:
    services = _quotas(active=1)
    _a_job_of(services, status=JobStatus.QUEUED)
    assert 1 <= _refusal(services).retry_after_seconds <= 60


# --- jobs a day ---


@pytest.mark.parametrize("status", JobStatus)
def test_a_tenant_at_its_daily_limit_is_refused_until_tomorrow(status: JobStatus) -> None:
    services = _quotas(per_day=2)
    _a_job_of(services, status=status)
    require_room(services, TENANT)
    _a_job_of(services, status=status)
    assert "tomorrow" in str(_refusal(services))


@pytest.mark.parametrize(
    ("created", "counts"),
    [(MIDNIGHT - timedelta(milliseconds=1), False), (MIDNIGHT, True), (NOON, True)],
)
def test_a_day_begins_at_midnight_utc(created: datetime, counts: bool) -> None:
    services = _quotas(per_day=1)
    _a_job_of(services, created)
    if counts:
        _refusal(services)
    else:
        require_room(services, TENANT)


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (NOON, 43_200),
        (MIDNIGHT, 86_400),
        (datetime(2026, 1, 31, 23, 59, 59, 500_000, tzinfo=UTC), 0.5),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 3_600),
    ],
    ids=str,
)
def test_a_retry_after_the_given_delay_is_accepted(now: datetime, seconds: float) -> None:
    services = _quotas(per_day=1)
    services.now.moment = now
    _a_job_of(services, now)
    delay_seconds = _refusal(services).retry_after_seconds
    assert seconds < delay_seconds <= seconds + 1
    services.now.advance(seconds=delay_seconds)
    require_room(services, TENANT)


# --- both ---


def test_the_quota_of_one_tenant_does_not_affect_another() -> None:
    services = _quotas(active=1, per_day=1)
    _a_job_of(services, status=JobStatus.QUEUED, tenant="other")
    require_room(services, TENANT)


def test_a_refusal_is_a_429_with_a_retry_after_header() -> None:
    services = _quotas(per_day=1)
    _a_job_of(services)
    problem = describe(_refusal(services))
    assert problem is not None
    assert (problem.kind, problem.kind.status) == (QUOTA_EXCEEDED, 429)
    assert int(problem.headers["Retry-After"]) > 43_000
