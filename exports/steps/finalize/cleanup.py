"""Removes the data of jobs that have ended, without harm to a later attempt."""

from __future__ import annotations

from contextlib import suppress

from exports.errors import FileChangedError
from exports.jobs.job import Job, JobRef
from exports.jobs.states import JobStatus
from exports.ports.files import FileState
from exports.request.consistency import Consistency
from exports.services import Services
from shared.events import emit

_MAX_TRIES = 3


def clean_up_attempt(services: Services, ref: JobRef) -> None:
    """Remove the file that a failed or cancelled attempt has published, unless the job has a later attempt.

    Only a completed job may have a file. So if an attempt published one and then failed or was cancelled, its file, its
    manifest and its staged blocks are removed. Otherwise the job keeps its staged blocks, so that a resume need not
    read their clients again. The retention removes them when the job can no longer be resumed. Blocks of a snapshot are
    of no use to a resume, which reads another snapshot, so they are removed too.

    Reads the state of the file first, and the job second. So a caller that is delayed in between cannot remove a file
    that a later attempt has published. It may remove blocks that a later attempt stages in that moment; `commit_file`
    notices this, and those pages are read again.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    for _ in range(_MAX_TRIES):
        job = services.jobs.get(ref.tenant, ref.code)
        if job is None:
            return
        file = services.files.get_state(job.file_path)
        job = services.jobs.get(ref.tenant, ref.code)
        if job is None or job.attempt != ref.attempt or not _is_unwanted(job, file):
            return
        with suppress(FileChangedError):  # a delayed step has published the file: read its state again
            _discard(services, job, file)
            return


def mark_and_remove_file(services: Services, ref: JobRef) -> Job:
    """Write `file_removed` into the row of a job that has ended, then remove its file, manifests and staged blocks.

    From the first write on, the file cannot be downloaded and the job cannot be resumed. So no running attempt loses
    its blocks. Does nothing if the job has been resumed meanwhile. Safe to run twice.

    Returns:
        The job as it is stored now.

    Raises:
        JobNotFoundError: There is no such job.
        StorageUnavailableError, FileChangedError: Can be tried again.
    """

    def mark_removed(job: Job) -> Job:
        return job.remove_file() if job.status.is_terminal and job.attempt == ref.attempt else job

    job = services.jobs.change(ref.tenant, ref.code, mark_removed)
    if job.file_removed:
        discard_file_of(services, job)
    return job


def discard_file_of(services: Services, job: Job) -> None:
    """Remove the file, the manifests and the staged blocks of a job whose row says `file_removed`.

    Raises:
        StorageUnavailableError, FileChangedError: Can be tried again.
    """
    _discard(services, job, services.files.get_state(job.file_path))


def _discard(services: Services, job: Job, file: FileState) -> None:
    """Discard exactly this version, so only one of several callers tells the log that the file is gone."""
    services.files.discard(job.file_path, file.version)
    if file.version is not None:
        size = sum(size for _, size in file.published) or job.file_bytes
        emit("file.deleted", request=job.request_id, tenant=job.tenant, job=job.code, status=job.status, bytes=size)


def _is_unwanted(job: Job, file: FileState) -> bool:
    if job.status not in (JobStatus.CANCELLED, JobStatus.FAILED):
        return False
    is_of_no_use = job.spec.consistency is Consistency.SNAPSHOT and bool(file.staged)
    return file.version is not None or is_of_no_use
