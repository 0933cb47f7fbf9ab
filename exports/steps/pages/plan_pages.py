"""Step: divide a job's clients into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from exports.errors import SourceUnavailableError
from exports.file.compression import Packing, compress
from exports.file.page_record import require_short
from exports.file.plan import (
    MAX_BLOCKS,
    PagePlan,
    cap_pages,
    even_pages,
    is_small,
    planned_bytes,
    rows_per_page,
    weigh_strides,
)
from exports.file.ranges import Boundaries
from exports.file.renderer import FramedRenderer, Records, Renderer
from exports.jobs.job import Job
from exports.request.formats import Compression
from exports.services import Services
from exports.steps.fencing import change_running
from exports.steps.pages.fair_share import share_of
from exports.steps.pages.plan_cache import cache_plan
from exports.steps.pages.same_source import code_order, require_columns_of_base
from exports.steps.pages.sampling import Sample, Sampler, Samples
from exports.steps.pages.selection import naming_every_refusal, renderer_for, select_clients
from exports.workflow.commands import PlanPages
from exports.workflow.outcomes import PagesPlanned, Stopped

_STRIDES_PER_PAGE = 8
_MIN_STRIDE_ROWS, _MAX_STRIDE_ROWS = 100, 1_000
"""The one pass over the keys divides them into more strides than pages will need, so that pages can be cut where they
hold the same number of bytes. The strides of a billion clients take some 80 MB of memory."""

_MAX_UNSAMPLED_ROWS = 20_000
"""The most clients that the first ones alone may speak for. If each of the others takes up to twelve milliseconds,
their page still ends within the statement's time-out of 240 seconds."""


def plan_pages(services: Services, command: PlanPages) -> PagesPlanned | Stopped:
    """Start processing: count the clients, choose the page boundaries and store the plan.

    Safe to run twice: the plan that was stored first stays, and the job keeps its first start.

    Args:
        command: `target_bytes` is the wanted size of a block.

    Returns:
        The number of pages (at least one), the number of clients, and the job's share of the pages in flight; or
        `Stopped`.

    Raises:
        SourceUnavailableError, StorageUnavailableError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot be tried again; the `clients` view is at fault.
    """
    job = change_running(services, command.job, lambda job: job.begin(services.now()))
    if job is None:
        return Stopped()
    return announce_plan(services, job, make_plan(services, job, command.target_bytes))


def make_plan(services: Services, job: Job, target_bytes: int) -> PagePlan:
    """Count the clients, choose the page boundaries and store the plan. Return the plan that was stored first.

    A later attempt of a job reads no clients for that if an earlier one has stored the plan.
    """
    stored = services.files.find_plan(job.ref) if job.attempt > 1 else None
    if stored is not None:
        return cache_plan(services, job.ref, stored)
    return store_plan(services, job, draw_plan(services, job, target_bytes))


def store_plan(services: Services, job: Job, plan: PagePlan) -> PagePlan:
    """Store a plan unless the job has one. Return the plan that was stored first."""
    document = services.files.save_plan(job.ref, plan.model_dump_json(by_alias=True).encode())
    return cache_plan(services, job.ref, document)


def announce_plan(services: Services, job: Job, plan: PagePlan) -> PagesPlanned | Stopped:
    """Show the number of clients in the job, and return what the orchestrator needs to know of the plan.

    Args:
        job: The job as it was read before.
    """
    if change_running(services, job.ref, lambda job: job.plan(plan.total_rows, plan.lacking), job) is None:
        return Stopped()
    return PagesPlanned(pages=plan.pages, rows=plan.total_rows, wave_pages=share_of(services, job.tenant, plan.pages))


