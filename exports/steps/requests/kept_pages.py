"""The pages that a job need not read again when it is resumed."""

from __future__ import annotations

from exports.errors import SourceReplacedError
from exports.file.page_record import PageRecord
from exports.jobs.job import Job
from exports.services import Services


def kept_pages(services: Services, job: Job) -> tuple[list[PageRecord], list[PageRecord]]:
    """Return the records of the pages that storage holds, and of those whose blocks are gone, by page number.

    Storage drops staged blocks seven days after the last one was staged. The service drops them together with a file
    that was published before the job failed or was cancelled, so the blocks of such a file do not count.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    file = services.files.get_state(job.file_path)
    blocks = file.staged if file.version is None else {}
    kept: list[PageRecord] = []
    lost: list[PageRecord] = []
    for record in services.pages.records(job.ref):
        is_held = not record.block or blocks.get(record.block) == record.bytes
        (kept if is_held else lost).append(record)
    return kept, lost


def needs_new_plan(job: Job) -> bool:
    """Return whether the job failed because its source was replaced. Then a resume reads every page again."""
    return job.failure is not None and job.failure.code == SourceReplacedError.code


def kept_items(services: Services, job: Job) -> int:
    """Count the clients that a resume of the job would not read again.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    if needs_new_plan(job):
        return 0
    kept, _ = kept_pages(services, job)
    return sum(record.rows for record in kept)
