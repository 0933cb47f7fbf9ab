"""Every failure that a job can have, one for each code."""

from __future__ import annotations

from collections.abc import Iterator

import function_app
from exports.errors import ExportError, PermanentError, TransientError
from exports.jobs import failures
from exports.jobs.failures import Failure, failure_of, unexpected_failure

assert function_app.app, "importing the app defines every kind of error"


def every_failure() -> dict[str, Failure]:
    """Return a failure for each code that a job can be stored with."""
    known = [each for each in vars(failures).values() if isinstance(each, Failure)]
    raised = [failure_of(kind("A sentence in English.")) for kind in _kinds(TransientError, PermanentError)]
    return {failure.code: failure for failure in (*raised, *known, unexpected_failure("7f3a"))}


def _kinds(*bases: type[ExportError]) -> Iterator[type[ExportError]]:
    """Yield the errors that have a code of their own."""
    for base in bases:
        if "code" in vars(base):
            yield base
        yield from _kinds(*base.__subclasses__())
