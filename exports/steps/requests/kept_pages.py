"""The pages that a job need not read again when it is resumed."""

from __future__ import annotations

from exports.errors import SourceReplacedError
from exports.file.page_record import PageBlock
from exports.jobs.job import Job
from exports.services import Services


def kept_pages(services: Services, job: Job) -> tuple[list[PageBlock], list[PageBlock]]:
    """Return the pages whose blocks storage holds, and those whose blocks are gone, by page number.

    Storage drops staged blocks seven days after the last one was staged. The service drops them together with a file
    that was published before the job failed or was cancelled, so the blocks of such a file do not count.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    file = services.files.get_state(job.file_path)
    blocks = file.staged if file.version is None else {}
    kept: list[PageBlock] = []
    lost: list[PageBlock] = []
    for page in services.pages.blocks(job.ref):
        is_held = not page.block or blocks.get(page.block) == page.bytes
        (kept if is_held else lost).append(page)
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
    return sum(page.rows for page in kept)
