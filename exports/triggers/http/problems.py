"""The problems that the routes can answer with, and the problem of each exception."""

from __future__ import annotations

from math import ceil

from exports.errors import (
    ApiKeyNotActiveError,
    ApiKeyNotFoundError,
    ApiKeyRotatedError,
    EstimateTooSlowError,
    ExpiredError,
    ExportError,
    JobNotFoundError,
    KeyReusedError,
    MappingNotFoundError,
    NotCompletedError,
    NotNotifiedError,
    NotPermittedError,
    NotResumableError,
    PresetReadOnlyError,
    QuotaExceededError,
    RetryLaterError,
    ScheduleNotFoundError,
    SourceMismatchError,
    SourceRefusedError,
    TooManyApiKeysError,
    TooManyMappingsError,
    TooManySchedulesError,
    TooManySendsError,
    TransientError,
    UnconfirmedError,
)
from exports.jobs.states import IllegalTransitionError
from exports.request.scopes import Scope
from exports.request.spec import InvalidSpecError, SensitiveFieldsError
from exports.settings import SettingsError
from shared.access_tokens import IssuerUnavailableError
from shared.api_keys import KeysUnavailableError
from shared.http import (
    BODY_TOO_LARGE,
    INTERNAL,
    INVALID_REQUEST,
    LENGTH_REQUIRED,
    MALFORMED_BODY,
    UNSUPPORTED_MEDIA_TYPE,
    invalid_request,
)
from shared.problems import ProblemError, ProblemType

INVALID_HEADER = ProblemType("invalid-header", 400, "A header is not valid")
INVALID_QUERY = ProblemType("invalid-query", 400, "A query parameter is not valid")
TENANT_REQUIRED = ProblemType("tenant-required", 400, "The tenant is missing")
INVALID_API_KEY = ProblemType("invalid-api-key", 401, "Invalid or missing API key")
INVALID_TOKEN = ProblemType("invalid-token", 401, "The access token is not valid")
TOO_MANY_WRONG_KEYS = ProblemType("too-many-wrong-keys", 429, "Too many wrong API keys or tokens")
FORBIDDEN = ProblemType("forbidden", 403, "The API key or token does not allow this")
SENSITIVE_FIELDS = ProblemType("sensitive-fields", 403, "The API key or token does not allow sensitive fields")
JOB_NOT_FOUND = ProblemType("job-not-found", 404, "There is no such export")
MAPPING_NOT_FOUND = ProblemType("mapping-not-found", 404, "There is no such mapping")
SCHEDULE_NOT_FOUND = ProblemType("schedule-not-found", 404, "There is no such schedule")
KEY_NOT_FOUND = ProblemType("key-not-found", 404, "There is no such API key")
PRESET_READ_ONLY = ProblemType("preset-read-only", 409, "A preset cannot be changed")
TOO_MANY_MAPPINGS = ProblemType("too-many-mappings", 409, "The tenant has reached its limit of mappings")
TOO_MANY_SCHEDULES = ProblemType("too-many-schedules", 409, "The tenant has reached its limit of schedules")
TOO_MANY_KEYS = ProblemType("too-many-keys", 409, "The tenant has reached its limit of API keys")
KEY_NOT_ACTIVE = ProblemType("key-not-active", 409, "The API key has expired or is revoked")
KEY_ROTATED = ProblemType("key-rotated", 409, "The API key was rotated already")
NOT_CONFIRMED = ProblemType("not-confirmed", 409, "This needs your confirmation")
NOT_COMPLETED = ProblemType("not-completed", 409, "The export has no file")
ALREADY_ENDED = ProblemType("already-ended", 409, "The export has already ended")
NOT_RESUMABLE = ProblemType("not-resumable", 409, "The export cannot be resumed")
NOT_NOTIFIED = ProblemType("not-notified", 409, "The export sends no notification")
EXPIRED = ProblemType("expired", 410, "The file is no longer available")
PRECONDITION_FAILED = ProblemType("precondition-failed", 412, "The resource has changed since it was read")
KEY_REUSED = ProblemType("idempotency-key-reused", 422, "The idempotency key cannot be used again")
QUOTA_EXCEEDED = ProblemType("quota-exceeded", 429, "The tenant has reached its limit of exports")
TOO_MANY_SENDS = ProblemType("too-many-sends", 429, "Too many notifications were sent by hand")
ROUTE_NOT_FOUND = ProblemType("route-not-found", 404, "There is no such resource")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "The method is not allowed here")
SOURCE_UNUSABLE = ProblemType("source-unusable", 502, "The client database cannot be exported")
UNAVAILABLE = ProblemType("unavailable", 503, "The service is temporarily unavailable")
ESTIMATE_TOO_SLOW = ProblemType("estimate-too-slow", 503, "The clients cannot be counted in time")

