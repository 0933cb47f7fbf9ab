"""Makes one try to deliver a webhook, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.message import event_body, event_id
from exports.notifications.receivers import origin_of
from exports.notifications.sending_room import Try
from exports.services import Services
from exports.steps.requests.get_export import processed_items
from shared.invocations import carried
from shared.standard_webhooks import derive_secrets, signed_headers

ATTENDED_SECONDS = 0.5
"""How long a step waits for the response to its try. Then the try goes on by itself, and the step ends."""

NOT_SIGNED = "no-secret"
"""The fault of a try that sent nothing, because no secret is set that could sign the webhook."""


def prepare(services: Services, job: Job, url: str, number: int) -> Callable[[], Delivery]:
    """Read what the message of a job's end contains.

    Returns:
        A function that sends the message, signed with the current time, and appends the result to the delivery log.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    return partial(_carry_out, services, job, url, number, event_body(job, processed_items(services, job)))


def begin(services: Services, this: Try, carry_out: Callable[[], Delivery]) -> Delivery | None:
    """Begin a try that has entered the sending room, and wait a moment for its result.

    Only one try of the process is waited for, and none to a receiver that did not answer the last one. So waiting holds
    one activity slot at most.

    Args:
        carry_out: What `prepare` returned.

    Returns:
        The logged try; None if it goes on by itself. Then it logs its result and leaves the room later.

    Raises:
        StorageUnavailableError: Can be tried again. The webhook may have been sent already.
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


def _carry_out(services: Services, job: Job, url: str, number: int, body: bytes) -> Delivery:
    now = services.now()
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
        retry_after=sent.retry_after,
    )
    services.deliveries.append(delivery)
    return delivery
