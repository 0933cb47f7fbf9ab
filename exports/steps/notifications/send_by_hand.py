"""Steps: send a test to receivers, send the notification of an ended job again, and list the tries to deliver it.

Both ways of sending are limited for each tenant, recorded in the audit log first, and keep to the room that the tries
of all jobs share.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from exports.errors import NotNotifiedError, TooManySendsError
from exports.jobs.audit import AuditAction, AuditEntry, audit_entry
from exports.jobs.job import Job
from exports.notifications.delivery import Delivery, Postponement, SendResult
from exports.notifications.delivery_cursor import with_cursors
from exports.notifications.mail_message import trial_message
from exports.notifications.message import trial_body
from exports.notifications.receivers import origin_of
from exports.notifications.sending_room import Try
from exports.notifications.target import Target, targets_of
from exports.notifications.view import (
    DeliveryDto,
    NotificationTestDto,
    ReceiverAnswerDto,
    show_delivery,
    show_test,
)
from exports.request.body import NotifyDto
from exports.request.email_address import domain_of
from exports.request.faults import HIDDEN_URL_OF_TEST
from exports.request.hidden_urls import is_hidden, reveal_receivers
from exports.request.spec import InvalidSpecError
from exports.services import Services
from exports.steps.notifications.one_try import delivery_of, mail, mail_origin, post
from exports.steps.notifications.send_webhook import BY_COMMAND, deliver
from exports.steps.requests.check_receivers import faults_of_receivers
from exports.steps.requests.get_export import find_job
from shared.lists import ListDto, make_list
from shared.named_resources import is_code
from shared.problems import pointer

T = TypeVar("T")

_MAX_SECONDS = 20.0
"""After this time, no further receiver gets a message: the caller waits for the answer."""


def send_test(services: Services, tenant: str, actor: str, request: NotificationTestDto) -> ListDto[ReceiverAnswerDto]:
    """Send a test to each receiver, signed and checked as the notification of a job is, and say how each has answered.

    Raises:
        InvalidSpecError: A receiver is refused.
        TooManySendsError: The tenant has sent too many notifications by hand. Nothing was sent.
        StorageUnavailableError: Can be tried again. Nothing was sent.
    """
    notify = _reveal(services, tenant, request)
    faults = list(faults_of_receivers(services, notify))
    if faults:
        raise InvalidSpecError(faults)
    _admit(services, tenant)
    event = f"msg_test_{secrets.token_hex(10)}"
    targets = _targets_of_test(services, notify, event)
    services.audit.append(
        AuditEntry(
            tenant=tenant,
            moment=services.now(),
            action=AuditAction.NOTIFICATION_TESTED,
            actor=actor,
            code=event,
            fields=(),
            filter={},
            receivers=tuple(map(_shown_in_audit, targets)),
        )
    )
    answers = _each_in_time(targets, lambda target, late: _test(services, tenant, target, late=late))
    return make_list(answers, lambda _: "", lambda answer: answer, len(answers))


def send_again(services: Services, tenant: str, code: str, actor: str) -> ListDto[DeliveryDto]:
    """Send the notification of a job's end to all of its receivers once more, under the same ids, and log each try.

    Raises:
        JobNotFoundError: The tenant has no job with this code.
        NotNotifiedError: The job has no receiver, or has not ended.
        TooManySendsError: The tenant has sent too many notifications by hand. Nothing was sent.
        StorageUnavailableError: Can be tried again. Some messages may have been sent already.
    """
    job = find_job(services, tenant, code)
    targets = targets_of(job, mail_origin(services))
    if not targets:
        raise NotNotifiedError("This export was requested without notify, so it has no receiver.")
    if not job.status.is_terminal:
        message = f"This export is {job.status}; its notification is sent when it ends."
        raise NotNotifiedError(message)
    _admit(services, tenant)
    record_sent_again(services, job, targets, actor)
    tries = _each_in_time(targets, lambda target, late: _send_again(services, job, target, late=late))
    return make_list(tries, lambda _: "", show_delivery, len(tries))


def record_sent_again(services: Services, job: Job, targets: Iterable[Target], actor: str) -> None:
    """Record in the audit log who sends the notification of a job's end once more. Call it before sending."""
    entry = audit_entry(AuditAction.NOTIFICATION_SENT_AGAIN, actor, job, services.now())
    services.audit.append(entry.model_copy(update={"receivers": tuple(map(_shown_in_audit, targets))}))


