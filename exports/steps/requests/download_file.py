"""Step: give the caller the file of a completed job, or the manifest that proves it."""

from __future__ import annotations

from collections.abc import Mapping

from exports.errors import ExpiredError
from exports.jobs.job import Job
from exports.jobs.states import FileStatus
from exports.request.spec import SensitiveFields, SensitiveFieldsError
from exports.services import Services
from exports.steps.requests.get_export import find_completed
from exports.steps.requests.give_link import Reader, give_link

_WHY_GONE: Mapping[FileStatus | None, str] = {
    FileStatus.EXPIRED: "The file of this export has expired and is no longer kept; start the export again.",
    FileStatus.REMOVED: "The file of this export was removed before its expiry date; start the export again.",
}


def create_link(services: Services, tenant: str, code: str, reader: Reader) -> str:
    """Create a link to the file. The audit log records the download before the caller gets the link.

    Raises:
        JobNotFoundError, NotCompletedError, ExpiredError: The job has no file, or no longer has it.
        SensitiveFieldsError: The file has sensitive fields, and the caller may not read them.
        StorageUnavailableError: Can be tried again.
    """
    job = _completed(services, tenant, code)
    if reader.sensitive is SensitiveFields.REFUSED and job.spec.sensitive_fields:
        raise SensitiveFieldsError(job.spec.sensitive_fields)
    return give_link(services, job, reader, source=None)


def load_manifest(services: Services, tenant: str, code: str) -> bytes:
    """Return the manifest, a JSON document. It contains codes of clients, but no sensitive field: a reader may have it.

    Raises:
        JobNotFoundError, NotCompletedError, ExpiredError: The job has no file, or no longer has it.
        StorageUnavailableError: Can be tried again.
    """
    return services.files.load_manifest(_completed(services, tenant, code).ref)


def _completed(services: Services, tenant: str, code: str) -> Job:
    job = find_completed(services, tenant, code)
    if why := _WHY_GONE.get(job.file_status(services.now())):
        raise ExpiredError(why)
    return job
