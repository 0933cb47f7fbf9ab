"""Step: remove what a cancelled job has left."""

from __future__ import annotations

from exports.services import Services
from exports.steps.finalize.cleanup import clean_up_attempt
from exports.workflow.commands import DiscardFile
from exports.workflow.outcomes import Done


def discard_file(services: Services, command: DiscardFile) -> Done:
    """Remove staged blocks and the file of a cancelled job, after its last step has ended.

    Safe to run twice. Touches nothing if the job goes on in a later attempt.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    clean_up_attempt(services, command.job)
    return Done()
