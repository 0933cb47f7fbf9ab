"""Step: remove what a cancelled job has left."""

from __future__ import annotations

from exports.payloads import DiscardFile, Done
from exports.services import Services
from exports.steps.leftovers import discard_leftovers


def discard_file(services: Services, order: DiscardFile) -> Done:
    """Remove staged blocks and the file of a cancelled job, after its last step has ended.

    Safe to run twice. Touches nothing if the job goes on in a later attempt.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    discard_leftovers(services, order.job)
    return Done()
