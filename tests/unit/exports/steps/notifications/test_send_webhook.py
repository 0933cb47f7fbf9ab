"""Sending: signed, logged, once more only while it has not arrived."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from exports.errors import StorageUnavailableError
from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.notifications.delivery import SendResult
from exports.request.body import NotifyDto
from exports.steps.notifications.send_webhook import send_webhook
from exports.workflow.commands import SendWebhook
from exports.workflow.outcomes import Done, Stopped, Undelivered
from shared.standard_webhooks import derive_secret
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job

MASTER = "m" * 32
URL = "https://hooks.example/s3cret?key=s3cret"
FAILURE = Failure(code="interrupted", message="Why.", retryable=True, resumable=True)


def some_services(**settings: Any) -> MemoryServices:
    return a_services(**{"EXPORT_WEBHOOK_SECRET": MASTER, **settings})


def a_failed_job(services: MemoryServices) -> Job:
    job = a_stored_job(services, notify=NotifyDto(webhook_url=URL))
    return services.jobs.change(job.tenant, job.code, lambda job: job.fail(services.now(), FAILURE))


def send(services: MemoryServices, job: Job, number: int = 1) -> object:
    return send_webhook(services, SendWebhook(job=job.ref, number=number))


def test_the_receiver_gets_the_job_signed_with_the_secret_of_its_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    services = some_services()
    job = a_failed_job(services)

    assert send(services, job) == Done()

    (posted,) = services.webhooks.posted
    assert posted.url == URL
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["webhook-id"] == f"msg_{job.code}_1_failed"
    assert posted.headers["webhook-timestamp"] == str(int(services.now().timestamp()))
    verifier = Webhook(derive_secret(MASTER, job.tenant))
    monkeypatch.setattr(verifier, "_Webhook__verify_timestamp", lambda _: services.now())
    assert verifier.verify(posted.body, dict(posted.headers)) == json.loads(posted.body)
    assert json.loads(posted.body)["failure"]["code"] == "interrupted"


def test_every_try_has_the_same_id_and_body_and_a_time_of_its_own() -> None:
    services = some_services()
    job = a_failed_job(services)
    services.webhooks.answers = [SendResult(status=500)]

    first = send(services, job)
    services.now.advance(minutes=5)
    assert (first, send(services, job, 2)) == (Undelivered(), Done())

    before, after = services.webhooks.posted
    assert before.headers["webhook-id"] == after.headers["webhook-id"]
    assert before.body == after.body
    assert int(after.headers["webhook-timestamp"]) - int(before.headers["webhook-timestamp"]) == 300
    assert before.headers["webhook-signature"] != after.headers["webhook-signature"]


def test_each_of_several_secrets_signs() -> None:
    services = some_services(EXPORT_WEBHOOK_SECRET=f"{MASTER} {'o' * 32}")
    send(services, a_failed_job(services))
    assert len(services.webhooks.posted[0].headers["webhook-signature"].split()) == 2


def test_what_has_arrived_is_not_sent_again() -> None:
    services = some_services()
    job = a_failed_job(services)
    send(services, job)
    assert send(services, job, 2) == Done()
    assert len(services.webhooks.posted) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (SendResult(status=500), Undelivered()),
        (SendResult(status=302), Undelivered()),
        (SendResult(fault="timeout"), Undelivered()),
        (SendResult(status=410), Undelivered(final=True)),
        (SendResult(fault="address-refused"), Undelivered(final=True)),
        (SendResult(status=503, retry_after="90"), Undelivered(retry_after_seconds=90)),
    ],
)
def test_what_was_not_taken_is_told_to_the_orchestrator(answer: SendResult, outcome: Undelivered) -> None:
    services = some_services()
    services.webhooks.answers = [answer]
    assert send(services, a_failed_job(services)) == outcome


def test_every_try_is_logged_without_path_and_query_of_the_url() -> None:
    services = some_services()
    job = a_failed_job(services)
    services.webhooks.answers = [
        SendResult(status=500, milliseconds=12),
        SendResult(fault="timeout", milliseconds=15_000),
    ]
    for number in (1, 2, 3):
        send(services, job, number)

    logged = list(services.deliveries.deliveries(job.tenant, job.code))
    assert [(each.number, each.status, each.fault, each.milliseconds) for each in logged] == [
        (1, 500, None, 12),
        (2, None, "timeout", 15_000),
        (3, 204, None, 0),
    ]
    assert {each.origin for each in logged} == {"https://hooks.example"}
    assert "s3cret" not in str(logged)


def test_the_url_is_in_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    services = some_services()
    send(services, a_failed_job(services))
    assert "event=webhook.delivered" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_job_that_goes_on_tells_nothing_of_the_end_it_had() -> None:
    services = some_services()
    job = a_failed_job(services)
    services.jobs.change(job.tenant, job.code, lambda job: job.resume())
    assert send(services, job) == Stopped()
    assert services.webhooks.posted == []


def test_nothing_is_sent_for_a_job_that_runs_is_gone_or_has_nobody_to_tell() -> None:
    services = some_services()
    running = a_stored_job(services, notify=NotifyDto(webhook_url=URL))
    alone = a_stored_job(services)
    services.jobs.change(alone.tenant, alone.code, lambda job: job.cancel(services.now()))
    gone = SendWebhook(job=running.ref.model_copy(update={"code": "gone"}), number=1)

    assert [send(services, running), send(services, alone), send_webhook(services, gone)] == [Stopped()] * 3
    assert services.webhooks.posted == []


def test_without_a_secret_nothing_leaves_and_the_log_says_so() -> None:
    services = a_services()
    job = a_failed_job(services)
    assert send(services, job) == Undelivered()
    assert services.webhooks.posted == []
    assert [each.fault for each in services.deliveries.deliveries(job.tenant)] == ["no-secret"]


def test_a_log_that_cannot_be_written_lets_the_try_run_again_under_the_same_id() -> None:
    services = some_services()
    job = a_failed_job(services)

    def fail_once() -> None:
        services.deliveries.before_append = lambda: None
        raise StorageUnavailableError("Table Storage did not answer.")

    services.deliveries.before_append = fail_once
    with pytest.raises(StorageUnavailableError):
        send(services, job)
    assert send(services, job) == Done()
    assert len({posted.headers["webhook-id"] for posted in services.webhooks.posted}) == 1
