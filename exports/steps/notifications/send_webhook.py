"""Step: send the webhook of a job that has ended."""

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
"""The number of a try that an operator started by the command line."""

NOT_SIGNED = "no-secret"
"""The fault of a try that sent nothing, because no secret is set that could sign the webhook."""

_log = logging.getLogger(__name__)


def send_webhook(services: Services, command: SendWebhook) -> Done | Stopped | Undelivered:
    """Send the webhook of a job's end, unless it has arrived already or the job has a later attempt.

    Safe to run twice. The receiver may then get the webhook twice, with the same id.

    Raises:
        StorageUnavailableError: Can be tried again. If the webhook was sent before, the receiver gets it again.
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
    """Send the webhook of a job's end once, signed with the current time, and append the result to the delivery log.

    Raises:
        StorageUnavailableError: Can be tried again. The webhook may have been sent already.
    """
    body, now = event_body(job, processed_items(services, job)), services.now()
    secrets = derive_secrets(services.settings.webhook_secrets, job.tenant)
    headers = {"Content-Type": "application/json", "User-Agent": "client-export"}
    if secrets:
        sent = services.webhooks.post(url, body, headers | signed_headers(secrets, event_id(job), now, body))
    else:
        sent = SendResult(fault=NOT_SIGNED)  # the secret was removed after the job was requested
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
    _log_delivery(delivery)
    return sent


def _has_arrived(services: Services, job: Job) -> bool:
    wanted = event_id(job)
    tries = services.deliveries.deliveries(job.tenant, job.code)
    return any(delivery.is_delivered and delivery.event_id == wanted for delivery in tries)


def _log_delivery(delivery: Delivery) -> None:
    event = "webhook.delivered" if delivery.is_delivered else "webhook.undelivered"
    values = (delivery.tenant, delivery.code, delivery.number, delivery.status, delivery.fault, delivery.milliseconds)
    _log.info(f"event={event} tenant=%s code=%s number=%d status=%s fault=%s ms=%d", *values)