def list_deliveries(
    services: Services, tenant: str, code: str, limit: int, after: str | None = None
) -> ListDto[DeliveryDto]:
    """List the tries to deliver the notifications of a job, oldest first.

    Args:
        after: The cursor of the last try of the previous answer. The log orders tries by their begin, and gets them
            when they end. So a try that ends between two answers may be missing, but none is repeated.

    Raises:
        JobNotFoundError: The tenant has no job with this code.
        StorageUnavailableError: Can be tried again.
    """
    find_job(services, tenant, code)
    tries = with_cursors(services.deliveries.deliveries(tenant, code))
    rest = [*islice((each for each in tries if after is None or each[0] > after), limit + 1)]
    return make_list(rest, lambda each: each[0], lambda each: show_delivery(each[1]), limit)


def _reveal(services: Services, tenant: str, request: NotificationTestDto) -> NotifyDto:
    """Put the stored URL of the schedule in the place of its shortened form."""
    if not is_hidden(request.webhook_url):
        return request
    code = request.schedule_code
    schedule = services.schedules.get(tenant, code) if code and is_code(code) else None
    stored = schedule.content.request.notify if schedule else None
    revealed = reveal_receivers(request, stored)
    if is_hidden(revealed.webhook_url):
        raise InvalidSpecError([HIDDEN_URL_OF_TEST.at(pointer("webhookUrl"))])
    return revealed


def _targets_of_test(services: Services, notify: NotifyDto, event: str) -> list[Target]:
    webhook = [Target(event, origin_of(notify.webhook_url), url=notify.webhook_url)] if notify.webhook_url else []
    origin = mail_origin(services)
    return [*webhook, *(Target(event, origin, address=address) for address in notify.email)]


def _admit(services: Services, tenant: str) -> None:
    seconds = services.by_hand.admit(tenant)
    if seconds:
        raise TooManySendsError("This tenant has sent as many notifications by hand as it may in a minute.", seconds)


def _each_in_time(targets: list[Target], act: Callable[[Target, bool], T]) -> list[T]:
    """Act on one target after the other. Tell those that follow when the time is up that they are late."""
    end = time.monotonic() + _MAX_SECONDS
    return [act(target, time.monotonic() >= end) for target in targets]


def _test(services: Services, tenant: str, target: Target, *, late: bool) -> ReceiverAnswerDto:
    def send() -> SendResult:
        now = services.now()
        if target.address:
            message = trial_message(tenant, target.event_id, now, services.settings.public_url)
            return mail(services, target, message)
        return post(services, tenant, target, trial_body(tenant, now), now)

    if late:
        return show_test(target, SendResult(fault=Postponement.NO_ROOM))
    this = Try(tenant, target.origin, f"{target.event_id}{target.address}", BY_COMMAND)
    if refusal := services.sending.enter(this):
        return show_test(target, SendResult(fault=refusal.reason))
    sent = None
    try:
        sent = send()
    finally:
        services.sending.leave(this, sent)
    return show_test(target, sent)


def _send_again(services: Services, job: Job, target: Target, *, late: bool) -> Delivery:
    this = Try(job.tenant, target.origin, target.event_id, BY_COMMAND)
    if late:
        return _unsent(services, job, target, Postponement.NO_ROOM)
    if refusal := services.sending.enter(this):
        return _unsent(services, job, target, refusal.reason)
    delivery = None
    try:
        delivery = deliver(services, job, target)
    finally:
        services.sending.leave(this, delivery.result if delivery else None)
    return delivery


def _unsent(services: Services, job: Job, target: Target, reason: Postponement) -> Delivery:
    """Describe a try that was not made. It is not logged, because nothing will make it later."""
    return delivery_of(job, target, BY_COMMAND, services.now(), SendResult(fault=reason))


def _shown_in_audit(target: Target) -> str:
    return f"mailto:{domain_of(target.address)}" if target.address else target.origin
