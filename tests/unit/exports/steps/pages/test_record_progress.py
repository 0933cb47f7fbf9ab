"""The settled totals of a job never decrease."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exports.jobs.job import Job
from exports.steps.pages.record_progress import record_progress
from exports.workflow.commands import RecordProgress
from exports.workflow.outcomes import Done, Stopped
from tests.support.builders import a_job
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_planned_job, cancel, stored, take_over


def _settled(services: MemoryServices, job: Job) -> tuple[int, int]:
    now = stored(services, job)
    return now.settled_pages, now.settled_items


def test_the_first_pages_are_summed_up() -> None:
    services = a_services()
    job = a_planned_job(services)
    assert record_progress(services, RecordProgress(job=job.ref, pages=2, rows=4)) == Done(wave_pages=64)
    assert _settled(services, job) == (2, 4)


def test_settling_again_changes_nothing() -> None:
    services = a_services()
    job = a_planned_job(services)
    for _ in range(2):
        assert record_progress(services, RecordProgress(job=job.ref, pages=2, rows=4)) == Done(wave_pages=64)
    assert _settled(services, job) == (2, 4)


def test_a_late_repeat_does_not_go_back() -> None:
    services = a_services()
    job = a_planned_job(services)
    record_progress(services, RecordProgress(job=job.ref, pages=3, rows=5))
    assert record_progress(services, RecordProgress(job=job.ref, pages=2, rows=4)) == Done(wave_pages=64)
    assert _settled(services, job) == (3, 5)


@pytest.mark.parametrize("interrupt", [cancel, take_over])
def test_a_job_that_no_longer_runs_is_left_alone(interrupt: Callable[[MemoryServices, Job], None]) -> None:
    services = a_services()
    job = a_planned_job(services)
    interrupt(services, job)
    before = stored(services, job)
    assert record_progress(services, RecordProgress(job=job.ref, pages=2, rows=4)) == Stopped()
    assert stored(services, job) == before


def test_a_job_cancelled_during_the_write_stays_cancelled() -> None:
    services = a_services()
    job = a_planned_job(services)

    def cancel_once() -> None:
        services.jobs.before_write = lambda: None
        cancel(services, job)

    services.jobs.before_write = cancel_once
    assert record_progress(services, RecordProgress(job=job.ref, pages=2, rows=4)) == Stopped()
    assert _settled(services, job) == (0, 0)


def test_an_unknown_job_is_stopped() -> None:
    assert record_progress(a_services(), RecordProgress(job=a_job().ref, pages=1, rows=1)) == Stopped()
