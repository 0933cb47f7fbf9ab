"""The proof of a file: what was asked for, and what every page holds."""

from __future__ import annotations

from collections.abc import Sequence

from exports.jobs import CONSISTENCY, ExportSpec, Job
from exports.page_plan import PagePlan
from exports.ports import PageRecord
from shared.models import Model, Moment


class ManifestPage(Model):
    """One page: clients with `start <= code < stop` in the order of the source; null leaves an end open.

    `sha256` is the hex digest of the page's bytes in the file, which follow those of the page before.
    """

    page: int
    start: str | None
    stop: str | None
    rows: int
    bytes: int
    sha256: str


class ManifestDto(Model):
    """The body of `GET …/clients/export/csv/{code}/manifest`.

    `request` is what was exported, all looked up: columns, filter, format. `rows` and `bytes` sum up the pages.
    """

    code: str
    tenant: str
    file_name: str
    created_date: Moment
    started_date: Moment | None
    consistency: str
    request: ExportSpec
    rows: int
    bytes: int
    pages: tuple[ManifestPage, ...]


def make_manifest(job: Job, plan: PagePlan, records: Sequence[PageRecord]) -> ManifestDto:
    """Build the manifest of a job from its plan and the records of all its pages, in page order."""
    return ManifestDto(
        code=job.code,
        tenant=job.tenant,
        file_name=job.file_name,
        created_date=job.created_date,
        started_date=job.started_date,
        consistency=CONSISTENCY,
        request=job.spec,
        rows=sum(record.rows for record in records),
        bytes=sum(record.bytes for record in records),
        pages=tuple(_page(plan, record) for record in records),
    )


def _page(plan: PagePlan, record: PageRecord) -> ManifestPage:
    key_range = plan.key_range(record.page)
    return ManifestPage(
        page=record.page,
        start=key_range.start,
        stop=key_range.stop,
        rows=record.rows,
        bytes=record.bytes,
        sha256=record.sha256,
    )
