"""The body with which a caller creates or replaces a schedule."""

from __future__ import annotations

from exports.request.body import CsvExportRequestDto
from exports.schedules.cron import Cron, TimeZone
from exports.schedules.schedule import Overlap, ScheduleContent
from shared.models import Model
from shared.named_resources import Name


class SaveScheduleDto(Model):
    """The body of `POST …/clients/export/schedules` and of `PUT …/{code}`. A `PUT` replaces the whole schedule.

    Attributes:
        cron: Five fields: minute, hour, day of the month, month, day of the week. At most twelve slots an hour.
        time_zone: IANA name of the time zone of the cron fields.
        enabled: Whether the schedule is active.
        request: What the schedule exports, in the form of the body of `POST …/clients/export/csv`.
        overlap: What happens to a slot that is due while the previous export is still running: `skip` skips the slot,
            `queue` lets it wait. At most one slot waits.
        incremental: Whether a run exports only clients that changed since the last run that succeeded and whose file
            was downloaded.
    """

    name: Name
    cron: Cron
    time_zone: TimeZone = "UTC"
    enabled: bool = True
    request: CsvExportRequestDto = CsvExportRequestDto()
    overlap: Overlap = Overlap.SKIP
    incremental: bool = False


def content_of(request: SaveScheduleDto, *, sensitive_fields: bool) -> ScheduleContent:
    """Build the content of a schedule from the body.

    Args:
        sensitive_fields: Whether the caller may export sensitive fields.
    """
    content = {name: getattr(request, name) for name in SaveScheduleDto.model_fields}
    return ScheduleContent(**content, sensitive_fields=sensitive_fields)
