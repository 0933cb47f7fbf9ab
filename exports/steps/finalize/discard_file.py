"""Step: remove the file of a cancelled job."""

from __future__ import annotations

from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.workflow.commands import DiscardFile
from exports.workflow.outcomes import Done


def discard_file(services: Services, command: DiscardFile) -> Done:
    """Remove the file that a cancelled job has published, after the job's last step has ended.

    A job without a file keeps its staged blocks for a resume, unless they are of a snapshot. Safe to run twice. Removes
    nothing if the job has a later attempt.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    clean_up_attempt(services, command.job)
    return Done()