PROBLEMS: tuple[ProblemType, ...] = (
    MALFORMED_BODY,
    INVALID_REQUEST,
    INVALID_HEADER,
    INVALID_QUERY,
    TENANT_REQUIRED,
    INVALID_API_KEY,
    INVALID_TOKEN,
    TOO_MANY_WRONG_KEYS,
    FORBIDDEN,
    SENSITIVE_FIELDS,
    JOB_NOT_FOUND,
    MAPPING_NOT_FOUND,
    SCHEDULE_NOT_FOUND,
    KEY_NOT_FOUND,
    PRESET_READ_ONLY,
    TOO_MANY_MAPPINGS,
    TOO_MANY_SCHEDULES,
    TOO_MANY_KEYS,
    KEY_NOT_ACTIVE,
    KEY_ROTATED,
    NOT_CONFIRMED,
    NOT_COMPLETED,
    ALREADY_ENDED,
    NOT_RESUMABLE,
    NOT_NOTIFIED,
    EXPIRED,
    PRECONDITION_FAILED,
    KEY_REUSED,
    QUOTA_EXCEEDED,
    TOO_MANY_SENDS,
    ROUTE_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    LENGTH_REQUIRED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INTERNAL,
    SOURCE_UNUSABLE,
    UNAVAILABLE,
    ESTIMATE_TOO_SLOW,
)
"""Every problem, in the order of the documentation."""

_RETRY_SECONDS = 5
_PROBLEM_OF: dict[type[ExportError], ProblemType] = {
    JobNotFoundError: JOB_NOT_FOUND,
    MappingNotFoundError: MAPPING_NOT_FOUND,
    ScheduleNotFoundError: SCHEDULE_NOT_FOUND,
    ApiKeyNotFoundError: KEY_NOT_FOUND,
    ApiKeyNotActiveError: KEY_NOT_ACTIVE,
    ApiKeyRotatedError: KEY_ROTATED,
    TooManyApiKeysError: TOO_MANY_KEYS,
    UnconfirmedError: NOT_CONFIRMED,
    NotPermittedError: FORBIDDEN,
    PresetReadOnlyError: PRESET_READ_ONLY,
    TooManyMappingsError: TOO_MANY_MAPPINGS,
    TooManySchedulesError: TOO_MANY_SCHEDULES,
    NotCompletedError: NOT_COMPLETED,
    NotResumableError: NOT_RESUMABLE,
    NotNotifiedError: NOT_NOTIFIED,
    ExpiredError: EXPIRED,
    KeyReusedError: KEY_REUSED,
    QuotaExceededError: QUOTA_EXCEEDED,
    TooManySendsError: TOO_MANY_SENDS,
    EstimateTooSlowError: ESTIMATE_TOO_SLOW,
    IllegalTransitionError: ALREADY_ENDED,
    SourceMismatchError: SOURCE_UNUSABLE,
    SourceRefusedError: SOURCE_UNUSABLE,
}


def describe(error: Exception) -> ProblemError | None:
    """Return the problem of an exception that the routes expect; None for any other exception."""
    if isinstance(error, (TransientError, KeysUnavailableError, IssuerUnavailableError)):
        seconds = ceil(getattr(error, "retry_after_seconds", None) or _RETRY_SECONDS)
        return ProblemError(UNAVAILABLE, f"{error} Try again soon.", headers={"Retry-After": str(seconds)})
    if isinstance(error, RetryLaterError):
        kind = _PROBLEM_OF[type(error)]
        return ProblemError(kind, str(error), headers={"Retry-After": str(error.retry_after_seconds)})
    if isinstance(error, InvalidSpecError):
        return invalid_request(error.faults)
    if isinstance(error, SensitiveFieldsError):
        named = ", ".join(field.value for field in error.fields)
        detail = (
            f"The API key or token lacks the scope {Scope.FIELDS_SENSITIVE.value}, which these fields need: {named}."
        )
        return ProblemError(SENSITIVE_FIELDS, detail, error.faults)
    for expected, kind in _PROBLEM_OF.items():
        if isinstance(error, expected):
            return ProblemError(kind, f"{error} {getattr(error, 'private', '')}".rstrip())
    if isinstance(error, SettingsError):
        return ProblemError(UNAVAILABLE, "The service is not fully configured; /health names the missing settings.")
    return None
