"""Failures: the reasons for which a job fails, as its user sees them."""

from __future__ import annotations

from exports.errors import (
    ExportError,
    FileMismatchError,
    SourceMismatchError,
    SourceRefusedError,
    SourceReplacedError,
    TransientError,
)
from shared.models import Model


class Failure(Model):
    """Why a job failed, in words for its user.

    Attributes:
        code: The kind of failure, for programs.
        message: The reason, for people.
        retryable: The same request may succeed later.
        resumable: The job can be resumed. Usually the resume keeps the pages that were written.
    """

    code: str
    message: str
    retryable: bool
    resumable: bool


INTERRUPTED = Failure(
    code="interrupted",
    message="The export was interrupted several times and gave up. Resume it; if it fails again, tell the people who "
    "run the service.",
    retryable=True,
    resumable=True,
)

STALLED = Failure(
    code="stalled",
    message="The export made no progress for a long time, in several attempts. Resume it; if it stalls again, "
    "tell the people who run the service.",
    retryable=True,
    resumable=True,
)

PAGES_KEPT_GETTING_LOST = Failure(
    code="file-mismatch",
    message="Pages that were written were lost again and again before the file could be published. Resume the export.",
    retryable=True,
    resumable=True,
)


SNAPSHOT_LOST = Failure(
    code="snapshot-lost",
    message="The export was interrupted several times, and each time it lost the moment of the client database that it "
    "read. Resume it, and it reads a new moment from the beginning; if it fails again, tell the people "
    "who run the service.",
    retryable=True,
    resumable=True,
)


_FIXED_BY_PEOPLE = (SourceMismatchError, SourceRefusedError, FileMismatchError)
"""Errors that no retry cures. When people have fixed the cause, a resume reads only the pages that are missing."""


def unexpected_failure(incident: str) -> Failure:
    """Describe an error that no rule knows. The log has it under the same incident number."""
    message = (
        "The export failed by an unexpected error in two tries. Give the people who run the service this number: "
        f"{incident}."
    )
    return Failure(code="internal", message=message, retryable=False, resumable=False)


def failure_of(error: ExportError) -> Failure:
    """Describe an error as a failure. Takes only errors of this project, because their texts are written for users."""
    transient = isinstance(error, TransientError)
    replaced = isinstance(error, SourceReplacedError)  # a resume reads everything again
    resumable = transient or replaced or isinstance(error, _FIXED_BY_PEOPLE)
    message = f"{error} {error.private}".rstrip()
    return Failure(code=error.code, message=message, retryable=transient or replaced, resumable=resumable)
