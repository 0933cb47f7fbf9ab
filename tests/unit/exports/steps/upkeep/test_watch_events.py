"""The log shows each run of the watchdog and of the retention, and the jobs that stand."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.steps.pages.plan_pages import plan_pages
from exports.steps.upkeep.apply_retention import apply_retention
from exports.steps.upkeep.watch_jobs import watch_jobs
from exports.workflow.commands import PlanPages
from tests.support.watched_jobs import a_system, run_watchdog, start


def _watched(caplog: pytest.LogCaptureFixture) -> list[tuple[str, float]]:
    """Return the events of the watchdog about jobs, with their seconds."""
    found = re.findall(r"event=(watch\.\w+) .*?seconds=([\d.]+)", "\n".join(caplog.messages))
    return [(name, float(seconds)) for name, seconds in found if name != "watch.ended"]


def test_each_run_of_the_watchdog_is_told_even_without_jobs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    services, client = a_system()
    run_watchdog(services, client, times=2)
    assert caplog.messages == ["event=watch.ended seconds=0.0 failed=0 jobs=0"] * 2


@pytest.mark.parametrize("minutes_set", [10, -10], ids=["set forward", "set back"])
@pytest.mark.parametrize(("run", "method"), [(watch_jobs, "watched"), (apply_retention, "due")])
def test_runs_tell_how_long_they_took_although_the_clock_is_set(
    run: Any, method: str, minutes_set: float, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    services, client = a_system()

    def answer(*_: Any) -> list[Any]:
        services.now.advance(seconds=3)
        services.now.set_forward(minutes=minutes_set)
        return []

    monkeypatch.setattr(services.watch, method, answer)
    asyncio.run(run(services, client))
    assert " seconds=3.0 " in caplog.messages[-1]


def test_a_run_tells_how_many_jobs_it_checked_and_could_not_check(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    services, client = a_system()
    jobs = [start(services, client) for _ in range(3)]
    read = services.jobs.get

    def get(tenant: str, code: str) -> object:
        if code == jobs[1].code:
            raise ZeroDivisionError
        return read(tenant, code)

    monkeypatch.setattr(services.jobs, "get", get)
    run_watchdog(services, client)
    assert caplog.messages[-1] == "event=watch.ended seconds=0.0 failed=1 jobs=3"
    assert f"event=watch.failed tenant=tenant job={jobs[1].code} attempt=1" in caplog.messages


def test_a_job_that_stays_queued_is_told_from_five_minutes_on(caplog: pytest.LogCaptureFixture) -> None:
    services, client = a_system()
    job = start(services, client)
    client.statuses[job.ref.instance_id] = Status.Pending
    run_watchdog(services, client, times=7)
    assert _watched(caplog) == [("watch.queued", 300), ("watch.queued", 360), ("watch.queued", 420)]


def test_a_job_that_makes_no_progress_is_told_from_five_minutes_on(caplog: pytest.LogCaptureFixture) -> None:
    services, client = a_system()
    job = start(services, client)
    client.statuses[job.ref.instance_id] = Status.Running
    plan_pages(services, PlanPages(job=job.ref, target_bytes=100))
    run_watchdog(services, client, times=7)
    assert {name for name, _ in _watched(caplog)} == {"watch.stalled"}
    assert max(seconds for _, seconds in _watched(caplog)) >= 300
