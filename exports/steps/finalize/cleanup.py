"""What a job that ended without a file has left, and how it is removed without harm to an attempt that came after."""

from __future__ import annotations

from contextlib import suppress

from exports.errors import FileChangedError
from exports.jobs.job import Job, JobRef
from exports.jobs.states import JobStatus
from exports.ports.files import FileState
from exports.services import Services

_LOOKS = 3


def clean_up_attempt(services: Services, ref: JobRef) -> None:
    """Remove file, proof and staged blocks of an attempt that was cancelled; nothing if the job goes on, or went on.

    Of an attempt that failed a file goes too, if it had been published: only a completed job has one. Its staged blocks
    stay, for it can be resumed.

    Looks at the file first and at the job second. So whoever is held up in between removes nothing that a later attempt
    publishes; blocks that it stages in that moment may go, and are read again (see `commit_file`).

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    for _ in range(_LOOKS):
        job = services.jobs.get(ref.tenant, ref.code)
        if job is None:
            return
        file = services.files.get_state(job.file_path)
        job = services.jobs.get(ref.tenant, ref.code)
        if job is None or job.attempt != ref.attempt or not _is_unwanted(job, file):
            return
        with suppress(FileChangedError):  # a step that was still under way has published: look again
            services.files.discard(job.file_path, file.version)
            return


def discard_file_of(services: Services, job: Job) -> None:
    """Remove file, proof and staged blocks of a job whose row says that they go for good.

    Raises:
        StorageUnavailableError, FileChangedError: Can be tried again.
    """
    file = services.files.get_state(job.file_path)
    services.files.discard(job.file_path, file.version)


def _is_unwanted(job: Job, file: FileState) -> bool:
    if job.status is JobStatus.CANCELLED:
        return True
    return job.status is JobStatus.FAILED and file.version is not None
