"""Make sure that a job still reads the data that it planned."""

from __future__ import annotations

from collections.abc import Collection

from exports.errors import PermanentError, SourceMismatchError, SourceReplacedError
from exports.file.key_order import ORDER_PROBES
from exports.jobs.job import Job
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


def code_order(services: Services) -> tuple[int, ...]:
    """Return the ranks of some fixed codes, which change if the codes of the source get another type or collation.

    Empty if they are no codes of the source's type.

    Raises:
        TransientError: Can be tried again.
    """
    try:
        return tuple(services.clients.rank_codes(ORDER_PROBES))
    except PermanentError:
        return ()


def require_same_order(services: Services, planned: tuple[int, ...] | None) -> None:
    """Refuse to prove pages that were written in different orders of the codes.

    Args:
        planned: The result of `code_order` when the pages were planned; None if nobody asked.

    Raises:
        SourceReplacedError: The codes have another order now.
    """
    if planned is not None and code_order(services) != planned:
        raise SourceReplacedError(
            "The column code of the view clients got another type or collation while the export read it, so clients "
            "could be missing from the file or be in it twice. Resume the export, and it reads all clients again."
        )


def require_columns_of_base(job: Job, absent: Collection[str]) -> None:
    """Refuse a file of changes if the view lacks other columns than for the file that it continues.

    A column that the view has gained would be filled for the changed clients alone, and one that it has lost would be
    empty for them alone.

    Args:
        absent: The exported columns that the view lacks now.

    Raises:
        SourceMismatchError: It lacks others. An export of all clients helps.
    """
    changed = {*absent} ^ {*(absent if job.base_absent_columns is None else job.base_absent_columns)}
    if changed:
        names = ", ".join(sorted(changed))
        message = (
            f"The view clients has gained or lost {names} since the export that this one continues was planned, so "
            "only the changed clients would show it. Export all clients."
        )
        raise SourceMismatchError(message)
