"""Step: turn one page of clients into one block of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from exports.errors import PermanentError
from exports.file.block_buffer import BlockBuffer
from exports.file.block_ids import block_id
from exports.file.compression import compress_stream
from exports.file.crc32 import crc32_of
from exports.file.page_record import PageRecord, require_short
from exports.file.plan import PagePlan
from exports.file.renderer import FramedRenderer, Records, protected_start
from exports.jobs.job import Job
from exports.ports.clients import released
from exports.services import Services
from exports.steps.fencing import find_running
from exports.steps.pages.plan_cache import load_plan
from exports.steps.pages.same_source import require_not_replaced
from exports.steps.pages.selection import renderer_for, select_clients
from exports.workflow.commands import WritePage
from exports.workflow.outcomes import PageWritten, Stopped

_CHECK_INTERVAL_SECONDS = 2.0
"""How often a page that is read slowly checks whether its job was cancelled."""


class _StoppedError(Exception):
    """The job no longer runs."""


@dataclass(slots=True)
class _Clients:
    """The clients of a page that were read so far: how many, and the codes of the first and the last.

    Attributes:
        content: What they are before compression; None if the format needs no frames.
    """

    rows: int = 0
    first_code: str | None = None
    last_code: str | None = None
    removed_characters: int = 0
    cut_cells: int = 0
    content: _Content | None = None

    def add(self, records: Records) -> None:
        if self.rows == 0:
            self.first_code = records.first_code
        self.rows += records.rows
        self.last_code = records.last_code
        self.removed_characters += records.removed_characters
        self.cut_cells += records.cut_cells


@dataclass(slots=True)
class _Content:
    """A page before compression, as far as it was rendered. `length` is in bytes."""

    crc32: int = 0
    length: int = 0

    def read_by(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the pieces on, and add them."""
        for piece in pieces:
            self.crc32 = crc32_of(piece, self.crc32)
            self.length += len(piece)
            yield piece


def write_page(services: Services, command: WritePage) -> PageWritten | Stopped:
    """Stage one page of clients as a block of the job's file, and record what it holds.

    Rows keep key order. Nothing becomes readable until `commit_file` runs. Safe to run twice, even at the same time:
    two runs that read different content stage a block each, and the record that is written first decides which block
    gets into the file. If an earlier attempt, or this attempt before pages were lost, may have written the page, its
    record is looked up first. A page with a record is not read again.

    Args:
        command: The page. Its key range, columns and filter are in the job's plan.

    Returns:
        Rows and bytes of the page as recorded; or `Stopped`, with nothing staged, if the job no longer runs.

    Raises:
        SourceUnavailableError, StorageUnavailableError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
        SourceReplacedError: The clients are not those that were planned; nothing was staged.
    """
    job = find_running(services, command.job)
    if job is None:
        return Stopped()
    record = _find_record(services, job, command.page) or _stage_page(services, command)
    return Stopped() if record is None else PageWritten(rows=record.rows, bytes=record.bytes)


