"""Schedules: exports that start by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from exports.jobs.codes import slot_job_code
from exports.request.body import CsvExportRequestDto
from exports.schedules.cron import next_slot
from shared.models import Model, Moment
from shared.named_resources import moment_of_change, new_code, to_millisecond

MAX_SCHEDULES = 100
"""How many schedules a tenant may save."""


class Overlap(StrEnum):
    """What becomes of a slot that comes while the export before is still running. The values are a published contract.

    `skip`: nothing; `queue`: it waits for the end. Only one slot waits, a newer one takes its place.
    """

    SKIP = "skip"
    QUEUE = "queue"


class ScheduleContent(Model):
    """What a schedule says, as it is stored: checked when it was saved, and not again, so that it can always be read.

    `sensitiveFields`: whoever saved it may export them; no run exports more than that.
    """

    name: str
    cron: str
    time_zone: str
    enabled: bool
    request: CsvExportRequestDto
    overlap: Overlap
    incremental: bool
    sensitive_fields: bool = False


class ScheduleState(Model):
    """How far a schedule has come.

    Attributes:
        next_slot: The next one to be decided about; None when there is none, or the schedule is not enabled.
        waiting_slot: One that shall run as soon as the job before has ended.
        slot: The last one that was given a job, or is being given one: from it follows the job's code.
        starting: It is not yet known that the job of `slot` was started, or why not.
        open: There is more to learn about the job of `slot`: whether it has ended, and whether its file was fetched.
        check_date: When to look after that job next.
        counts: Once that job is completed and its file was fetched, the watermark moves on to it.
        watermark: Changes before this moment were exported, and fetched; None: nothing was.
        watermark_of: What was exported up to the watermark.
        last_run_date, last_job_code: The job that was started last.
    """

    next_slot: Moment | None = None
    waiting_slot: Moment | None = None
    slot: Moment | None = None
    starting: bool = False
    open: bool = False
    check_date: Moment | None = None
    counts: bool = False
    watermark: Moment | None = None
    watermark_of: str = ""
    last_run_date: Moment | None = None
    last_job_code: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRef:
    """Which schedule."""

    tenant: str
    code: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one tenant.

    Attributes:
        updated_date: In whole milliseconds and later with every change of the content.
    """

    tenant: str
    code: str
    content: ScheduleContent
    state: ScheduleState
    created_date: datetime
    updated_date: datetime

    @property
    def ref(self) -> ScheduleRef:
        """Which schedule this is."""
        return ScheduleRef(self.tenant, self.code)

    @property
    def due_date(self) -> datetime | None:
        """When the schedule is to be looked at next: for a slot, or for a job."""
        return min(filter(None, (self.state.next_slot, self.state.check_date)), default=None)

    @property
    def last_code(self) -> str | None:
        """Name the job of the last slot that was given one, or is being given one."""
        return self.job_code(self.state.slot) if self.state.slot else None

    def job_code(self, slot: datetime) -> str:
        """Name the one job that a slot may have."""
        return slot_job_code(f"{self.tenant}/{self.code}", slot)

    def slot_after(self, moment: datetime) -> datetime | None:
        """Find the first slot later than a moment; None if the schedule is not enabled, too."""
        return next_slot(self.content.cron, self.content.time_zone, moment) if self.content.enabled else None

    def with_state(self, **changes: object) -> Self:
        """Move on."""
        return replace(self, state=self.state.model_copy(update=changes))

    def update(self, content: ScheduleContent, now: datetime) -> Self:
        """Replace what the schedule says. Its next slot stays, unless it comes at other times now.

        What was exported so far counts for the request it was exported with: with another one an incremental schedule
        begins anew, and a job that still runs does not count.
        """
        before, changed = (
            self.content,
            replace(self, content=content, updated_date=moment_of_change(now, self.updated_date)),
        )
        if _times(before) != _times(content):
            changed = changed.with_state(next_slot=changed.slot_after(now))
        if not content.enabled:
            changed = changed.with_state(waiting_slot=None)
        if (before.request, before.incremental) != (content.request, content.incremental):
            changed = changed.with_state(watermark=None, counts=False)
        return changed


def _times(content: ScheduleContent) -> tuple[str, str, bool]:
    return content.cron, content.time_zone, content.enabled


def new_schedule(tenant: str, content: ScheduleContent, now: datetime) -> Schedule:
    """Build a schedule under a new code."""
    created = to_millisecond(now)
    schedule = Schedule(tenant, new_code(), content, ScheduleState(), created, created)
    return schedule.with_state(next_slot=schedule.slot_after(now))
