"""The table of problems the export routes can answer with, and which exception leads to which."""

from __future__ import annotations

from exports.errors import TransientError
from exports.settings import SettingsError
from shared.http import BODY_TOO_LARGE, INTERNAL, INVALID_REQUEST, MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE
from shared.problems import ProblemError, ProblemType

TENANT_REQUIRED = ProblemType("tenant-required", 400, "The tenant must be named")
INVALID_API_KEY = ProblemType("invalid-api-key", 401, "Invalid or missing API key")
FORBIDDEN = ProblemType("forbidden", 403, "The API key does not allow this")
JOB_NOT_FOUND = ProblemType("job-not-found", 404, "There is no such export")
ROUTE_NOT_FOUND = ProblemType("route-not-found", 404, "There is no such resource")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "The method is not allowed here")
UNAVAILABLE = ProblemType("unavailable", 503, "The service cannot do this now")

PROBLEMS: tuple[ProblemType, ...] = (
    MALFORMED_BODY,
    INVALID_REQUEST,
    TENANT_REQUIRED,
    INVALID_API_KEY,
    FORBIDDEN,
    JOB_NOT_FOUND,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INTERNAL,
    UNAVAILABLE,
)
"""Every problem, in the order of the documentation."""

_RETRY_SECONDS = "5"


def describe(error: Exception) -> ProblemError | None:
    """Turn an exception that is expected at the HTTP boundary into its problem."""
    if isinstance(error, TransientError):
        return ProblemError(UNAVAILABLE, f"{error} Try again soon.", headers={"Retry-After": _RETRY_SECONDS})
    if isinstance(error, SettingsError):
        return ProblemError(UNAVAILABLE, "The service is not set up completely; /health names what is missing.")
    return None
