"""A request that waits for a small export reads it when it is likely to have ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from exports.jobs.states import JobStatus
from exports.jobs.wait_history import SHORTEST_PAUSE_SECONDS
from exports.steps.requests.wait_for_end import wait_for_end
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job


def _wait_for_a_job_that_took(services: MemoryServices, seconds: float) -> None:
    """Wait for a job that has completed so many seconds after the wait begins, by the clock of its host."""
    job = a_stored_job(services)
    completed = services.now() + timedelta(seconds=seconds)
    services.jobs.change(
        job.tenant, job.code, lambda job: replace(job, status=JobStatus.COMPLETED, completed_date=completed)
    )
    assert asyncio.run(wait_for_end(services, job, 10)).status is JobStatus.COMPLETED


def test_a_request_learns_how_long_the_job_took_and_not_how_long_it_waited() -> None:
    services = a_services()
    for _ in range(8):
        services.waits.add(0.2)
    _wait_for_a_job_that_took(services, 0.1)
    assert services.waits.first_pause_seconds() == pytest.approx(0.09)


@pytest.mark.parametrize("seconds", [-30.0, 30.0])
def test_a_clock_that_is_wrong_does_not_delay_the_answers_for_small_jobs(seconds: float) -> None:
    services = a_services()
    _wait_for_a_job_that_took(services, seconds)
    assert services.waits.first_pause_seconds() == SHORTEST_PAUSE_SECONDS
    services.waits.add(0.2)
    _wait_for_a_job_that_took(services, seconds)
    assert services.waits.first_pause_seconds() == pytest.approx(0.18)
