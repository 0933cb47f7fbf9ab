"""Makes and stages the frames of a file: the blocks that its format puts between the pages."""

from __future__ import annotations

from collections.abc import Sequence

from exports.file.frame import Frame
from exports.file.page_record import PageRecord
from exports.file.plan import PagePlan
from exports.file.renderer import FramedRenderer
from exports.jobs.job import Job
from exports.services import Services
from exports.steps.pages.selection import renderer_for


def frames_of(job: Job, plan: PagePlan, records: Sequence[PageRecord]) -> Sequence[Frame]:
    """Make the frames of a file; none for CSV. Equal records give equal frames, whoever makes them.

    Args:
        records: The records of all pages, in page order.

    Raises:
        FileMismatchError: The pages do not fit the format.
    """
    renderer = renderer_for(job.spec)
    if not isinstance(renderer, FramedRenderer):
        return ()
    return renderer.frames(records, job.file_name, plan.column_widths, with_header=job.spec.include_headers)


def stage_frames(services: Services, job: Job, frames: Sequence[Frame]) -> None:
    """Stage the frames of a file. Nothing becomes readable. Safe to run twice: the ids follow from the content.

    Raises:
        StorageUnavailableError: Can be tried again.
    """
    for frame in frames:
        services.files.stage(job.file_path, frame.block, frame.data)


def in_one(data: Sequence[bytes], frames: Sequence[Frame]) -> list[bytes]:
    """Return the whole file of one page: its bytes between the frames."""
    before = [frame.data for frame in frames if frame.before_page == 0]
    return [*before, *data, *(frame.data for frame in frames[len(before) :])]
