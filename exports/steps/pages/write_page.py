"""Step: turn one page of clients into one block of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain

from exports.file.block_buffer import BlockContent
from exports.file.block_ids import block_id
from exports.file.compression import packed
from exports.file.page_record import PageRecord
from exports.file.renderer import Records
from exports.jobs.job import Job, JobRef
from exports.services import Services
from exports.steps.fencing import find_running
from exports.steps.pages.plan_cache import load_plan
from exports.steps.pages.selection import renderer_for, select_clients
from exports.workflow.commands import WritePage
from exports.workflow.outcomes import PageWritten, Stopped

_LOOK_AGAIN = timedelta(seconds=2)
"""So a page that is read slowly ends soon after its job was cancelled."""


class _StoppedError(Exception):
    """The job no longer runs."""


def write_page(services: Services, command: WritePage) -> PageWritten | Stopped:
    """Stage one page of clients as a block of the job's file, and record what it holds.

    Rows keep key order. Nothing becomes readable until `commit_file` runs. Safe to run twice, even at the same time:
    of two runs that read different content each stages a block of its own, and the record that is written first decides
    which one the file gets. Where a page may have been written before, by an earlier attempt or before pages were lost,
    its record is looked up first, and if it has one it is not read again.

    Args:
        command: The page; its key range, columns and filter stand in the job's plan.

    Returns:
        Rows and bytes of the page as recorded; or `Stopped`, nothing staged, when the job no longer runs.

    Raises:
        SourceUnavailableError, StorageUnavailableError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot; the `clients` view is at fault.
    """
    job = find_running(services, command.job)
    if job is None:
        return Stopped()
    record = _find_record(services, job, command.page)
    if record is None:
        with BlockContent() as content:
            try:
                rows = _render(services, command, content)
            except _StoppedError:
                return Stopped()
            job = find_running(services, command.job)
            if job is None:
                return Stopped()
            record = _stage(services, job, command, rows, content)
    return PageWritten(rows=record.rows, bytes=record.bytes)


def _find_record(services: Services, job: Job, page: int) -> PageRecord | None:
    """Look up what is written already, where something may be: of all others, asking would cost more than it saves."""
    may_be_written = job.attempt > 1 or page < job.settled_pages
    return services.pages.find(job.ref, page) if may_be_written else None


def _stage(services: Services, job: Job, command: WritePage, rows: int, content: BlockContent) -> PageRecord:
    """Stage first, record second: a record always has its block."""
    block = block_id(command.page, content.sha256) if content.bytes else ""
    if content.bytes:
        services.files.stage(job.file_path, block, content.body(), content.bytes)
    record = PageRecord(
        command.page, rows, content.bytes, content.sha256, block, content.crc32, attempt=command.job.attempt
    )
    return services.pages.record(job.ref, record)


def _render(services: Services, command: WritePage, content: BlockContent) -> int:
    """Read and render a page; gives its rows. The header belongs to page 0, which is never without a block if the file
    is compressed: an empty file is not a gzip file.
    """
    plan = load_plan(services, command.job)
    renderer = renderer_for(plan.spec)
    selection = select_clients(command.job.tenant, plan.spec, renderer)
    rendered = services.clients.render(selection, plan.key_range(command.page), renderer)
    counts: list[int] = []
    parts = _counted(_while_running(services, command.job, rendered), counts)
    opening = renderer.opening(with_header=plan.spec.include_headers) if command.page == 0 else b""
    first = next(parts, None)
    if first is None and command.page > 0:
        return 0
    for data in packed(chain([opening, first or b""], parts), renderer.compression):
        content.add(data)
    return sum(counts)


def _while_running(services: Services, ref: JobRef, rendered: Iterable[Records]) -> Iterator[Records]:
    """Pass records on; where reading takes long look in between whether the job still runs.

    Raises:
        _StoppedError: It does not.
    """
    looked = services.now()
    for records in rendered:
        if services.now() - looked >= _LOOK_AGAIN:
            if find_running(services, ref) is None:
                raise _StoppedError
            looked = services.now()
        yield records


def _counted(rendered: Iterable[Records], counts: list[int]) -> Iterator[bytes]:
    """Give the bytes one by one, so that a page to be compressed is never in memory as a whole; notes the clients."""
    for records in rendered:
        counts.append(records.rows)
        yield records.data
