"""Makes one try to deliver a webhook or an e-mail, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial

from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.mail_message import MailMessage, end_message
from exports.notifications.message import event_body
from exports.notifications.sending_room import Try
from exports.notifications.target import UNKNOWN_MAIL_SERVER, Target
from exports.services import Services
from exports.steps.requests.get_export import processed_items
from shared.invocations import carried
from shared.standard_webhooks import derive_secrets, signed_headers

ATTENDED_SECONDS = 0.5
"""How long a step waits for the response to its try. Then the try goes on by itself, and the step ends."""

NOT_SIGNED = "no-secret"
"""The fault of a try that sent nothing, because no secret is set that could sign the webhook."""

NO_MAIL_SERVER = "no-mail-server"
"""The fault of a try that sent nothing, because no mail server is set."""


def prepare(services: Services, job: Job, target: Target, number: int) -> Callable[[], Delivery]:
    """Read what the message of a job's end contains.

    Returns:
        A function that sends the message, signed with the current time, and appends the result to the delivery log.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    if target.address:
        return partial(_carry_out, services, job, target, number, partial(_mail, services, job, target))
    body = event_body(job, processed_items(services, job))
    return partial(_carry_out, services, job, target, number, partial(post, services, job.tenant, target, body))


def post(services: Services, tenant: str, target: Target, body: bytes, now: datetime) -> SendResult:
    """Send a webhook once, signed for a tenant."""
    secrets = derive_secrets(services.settings.webhook_secrets, tenant)
    if not secrets:
        return SendResult(fault=NOT_SIGNED)  # the secret was removed after the job was requested
    headers = {"Content-Type": "application/json", "User-Agent": "client-export"}
    return services.webhooks.post(target.url, body, headers | signed_headers(secrets, target.event_id, now, body))


def mail(services: Services, target: Target, message: MailMessage) -> SendResult:
    """Send an e-mail once."""
    if services.mail is None:
        return SendResult(fault=NO_MAIL_SERVER)  # the mail server was removed after the job was requested
    return services.mail.send(target.address, message)


def mail_origin(services: Services) -> str:
    """Return the mail server as scheme, host and port."""
    return services.mail.origin if services.mail else UNKNOWN_MAIL_SERVER


def delivery_of(job: Job, target: Target, number: int, moment: datetime, sent: SendResult) -> Delivery:
    """Describe a try as the delivery log holds it."""
    return Delivery(
        tenant=job.tenant,
        code=job.code,
        attempt=job.attempt,
        number=number,
        moment=moment,
        event_id=target.event_id,
        origin=target.origin,
        status=sent.status,
        fault=sent.fault,
        milliseconds=sent.milliseconds,
        retry_after=sent.retry_after,
        address=target.address or None,
    )


def begin(services: Services, this: Try, carry_out: Callable[[], Delivery]) -> Delivery | None:
    """Begin a try that has entered the sending room, and wait a moment for its result.

    Only one try of the process is waited for, and none to a receiver that did not answer the last one. So waiting holds
    one activity slot at most.

    Args:
        carry_out: What `prepare` returned.

    Returns:
        The logged try; None if it goes on by itself. Then it logs its result and leaves the room later.

    Raises:
        StorageUnavailableError: Can be tried again. The message may have been sent already.
    """
    is_suspect = services.sending.hung_last(this)
    ended: Future[Delivery] = Future()
    try:
        threading.Thread(target=carried(_run), args=(services, this, carry_out, ended), daemon=True).start()
    except RuntimeError:  # the process can have no more threads
        services.sending.leave(this, None)
        raise
    if is_suspect or not services.sending.attention.acquire(blocking=False):
        return None
    try:
        return ended.result(ATTENDED_SECONDS)
    except TimeoutError:
        return None
    finally:
        services.sending.attention.release()


def _run(services: Services, this: Try, carry_out: Callable[[], Delivery], ended: Future[Delivery]) -> None:
    """Make the try. If nobody waits for it any more, nobody hears of an error: the next call sends it again."""
    try:
        delivery = carry_out()
    except BaseException as error:
        services.sending.leave(this, None)
        ended.set_exception(error)
    else:
        services.sending.leave(this, delivery.result)
        ended.set_result(delivery)


def _mail(services: Services, job: Job, target: Target, now: datetime) -> SendResult:
    return mail(services, target, end_message(job, target.event_id, now, services.settings.public_url))


def _carry_out(
    services: Services, job: Job, target: Target, number: int, send: Callable[[datetime], SendResult]
) -> Delivery:
    now = services.now()
    delivery = delivery_of(job, target, number, now, send(now))
    services.deliveries.append(delivery)
    return delivery
