"""What came of sending a webhook."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from shared.models import Model, Moment
from shared.outbound import PostFault

RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The schedule that Standard Webhooks recommends: ten tries in a little more than three days."""

_LONGEST_RETRY_AFTER_SECONDS = 86_400
_THROTTLING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class SendResult(Model):
    """What came of sending once.

    Attributes:
        status: Of the answer; None if there was none.
        fault: Why there was none, in one word.
        milliseconds: How long it took.
        retry_after: As the receiver wrote it.
    """

    status: int | None = None
    fault: str | None = None
    milliseconds: int = 0
    retry_after: str | None = None

    @property
    def is_delivered(self) -> bool:
        """The receiver has taken it."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_final(self) -> bool:
        """Sending again is of no use: the receiver wants no more, or is not one that may be sent to."""
        return self.status == HTTPStatus.GONE or self.fault == PostFault.ADDRESS_REFUSED

    def retry_after_seconds(self, now: datetime) -> float:
        """How long a receiver that is too busy wants to be left alone; a day at most, 0 if it does not say."""
        if self.status not in _THROTTLING or self.retry_after is None:
            return 0
        return min(max(_seconds(self.retry_after.strip(), now), 0), _LONGEST_RETRY_AFTER_SECONDS)


class Delivery(Model):
    """One try, as it is logged.

    Attributes:
        attempt: Of the job, whose end is told.
        number: Counts the tries from 1; 0: sent by command.
        event_id: The `webhook-id`.
        origin: Scheme, host and port of the URL; its path and query may hold a secret.
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

    @property
    def is_delivered(self) -> bool:
        """The receiver has taken it."""
        return SendResult(status=self.status).is_delivered


def _seconds(text: str, now: datetime) -> float:
    """Read a `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date."""
    if text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
