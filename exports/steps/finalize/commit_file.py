"""Step: prove the file complete, publish it, and end the job with it."""

from __future__ import annotations

from exports.errors import TransientError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.finalize.publish_file import publish_file
from exports.workflow.commands import CommitFile
from exports.workflow.outcomes import Done, PagesLost, Stopped


def commit_file(services: Services, command: CommitFile) -> Done | PagesLost | Stopped:
    """Publish the file as `publish_file` does, and write the terminal status. From then on it can be read by a link.

    Safe to run twice, and late, as publishing is; of a job that has been completed before there is nothing left to do
    but to end its watch. The status is written only if the job is still as it was when the file was published.

    Returns:
        Done, where `ended` says that the job has: if it has not, or its watch has not, `record_outcome` sees to that,
        which has many more tries; or what `publish_file` says.

    Raises:
        FileMismatchError: As `publish_file`.
        StorageUnavailableError, FileChangedError: Nothing was published, or its proof is missing; can be tried again.
    """
    published = publish_file(services, command)
    if isinstance(published, PagesLost):
        return published
    if isinstance(published, Stopped):
        return _if_completed(services, command) or published
    return Done(ended=_end(services, command, published))


def _if_completed(services: Services, command: CommitFile) -> Done | None:
    """Say that the job has ended if that is why it no longer runs: the answer to an earlier run was lost."""
    job = services.jobs.get(command.job.tenant, command.job.code)
    if job is None or job.attempt != command.job.attempt or job.status is not JobStatus.COMPLETED:
        return None
    finalize_job(services, command.job, job)
    return Done(ended=True)


def _end(services: Services, command: CommitFile, published: Job) -> bool:
    def complete(job: Job) -> Job:
        return job.complete(services.now(), command.rows, command.bytes, services.settings.keep)

    try:
        ended = change_running(services, command.job, complete, published)
        if ended is not None:
            finalize_job(services, command.job, ended)
    except TransientError:
        return False
    return ended is not None