def draw_plan(
    services: Services,
    job: Job,
    target_bytes: int,
    *,
    join_small: bool = False,
    check: Callable[[], object] = lambda: None,
) -> PagePlan:
    """Count the clients and choose the page boundaries. Stores nothing.

    Args:
        join_small: Whether a job that one page can hold gets one page, however its strides are weighed. Compressed
            files and slow sources keep their pages, because one process takes long for them.
        check: Runs between two statements. What it raises ends the planning.

    Raises:
        SourceMismatchError: The view lacks other columns than for the file that the job continues.
    """
    generation = services.clients.generation()
    renderer = renderer_for(job.spec)
    sampler = Sampler(services, select_clients(job.tenant, job.spec, renderer), renderer)
    with naming_every_refusal(services, sampler.selection):
        first = sampler.take_first()
    check()
    stride_rows = _stride_rows(first, target_bytes)
    strides = services.clients.find_boundaries(sampler.selection, stride_rows)
    require_columns_of_base(job, strides.absent_columns)
    check()
    if join_small and _seems_small(strides.total_rows, first, renderer, target_bytes):
        samples = Samples({0: first.records}, 0.0)  # spares small jobs a statement
    else:
        samples = sampler.take_all_over(strides, first)
    check()
    share = _planned_share(samples.by_stride.values(), renderer.compression)
    sizes = [size * share for size in _stride_sizes(strides, stride_rows, samples.by_stride)]
    weights = weigh_strides(stride_rows, sizes, samples.client_seconds, target_bytes)
    framed = renderer if isinstance(renderer, FramedRenderer) else None
    pages = cap_pages(even_pages(strides, weights, target_bytes), MAX_BLOCKS // 2 if framed else MAX_BLOCKS)
    may_join = join_small and not samples.client_seconds
    if may_join and is_small(renderer.compression, strides.total_rows, sum(sizes), target_bytes):
        pages = Boundaries(strides.total_rows, ())
    if generation is not None and services.clients.is_replaced(generation):
        raise SourceUnavailableError("The client data were replaced while the export was planned.")
    require_short(*pages.starts)
    return PagePlan(
        spec=job.spec,
        total_rows=pages.total_rows,
        starts=pages.starts,
        source_generation=generation,
        attempt=None if generation is None and job.attempt == 1 else job.attempt,
        absent_columns=strides.absent_columns or None,
        code_order=code_order(services) if pages.starts else None,
        column_widths=framed.measure(first.rows) if framed else None,
    )


def _seems_small(rows: int, first: Sample, renderer: Renderer, target_bytes: int) -> bool:
    """Say whether one page is to hold all clients, judged by the first of them, if these are quick and any.

    If the others are larger, their page outgrows the memory into a temporary file.
    """
    if rows > _MAX_UNSAMPLED_ROWS or not first.is_quick or not first.records.rows:
        return False
    file_bytes = rows * len(first.records.data) / first.records.rows
    return is_small(renderer.compression, rows, file_bytes, target_bytes)


def _stride_rows(first: Sample, target_bytes: int) -> int:
    """Choose the number of clients in a stride. If clients may be slow, strides are short, because pages may be."""
    page_rows = rows_per_page(first.records.rows, len(first.records.data), target_bytes)
    if first.may_be_slow:
        return _MIN_STRIDE_ROWS
    return max(_MIN_STRIDE_ROWS, min(page_rows // _STRIDES_PER_PAGE, _MAX_STRIDE_ROWS))


def _planned_share(samples: Iterable[Records], compression: Compression | Packing) -> float:
    """Return the size by which pages are planned, as a share of the plain size."""
    plain = [sample.data for sample in samples]
    size = sum(map(len, plain))
    return planned_bytes(size, len(compress(plain, compression))) / max(1, size)


def _stride_sizes(strides: Boundaries, stride_rows: int, samples: Mapping[int, Records]) -> Iterator[float]:
    """Yield the likely bytes of each stride, if its clients are like those of the last sample before it."""
    client_bytes = 0.0
    left = strides.total_rows
    for stride in range(len(strides.starts) + 1):
        if (sample := samples.get(stride)) and sample.rows:
            client_bytes = len(sample.data) / sample.rows
        yield client_bytes * min(stride_rows, left)
        left -= stride_rows
