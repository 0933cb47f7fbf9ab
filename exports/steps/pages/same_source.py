"""Make sure that a job still reads the data that it planned."""

from __future__ import annotations

from exports.errors import SourceReplacedError
from exports.services import Services


def require_not_replaced(services: Services, planned: str | None) -> None:
    """Compare the source with the one that was planned.

    Args:
        planned: The plan's `source_generation`; None if the source cannot be replaced as a whole.

    Raises:
        SourceReplacedError: The source has other data now. A resume reads all clients again.
    """
    if planned is not None and services.clients.is_replaced(planned):
        raise SourceReplacedError(
            "The client data were replaced while the export read them, so old and new clients would be in one file. "
            "Resume the export, and it reads all clients again."
        )
