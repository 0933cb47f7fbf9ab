"""The tries to deliver a notification: the result of each, and how long to wait before the next."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus

from shared.models import Model, Moment, OptionalField
from shared.outbound import PostFault

RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Pauses between the tries, as Standard Webhooks recommends: ten tries in a little more than three days."""

_LONGEST_RETRY_AFTER_SECONDS = 86_400
_THROTTLING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Postponement(StrEnum):
    """Why a try is made later, as the fault of a try that was not made yet."""

    RESTING = "resting"
    NO_ROOM = "no-room"


class MailFault(StrEnum):
    """Why an e-mail was not accepted. A fault of the connection has a word of `PostFault` instead."""

    DOMAIN_REFUSED = "domain-refused"
    REFUSED = "mail-refused"
    LOGIN_REFUSED = "login-refused"


_FINAL = frozenset({PostFault.ADDRESS_REFUSED.value, MailFault.DOMAIN_REFUSED.value, MailFault.REFUSED.value})
"""The faults after which another try would be useless."""


class SendResult(Model):
    """The result of one try.

    Attributes:
        status: HTTP status of the response, or reply code of the mail server; None if there was no response.
        fault: Why there was no response, as one word, such as `timeout`.
        milliseconds: How long the try took.
        retry_after: The beginning of the `Retry-After` header of the response, as the receiver wrote it.
    """

    status: int | None = None
    fault: str | None = None
    milliseconds: int = 0
    retry_after: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver, or the mail server, accepted the message with 2xx."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_final(self) -> bool:
        """Whether more tries are useless: the receiver answered 410 Gone, or its address is not allowed or refused."""
        return self.status == HTTPStatus.GONE or self.fault in _FINAL

    def retry_after_seconds(self, now: datetime) -> float:
        """Return how long a throttling receiver (429 or 503) asks to wait: a day at most, 0 if it does not say."""
        if self.status not in _THROTTLING or self.retry_after is None:
            return 0
        return min(max(_seconds(self.retry_after.strip(), now), 0), _LONGEST_RETRY_AFTER_SECONDS)


class Delivery(Model):
    """One try, as it is logged.

    Attributes:
        attempt: The attempt of the job whose end the message reports.
        number: Number of the try, from 1; 0 if an operator or a caller sent the notification again.
        event_id: The `webhook-id` of the message, or the part of its `Message-ID` before the `@`.
        origin: Scheme, host and port of the URL, or of the mail server. The path and query of a URL are left out,
            because they may hold a secret.
        retry_after: The beginning of the `Retry-After` header of the response, as the receiver wrote it.
        address: The address that an e-mail goes to; None: the message is a webhook.
    """

    tenant: str
    code: str
    attempt: int
    number: int
    moment: Moment
    event_id: str
    origin: str
    status: int | None
    fault: str | None
    milliseconds: int
    retry_after: OptionalField[str] = None
    address: OptionalField[str] = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver, or the mail server, accepted the message with 2xx."""
        return self.result.is_delivered

    @property
    def is_postponed(self) -> bool:
        """Whether nothing was sent yet: the try is made later, and then logged again under the same number."""
        return self.fault in set(Postponement)

    @property
    def result(self) -> SendResult:
        """The result of the try."""
        return SendResult(
            status=self.status, fault=self.fault, milliseconds=self.milliseconds, retry_after=self.retry_after
        )


def _seconds(text: str, now: datetime) -> float:
    """Read a `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date."""
    if text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # no date, or numbers too large for one
        return 0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
