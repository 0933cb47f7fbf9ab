"""The errors of an export.

    ExportError
    ├── TransientError                  repeating the step can help; steps raise it, and the orchestrator tries again
    │   ├── SourceUnavailableError      the client database did not answer
    │   ├── SourceThrottledError        the client database has no capacity now; repeating slowly can help
    │   ├── StorageUnavailableError     blobs or tables did not answer, were busy, or refused the service
    │   ├── NotStartedError             Durable Functions did not start an orchestration
    │   └── FileChangedError            another attempt has meanwhile published or removed the file
    ├── IllegalTransitionError          the state of the job does not allow what has happened
    ├── RefusedError                    a caller's request cannot be fulfilled; the HTTP boundary answers with a problem
    │   ├── JobNotFoundError            there is no such job
    │   ├── MappingNotFoundError        there is no such mapping
    │   ├── PresetReadOnlyError         a preset belongs to all tenants and cannot be changed
    │   ├── TooManyMappingsError        the tenant has reached its limit of mappings
    │   ├── ScheduleNotFoundError       there is no such schedule
    │   ├── TooManySchedulesError       the tenant has reached its limit of schedules
    │   ├── NotCompletedError           the job has no file
    │   ├── NotResumableError           the job cannot continue with the pages it has
    │   ├── NotNotifiedError            the job sends no notification, or not yet
    │   ├── ExpiredError                the file is no longer kept
    │   ├── ApiKeyNotFoundError         there is no such API key
    │   ├── ApiKeyNotActiveError        the API key has expired or is revoked
    │   ├── ApiKeyRotatedError          the API key was rotated, and the key that replaced it is active
    │   ├── TooManyApiKeysError         the tenant has reached its limit of API keys
    │   ├── UnconfirmedError            the request needs a confirmation, because it may lock callers out
    │   ├── NotPermittedError           the caller lacks the rights that the request needs
    │   ├── KeyReusedError              the idempotency key cannot be used again
    │   └── RetryLaterError             the same request may be fulfilled later
    │       ├── TooManySendsError       the tenant has sent too many notifications by hand
    │       ├── EstimateTooSlowError    the clients cannot be counted in the time for an estimate
    │       └── QuotaExceededError      the tenant has reached its limit of jobs
    └── PermanentError                  repeating the step cannot help; its trigger returns `Rejected`
        ├── SourceMismatchError         the `clients` view, or a value in it, is not as documented
        │   ├── UnreadableValueError    a value of some client cannot be read or written
        │   └── MissingColumnError      a statement names a column that the view lacks
        ├── SourceRefusedError          the database refused the statement or the login
        ├── SourceReplacedError         the data that the job was planned for were replaced
        ├── TooManyRemovedError         more clients were removed since another export than a manifest lists
        ├── SnapshotTimeError           the export did not end in the time that a snapshot may take
        ├── KeyOrderError               the database compares codes in another order than it sorts them
        ├── RowCountError               the database counts other clients than it returns
        └── FileMismatchError           the staged blocks do not match the records of the pages

Errors that only one module raises are defined there: `exports/jobs/states.py`, `exports/steps/orchestrations.py` and
`exports/adapters/clients_sql/sql/translations.py`. All others are here.

The text of each error (`str(error)`) is a plain sentence for the user of the job. It names no host, path, statement or
secret. Causes are chained, for the log.
"""

from __future__ import annotations

from typing import ClassVar


class ExportError(Exception):
    """Base of all errors that a step can raise.

    Attributes:
        code: The public failure code of the job.
        private: Text for the owner of the clients that must not appear in a log, such as the code of a client.
        operator: Text for operators that must not appear in an answer, such as the host of the database. Logs and
            commands show it.
        page: The page that could not be written, if the command of the step does not name it.
    """

    code: ClassVar[str] = "internal"
    private: str = ""
    operator: str = ""
    page: int | None = None


class TransientError(ExportError):
    """Repeating the step can help."""

    code = "temporarily-unavailable"


class SourceUnavailableError(TransientError):
    """The client database did not answer."""

    code = "source-unavailable"


