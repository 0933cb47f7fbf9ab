"""Step: settle what the waves so far have written."""

from __future__ import annotations

from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.pages.fair_share import share_of
from exports.workflow.commands import RecordProgress
from exports.workflow.outcomes import Done, Stopped


def record_progress(services: Services, command: RecordProgress) -> Done | Stopped:
    """Sum up the first pages in the job's row, so that a status needs to read only the pages in flight.

    Safe to run twice, and late: the sum never goes back. Tells how many pages the job may have in flight now.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    job = change_running(services, command.job, lambda job: job.settle(command.pages, command.rows))
    return Done(wave_pages=share_of(services, job.tenant)) if job else Stopped()
