"""A request that waits for a small export reads it when it is likely to have ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest

from exports.errors import StorageUnavailableError
from exports.jobs.job import Job
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


@pytest.mark.parametrize("refusals", [1, 1_000])
def test_a_request_waits_on_while_storage_does_not_answer(monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
    services = a_services()
    job = a_stored_job(services)
    ended = services.jobs.change(job.tenant, job.code, lambda job: replace(job, status=JobStatus.COMPLETED))
    answers = chain(repeat(None, refusals), repeat(ended))

    def read(*_: str) -> Job:
        if answer := next(answers):
            return answer
        raise StorageUnavailableError("busy")

    monkeypatch.setattr(services.jobs, "get", read)
    shown = asyncio.run(wait_for_end(services, job, 60 if refusals == 1 else 0.1))
    assert shown == (ended if refusals == 1 else job)
