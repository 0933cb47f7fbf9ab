"""The targets of a notification: one for the webhook, and one for each e-mail address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exports.jobs.job import Job
from exports.notifications.message import event_id
from exports.notifications.receivers import origin_of

UNKNOWN_MAIL_SERVER = "smtp:"
"""The origin of e-mails while the settings name no mail server."""


class Channel(StrEnum):
    """How a notification is sent. The values are a published contract."""

    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Target:
    """Where one message about the end of a job goes.

    Attributes:
        event_id: Identifies the message: the same in every try.
        origin: Scheme, host and port of the receiver, or of the mail server.
        url: The URL of the webhook; empty: the message is an e-mail.
        address: The e-mail address; empty: the message is a webhook.
    """

    event_id: str
    origin: str
    url: str = ""
    address: str = ""


def target_of(job: Job, email: int | None, mail_origin: str) -> Target | None:
    """Return where a message goes; None if the job has no such receiver.

    Args:
        email: Which of the e-mail addresses in `notify`, from 0; None: the webhook.
    """
    notify = job.notify
    if notify is None:
        return None
    if email is not None:
        exists = email < len(notify.email)
        return Target(event_id(job, email), mail_origin, address=notify.email[email]) if exists else None
    return Target(event_id(job), origin_of(notify.webhook_url), url=notify.webhook_url) if notify.webhook_url else None


def messages_of(job: Job) -> list[int | None]:
    """Return what tells the messages about the end of a job apart: None for the webhook, 0, 1, … for its e-mails."""
    if job.notify is None:
        return []
    webhook: list[int | None] = [None] if job.notify.webhook_url else []
    return [*webhook, *range(len(job.notify.email))]


def targets_of(job: Job, mail_origin: str) -> list[Target]:
    """Return where all messages about the end of a job go, the webhook first."""
    return [target for email in messages_of(job) if (target := target_of(job, email, mail_origin))]


def delivery_instance(instance_id: str, email: int | None) -> str:
    """Return the id of the Durable instance that delivers a message about the end of an attempt."""
    return f"{instance_id}-webhook" if email is None else f"{instance_id}-email-{email + 1}"
