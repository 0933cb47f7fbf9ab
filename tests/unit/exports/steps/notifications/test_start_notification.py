"""Starting a notification: once for each end of a job, and only if the job has a webhook."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from exports.jobs.job import Job
from exports.jobs.watchdog import watched
from exports.request.body import NotifyDto
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.notifications.start_notification import start_notification
from exports.steps.orchestrations import NotStartedError
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.requests.start_export import start_export
from exports.steps.upkeep.apply_retention import apply_retention
from exports.steps.upkeep.watch_jobs import watch_jobs
from exports.workflow.commands import RecordOutcome, StartNotification
from exports.workflow.outcomes import Done
from tests.support.builders import a_job
from tests.support.fake_durable import MemoryOrchestrationClient, RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job
from tests.support.watched_jobs import Crash, crash

NOTIFY = NotifyDto(webhook_url="https://hooks.example/s3cret")


def a_cancelled_job(services: MemoryServices, **changes: Any) -> Job:
    job = a_stored_job(services, **{"notify": NOTIFY, **changes})
    return services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()))


def start(services: MemoryServices, starter: RecordingStarter, job: Job) -> None:
    asyncio.run(start_notification(services, starter, StartNotification(job=job.ref)))


def test_the_instance_id_names_the_attempt_and_the_input_holds_the_pauses() -> None:
    services, starter = a_services(EXPORT_WEBHOOK_RETRY_SECONDS="1 2"), RecordingStarter()
    job = a_cancelled_job(services)

    start(services, starter, job)

    ((name, instance, payload),) = starter.started
    assert (name, instance) == ("webhook_delivery", f"{job.code}-1-webhook")
    assert payload["job"] == {"tenant": job.tenant, "code": job.code, "attempt": 1}
    assert payload["pausesSeconds"] == [1, 2]
    assert "s3cret" not in str(payload)


def test_each_email_address_has_a_delivery_of_its_own_beside_the_webhook() -> None:
    services, starter = a_services(), RecordingStarter()
    notify = NotifyDto(webhook_url="https://hooks.example/", email=("a@example.com", "b@example.com"))
    job = a_cancelled_job(services, notify=notify)
    for _ in range(2):
        start(services, starter, job)

    assert [(instance, payload.get("email")) for _, instance, payload in starter.started] == [
        (f"{job.code}-1-webhook", None),
        (f"{job.code}-1-email-1", 0),
        (f"{job.code}-1-email-2", 1),
    ]
    assert "example.com" not in str(starter.started)


def test_a_job_with_addresses_alone_sends_no_webhook() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_cancelled_job(services, notify=NotifyDto(email=("a@example.com",)))

    start(services, starter, job)

    assert [instance for _, instance, _ in starter.started] == [f"{job.code}-1-email-1"]


def test_starting_a_notification_repeatedly_starts_one_delivery() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_cancelled_job(services)
    for _ in range(3):
        start(services, starter, job)
    assert len(starter.started) == 1


def test_every_attempt_has_its_own_delivery() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_cancelled_job(services)
    start(services, starter, job)
    services.jobs.change(job.tenant, job.code, lambda job: job.resume())
    start(services, starter, services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now())))
    assert [instance for _, instance, _ in starter.started] == [f"{job.code}-1-webhook", f"{job.code}-2-webhook"]


def test_a_job_that_runs_or_has_no_webhook_starts_no_delivery() -> None:
    services, starter = a_services(), RecordingStarter()
    start(services, starter, a_stored_job(services, notify=NOTIFY))
    start(services, starter, a_cancelled_job(services, notify=None))
    assert starter.started == []


def test_a_delivery_that_could_not_be_started_can_be_retried() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_cancelled_job(services)

    def fail() -> None:
        raise OSError("connection reset")

    starter.before_start = fail
    with pytest.raises(NotStartedError):
        start(services, starter, job)


def test_an_attempt_that_was_replaced_starts_no_delivery() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_cancelled_job(services)
    command = StartNotification(job=job.ref)
    services.jobs.change(job.tenant, job.code, lambda job: job.resume().cancel(services.now()))

    assert asyncio.run(start_notification(services, starter, command)) == Done()
    assert starter.started == []

    second = StartNotification(job=job.ref.model_copy(update={"attempt": 2}))
    asyncio.run(start_notification(services, starter, second))
    assert [instance for _, instance, _ in starter.started] == [f"{job.code}-2-webhook"]


# --- the attempt stays watched until the delivery has started ---


def watched_attempts(services: MemoryServices) -> list[int]:
    return [entry.attempt for entry in services.watch.watched(10)]


def a_watched_job(services: MemoryServices, **changes: Any) -> Job:
    job = a_stored_job(services, **{"notify": NOTIFY, **changes})
    services.watch.watch(watched(job.ref, services.now()))
    return job


def test_a_cancelled_job_stays_watched_until_its_delivery_starts() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_watched_job(services)
    cancel_export(services, job.tenant, job.code, "me")
    assert watched_attempts(services) == [1]

    asyncio.run(start_notification(services, starter, StartNotification(job=job.ref)))

    assert watched_attempts(services) == []
    assert len(starter.started) == 1


def test_a_completed_job_stays_watched_until_its_delivery_starts() -> None:
    services = a_services()
    job = a_watched_job(services)
    services.jobs.change(job.tenant, job.code, lambda job: job.begin(services.now()))
    record_outcome(services, RecordOutcome(job=job.ref))
    assert watched_attempts(services) == [1]


def test_a_job_without_a_webhook_is_no_longer_watched_once_it_has_ended() -> None:
    services = a_services()
    job = a_watched_job(services, notify=None)
    cancel_export(services, job.tenant, job.code, "me")
    assert watched_attempts(services) == []


def test_a_job_stays_watched_while_its_delivery_cannot_be_started() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_watched_job(services)
    cancel_export(services, job.tenant, job.code, "me")

    def fail() -> None:
        raise OSError("connection reset")

    starter.before_start = fail
    with pytest.raises(NotStartedError):
        asyncio.run(start_notification(services, starter, StartNotification(job=job.ref)))
    assert watched_attempts(services) == [1]


def test_an_attempt_that_was_replaced_is_no_longer_watched() -> None:
    services, starter = a_services(), RecordingStarter()
    job = a_watched_job(services)
    services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()).resume())
    asyncio.run(start_notification(services, starter, StartNotification(job=job.ref)))
    assert (watched_attempts(services), starter.started) == ([], [])


def test_a_job_with_notify_is_removed_although_its_caller_died_while_cancelling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, client = a_services(), MemoryOrchestrationClient()
    job = a_watched_job(services)
    with monkeypatch.context() as broken, suppress(Crash):
        broken.setattr(services.files, "get_state", crash)
        cancel_export(services, job.tenant, job.code, "me")

    asyncio.run(start_notification(services, client, StartNotification(job=job.ref)))
    for _ in range(5):
        services.now.advance(days=60)
        asyncio.run(apply_retention(services, client))

    assert watched_attempts(services) == []
    assert services.jobs.get(job.tenant, job.code) is None


def test_the_watchdog_starts_the_delivery_of_a_job_cancelled_before_it_ran() -> None:
    services, client = a_services(), MemoryOrchestrationClient()
    job = a_watched_job(services)
    cancel_export(services, job.tenant, job.code, "me")

    asyncio.run(watch_jobs(services, client))

    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1-webhook"]
    assert watched_attempts(services) == []


def test_the_watchdog_starts_the_delivery_of_a_job_that_could_not_be_started() -> None:
    services, client = a_services(), MemoryOrchestrationClient()
    job = a_job(tenant="tenant", notify=NOTIFY)

    def fail() -> None:
        client.before_start = lambda: None
        raise OSError("connection reset")

    client.before_start = fail
    with pytest.raises(NotStartedError):
        asyncio.run(start_export(services, client, job, "me"))
    asyncio.run(watch_jobs(services, client))

    assert [instance for _, instance, _ in client.started] == [f"{job.code}-1-webhook"]
