"""Retention: files are removed when they expire, rows later; sweeps remove data that belongs to no job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.errors import ExpiredError, JobNotFoundError, NotResumableError
from exports.jobs.codes import new_job_code
from exports.jobs.failures import STALLED
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.idempotency import IdempotencyRecord, hash_of_key
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.download_file import create_link, load_manifest
from exports.steps.requests.make_job import make_job
from exports.steps.requests.resume_export import resume_export
from exports.steps.requests.start_export import start_export
from exports.steps.upkeep.apply_retention import apply_retention
from exports.steps.upkeep.sweep_histories import sweep_histories
from exports.steps.upkeep.sweep_orphans import sweep_orphans
from exports.workflow.commands import PlanPages, RecordOutcome, WritePage
from exports.workflow.outcomes import Done
from tests.support.builders import NOON, a_job
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import READER, TENANT, get_export, some_clients, stored, two_columns, write_pages


class Crash(BaseException):
    """The process ends here. Not an `Exception`, so no error handling catches it."""


def crash(*_: Any) -> None:
    raise Crash


def a_system() -> tuple[MemoryServices, MemoryOrchestrationClient]:
    return a_services(some_clients(5)), MemoryOrchestrationClient()


def start(services: MemoryServices, client: MemoryOrchestrationClient) -> Job:
    job = make_job(TENANT, two_columns(), new_job_code(services.now()), services.now())
    asyncio.run(start_export(services, client, job, "me"))
    client.statuses[job.ref.instance_id] = Status.Running
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10_000))
    write_page(services, WritePage(job=job.ref, page=0))
    return stored(services, job)


def complete(services: MemoryServices, job: Job) -> None:
    command = write_pages(services, job, 1)
    assert commit_file(services, command) == Done(ended=True)


def fail(services: MemoryServices, job: Job) -> None:
    record_outcome(services, RecordOutcome(job=job.ref, failure=STALLED))


def cancel(services: MemoryServices, job: Job) -> None:
    cancel_export(services, TENANT, job.code, "me")


End = Callable[[MemoryServices, Job], None]
every_end = pytest.mark.parametrize("end", [complete, fail, cancel])


def an_ended_job(end: End) -> tuple[MemoryServices, MemoryOrchestrationClient, Job]:
    services, client = a_system()
    job = start(services, client)
    end(services, job)
    client.statuses[job.ref.instance_id] = Status.Completed
    return services, client, stored(services, job)


def run_retention(services: MemoryServices, client: MemoryOrchestrationClient, **elapsed: float) -> None:
    services.now.advance(**elapsed)
    asyncio.run(apply_retention(services, client))


def remains(services: MemoryServices, job: Job) -> list[object]:
    """Collect all data of a job from every store."""
    blobs, _ = services.files.sweep("", 1000)
    pages = list(services.pages.records(job.ref))
    return [*blobs, *pages, *services.jobs.all(), *services.watch.due(datetime.max.replace(tzinfo=NOON.tzinfo), 100)]


# --- files ---


def test_an_expired_file_is_removed_and_the_row_says_so() -> None:
    services, client, job = an_ended_job(complete)
    run_retention(services, client, hours=23.9)
    assert services.files.read(job.file_path) is not None
    run_retention(services, client, hours=0.2)
    assert services.files.read(job.file_path) is None
    assert stored(services, job).file_removed
    with pytest.raises(ResourceNotFoundError):
        services.files.load_manifest(job.ref)
    for download in (
        lambda: create_link(services, TENANT, job.code, READER),
        lambda: load_manifest(services, TENANT, job.code),
    ):
        with pytest.raises(ExpiredError):
            download()
    shown = get_export(services, TENANT, job.code, READER)
    assert (shown.status, shown.download_url) == (JobStatus.COMPLETED, None)


def test_a_removed_file_has_no_link_even_if_the_clock_is_set_back() -> None:
    services, client, job = an_ended_job(complete)
    run_retention(services, client, hours=25)
    services.now.set_forward(hours=-24)
    assert get_export(services, TENANT, job.code, READER).download_url is None
    with pytest.raises(ExpiredError):
        create_link(services, TENANT, job.code, READER)


@pytest.mark.parametrize("end", [fail, cancel])
def test_staged_blocks_are_removed_after_a_week_and_prevent_a_resume(end: End) -> None:
    services, client, job = an_ended_job(end)
    run_retention(services, client, days=6.9)
    assert stored(services, job).is_resumable
    run_retention(services, client, days=0.2)
    now = stored(services, job)
    assert (now.file_removed, now.is_resumable) == (True, False)
    assert services.files.staged(job.file_path) == {}
    failure = get_export(services, TENANT, job.code, READER).failure
    assert failure is None or not failure.resumable
    with pytest.raises(NotResumableError):
        asyncio.run(resume_export(services, client, TENANT, job.code, "me"))


def test_a_job_resumed_just_before_its_blocks_are_removed_keeps_them() -> None:
    services, client, job = an_ended_job(fail)
    services.now.advance(days=8)

    def resume_first() -> None:
        services.jobs.before_write = lambda: None
        asyncio.run(resume_export(services, client, TENANT, job.code, "me"))

    services.jobs.before_write = resume_first
    run_retention(services, client)
    now = stored(services, job)
    assert (now.status, now.attempt, now.file_removed) == (JobStatus.QUEUED, 2, False)
    assert services.files.staged(job.file_path)


def test_retention_counts_from_the_last_end_of_a_resumed_job() -> None:
    services, client, job = an_ended_job(fail)
    services.now.advance(days=6)
    resumed = asyncio.run(resume_export(services, client, TENANT, job.code, "me"))
    plan_pages(services, PlanPages(job=resumed.ref, target_bytes=10_000))
    run_retention(services, client, days=2)
    assert not stored(services, job).file_removed
    fail(services, resumed)
    run_retention(services, client, days=6.9)
    assert not stored(services, job).file_removed
    run_retention(services, client, days=0.2)
    assert stored(services, job).file_removed


# --- rows ---


@every_end
def test_in_the_end_only_the_audit_entries_of_a_job_remain(end: End) -> None:
    services, client, job = an_ended_job(end)
    audited = len(services.audit.all)
    for _ in range(39):
        assert services.jobs.all() == [] or remains(services, job)
        run_retention(services, client, days=1)
    assert remains(services, job) == []
    assert client.statuses == {}
    assert len(services.audit.all) == audited
    with pytest.raises(JobNotFoundError):
        get_export(services, TENANT, job.code, READER)


@every_end
def test_one_run_removes_everything_that_became_due_in_a_year(end: End) -> None:
    services, client, job = an_ended_job(end)
    run_retention(services, client, days=365)
    assert remains(services, job) == []
    assert client.statuses == {}


@every_end
def test_a_setting_determines_how_long_rows_are_kept(end: End) -> None:
    services = a_services(some_clients(5), EXPORT_KEEP_ROWS_DAYS="2")
    client = MemoryOrchestrationClient()
    job = start(services, client)
    end(services, job)
    run_retention(services, client, days=8.9 if end is not complete else 2.9)
    assert services.jobs.all()
    run_retention(services, client, days=0.2)
    assert services.jobs.all() == []


@every_end
@pytest.mark.parametrize(
    "effect", ["discard", "change", "files.purge", "pages.purge", "jobs.purge", "add_due", "remove_due", "history"]
)
def test_after_a_crash_before_any_effect_the_next_runs_remove_everything(
    monkeypatch: pytest.MonkeyPatch, end: End, effect: str
) -> None:
    services, client, job = an_ended_job(end)
    where: dict[str, tuple[object, str]] = {
        "discard": (services.files, "discard"),
        "change": (services.jobs, "change"),
        "files.purge": (services.files, "purge"),
        "pages.purge": (services.pages, "purge"),
        "jobs.purge": (services.jobs, "purge"),
        "add_due": (services.watch, "add_due"),
        "remove_due": (services.watch, "remove_due"),
        "history": (client, "purge_instance_history"),
    }
    for _ in range(45):
        with monkeypatch.context() as broken, suppress(Crash):
            broken.setattr(*where[effect], crash)
            run_retention(services, client, days=1)
        asyncio.run(apply_retention(services, client))
    assert remains(services, job) == []
    assert client.statuses == {}


def test_two_concurrent_runs_remove_everything() -> None:
    services, client, job = an_ended_job(fail)

    async def twice() -> None:
        await asyncio.gather(apply_retention(services, client), apply_retention(services, client))

    for _ in range(45):
        services.now.advance(days=1)
        asyncio.run(twice())
    assert remains(services, job) == []


def test_a_run_handles_only_the_given_number_of_jobs_and_the_next_continues() -> None:
    services, client = a_system()
    for _ in range(5):
        complete(services, start(services, client))
    services.now.advance(days=365)
    for left in (3, 1, 0):
        asyncio.run(apply_retention(services, client, limit=2))
        assert len(services.jobs.all()) == left


# --- cleanup and histories ---


@pytest.mark.parametrize("end", [fail, cancel])
def test_an_orchestration_that_outlives_its_job_is_terminated(end: End) -> None:
    services, client, job = an_ended_job(end)
    client.statuses[job.ref.instance_id] = Status.Running
    run_retention(services, client, minutes=3)
    assert client.statuses[job.ref.instance_id] is Status.Terminated


@pytest.mark.parametrize("end", [fail, cancel])
def test_a_file_published_after_the_end_is_removed_some_minutes_later(end: End) -> None:
    services, client, job = an_ended_job(end)
    services.files.commit(job.file_path, list(services.files.staged(job.file_path)))
    run_retention(services, client, minutes=3)
    assert services.files.size_bytes(job.file_path) is None


@pytest.mark.parametrize("end", [fail, cancel])
def test_the_blocks_of_a_job_without_a_file_are_kept_for_a_resume(end: End) -> None:
    services, client, job = an_ended_job(end)
    run_retention(services, client, minutes=3)
    assert services.files.staged(job.file_path)


def test_the_histories_of_all_attempts_are_purged_a_day_after_the_end() -> None:
    services, client, job = an_ended_job(fail)
    resumed = asyncio.run(resume_export(services, client, TENANT, job.code, "me"))
    plan_pages(services, PlanPages(job=resumed.ref, target_bytes=10_000))
    fail(services, resumed)
    client.statuses |= dict.fromkeys([resumed.ref.instance_id, f"{resumed.ref.instance_id}-webhook"], Status.Completed)
    run_retention(services, client, hours=23)
    assert len(client.statuses) == 3
    run_retention(services, client, hours=2)
    assert client.statuses == {}


def test_the_history_of_a_delivery_that_still_runs_is_kept() -> None:
    services, client, job = an_ended_job(fail)
    client.statuses[f"{job.ref.instance_id}-webhook"] = Status.Running
    run_retention(services, client, days=2)
    assert client.statuses == {f"{job.ref.instance_id}-webhook": Status.Running}


# --- orphaned data ---


def test_orphaned_blobs_and_records_are_removed_and_others_are_kept() -> None:
    services, client = a_system()
    kept = start(services, client)
    orphan = a_job(tenant=TENANT)
    services.files.stage(orphan.file_path, "0", b"late")
    services.files.save_plan(orphan.ref, b"{}")
    record = services.pages.find(kept.ref, 0)
    assert record is not None
    services.pages.record(orphan.ref, record)

    sweep_orphans(services)

    assert services.files.sweep("", 10)[0] == [kept.ref]
    assert list(services.pages.records(orphan.ref)) == []
    assert list(services.pages.records(kept.ref)) == [record]


def test_a_damaged_row_stops_no_sweep_and_its_job_keeps_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    services, client = a_system()
    damaged, orphan = start(services, client), a_job(tenant=TENANT)
    services.files.save_plan(orphan.ref, b"{}")
    claims = [
        IdempotencyRecord(TENANT, hash_of_key(name), "0", job.code, NOON - timedelta(days=99))
        for name, job in (("a", damaged), ("b", orphan))
    ]
    for claim in claims:
        services.requests.claim(claim)
    monkeypatch.setattr(services.jobs, "get", crash)
    sweep_orphans(services)
    assert services.files.sweep("", 10)[0] == [damaged.ref]
    assert [services.requests.find(TENANT, claim.key_hash) for claim in claims] == [claims[0], None]


def test_a_sweep_continues_where_the_last_one_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.steps.upkeep.sweep_orphans.MAX_BLOBS", 2)
    monkeypatch.setattr("exports.steps.upkeep.sweep_orphans.MAX_LEDGERS", 2)
    services, _ = a_system()
    orphans = [a_job() for _ in range(7)]
    for orphan in orphans:
        services.files.save_plan(orphan.ref, b"{}")
        services.files.stage(orphan.file_path, "0", b"late")
    for _ in range(10):
        sweep_orphans(services)
    assert services.files.sweep("", 100)[0] == []


def test_an_idempotency_key_can_be_used_again_only_after_its_job_was_purged() -> None:
    services, client = a_system()
    job = start(services, client)
    for key, code in (("kept", job.code), ("gone", new_job_code(NOON))):
        services.requests.claim(IdempotencyRecord(TENANT, hash_of_key(key), "0", code, NOON))
    services.now.advance(days=30)
    sweep_orphans(services)
    assert services.requests.find(TENANT, hash_of_key("gone"))
    services.now.advance(days=1.1)
    sweep_orphans(services)
    assert services.requests.find(TENANT, hash_of_key("gone")) is None
    assert services.requests.find(TENANT, hash_of_key("kept"))


def test_histories_are_purged_hour_by_hour_up_to_two_days_ago() -> None:
    services, _ = a_system()
    purged: list[tuple[datetime, datetime]] = []

    async def purge(begin: datetime, end: datetime) -> None:
        purged.append((begin, end))

    for _ in range(5):
        asyncio.run(sweep_histories(services, purge))
    assert len(purged) == 1
    for _ in range(20):
        services.now.advance(hours=1)
        asyncio.run(sweep_histories(services, purge))
    assert all(end - begin == timedelta(hours=1) for begin, end in purged)
    assert [begin for begin, _ in purged[1:]] == [end for _, end in purged[:-1]]
    assert purged[-1][1] <= services.now() - timedelta(days=2)
    assert len(purged) == 21
