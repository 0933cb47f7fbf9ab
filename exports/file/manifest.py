"""The proof of a file: what was asked for, and what every page holds."""

from __future__ import annotations

from collections.abc import Sequence

from exports.file.crc32 import combine
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost
from exports.jobs.job import CONSISTENCY, Job
from exports.request.spec import ExportSpec
from shared.models import Model, Moment


class ManifestPage(Model):
    """One page: clients with `start <= code < stop` in the order of the source; null leaves an end open.

    `bytes`, `sha256` and `crc32` are of the page's bytes in the file, which follow those of the page before; the last
    two in hex. `attempt` is the attempt of the job that wrote the page.
    """

    page: int
    start: str | None
    stop: str | None
    rows: int
    bytes: int
    sha256: str
    crc32: str | None = None
    attempt: int | None = None


class ManifestDto(Model):
    """The body of `GET …/clients/export/csv/{code}/manifest`.

    `request` is what was exported, all looked up: columns, filter, format. `rows` and `bytes` sum up the pages.
    `crc32` is that of the whole file, as zip, gzip and `crc32` count it; combined from those of the pages. `attempt`
    is the attempt of the job that published the file, and `cost` what its steps had asked of storage when it
    was published, without tries that failed.
    """

    code: str
    tenant: str
    file_name: str
    created_date: Moment
    started_date: Moment | None
    consistency: str
    request: ExportSpec
    attempt: int | None = None
    rows: int
    bytes: int
    crc32: str | None = None
    cost: Cost | None = None
    pages: tuple[ManifestPage, ...]

    @property
    def tiles(self) -> bool:
        """Whether the pages' key ranges tile the key space: no key lies in none of them, none in two.

        Each begins where the one before stops, from the open end to the open end. That starts rise is in the order of
        the source, which nobody else can tell; it found them in that order. A start that comes twice is told here.
        """
        starts = [page.start for page in self.pages]
        stops = [page.stop for page in self.pages]
        inner = starts[1:]
        numbered = [page.page for page in self.pages] == list(range(len(self.pages)))
        whole = starts[:1] == stops[-1:] == [None] and None not in inner
        return numbered and whole and stops[:-1] == inner and len(set(inner)) == len(inner)


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
        attempt=job.attempt,
        rows=sum(record.rows for record in records),
        bytes=sum(record.bytes for record in records),
        crc32=_combined(records),
        pages=tuple(_page(plan, record) for record in records),
    )


def crc32_text(crc32: int | None) -> str | None:
    """Write a CRC-32 as common tools do: eight hex digits."""
    return None if crc32 is None else f"{crc32:08x}"


def _combined(records: Sequence[PageRecord]) -> str | None:
    """None if an older version wrote some of the pages and noted no CRC."""
    parts = [(record.crc32, record.bytes) for record in records if record.crc32 is not None]
    return crc32_text(combine(parts)) if len(parts) == len(records) else None


def _page(plan: PagePlan, record: PageRecord) -> ManifestPage:
    key_range = plan.key_range(record.page)
    return ManifestPage(
        page=record.page,
        start=key_range.start,
        stop=key_range.stop,
        rows=record.rows,
        bytes=record.bytes,
        sha256=record.sha256,
        crc32=crc32_text(record.crc32),
        attempt=record.attempt,
    )
