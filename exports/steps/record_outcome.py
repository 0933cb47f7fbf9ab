"""Step: end a job."""

from __future__ import annotations

from exports.errors import TransientError
from exports.jobs import Failure, Job
from exports.page_plan import PagePlan, name_page
from exports.payloads import Done, RecordOutcome, Stopped
from exports.services import Services
from exports.steps.ending import end_watch
from exports.steps.leftovers import discard_leftovers
from exports.steps.running import change_running


def record_outcome(services: Services, order: RecordOutcome) -> Done | Stopped:
    """Write the terminal status. From here on a completed file can be read by a link.

    Safe to run twice: a job that has ended, or runs a later attempt, is left as it is. If it fails or was cancelled
    after the file had been published, or was cancelled while its last pages were written, what is there is removed.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    ended = change_running(services, order.job, lambda job: _ended(services, job, order))
    if not ended or order.failure:
        discard_leftovers(services, order.job)
    end_watch(services, order.job, ended)
    return Done() if ended else Stopped()


def _at_its_page(services: Services, order: RecordOutcome, failure: Failure) -> Failure:
    """Name the page that failed the job and its key range, so that its owner can look at the clients there.

    That a job ends comes first: where its plan is gone or cannot be read, which may have failed it, no page is named.
    """
    if order.page is None:
        return failure
    try:
        plan = PagePlan.model_validate_json(services.files.load_plan(order.job))
    except TransientError:
        raise
    except Exception:
        return failure
    page = name_page(order.page, plan.pages, plan.key_range(order.page))
    return failure.model_copy(update={"message": f"{page} could not be written. {failure.message}"})


def _ended(services: Services, job: Job, order: RecordOutcome) -> Job:
    if order.failure is not None:
        return job.fail(services.now(), _at_its_page(services, order, order.failure))
    return job.complete(services.now(), order.rows, order.bytes, services.settings.keep)
