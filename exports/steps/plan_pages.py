"""Step: divide a job's clients into pages."""

from __future__ import annotations

from exports.csv.compression import pack
from exports.jobs import Job
from exports.page_plan import PagePlan, rows_per_page, thin_out
from exports.payloads import PagesPlanned, PlanPages, Stopped
from exports.ports import KeyRange
from exports.services import Services
from exports.steps.fair_share import share_of
from exports.steps.running import change_running
from exports.steps.selection import require_columns, rows_of, select_clients

_SAMPLE_ROWS = 200


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
    sample = [row for part in services.clients.read(selection, KeyRange(), _SAMPLE_ROWS) for row in part]
    sample_bytes = len(pack([rows.render(sample)], job.spec.format.compression))
    page_rows = rows_per_page(len(sample), sample_bytes, target_bytes)
    boundaries = thin_out(services.clients.find_boundaries(selection, page_rows))
    plan = PagePlan(spec=job.spec, total_rows=boundaries.total_rows, starts=boundaries.starts)
    return plan.model_dump_json(by_alias=True).encode()
