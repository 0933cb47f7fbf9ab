"""The log tells each start and end of a job once, however often a step runs."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps import job_ends
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.make_job import make_job
from exports.steps.requests.remove_file import remove_file
from exports.steps.requests.resume_export import resume_export
from exports.steps.requests.start_export import start_export
from exports.workflow.commands import RecordOutcome
from shared.request_ids import serving
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import TENANT, a_planned_job, a_stored_job, some_clients, two_columns, write_pages


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, str]]:
    """Return the fields of each event of this name."""
    lines = [message for message in caplog.messages if message.startswith(f"event={name} ")]
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines]


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def _completed(services: MemoryServices) -> Job:
    job = a_planned_job(services, request_id="of-the-start")
    command = write_pages(services, job)
    for _ in range(2):
        commit_file(services, command)
    return job


def test_a_completed_job_is_told_once_with_its_figures(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services(clients=some_clients(5))
    job = _completed(services)
    stored = services.jobs.get(TENANT, job.code)
    assert stored is not None
    (told,) = events(caplog, "job.ended")
    assert told == {
        "event": "job.ended",
        "request": "of-the-start",
        "tenant": TENANT,
        "job": job.code,
        "attempt": "1",
        "status": "Completed",
        "rows": "5",
        "bytes": str(stored.file_bytes),
        "seconds": "0.0",
    }


@pytest.mark.parametrize("minutes_set", [-10, 10])
def test_a_job_whose_host_has_set_its_clock_took_no_negative_time(
    minutes_set: float, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: dict[str, float] = {}
    monkeypatch.setattr(job_ends, "measure", lambda name, seconds: measured.update({name: seconds}))
    services = a_services(clients=some_clients(5))
    job = a_stored_job(services, created_date=services.now())
    services.now.set_forward(minutes=minutes_set)
    services.jobs.change(TENANT, job.code, lambda job: job.begin(services.now()))
    cancel_export(services, TENANT, job.code, "me")
    (told,) = events(caplog, "job.ended")
    assert float(told["seconds"]) == measured["export.queue.seconds"] == max(0.0, minutes_set * 60)


def test_a_failed_job_is_told_once_with_the_code_of_its_failure(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services(clients=some_clients(5))
    job = a_planned_job(services)
    for _ in range(2):
        record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    (told,) = events(caplog, "job.ended")
    assert (told["status"], told["error"], told["rows"]) == ("Failed", "interrupted", "0")
    assert "bytes" not in told


def test_a_cancelled_job_is_told_once_with_the_request_that_cancelled_it(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services()
    job = a_stored_job(services, request_id="of-the-start")
    with serving("of-the-cancel"):
        for _ in range(2):
            cancel_export(services, TENANT, job.code, "me")
    (told,) = events(caplog, "job.ended")
    assert (told["status"], told["request"]) == ("Cancelled", "of-the-cancel")


def test_a_late_step_of_an_ended_job_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services()
    job = a_stored_job(services)
    cancel_export(services, TENANT, job.code, "me")
    record_outcome(services, RecordOutcome(job=job.ref, failure=INTERRUPTED))
    assert [told["status"] for told in events(caplog, "job.ended")] == ["Cancelled"]


def test_a_start_is_told_once_with_its_request_and_a_resume_with_its_attempt(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services()
    with serving("of-the-start"):
        job = make_job(TENANT, two_columns(), "7ybqttn9kg0pf1x6vfw644k23d", services.now())
        for _ in range(2):
            asyncio.run(start_export(services, RecordingStarter(), job, "me"))
    cancel_export(services, TENANT, job.code, "me")
    asyncio.run(resume_export(services, RecordingStarter(), TENANT, job.code, "you"))
    told = [(each["attempt"], each["by"], each["request"]) for each in events(caplog, "job.started")]
    assert told == [("1", "me", "of-the-start"), ("2", "you", "of-the-start")]


def test_the_request_that_started_a_job_travels_to_its_steps() -> None:
    services = a_services()
    with serving("of-the-start"):
        job = make_job(TENANT, two_columns(), "7ybqttn9kg0pf1x6vfw644k23d", services.now())
    assert job.ref.model_dump(mode="json", by_alias=True)["request"] == "of-the-start"
    assert set(replace(job, request_id=None).ref.model_dump()) == {"tenant", "code", "attempt"}


def test_a_removed_file_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services(clients=some_clients(5))
    job = _completed(services)
    for _ in range(2):
        remove_file(services, TENANT, job.code, "me")
    (told,) = events(caplog, "file.deleted")
    assert (told["job"], told["status"]) == (job.code, JobStatus.COMPLETED)
    assert int(told["bytes"]) > 0


def test_staged_blocks_are_no_file(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services(clients=some_clients(5))
    job = a_planned_job(services)
    write_pages(services, job)
    cancel_export(services, TENANT, job.code, "me")
    assert events(caplog, "file.deleted") == []


def test_the_seconds_of_a_job_count_from_its_request(caplog: pytest.LogCaptureFixture) -> None:
    services = a_services()
    job = a_stored_job(services, created_date=services.now() - timedelta(seconds=90))
    cancel_export(services, TENANT, job.code, "me")
    (told,) = events(caplog, "job.ended")
    assert float(told["seconds"]) == 90
