"""Step: divide a job's clients into pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from exports.csv.compression import pack
from exports.csv.formats import Compression
from exports.csv.rendering import Records
from exports.csv.rows import CsvRows
from exports.jobs import Job
from exports.page_plan import PagePlan, even_pages, rows_per_page, thin_out
from exports.payloads import PagesPlanned, PlanPages, Stopped
from exports.ports import Boundaries, ClientSelection, KeyRange
from exports.services import Services
from exports.steps.fair_share import share_of
from exports.steps.running import change_running
from exports.steps.selection import require_columns, rows_of, select_clients

_SAMPLE_ROWS = 50
_SAMPLE_PLACES = 8
_STRIDES_OF_A_PAGE = 8
_MIN_STRIDE_ROWS, _MAX_STRIDE_ROWS = 100, 1_000
"""The one pass over the keys notes more places than pages will need, sizes are judged all along, and pages are cut
where they come to the same. Of a billion clients the places take some 80 MB."""


def plan_pages(services: Services, order: PlanPages) -> PagesPlanned | Stopped:
    """Start processing: count the clients, choose the page boundaries and store the plan.

    Safe to run twice: the first plan stored stays, and the job keeps its first start.

    Args:
        order: `target_bytes` is what a block should be of.

    Returns:
        Number of pages (at least one) and of clients planned, and the job's share of pages in flight; or `Stopped`.

    Raises:
        SourceUnavailableError, StorageUnavailableError: Can be tried again.
        SourceMismatchError, SourceRefusedError: Cannot; the `clients` view is at fault.
    """
    job = change_running(services, order.job, lambda job: job.begin(services.now()))
    if job is None:
        return Stopped()
    document = services.files.save_plan(order.job, _make_plan(services, job, order.target_bytes))
    plan = PagePlan.model_validate_json(document)
    planned = change_running(services, order.job, lambda job: job.plan(plan.total_rows))
    if planned is None:
        return Stopped()
    return PagesPlanned(pages=plan.pages, rows=plan.total_rows, wave_pages=share_of(services, job.tenant))


def _make_plan(services: Services, job: Job, target_bytes: int) -> bytes:
    rows = rows_of(job.spec)
    selection = select_clients(job.tenant, job.spec, rows)
    require_columns(services, selection)
    first = _render_some(services, selection, rows, KeyRange())
    page_rows = rows_per_page(first.rows, len(first.data), target_bytes)
    stride_rows = max(_MIN_STRIDE_ROWS, min(page_rows // _STRIDES_OF_A_PAGE, _MAX_STRIDE_ROWS))
    strides = services.clients.find_boundaries(selection, stride_rows)
    samples = {0: first, **dict(_samples(services, selection, rows, strides))}
    packing = _packing(samples.values(), job.spec.format.compression)
    sizes = [size * packing for size in _stride_sizes(strides, stride_rows, samples)]
    pages = thin_out(even_pages(strides, sizes, target_bytes))
    plan = PagePlan(spec=job.spec, total_rows=pages.total_rows, starts=pages.starts)
    return plan.model_dump_json(by_alias=True).encode()


def _samples(
    services: Services, selection: ClientSelection, rows: CsvRows, strides: Boundaries
) -> Iterator[tuple[int, Records]]:
    """Render some clients at places spread over the key space: clients of different times may differ in size."""
    count = len(strides.starts)
    for stride in sorted({count * place // _SAMPLE_PLACES for place in range(1, _SAMPLE_PLACES + 1)} - {0}):
        yield stride, _render_some(services, selection, rows, KeyRange(strides.starts[stride - 1]))


def _render_some(services: Services, selection: ClientSelection, rows: CsvRows, key_range: KeyRange) -> Records:
    sample = [row for part in services.clients.read(selection, key_range, _SAMPLE_ROWS) for row in part]
    return Records(len(sample), rows.render(sample))


def _packing(samples: Iterable[Records], compression: Compression) -> float:
    """The share of the bytes that compression leaves."""
    plain = [records.data for records in samples]
    return len(pack(plain, compression)) / max(1, sum(map(len, plain)))


def _stride_sizes(strides: Boundaries, stride_rows: int, samples: Mapping[int, Records]) -> Iterator[float]:
    """What the strides come to, if each is like the last sample before it."""
    client_bytes = 0.0
    left = strides.total_rows
    for stride in range(len(strides.starts) + 1):
        if (sample := samples.get(stride)) and sample.rows:
            client_bytes = len(sample.data) / sample.rows
        yield client_bytes * min(stride_rows, left)
        left -= stride_rows
