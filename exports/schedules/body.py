"""The body with which a caller saves a schedule."""

from __future__ import annotations

from exports.request.body import CsvExportRequestDto
from exports.schedules.cron import Cron, TimeZone
from exports.schedules.schedule import Overlap, ScheduleContent
from shared.models import Model
from shared.named_resources import Name


class SaveScheduleDto(Model):
    """The body of `POST …/clients/export/schedules`, and of `PUT …/{code}`, which replaces all of it.

    Attributes:
        cron: Five fields: minute, hour, day of the month, month, day of the week; at most twelve slots an hour.
        time_zone: IANA name of the zone that the fields are meant in.
        enabled: Whether the schedule runs.
        request: What it exports, as in `POST …/clients/export/csv`.
        overlap: What becomes of a slot that comes while the export before is still running: `skip` leaves it out,
            `queue` lets it wait, one at most.
        incremental: Whether a run exports only clients that changed since the last one that succeeded and whose file
            was fetched.
    """

    name: Name
    cron: Cron
    time_zone: TimeZone = "UTC"
    enabled: bool = True
    request: CsvExportRequestDto = CsvExportRequestDto()
    overlap: Overlap = Overlap.SKIP
    incremental: bool = False


def content_of(request: SaveScheduleDto, *, sensitive_fields: bool) -> ScheduleContent:
    """Take what a caller says, and note whether it may export sensitive fields."""
    said = {name: getattr(request, name) for name in SaveScheduleDto.model_fields}
    return ScheduleContent(**said, sensitive_fields=sensitive_fields)
