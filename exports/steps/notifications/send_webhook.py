"""Step: send the webhook, or one of the e-mails, of a job that has ended."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.sending_room import Refusal, Try
from exports.notifications.target import Channel, Target, target_of
from exports.services import Services
from exports.steps.notifications.one_try import begin, delivery_of, mail_origin, prepare
from exports.workflow.commands import SendWebhook
from exports.workflow.outcomes import Done, Stopped, Undelivered
from shared.events import emit
from shared.outbound import TIMEOUT_SECONDS
from shared.retry_policy import jittered

BY_COMMAND = 0
"""The number of a try that an operator or a caller has asked for, after the job's end."""

ASK_AGAIN_SECONDS = TIMEOUT_SECONDS + 2
"""When a try that goes on by itself has ended and its result is in the delivery log."""

GIVEN_UP = "given-up"
"""The fault of a last try that could not be made."""

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, _SPREAD_SECONDS = 2.0, 1800.0, 40.0


def send_webhook(services: Services, command: SendWebhook) -> Done | Stopped | Undelivered:
    """Send the webhook or an e-mail of a job's end, unless it has arrived already or the job has a later attempt.

    The try is made beside the step. So a receiver that hangs holds no activity slot, which a page could use. If the try
    takes long, its result is in the delivery log, where the next call of this step finds it. If the process ends before
    that, the next call sends the message again.

    Safe to run twice. The receiver may then get the message twice, with the same id.

    Raises:
        StorageUnavailableError: Can be tried again. If the message was sent before, the receiver gets it again.
    """
    job = _ended_job(services, command)
    target = target_of(job, command.email, mail_origin(services)) if job else None
    if job is None or target is None:
        return Stopped()
    this = Try(job.tenant, target.origin, target.event_id, command.number)
    if command.given_up:
        return _give_up(services, job, target, this)
    if services.sending.holds(this):
        return _under_way()
    if command.begun and (ended := _ended(services, job, this)):
        _tell(services, ended)
        return _outcome(services, ended.result)
    if refusal := services.sending.enter(this):
        return _postpone(services, job, target, this, refusal, command.postponed or 0)
    try:
        arrived = any(each.is_delivered for each in _tries(services, job, this))
        message = None if arrived else prepare(services, job, target, this.number)
    except BaseException:
        services.sending.leave(this, None)
        raise
    if message is None:
        services.sending.leave(this, None)
        return Done()
    delivery = begin(services, this, message)
    if delivery is None:
        return _under_way()
    _tell(services, delivery)
    return _outcome(services, delivery.result)


def _ended_job(services: Services, command: SendWebhook) -> Job | None:
    job = services.jobs.get(command.job.tenant, command.job.code)
    is_that_end = job is not None and job.attempt == command.job.attempt and job.status.is_terminal
    return job if is_that_end else None


def deliver(services: Services, job: Job, target: Target) -> Delivery:
    """Send a message of a job's end once, as an operator has asked, and append the result to the delivery log.

    Raises:
        StorageUnavailableError: Can be tried again. The message may have been sent already.
    """
    delivery = prepare(services, job, target, BY_COMMAND)()
    _tell(services, delivery)
    return delivery


def _outcome(services: Services, sent: SendResult) -> Done | Undelivered:
    if sent.is_delivered:
        return Done()
    return Undelivered(final=sent.is_final, retry_after_seconds=sent.retry_after_seconds(services.now()))


def _under_way() -> Undelivered:
    return Undelivered(ask_again_seconds=ASK_AGAIN_SECONDS, under_way=True)


def _tries(services: Services, job: Job, this: Try) -> Iterator[Delivery]:
    tries = services.deliveries.deliveries(job.tenant, job.code)
    return (each for each in tries if each.event_id == this.event_id)


def _ended(services: Services, job: Job, this: Try) -> Delivery | None:
    """Find this try in the delivery log, if it has been made."""
    tries = _tries(services, job, this)
    return next((each for each in tries if each.number == this.number and not each.is_postponed), None)


def _postpone(services: Services, job: Job, target: Target, this: Try, refusal: Refusal, postponed: int) -> Undelivered:
    """Say when to make a try for which there is no room now. The delivery log shows the first time of each try.

    The pauses differ, so that not all tries for a receiver come at the moment when it has rested.
    """
    seed = f"{this.event_id} {this.number} {postponed}"
    if refusal.rest_seconds:
        pause = refusal.rest_seconds + 1 + jittered(min(refusal.rest_seconds, _SPREAD_SECONDS), seed).total_seconds()
    else:
        first_pause_seconds = TIMEOUT_SECONDS if services.sending.hung_last(this) else _FIRST_PAUSE_SECONDS
        pause = jittered(min(first_pause_seconds * 2**postponed, _LONGEST_PAUSE_SECONDS), seed).total_seconds()
    if not postponed:
        _log_unsent(services, job, target, this, refusal.reason)
        keys: dict[str, Any] = {"tenant": job.tenant, "job": job.code, "attempt": job.attempt}
        keys["channel"] = Channel.EMAIL if target.address else None
        emit("webhook.postponed", seconds=pause, error=refusal.reason, number=this.number, **keys)
    return Undelivered(ask_again_seconds=pause)


def _give_up(services: Services, job: Job, target: Target, this: Try) -> Done | Undelivered:
    """Record that the last try was postponed too often."""
    if any(each.is_delivered for each in _tries(services, job, this)):
        return Done()
    _tell(services, _log_unsent(services, job, target, this, GIVEN_UP))
    return Undelivered(final=True)


def _log_unsent(services: Services, job: Job, target: Target, this: Try, fault: str) -> Delivery:
    """Append to the delivery log that nothing was sent, and why."""
    delivery = delivery_of(job, target, this.number, services.now(), SendResult(fault=fault))
    services.deliveries.append(delivery)
    return delivery


def _tell(services: Services, delivery: Delivery) -> None:
    """Tell the log how a try ended. A try that was not the last one is made again later."""
    fields: dict[str, Any] = {"tenant": delivery.tenant, "job": delivery.code, "attempt": delivery.attempt}
    fields |= {"seconds": delivery.milliseconds / 1000, "answer": delivery.status, "number": delivery.number}
    fields["channel"] = Channel.EMAIL if delivery.address else None
    if delivery.is_delivered:
        emit("webhook.delivered", **fields)
        return
    fields["error"] = delivery.fault or f"status-{delivery.status}"
    last = len(services.settings.webhook_retry_seconds) + 1
    if delivery.result.is_final or delivery.number in (BY_COMMAND, last):
        emit("webhook.undelivered", logging.WARNING, **fields)
    else:
        emit("webhook.retried", logging.WARNING, **fields)
