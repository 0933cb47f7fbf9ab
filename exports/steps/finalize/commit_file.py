"""Step: verify that the file is complete, publish it, and end the job as `Completed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exports.errors import TransientError
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.job import Job, JobRef
from exports.jobs.states import JobStatus
from exports.services import Services
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.finalize.publish_file import publish_bytes, publish_file, publish_pages, publish_records
from exports.steps.job_ends import end_running
from exports.workflow.commands import CommitFile
from exports.workflow.outcomes import Done, PagesLost, Stopped


def commit_file(services: Services, command: CommitFile) -> Done | PagesLost | Stopped:
    """Publish the file as `publish_file` does, then end the job. From then on the job has a link to its file.

    Safe to run twice, and late, like `publish_file`. If an earlier run completed the job, only the bookkeeping of
    `finalize_job` is left to do. The terminal status is written only if the attempt still runs.

    Returns:
        Done; `ended` is False if the terminal status or the bookkeeping could not be written. Then the orchestrator
        calls `record_outcome`, which has many more tries. Otherwise `PagesLost` or `Stopped`, from `publish_file`.

    Raises:
        FileMismatchError: As `publish_file`.
        StorageUnavailableError, FileChangedError: The file or its manifest is not stored; can be tried again.
    """
    return _end(services, command, publish_file(services, command))


def commit_page(services: Services, command: CommitFile, job: Job, record: PageRecord) -> Done | PagesLost | Stopped:
    """Do what `commit_file` does with a file of one page, for a step that has just written the page.

    Args:
        job: The job as it was read before the page was staged.
        record: The page's record in the ledger.
    """
    return _end(services, command, publish_pages(services, command, job, [record]))


def commit_bytes(
    services: Services, command: CommitFile, job: Job, plan: PagePlan, record: PageRecord, data: list[bytes]
) -> Done:
    """Publish a file of one page as `publish_bytes` does, then end the job.

    The job is completed only if nothing has changed it since it was read. Otherwise another run of the step may be
    writing the same file from clients of another moment, and that run, or a later step, ends the job.

    Returns:
        Done; `ended` is False if the job was not ended.

    Raises:
        FileChangedError, RowCountError, SourceReplacedError, TransientError: As `publish_bytes`.
    """
    published = publish_bytes(services, command, job, plan, record, data)
    return Done(ended=_complete(services, command, published, only_expected=True))


def commit_records(
    services: Services, command: CommitFile, job: Job, plan: PagePlan, records: Sequence[PageRecord]
) -> Done | PagesLost | Stopped:
    """Publish the file as `publish_records` does, then end the job as `commit_file` does."""
    return _end(services, command, publish_records(services, command, job, plan, records))


def finalize_if_completed(services: Services, ref: JobRef) -> Done | None:
    """Finish the work of an earlier run whose result was lost; None if this attempt has not completed the job."""
    job = services.jobs.get(ref.tenant, ref.code)
    if job is None or job.attempt != ref.attempt or job.status is not JobStatus.COMPLETED:
        return None
    finalize_job(services, ref, job)
    return Done(ended=True)


def _end(services: Services, command: CommitFile, published: Job | PagesLost | Stopped) -> Done | PagesLost | Stopped:
    if isinstance(published, PagesLost):
        return published
    if isinstance(published, Stopped):
        return finalize_if_completed(services, command.job) or published
    return Done(ended=_complete(services, command, published))


def _complete(services: Services, command: CommitFile, published: Job, *, only_expected: bool = False) -> bool:
    """End the job as `Completed`. Return False if the attempt no longer runs, or storage does not answer.

    Args:
        published: The job as it was read before its file was published, with the size of the file and the columns that
            the view lacks.
    """
    file_bytes = command.bytes if published.file_bytes is None else published.file_bytes

    def alter(job: Job) -> Job:
        ended = job.complete(services.now(), command.rows, file_bytes, services.settings.keep)
        return replace(ended, absent_columns=published.absent_columns)

    try:
        ended = end_running(services, command.job, alter, published, only_expected=only_expected)
        if ended is not None:
            finalize_job(services, command.job, ended)
    except TransientError:
        return False
    return ended is not None
