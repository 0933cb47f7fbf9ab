"""Step: end a job."""

from __future__ import annotations

from exports.errors import TransientError
from exports.file.plan import PagePlan, name_page
from exports.jobs.failures import Failure
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.steps.finalize.finalize_job import finalize_job
from exports.workflow.commands import RecordOutcome
from exports.workflow.outcomes import Done, Stopped


def record_outcome(services: Services, command: RecordOutcome) -> Done | Stopped:
    """Write the terminal status. From here on a completed file can be read by a link.

    Safe to run twice: a job that has ended, or runs a later attempt, is left as it is. If it fails or was cancelled
    after the file had been published, or was cancelled while its last pages were written, what is there is removed.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    ended = change_running(services, command.job, lambda job: _ended(services, job, command))
    if not ended or command.failure:
        clean_up_attempt(services, command.job)
    finalize_job(services, command.job, ended)
    return Done() if ended else Stopped()


def _at_its_page(services: Services, command: RecordOutcome, failure: Failure) -> Failure:
    """Name the page that failed the job and its key range, so that its owner can look at the clients there.

    That a job ends comes first: where its plan is gone or cannot be read, which may have failed it, no page is named.
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


def _ended(services: Services, job: Job, command: RecordOutcome) -> Job:
    if command.failure is not None:
        return job.fail(services.now(), _at_its_page(services, command, command.failure))
    return job.complete(services.now(), command.rows, command.bytes, services.settings.keep)
