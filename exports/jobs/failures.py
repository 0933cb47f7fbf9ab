"""From what went wrong to what the user of a job is told."""

from __future__ import annotations

from exports.errors import ExportError, FileMismatchError, TransientError
from shared.models import Model


class Failure(Model):
    """Why a job failed, in words for its user.

    `code` names the kind, for programs. `retryable`: the same request may succeed later. `resumable`: the pages already
    written can be kept.
    """

    code: str
    message: str
    retryable: bool
    resumable: bool


INTERRUPTED = Failure(
    code="interrupted",
    message="The export was interrupted several times and gave up. Start it again; if it fails again, tell support.",
    retryable=True,
    resumable=True,
)

STALLED = Failure(
    code="stalled",
    message="The export made no progress for a long time, however often it was begun again. Resume it; if it stalls "
    "again, tell support.",
    retryable=True,
    resumable=True,
)

PAGES_KEPT_GETTING_LOST = Failure(
    code="file-mismatch",
    message="Pages that were written were lost again and again before the file could be published. Resume the export.",
    retryable=True,
    resumable=True,
)


def failure_of(error: ExportError) -> Failure:
    """Describe an error; only errors of this project, whose texts are written for users."""
    passing = isinstance(error, TransientError)
    resumable = passing or isinstance(error, FileMismatchError)  # a resume reads the pages again that do not agree
    message = f"{error} {error.private}".rstrip()
    return Failure(code=error.code, message=message, retryable=passing, resumable=resumable)
