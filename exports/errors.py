"""What can go wrong inside an export.

    ExportError
    ├── TransientError                  repeating the step can help; steps raise it, the orchestrator tries again
    │   ├── SourceUnavailableError      the client database did not answer
    │   └── StorageUnavailableError     blobs or tables did not answer
    ├── JobNotFoundError                there is no such job
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
    """Base of everything a step can meet. `code` is the public failure code of the job."""

    code: ClassVar[str] = "internal"


class TransientError(ExportError):
    """Repeating the step can help."""

    code = "temporarily-unavailable"


class SourceUnavailableError(TransientError):
    """The client database did not answer."""

    code = "source-unavailable"


class StorageUnavailableError(TransientError):
    """Blob or Table Storage did not answer."""

    code = "storage-unavailable"


class JobNotFoundError(ExportError):
    """There is no such job."""


class PermanentError(ExportError):
    """Repeating the step cannot help."""

    code = "rejected"


class SourceMismatchError(PermanentError):
    """The `clients` view, or a value in it, is not as `docs/client-view.md` says."""

    code = "source-mismatch"


class SourceRefusedError(PermanentError):
    """The client database refused the login or the statement."""

    code = "source-refused"


class FileMismatchError(PermanentError):
    """The staged blocks do not add up to what the pages recorded."""

    code = "file-mismatch"
