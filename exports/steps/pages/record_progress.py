"""Step: add the pages of finished waves to the job's totals."""

from __future__ import annotations

from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.pages.fair_share import share_of
from exports.workflow.commands import RecordProgress
from exports.workflow.outcomes import Done, Stopped


def record_progress(services: Services, command: RecordProgress) -> Done | Stopped:
    """Store the sum of the first pages in the job's row, so that a status query reads only the pages in flight.

    Safe to run twice, and late: the sum never decreases. Returns the job's current share of the pages in flight.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    job = change_running(services, command.job, lambda job: job.settle(command.pages, command.rows))
    return Done(wave_pages=share_of(services, job.tenant)) if job else Stopped()
