"""Step: tell a receiver that a job has ended."""

from __future__ import annotations

import logging

from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.message import event_body, event_id
from exports.notifications.receivers import origin_of
from exports.services import Services
from exports.steps.requests.get_export import processed_items
from exports.workflow.commands import SendWebhook
from exports.workflow.outcomes import Done, Stopped, Undelivered
from shared.standard_webhooks import derive_secrets, signed_headers

BY_COMMAND = 0
"""In place of the number of a try: someone had it sent again."""

NOT_SIGNED = "no-secret"
"""In place of a fault of the net: there was nothing to sign with, so nothing was sent."""

_log = logging.getLogger(__name__)


def send_webhook(services: Services, command: SendWebhook) -> Done | Stopped | Undelivered:
    """Send the webhook of a job's end, unless it has arrived already or the job goes on in a later attempt.

    Safe to run twice; a receiver may then get it twice, under the same id.

    Raises:
        StorageUnavailableError: Can be tried again. If it comes after the sending, the receiver gets it again.
    """
    job = services.jobs.get(command.job.tenant, command.job.code)
    if job is None or job.attempt != command.job.attempt or job.notify is None or not job.status.is_terminal:
        return Stopped()
    if _has_arrived(services, job):
        return Done()
    sent = deliver(services, job, job.notify.webhook_url, command.number)
    if sent.is_delivered:
        return Done()
    return Undelivered(final=sent.is_final, retry_after_seconds=sent.retry_after_seconds(services.now()))


def deliver(services: Services, job: Job, url: str, number: int) -> SendResult:
    """Send the webhook of a job's end once, signed as of now, and log what came of it.

    Raises:
        StorageUnavailableError: Can be tried again, also after it was sent.
    """
    body, now = event_body(job, processed_items(services, job)), services.now()
    secrets = derive_secrets(services.settings.webhook_secrets, job.tenant)
    headers = {"Content-Type": "application/json", "User-Agent": "client-export"}
    if secrets:
        sent = services.webhooks.post(url, body, headers | signed_headers(secrets, event_id(job), now, body))
    else:
        sent = SendResult(fault=NOT_SIGNED)  # the setting was there when the job was asked for
    delivery = Delivery(
        tenant=job.tenant,
        code=job.code,
        attempt=job.attempt,
        number=number,
        moment=now,
        event_id=event_id(job),
        origin=origin_of(url),
        status=sent.status,
        fault=sent.fault,
        milliseconds=sent.milliseconds,
    )
    services.deliveries.append(delivery)
    _note(delivery)
    return sent


def _has_arrived(services: Services, job: Job) -> bool:
    wanted = event_id(job)
    tries = services.deliveries.deliveries(job.tenant, job.code)
    return any(delivery.is_delivered and delivery.event_id == wanted for delivery in tries)


def _note(delivery: Delivery) -> None:
    event = "webhook.delivered" if delivery.is_delivered else "webhook.undelivered"
    facts = (delivery.tenant, delivery.code, delivery.number, delivery.status, delivery.fault, delivery.milliseconds)
    _log.info(f"event={event} tenant=%s code=%s number=%d status=%s fault=%s ms=%d", *facts)
