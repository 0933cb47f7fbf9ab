"""The errors of this package.

ClientExportError
├── ServiceUnreachableError       no answer, even after retries
├── ApiError                      the service answered with a problem (RFC 9457)
│   ├── InvalidRequestError       400, 411, 413, 415, 422
│   ├── AuthenticationError       401
│   │   └── TooManyWrongKeysError 429 with the code too-many-wrong-keys
│   ├── ForbiddenError            403
│   ├── NotFoundError             404
│   ├── ConflictError             409, 412
│   ├── GoneError                 410
│   ├── QuotaExceededError        429
│   └── ServiceError              any other status
├── ExportEndedError              the export ended without a file
│   ├── ExportFailedError
│   └── ExportCancelledError
├── WaitTimeoutError              the export has not ended in the time that you gave
└── FileMismatchError             a file is not the one that its manifest describes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client_export.models import Job


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in the body of a request.

    Attributes:
        pointer: JSON pointer to the faulty value.
        detail: What is wrong, and what to change, in English.
        code: Identifies the kind of fault; empty from a service that does not tell it.
        values: What the sentence of the kind names, for a text of your own.
    """

    pointer: str
    detail: str
    code: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Any) -> Fault:
        """Read a fault as the service shows it."""
        values = dict(document.get("values") or {})
        return cls(str(document["pointer"]), str(document["detail"]), str(document.get("code") or ""), values)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document of the service (RFC 9457).

    Attributes:
        code: Identifies the kind of problem. Later versions of the service may have more codes.
        request_id: Names the request; tell it to the operator of the service.
    """

    status: int
    code: str
    title: str
    detail: str
    faults: tuple[Fault, ...] = ()
    request_id: str | None = None

    @classmethod
    def from_json(cls, status: int, document: Any, request_id: str | None = None) -> Problem:
        """Read a problem. Anything else, such as what a proxy answers, becomes a problem without a code of its own."""
        try:
            code, title, detail = (_text_in(document, name) for name in ("code", "title", "detail"))
            faults = tuple(map(Fault.from_json, document.get("errors") or ()))
        except (KeyError, TypeError, AttributeError, ValueError):
            return cls(status, "unknown", f"HTTP {status}", f"The service answered with HTTP {status}.", (), request_id)
        return cls(status, code, title, detail, faults, document.get("requestId") or request_id)


class ClientExportError(Exception):
    """The base of all errors of this package."""


class ServiceUnreachableError(ClientExportError):
    """The service did not answer, even after retries."""


class ApiError(ClientExportError):
    """The service refused a request.

    Attributes:
        problem: What the service says about it.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(_text(problem))
        self.problem = problem

    @property
    def code(self) -> str:
        """The code of the problem, such as `quota-exceeded`."""
        return self.problem.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def pointers(self) -> tuple[str, ...]:
        """JSON pointers to the faulty values of the request's body."""
        return tuple(fault.pointer for fault in self.problem.faults)

    @property
    def request_id(self) -> str | None:
        """The id of the request, for the operator of the service."""
        return self.problem.request_id


class InvalidRequestError(ApiError):
    """The request has faults, which `problem.faults` names."""


class AuthenticationError(ApiError):
    """The API key or token is missing, wrong, expired or revoked."""


class TooManyWrongKeysError(AuthenticationError):
    """The API key or token is not valid, and too many such came from the same address. A valid one works at once."""


class ForbiddenError(ApiError):
    """The API key or token does not allow this."""


class NotFoundError(ApiError):
    """There is no such export, mapping or schedule."""


class ConflictError(ApiError):
    """The state of the export, mapping or schedule does not allow this."""


class GoneError(ApiError):
    """The file is no longer available."""


class QuotaExceededError(ApiError):
    """The tenant has reached a limit."""


class ServiceError(ApiError):
    """The service could not answer the request."""


class ExportEndedError(ClientExportError):
    """The export ended without a file.

    Attributes:
        job: The export.
    """

    def __init__(self, job: Job, message: str) -> None:
        super().__init__(message)
        self.job = job


class ExportFailedError(ExportEndedError):
    """The export failed; `job.failure` says why, and whether a resume can help."""

    def __init__(self, job: Job) -> None:
        reason = job.failure.message if job.failure else "The service gives no reason."
        super().__init__(job, f"The export {job.code} failed: {reason}")


class ExportCancelledError(ExportEndedError):
    """The export was cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, f"The export {job.code} was cancelled.")


class WaitTimeoutError(ClientExportError):
    """The export has not ended in time. It is still running.

    Attributes:
        job: The export as it was last seen.
    """

    def __init__(self, job: Job, seconds: float) -> None:
        super().__init__(f"The export {job.code} has not ended after {seconds:g} s. It is still running.")
        self.job = job


class FileMismatchError(ClientExportError):
    """A file is not the one that its manifest describes.

    Attributes:
        page: The first wrong page; None if the pages are right and the whole is not.
    """

    def __init__(self, message: str, page: int | None = None) -> None:
        super().__init__(message)
        self.page = page


_ERRORS: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    411: InvalidRequestError,
    412: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: QuotaExceededError,
}


_ERRORS_BY_CODE: dict[str, type[ApiError]] = {"too-many-wrong-keys": TooManyWrongKeysError}


def error_of(problem: Problem) -> ApiError:
    """Return the error for a problem, by its code if the status alone does not tell, otherwise by its status."""
    kind = _ERRORS_BY_CODE.get(problem.code) or _ERRORS.get(problem.status, ServiceError)
    return kind(problem)


def _text_in(document: Any, name: str) -> str:
    text = document[name]
    if not isinstance(text, str):
        raise TypeError("It is no text.")
    return text


def _text(problem: Problem) -> str:
    """Say what is wrong, once: the detail of a refusal says all that its title does, unless faults follow."""
    is_said = problem.title in problem.detail or (problem.status < 500 and not problem.faults)
    lines = [problem.detail if is_said else f"{problem.title}: {problem.detail}"]
    lines += [f"  {fault.pointer or '(the body)'}: {fault.detail}" for fault in problem.faults]
    return "\n".join(lines)