class SourceThrottledError(TransientError):
    """The client database has no capacity now: it has too many connections or requests.

    `retry_after_seconds`: how long the database asked to wait, if it did.
    """

    code = "source-throttled"

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageUnavailableError(TransientError):
    """Blob or Table Storage did not answer, was busy, or refused the service."""

    code = "storage-unavailable"


class FileChangedError(TransientError):
    """The file has changed since the step read its state: another attempt published or removed it or its blocks."""

    code = "file-changed"


class RefusedError(ExportError):
    """The request of a caller cannot be fulfilled."""


class JobNotFoundError(RefusedError):
    """There is no such job."""


class MappingNotFoundError(RefusedError):
    """There is no such mapping."""


class PresetReadOnlyError(RefusedError):
    """A preset belongs to all tenants and cannot be changed."""


class TooManyMappingsError(RefusedError):
    """The tenant has reached its limit of mappings."""


class ScheduleNotFoundError(RefusedError):
    """There is no such schedule."""


class TooManySchedulesError(RefusedError):
    """The tenant has reached its limit of schedules."""


class NotCompletedError(RefusedError):
    """The job has no file yet, or will never have one."""


class NotResumableError(RefusedError):
    """The job cannot continue with the pages it has."""


class NotNotifiedError(RefusedError):
    """The job sends no notification, or not yet."""


class ExpiredError(RefusedError):
    """The file is no longer kept."""


class ApiKeyNotFoundError(RefusedError):
    """There is no such API key."""


class ApiKeyNotActiveError(RefusedError):
    """The API key has expired or is revoked."""


class ApiKeyRotatedError(RefusedError):
    """The API key was rotated, and the key that replaced it is active."""


class TooManyApiKeysError(RefusedError):
    """The tenant has reached its limit of API keys."""


class UnconfirmedError(RefusedError):
    """The request needs a confirmation, because it may lock callers out."""


class NotPermittedError(RefusedError):
    """The caller lacks the rights that the request needs, for a tenant or a scope that the body or the key names."""


class KeyReusedError(RefusedError):
    """The idempotency key belongs to another request, or the API key that it made is in use or was rotated."""


class RetryLaterError(RefusedError):
    """The same request may be fulfilled later. `retry_after_seconds`: how long the caller should wait."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooManySendsError(RetryLaterError):
    """The tenant has sent too many notifications by hand, as tests or again."""


class EstimateTooSlowError(RetryLaterError):
    """The client database cannot count the clients in the time that an estimate may take."""


class QuotaExceededError(RetryLaterError):
    """The tenant has reached its limit of jobs."""


class PermanentError(ExportError):
    """Repeating the step cannot help."""

    code = "rejected"


class SourceMismatchError(PermanentError):
    """The `clients` view, or a value in it, is not as `docs/client-view.md` says."""

    code = "source-mismatch"

    def __init__(self, message: str, private: str = "", column: str = "") -> None:
        """Make the error.

        Args:
            column: The column of the view that the message names, if it is about one of them.
        """
        super().__init__(message)
        self.private = private
        self.column = column


class SourceRefusedError(PermanentError):
    """The client database refused the login or the statement."""

    code = "source-refused"


class SourceReplacedError(PermanentError):
    """The client data were replaced as a whole while the job read them, or the view has other columns than planned.

    A resume reads from the beginning.
    """

    code = "source-replaced"


class SnapshotTimeError(PermanentError):
    """The export did not end in the time for which a job may hold a snapshot of the client database."""

    code = "snapshot-time"


class TooManyRemovedError(PermanentError):
    """More clients were deleted, or left the filter, since another export than a manifest lists."""

    code = "too-many-removed"


class KeyOrderError(PermanentError):
    """The client database compares codes in another order than it sorts them, so its key ranges prove nothing."""

    code = "key-order"

    def __init__(self, message: str, private: str = "") -> None:
        super().__init__(message)
        self.private = private


class RowCountError(PermanentError):
    """The client database repeatedly counts another number of clients than it returns."""

    code = "row-count"


class FileMismatchError(PermanentError):
    """The staged blocks do not match the records of the pages."""

    code = "file-mismatch"
