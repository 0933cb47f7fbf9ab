"""Notifications as the API shows them: a request to test them, and the tries to deliver them."""

from __future__ import annotations

from typing import Any

from exports.notifications.delivery import Delivery, SendResult
from exports.notifications.target import Channel, Target
from exports.request.body import NotifyDto
from exports.request.filters import Code
from shared.models import Model, Moment


class NotificationTestDto(NotifyDto):
    """The body of `POST …/clients/export/notification-test`: the receivers to which to send a test.

    Attributes:
        webhook_url: Receives a signed POST with the property `test`. With `scheduleCode` it may be the shortened form
            in which a schedule shows its URL.
        email: Addresses that receive an e-mail, at most five. Their domains must be ones that the service allows.
        schedule_code: The schedule whose shortened URL `webhookUrl` is.
    """

    schedule_code: Code | None = None


class ReceiverAnswerDto(Model):
    """How one receiver has answered a test. Every property is always present.

    Attributes:
        channel: `webhook` or `email`.
        receiver: Scheme, host and port of the URL, or the e-mail address.
        delivered: Whether the receiver, or the mail server, has accepted the message.
        status: HTTP status of the receiver's answer, or reply code of the mail server; null if there was none.
        fault: Why there was no answer or the message was refused, as one word, such as `timeout`.
        milliseconds: How long it took.
    """

    channel: Channel
    receiver: str
    delivered: bool
    status: int | None
    fault: str | None
    milliseconds: int


class DeliveryDto(ReceiverAnswerDto):
    """A try to deliver a notification about the end of an export. Every property is always present.

    Attributes:
        fault: Why there was no answer or the message was refused, as one word, such as `timeout`. With `resting` and
            `no-room` nothing was sent yet.
        attempt: The attempt of the export whose end the notification reports.
        number: Number of the try, from 1; 0 if the notification was sent again on request.
        sent_date: When the try was made.
        event_id: Identifies the message: the same in every try.
    """

    attempt: int
    number: int
    sent_date: Moment
    event_id: str


def show_test(target: Target, sent: SendResult) -> ReceiverAnswerDto:
    """Build the public view of how a receiver has answered a test."""
    return ReceiverAnswerDto(**_answer(target.address, target.origin, sent))


def show_delivery(delivery: Delivery) -> DeliveryDto:
    """Build the public view of a try."""
    return DeliveryDto(
        **_answer(delivery.address, delivery.origin, delivery.result),
        attempt=delivery.attempt,
        number=delivery.number,
        sent_date=delivery.moment,
        event_id=delivery.event_id,
    )


def _answer(address: str | None, origin: str, sent: SendResult) -> dict[str, Any]:
    """Return the properties that tests and tries share."""
    return {
        "channel": Channel.EMAIL if address else Channel.WEBHOOK,
        "receiver": address or origin,
        "delivered": sent.is_delivered,
        "status": sent.status,
        "fault": sent.fault,
        "milliseconds": sent.milliseconds,
    }
