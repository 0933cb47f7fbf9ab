"""The manifest, which proves a file: the resolved request, and the content of every page."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import NonNegativeInt, StringConstraints

from exports.file.crc32 import combine
from exports.file.frame import Frame, in_file_order
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.jobs.cost import Cost
from exports.jobs.job import Job
from exports.jobs.snapshot import SnapshotDto
from exports.request.incomplete_columns import IncompleteColumn, incomplete_columns
from exports.request.spec import ExportSpec
from shared.models import Model, Moment, OptionalField


class KeyOrder(StrEnum):
    """How it was checked that every page holds clients of its own key range."""

    ONE_PAGE = "OnePage"
    RANKED_BY_SOURCE = "RankedBySource"


Crc32 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8}$")]
"""A CRC-32 in hex, as common tools write it."""


class ManifestPage(Model):
    """One page: clients with `start <= code < stop` in the order of the source; null leaves an end open.

    `bytes`, `sha256` and `crc32` describe the bytes of the page in the file, which follow those of the page before.
    Both digests are in hex. `attempt` is the attempt of the job that wrote the page. `firstCode` and `lastCode` are the
    codes of its first and its last client; null if it has none.
    """

    page: NonNegativeInt
    start: str | None
    stop: str | None
    rows: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str
    crc32: Crc32 | None = None
    attempt: int | None = None
    first_code: str | None = None
    last_code: str | None = None


class ManifestFrame(Model):
    """A frame: bytes that the format puts between pages, such as the end of a sheet and the beginning of the next one.

    `beforePage` is the page that follows the frame; the number of pages for the frame after the last page.
    """

    before_page: NonNegativeInt
    bytes: NonNegativeInt
    sha256: str
    crc32: Crc32


class ManifestChanges(Model):
    """What an export since another one tells beside its file, which holds the clients that changed.

    To bring the file of the other export up to date, first replace its clients by those of this file and add the new
    ones, then remove the clients of both lists.

    Attributes:
        since: The code of the other export.
        deleted_codes: Clients that were deleted since then; null if the client database cannot tell.
        left_codes: Clients that changed since then and do not pass the filter. They may never have passed it.
    """

    since: str
    deleted_codes: tuple[str, ...] | None
    left_codes: tuple[str, ...]


class ManifestDto(Model):
    """The body of `GET …/clients/export/csv/{code}/manifest`.

    `request` is the resolved request: columns, filter and format. `rows` and `bytes` are the sums of the pages; `bytes`
    includes the `frames`, which only workbooks have. `crc32` is the CRC-32 of the whole file, as zip, gzip and the
    command `crc32` compute it, combined from those of the pages and frames.
    `attempt` is the attempt of the job that published the file. `cost` counts the storage requests of the job's steps
    until the file was published, without failed tries.

    `keyOrder` says how it was checked that every page holds clients of its own key range: `RankedBySource` means that
    the database itself ordered the codes of all pages, `OnePage` that there is only one range, null that it was not
    checked, as in versions before this check. `countedRows` is the number of clients counted before the pages were
    written. If it is not `rows`, they were counted again before the file was published: `recountedRows`.
    `removedCharacters` counts the characters of clients that no cell can hold and that are left out of the file: NUL in
    CSV, and in a workbook all that XML cannot hold. `cutCells` counts the cells of a workbook whose text was cut.
    `incompleteColumns` are the columns of the file that are empty for every client, or lack a part, because the view
    lacked their data when the export was planned. `snapshot` names the state of the database that the file shows, if
    the request asked for one. `changes` says which clients the file of another export must lose, if the request names
    one as its start.
    """

    code: str
    tenant: str
    file_name: str
    created_date: Moment
    started_date: Moment | None
    consistency: str
    snapshot: OptionalField[SnapshotDto] = None
    request: ExportSpec
    attempt: int | None = None
    rows: NonNegativeInt
    bytes: NonNegativeInt
    crc32: Crc32 | None = None
    cost: Cost | None = None
    key_order: KeyOrder | None = None
    removed_characters: OptionalField[int] = None
    cut_cells: OptionalField[int] = None
    counted_rows: int | None = None
    recounted_rows: int | None = None
    incomplete_columns: OptionalField[tuple[IncompleteColumn, ...]] = None
    changes: OptionalField[ManifestChanges] = None
    pages: tuple[ManifestPage, ...]
    frames: OptionalField[tuple[ManifestFrame, ...]] = None

    @property
    def in_file_order(self) -> tuple[ManifestPage | ManifestFrame, ...]:
        """Pages and frames in the order in which their bytes make up the file."""
        return tuple(in_file_order(self.pages, self.frames or ()))

    @property
    def tiles(self) -> bool:
        """Whether the pages' key ranges tile the key space, so that every key lies in exactly one of them.

        Each range must begin where the one before stops, and the two ends must be open. Only the source knows the order
        in which the starts must rise; `key_order` says whether it was asked. This check notices a start that occurs
        twice.
        """
        starts = [page.start for page in self.pages]
        stops = [page.stop for page in self.pages]
        inner = starts[1:]
        numbered = [page.page for page in self.pages] == list(range(len(self.pages)))
        whole = starts[:1] == stops[-1:] == [None] and None not in inner
        return numbered and whole and stops[:-1] == inner and len(set(inner)) == len(inner)

    @property
    def order_is_checked(self) -> bool:
        """Whether every page is known to hold clients of its own key range. A single range holds all clients."""
        return len(self.pages) == 1 or self.key_order is not None


def make_manifest(
    job: Job,
    plan: PagePlan,
    records: Sequence[PageRecord],
    frames: Sequence[Frame] = (),
) -> ManifestDto:
    """Build the manifest of a job, without what the source tells about its clients (`prove_clients`, `find_changes`).

    Args:
        records: The records of all pages, in page order.
        frames: The frames of the file, in order.
    """
    return ManifestDto(
        code=job.code,
        tenant=job.tenant,
        file_name=job.file_name,
        created_date=job.created_date,
        started_date=job.started_date,
        consistency=job.consistency,
        snapshot=job.snapshot and job.snapshot.shown,
        request=job.spec,
        attempt=job.attempt,
        rows=sum(record.rows for record in records),
        bytes=sum(record.bytes for record in records) + sum(frame.bytes for frame in frames),
        crc32=_combined(records, frames),
        removed_characters=sum(record.removed_characters or 0 for record in records) or None,
        cut_cells=sum(record.cut_cells or 0 for record in records) or None,
        counted_rows=plan.total_rows,
        incomplete_columns=incomplete_columns(job.spec.columns, plan.absent_columns or ()) or None,
        pages=tuple(_page(plan, record) for record in records),
        frames=tuple(map(_frame, frames)) or None,
    )


def crc32_text(crc32: int | None) -> str | None:
    """Return a CRC-32 as common tools print it: eight hex digits."""
    return None if crc32 is None else f"{crc32:08x}"


def _combined(records: Sequence[PageRecord], frames: Sequence[Frame]) -> str | None:
    """Return the CRC-32 of the file; None if an older version, which recorded no CRC, wrote some of the pages."""
    blocks = in_file_order(records, frames)
    pieces = [(block.crc32, block.bytes) for block in blocks if block.crc32 is not None]
    return crc32_text(combine(pieces)) if len(pieces) == len(records) + len(frames) else None


def _frame(frame: Frame) -> ManifestFrame:
    return ManifestFrame(
        before_page=frame.before_page, bytes=frame.bytes, sha256=frame.sha256, crc32=f"{frame.crc32:08x}"
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
        crc32=crc32_text(record.crc32),
        attempt=record.attempt,
        first_code=record.first_code,
        last_code=record.last_code,
    )
