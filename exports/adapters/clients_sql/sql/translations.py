"""What a driver's error means for an export: its kind, and the sentence that a user reads.

Each dialect translates the codes of its own database into these.
"""

from __future__ import annotations

from typing import NamedTuple

from exports.errors import (
    ExportError,
    SourceMismatchError,
    SourceRefusedError,
    SourceThrottledError,
    SourceUnavailableError,
)


class UnreadableValueError(SourceMismatchError):
    """A value of some client cannot be read or written. The error of the driver does not say which value."""


class Translation(NamedTuple):
    """The error of an export that stands for the error of a driver."""

    kind: type[ExportError]
    message: str


NO_ANSWER = Translation(SourceUnavailableError, "The client database did not answer.")
BUSY = Translation(
    SourceUnavailableError, "The client database is busy: a lock, a limit or a time-out stopped the reading."
)
THROTTLED = Translation(
    SourceThrottledError, "The client database has no room now: too many connections or requests at once."
)
LOGIN = Translation(
    SourceRefusedError, "The client database refused the login, or the login may not read the view clients."
)
STATEMENT = Translation(SourceRefusedError, "The client database refused the statement.")
DRIVER = Translation(
    SourceRefusedError, "The address of the client database is malformed, or no driver for it is installed."
)
NO_VIEW = Translation(
    SourceMismatchError, "The client database has no view clients; docs/client-view.md says how to make it."
)
NO_COLUMN = Translation(SourceMismatchError, "The view clients lacks a column; docs/client-view.md names them all.")
TYPE = Translation(
    SourceMismatchError, "A column of the view clients has an unexpected type; docs/client-view.md names them all."
)
VALUE = Translation(UnreadableValueError, "The view clients holds a value that cannot be read or written.")
