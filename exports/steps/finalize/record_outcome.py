"""Step: end a job by writing its terminal status."""

from __future__ import annotations

from exports.errors import TransientError
from exports.file.plan import PagePlan, name_page
from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.finalize.finalize_job import finalize_job
from exports.steps.job_ends import end_running
from exports.workflow.commands import RecordOutcome
from exports.workflow.outcomes import Done, Stopped


def record_outcome(services: Services, command: RecordOutcome) -> Done | Stopped:
    """End the job as `Completed` or `Failed`. From then on a completed job has a link to its file.

    Safe to run twice: a job that has ended, or runs a later attempt, is not changed. Removes the file if it was
    published before the job failed or was cancelled, and the staged blocks of a snapshot.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    ended = end_running(services, command.job, lambda job: _end(services, job, command))
    if not ended or command.failure:
        clean_up_attempt(services, command.job)
    finalize_job(services, command.job, ended)
    return Done() if ended else Stopped()


def _name_page(services: Services, command: RecordOutcome, failure: Failure) -> Failure:
    """Add the page that failed the job, and its key range, to the message, so that the user can check those clients.

    If the plan is missing or cannot be read, the message names no page: ending the job is more important, and the plan
    may be the very reason why it failed.
    """
    if command.page is None:
        return failure
    try:
        plan = PagePlan.model_validate_json(services.files.load_plan(command.job))
    except TransientError:
        raise
    except Exception:
        return failure
    page = name_page(command.page, plan.pages, plan.key_range(command.page))
    return failure.model_copy(update={"message": f"{page} could not be written. {failure.message}"})


def _end(services: Services, job: Job, command: RecordOutcome) -> Job:
    if command.failure is not None:
        return job.fail(services.now(), _name_page(services, command, command.failure))
    file_bytes = services.files.size_bytes(job.file_path)  # the command has the size of the pages, without frames
    return job.complete(
        services.now(), command.rows, command.bytes if file_bytes is None else file_bytes, services.settings.keep
    )
