"""An e-mail is delivered like a webhook: recorded, sent again until it is accepted, and given up if it is refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from exports.jobs.job import Job
from exports.notifications.delivery import MailFault, SendResult
from exports.request.body import NotifyDto
from exports.services import Services
from exports.steps.notifications.send_webhook import send_webhook
from exports.workflow.commands import SendWebhook
from exports.workflow.outcomes import Done, Stopped, Undelivered
from tests.support.fake_webhooks import MemoryMailSender
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import a_stored_job

ADDRESSES = ("a@example.com", "b@example.com")


def services_with_mail(**settings: Any) -> tuple[MemoryServices, MemoryMailSender]:
    mail = MemoryMailSender()
    return replace(a_services(**settings), mail=mail), mail


def a_cancelled_job(services: MemoryServices) -> Job:
    job = a_stored_job(services, notify=NotifyDto(email=ADDRESSES))
    return services.jobs.change(job.tenant, job.code, lambda job: job.cancel(services.now()))


def send(services: Services, job: Job, email: int, number: int = 1) -> object:
    return send_webhook(services, SendWebhook(job=job.ref, number=number, email=email))


def test_each_address_gets_a_message_of_its_own_with_an_id_of_its_own() -> None:
    services, mail = services_with_mail(EXPORT_PUBLIC_URL="https://exports.example")
    job = a_cancelled_job(services)

    assert [send(services, job, email) for email in (0, 1)] == [Done(), Done()]

    assert [address for address, _ in mail.sent] == list(ADDRESSES)
    assert [message.event_id for _, message in mail.sent] == [f"msg_{job.code}_1_cancelled_email{n}" for n in (1, 2)]
    assert "https://exports.example/#history" in mail.sent[0][1].text
    logged = [(each.address, each.status, each.origin) for each in services.deliveries.deliveries(job.tenant, job.code)]
    assert logged == [(address, 250, "smtp://mail.example:587") for address in ADDRESSES]


def test_an_email_that_was_accepted_is_not_sent_again() -> None:
    services, mail = services_with_mail()
    job = a_cancelled_job(services)
    send(services, job, 0)

    assert send(services, job, 0, 2) == Done()
    assert len(mail.sent) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (SendResult(status=451), Undelivered()),
        (SendResult(fault="timeout"), Undelivered()),
        (SendResult(fault=MailFault.LOGIN_REFUSED), Undelivered()),
        (SendResult(status=550, fault=MailFault.REFUSED), Undelivered(final=True)),
        (SendResult(fault=MailFault.DOMAIN_REFUSED), Undelivered(final=True)),
    ],
)
def test_the_answer_of_the_mail_server_decides_whether_it_is_sent_again(
    answer: SendResult, outcome: Undelivered
) -> None:
    services, mail = services_with_mail()
    mail.answers = [answer]
    assert send(services, a_cancelled_job(services), 0) == outcome


def test_an_address_that_is_refused_stops_no_other() -> None:
    services, mail = services_with_mail()
    mail.answers = [SendResult(status=550, fault=MailFault.REFUSED)]
    job = a_cancelled_job(services)

    assert [send(services, job, email) for email in (0, 1)] == [Undelivered(final=True), Done()]


def test_without_a_mail_server_any_more_the_log_says_so_and_it_is_tried_again() -> None:
    services = a_services()
    job = a_cancelled_job(services)

    assert send(services, job, 0) == Undelivered()
    (logged,) = services.deliveries.deliveries(job.tenant, job.code)
    assert logged.fault == "no-mail-server"


def test_a_receiver_that_the_job_does_not_have_gets_nothing() -> None:
    services, mail = services_with_mail()
    job = a_cancelled_job(services)

    assert send(services, job, 2) == Stopped()
    assert send_webhook(services, SendWebhook(job=job.ref, number=1)) == Stopped()
    assert mail.sent == []


def test_no_log_line_contains_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    services, mail = services_with_mail()
    mail.answers = [SendResult(status=451)]
    job = a_cancelled_job(services)
    for number in (1, 2):
        send(services, job, 0, number)

    assert "event=webhook.retried" in caplog.text
    assert "event=webhook.delivered" in caplog.text
    assert caplog.text.count("channel=email") == 2
    assert "example.com" not in caplog.text
