"""The steps of which operations consist. Operations are generators that yield steps and do no I/O themselves.

So the client for ordinary code and the one for asyncio run the very same operations; they differ in how they perform
a step.
"""

from __future__ import annotations

import json as json_module
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from client_export.errors import AuthenticationError, Problem, ServiceError, ServiceUnreachableError, error_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a request that failed is sent again: after `Retry-After`, otherwise after pauses that double.

    Attributes:
        tries: How often a request is sent at most.
        longest_pause_seconds: A longer `Retry-After`, such as that of a daily limit, is not waited for. The status of
            an export is asked for again after this time at the latest.
    """

    tries: int = 5
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60

    def pause_seconds(self, failed: int) -> float:
        """Return the pause after this many failed tries, with jitter."""
        pause = min(self.first_pause_seconds * 2.0 ** (failed - 1), self.longest_pause_seconds)
        return pause * random.uniform(0.5, 1)  # noqa: S311 - jitter is no secret


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request to the service, with the credentials; do not follow redirects. Results in an `Answer`.

    Attributes:
        repeatable: Whether the request may be sent again if nobody knows whether it arrived.
        asks_for_link: Whether the answer is a redirect to a link. No other redirect is followed, because the
            credentials are for the service alone.
        absence: The code of the problem that says that what the request deletes is not there. After a try whose answer
            was lost, that is success: the try has deleted it.
    """

    method: str
    path: str
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    asks_for_link: bool = False
    absence: str | None = None

    def is_answered_by(self, answer: Answer) -> bool:
        """Whether an answer without an error is one of the service, and not of a program before it."""
        if self.asks_for_link:
            return 300 <= answer.status < 400 and "location" in answer.headers
        return answer.status < 300 and (not answer.content or isinstance(answer.json, dict))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service. A status of 0 means that there was none.

    Attributes:
        headers: Names in lower case.
        failure: Why there was no answer.
        was_sent: Whether the request may have arrived.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    failure: str = ""
    was_sent: bool = True

    @property
    def json(self) -> Any:
        """The body; None if it is no JSON."""
        try:
            return json_module.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after_seconds(self) -> float | None:
        """The seconds that the service asks to wait."""
        value = self.headers.get("retry-after", "").strip()
        if value.isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError, OverflowError):  # such as a year that no calendar of Python has
            return None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


class Sink(Protocol):
    """Receives the content of a link."""

    def begin(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take note of the status; return whether to read the content."""

    def add(self, piece: bytes) -> None:
        """Take the next bytes. Blocks while it writes to disk."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Read a link, without the credentials. Results in None, or in the reason why the connection broke."""

    url: str
    headers: Mapping[str, str]
    sink: Sink


Step = Send | Sleep | Pull
Flow = Generator[Step, Any, T]

_FOREIGN = (
    "This is not an answer of the export service, perhaps of a sign-in page or a gateway. Redirects are not followed. "
    "Check the address."
)
_LIMITED = 429
"""The status of a request that was not even begun, because there were too many."""
_TEMPORARY = (_LIMITED, 500, 502, 503, 504)
_LASTING = ("source-unusable",)
"""Codes of problems with such a status that no other try changes."""


def ask(call: Send, policy: RetryPolicy) -> Flow[Answer]:
    """Send a request until it has an answer that another try would not change.

    Raises:
        ApiError: The service refused the request, or still cannot answer it.
        ServiceUnreachableError: There is no answer.
    """
    failed = 0
    may_be_done = False
    while True:
        answer: Answer = yield call
        if may_be_done and call.absence and _problem(answer).code == call.absence:
            return answer
        if 0 < answer.status < 400:
            if not call.is_answered_by(answer):
                raise ServiceError(Problem(answer.status, "unknown", f"HTTP {answer.status}", _FOREIGN))
            return answer
        failed += 1
        pause = answer.retry_after_seconds
        pause = policy.pause_seconds(failed) if pause is None else pause
        if failed >= policy.tries or not _may_repeat(call, answer) or pause > policy.longest_pause_seconds:
            raise _error(answer)
        may_be_done = may_be_done or (answer.was_sent and answer.status != _LIMITED)
        yield Sleep(pause)


def _may_repeat(call: Send, answer: Answer) -> bool:
    if answer.status == 0:
        return call.repeatable or not answer.was_sent
    if answer.status not in _TEMPORARY or _problem(answer).code in _LASTING:
        return False
    if isinstance(_error(answer), AuthenticationError):
        return False
    return call.repeatable or answer.status in (_LIMITED, 503)


def _error(answer: Answer) -> Exception:
    if answer.status == 0:
        return ServiceUnreachableError(f"The service did not answer: {answer.failure}")
    return error_of(_problem(answer))


def _problem(answer: Answer) -> Problem:
    return Problem.from_json(answer.status, answer.json, answer.headers.get("x-request-id"))
