"""A webhook is signed, recorded, and sent again only until it is delivered."""

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


def test_a_webhook_holds_the_job_and_is_signed_with_the_tenants_secret(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_every_try_has_the_same_id_and_body_but_its_own_timestamp() -> None:
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


def test_each_configured_secret_adds_a_signature() -> None:
    services = some_services(EXPORT_WEBHOOK_SECRET=f"{MASTER} {'o' * 32}")
    send(services, a_failed_job(services))
    assert len(services.webhooks.posted[0].headers["webhook-signature"].split()) == 2


def test_a_delivered_webhook_is_not_sent_again() -> None:
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
def test_a_failed_delivery_is_returned_to_the_orchestrator(answer: SendResult, outcome: Undelivered) -> None:
    services = some_services()
    services.webhooks.answers = [answer]
    assert send(services, a_failed_job(services)) == outcome


def test_every_try_is_recorded_without_the_path_and_query_of_the_url() -> None:
    services = some_services()
    job = a_failed_job(services)
    services.webhooks.answers = [
        SendResult(status=500, milliseconds=12),
        SendResult(fault="no-answer", milliseconds=900),
    ]
    for number in (1, 2, 3):
        send(services, job, number)

    logged = list(services.deliveries.deliveries(job.tenant, job.code))
    assert [(each.number, each.status, each.fault, each.milliseconds) for each in logged] == [
        (1, 500, None, 12),
        (2, None, "no-answer", 900),
        (3, 204, None, 0),
    ]
    assert {each.origin for each in logged} == {"https://hooks.example"}
    assert "s3cret" not in str(logged)


def test_no_log_line_contains_the_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    services = some_services()
    send(services, a_failed_job(services))
    assert "event=webhook.delivered" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_resumed_job_sends_no_webhook_for_its_previous_end() -> None:
    services = some_services()
    job = a_failed_job(services)
    services.jobs.change(job.tenant, job.code, lambda job: job.resume())
    assert send(services, job) == Stopped()
    assert services.webhooks.posted == []


def test_a_job_that_runs_or_is_unknown_or_has_no_webhook_sends_nothing() -> None:
    services = some_services()
    running = a_stored_job(services, notify=NotifyDto(webhook_url=URL))
    without_webhook = a_stored_job(services)
    services.jobs.change(without_webhook.tenant, without_webhook.code, lambda job: job.cancel(services.now()))
    unknown = SendWebhook(job=running.ref.model_copy(update={"code": "unknown"}), number=1)

    outcomes = [send(services, running), send(services, without_webhook), send_webhook(services, unknown)]
    assert outcomes == [Stopped()] * 3
    assert services.webhooks.posted == []


def test_without_a_secret_nothing_is_sent_and_the_delivery_log_says_so() -> None:
    services = a_services()
    job = a_failed_job(services)
    assert send(services, job) == Undelivered()
    assert services.webhooks.posted == []
    assert [each.fault for each in services.deliveries.deliveries(job.tenant)] == ["no-secret"]


def test_a_try_that_cannot_be_recorded_is_repeated_under_the_same_id() -> None:
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
