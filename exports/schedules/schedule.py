"""Schedules: each starts an export at the times of its cron expression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Self

from exports.jobs.codes import slot_job_code
from exports.request.body import CsvExportRequestDto
from exports.schedules.cron import next_slot, slots
from shared.models import Model, Moment
from shared.named_resources import moment_of_change, new_code, to_millisecond

MAX_SCHEDULES = 100
"""How many schedules a tenant may save."""


class Overlap(StrEnum):
    """What happens to a slot that is due while the previous export is still running.

    `skip`: the slot is skipped. `queue`: the slot waits until the previous export has ended. At most one slot waits; a
    newer slot replaces it. The values are a published contract.
    """

    SKIP = "skip"
    QUEUE = "queue"


class ScheduleContent(Model):
    """The content of a schedule, as it is stored.

    It was validated when it was saved. It is not validated again, so a stored schedule can always be read.

    `sensitiveFields`: whether the key that saved the schedule may export them. No run exports more than that key may.
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
    """The progress of a schedule through its slots.

    Attributes:
        next_slot: The next slot to decide about; None if there is none or the schedule is disabled.
        waiting_slot: A slot that gets its job as soon as the previous job has ended.
        slot: The last slot that got a job or is being given one. The job's code follows from it.
        starting: Whether it is still unknown if the job of `slot` was started.
        open: Whether the job of `slot` must be checked again: it may still run, or its file may still be downloaded.
        check_date: When to check that job next.
        counts: Whether the watermark advances to that job once it is completed and its file was downloaded.
        watermark: Changes before this moment were exported and downloaded; None if no changes were.
        watermark_of: Hash of the columns and the filter that were exported up to the watermark, and after a blank the
            exported columns that the view lacked, separated by blanks. Without a blank they are not known.
        last_run_date: When the schedule last started a job.
        last_job_code: Code of the job that the schedule started last.
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
    """Identifies a schedule."""

    tenant: str
    code: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one tenant.

    Attributes:
        updated_date: In whole milliseconds. Every change of the content makes it later.
    """

    tenant: str
    code: str
    content: ScheduleContent
    state: ScheduleState
    created_date: datetime
    updated_date: datetime

    @property
    def ref(self) -> ScheduleRef:
        """The tenant and the code that identify this schedule."""
        return ScheduleRef(self.tenant, self.code)

    @property
    def due_date(self) -> datetime | None:
        """When to process the schedule next: at its next slot, or at the next check of its job."""
        return min(filter(None, (self.state.next_slot, self.state.check_date)), default=None)

    @property
    def last_code(self) -> str | None:
        """Code of the job of the last slot that got one or is being given one."""
        return self.job_code(self.state.slot) if self.state.slot else None

    def job_code(self, slot: datetime) -> str:
        """Return the code of the only job that a slot may have."""
        return slot_job_code(f"{self.tenant}/{self.code}", slot)

    def slot_after(self, moment: datetime) -> datetime | None:
        """Return the first slot later than a moment; None if there is none or the schedule is disabled."""
        return next_slot(self.content.cron, self.content.time_zone, moment) if self.content.enabled else None

    def next_slots(self, count: int) -> tuple[datetime, ...]:
        """Return the next slots to decide about, at most `count`: the stored one, and those that follow it."""
        first = self.state.next_slot
        if first is None:
            return ()
        following = slots(self.content.cron, self.content.time_zone, first)
        return first, *islice(following, count - 1)

    def with_state(self, **changes: object) -> Self:
        """Return the schedule with some fields of its state changed."""
        return replace(self, state=self.state.model_copy(update=changes))

    def update(self, content: ScheduleContent, now: datetime) -> Self:
        """Return the schedule with its content replaced. The next slot stays unless the times of the slots change.

        The watermark belongs to the request that was exported up to it. So if the request or `incremental` changes, the
        next run leaves nothing out, and a job that is still running does not advance the watermark.
        """
        before = self.content
        changed = replace(self, content=content, updated_date=moment_of_change(now, self.updated_date))
        if _times(before) != _times(content):
            changed = changed.with_state(next_slot=changed.slot_after(now))
        if (before.request, before.incremental) != (content.request, content.incremental):
            changed = changed.with_state(watermark=None, counts=False)
        return changed


def _times(content: ScheduleContent) -> tuple[str, str, bool]:
    return content.cron, content.time_zone, content.enabled


def new_schedule(tenant: str, content: ScheduleContent, now: datetime) -> Schedule:
    """Build a schedule with a new code."""
    created = to_millisecond(now)
    schedule = Schedule(tenant, new_code(), content, ScheduleState(), created, created)
    return schedule.with_state(next_slot=schedule.slot_after(now))
