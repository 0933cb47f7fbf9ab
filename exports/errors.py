"""What can go wrong inside an export.

    ExportError
    ├── TransientError                  repeating the step can help; steps raise it, the orchestrator tries again
    │   ├── SourceUnavailableError      the client database did not answer
    │   ├── SourceThrottledError        the client database has no room now; repeating slowly can help
    │   ├── StorageUnavailableError     blobs or tables did not answer
    │   └── FileChangedError            another attempt has published, or removed, the file meanwhile
    ├── RefusedError                    a caller asks for what cannot be; the HTTP boundary says so
    │   ├── JobNotFoundError            there is no such job
    │   ├── MappingNotFoundError        there is no such mapping
    │   ├── PresetReadOnlyError         a preset belongs to everyone
    │   ├── TooManyMappingsError        the tenant has as many mappings as it may
    │   ├── ScheduleNotFoundError       there is no such schedule
    │   ├── TooManySchedulesError       the tenant has as many schedules as it may
    │   ├── NotCompletedError           the job has no file
    │   ├── NotResumableError           the job cannot go on with what it has
    │   ├── ExpiredError                the file is no longer kept
    │   ├── KeyReusedError              the idempotency key stands for another request
    │   └── QuotaExceededError          the tenant has as many jobs as it may
    └── PermanentError                  repeating cannot help; steps turn it into a `Rejected` result
        ├── SourceMismatchError         the `clients` view is not as documented, or a value in it is not
        ├── SourceRefusedError          the database refused the statement or the login
        └── FileMismatchError           what is staged does not add up to what was recorded

Each carries a plain sentence for the user of the job (`str(error)`) that names no host, path, statement or secret;
causes are chained for the log.
"""

from __future__ import annotations

from typing import ClassVar


class ExportError(Exception):
    """Base of everything a step can meet.

    Attributes:
        code: The public failure code of the job.
        private: What is added for the owner of the clients and must not be in a log, such as the code of a client.
    """

    code: ClassVar[str] = "internal"
    private: str = ""


class TransientError(ExportError):
    """Repeating the step can help."""

    code = "temporarily-unavailable"


class SourceUnavailableError(TransientError):
    """The client database did not answer."""

    code = "source-unavailable"


class SourceThrottledError(TransientError):
    """The client database answers that it has no room now: too many connections or requests.

    `retry_after_seconds` is what it said about when to come again, if it said anything.
    """

    code = "source-throttled"

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StorageUnavailableError(TransientError):
    """Blob or Table Storage did not answer."""

    code = "storage-unavailable"


class FileChangedError(TransientError):
    """The file is no longer the one that was looked at: another attempt has published or removed it, or its blocks."""

    code = "file-changed"


class RefusedError(ExportError):
    """A caller asks for what cannot be."""


class JobNotFoundError(RefusedError):
    """There is no such job."""


class MappingNotFoundError(RefusedError):
    """There is no such mapping."""


class PresetReadOnlyError(RefusedError):
    """A preset belongs to everyone, so nobody can change it."""


class TooManyMappingsError(RefusedError):
    """The tenant has as many mappings as it may have."""


class ScheduleNotFoundError(RefusedError):
    """There is no such schedule."""


class TooManySchedulesError(RefusedError):
    """The tenant has as many schedules as it may have."""


class NotCompletedError(RefusedError):
    """The job has no file, yet or at all."""


class NotResumableError(RefusedError):
    """The job cannot go on with what it has."""


class ExpiredError(RefusedError):
    """The file is no longer kept."""


class KeyReusedError(RefusedError):
    """The idempotency key stands for another request."""


class QuotaExceededError(RefusedError):
    """The tenant has as many jobs as it may have."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(ExportError):
    """Repeating the step cannot help."""

    code = "rejected"


class SourceMismatchError(PermanentError):
    """The `clients` view, or a value in it, is not as `docs/client-view.md` says."""

    code = "source-mismatch"

    def __init__(self, message: str, private: str = "") -> None:
        super().__init__(message)
        self.private = private


class SourceRefusedError(PermanentError):
    """The client database refused the login or the statement."""

    code = "source-refused"


class FileMismatchError(PermanentError):
    """The staged blocks do not add up to what the pages recorded."""

    code = "file-mismatch"