def _stage_page(services: Services, command: WritePage) -> PageRecord | None:
    """Read a page, then stage and record it; return None if the job no longer runs."""
    with BlockBuffer() as buffer:
        plan = load_plan(services, command.job)
        rendered = render_page(services, command, plan, buffer, partial(find_running, services, command.job))
        if rendered is None:
            return None
        return stage_rendered(services, rendered, buffer)


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page whose bytes are in a buffer. `job`: the job as `check` returned it after the page was read."""

    job: Job
    record: PageRecord


def render_page(
    services: Services, command: WritePage, plan: PagePlan, buffer: BlockBuffer, check: Callable[[], Job | None]
) -> RenderedPage | None:
    """Read a page into the buffer. Return what its record is to hold; None if the job no longer runs.

    Args:
        check: Returns the job if it still runs, otherwise None. It is called when the page is read, and from time to
            time before that.

    Raises:
        TransientError, PermanentError: As `write_page`.
    """
    try:
        clients = _render_of_one_source(services, command, plan, buffer, check)
    except _StoppedError:
        return None
    job = check()
    return None if job is None else RenderedPage(job, _record(command, clients, buffer))


def stage_rendered(services: Services, rendered: RenderedPage, buffer: BlockBuffer) -> PageRecord:
    """Stage the block and then record the page, so a recorded page always has its block.

    Returns:
        The record that was written first: that of this page, or of another run.
    """
    job, record = rendered.job, rendered.record
    if buffer.bytes:
        services.files.stage(job.file_path, record.block, buffer.body(), buffer.bytes)
    recorded = services.pages.record(job.ref, record)
    if _is_of_another_plan(services, job, recorded):  # a step of an earlier attempt was late
        services.pages.forget(job.ref, record.page)
        recorded = services.pages.record(job.ref, record)
    return recorded


def _find_record(services: Services, job: Job, page: int) -> PageRecord | None:
    """Return the record of a page that may be written already. Skips the lookup on a first attempt: it almost always
    misses."""
    may_be_written = job.attempt > 1 or page < job.settled_pages
    record = services.pages.find(job.ref, page) if may_be_written else None
    return None if record is None or _is_of_another_plan(services, job, record) else record


def _is_of_another_plan(services: Services, job: Job, record: PageRecord) -> bool:
    """Say whether a page was written by an attempt before the one that planned the job anew."""
    planned_by = load_plan(services, job.ref).attempt
    return planned_by is not None and (record.attempt or 1) < planned_by


def _record(command: WritePage, clients: _Clients, buffer: BlockBuffer) -> PageRecord:
    return PageRecord(
        command.page,
        clients.rows,
        buffer.bytes,
        buffer.sha256,
        block_id(command.page, buffer.sha256) if buffer.bytes else "",
        buffer.crc32,
        attempt=command.job.attempt,
        first_code=clients.first_code,
        last_code=clients.last_code,
        removed_characters=clients.removed_characters or None,
        content_crc32=clients.content.crc32 if clients.content else None,
        content_bytes=clients.content.length if clients.content else None,
        cut_cells=clients.cut_cells or None,
    )


def _render_of_one_source(
    services: Services, command: WritePage, plan: PagePlan, buffer: BlockBuffer, check: Callable[[], Job | None]
) -> _Clients:
    """Render a page, and make sure that its clients and the plan are of the same data.

    A file may be replaced while it is read. That can look like any other fault, so it is looked for after each of them.
    """
    try:
        clients = _render(services, command, plan, buffer, check)
        require_short(clients.first_code, clients.last_code)
    except PermanentError:
        require_not_replaced(services, plan.source_generation)
        raise
    require_not_replaced(services, plan.source_generation)
    return clients


def _render(
    services: Services, command: WritePage, plan: PagePlan, buffer: BlockBuffer, check: Callable[[], Job | None]
) -> _Clients:
    """Read and render a page into the buffer, and return its clients.

    The header belongs to page 0. If the file is compressed, page 0 always has bytes, because an empty file is not a
    gzip file. If nothing comes before the first client, the file begins with the first page that has any. Only the
    commit knows which page that is, so each page is written such that a file may begin with it.
    """
    renderer = renderer_for(plan.spec)
    selection = select_clients(command.job.tenant, plan.spec, renderer, plan.absent_columns or ())
    clients = _Clients(content=_Content() if isinstance(renderer, FramedRenderer) else None)
    opening = renderer.opening(with_header=plan.spec.include_headers)
    with released(services.clients.render(selection, plan.key_range(command.page), renderer)) as rendered:
        pieces = _noted(_while_running(services, rendered, check), clients)
        first = next(pieces, None)
        if first is None and command.page > 0:
            return clients
        start = (opening if command.page == 0 else b"") + (first or b"")
        if command.page == 0 or not opening:
            start = protected_start(start, renderer)
        whole = chain([start], pieces)
        for data in compress_stream(clients.content.read_by(whole) if clients.content else whole, renderer.compression):
            buffer.add(data)
    return clients


def _while_running(
    services: Services, rendered: Iterable[Records], check: Callable[[], Job | None]
) -> Iterator[Records]:
    """Pass records on. If reading takes long, check from time to time whether the job still runs.

    Raises:
        _StoppedError: The job no longer runs.
    """
    checked = services.clock()
    for records in rendered:
        if services.clock() - checked >= _CHECK_INTERVAL_SECONDS:
            if check() is None:
                raise _StoppedError
            checked = services.clock()
        yield records


def _noted(rendered: Iterable[Records], clients: _Clients) -> Iterator[bytes]:
    """Yield the bytes piece by piece, and add the clients of each piece to `clients`.

    A page that gets compressed is never in memory as a whole.
    """
    for records in rendered:
        clients.add(records)
        yield records.data
