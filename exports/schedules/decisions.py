"""Decides what happens to the due slots of a schedule. The step `run_schedules` carries the decisions out.

    next_slot ──is due──▶ waiting_slot ──previous job has ended──▶ slot, starting ──▶ open ──its job has ended──▶ –
        └─ missed or skipped: a run is recorded                        └─ cannot be started: a run is recorded

In a paused schedule, a slot that waits, or that is starting and has no job yet, is skipped.

Every arrow is one conditional write of the schedule. So if several timers fire at the same moment, only one of them
decides. Recording the same run twice is harmless. A job is started under a code that follows from its slot, so a slot
has at most one job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from exports.jobs.job import Job
from exports.schedules.cron import slots
from exports.schedules.runs import RunOutcome, ScheduleRun, run_of
from exports.schedules.schedule import Overlap, Schedule
from exports.schedules.watermarks import advance, may_advance

CATCH_UP = timedelta(hours=24)
"""Of the slots that were missed, the newest still gets its job if it is not older than this."""

FIRST_CHECK = timedelta(seconds=45)
"""Pause before a job is checked for the first time, and between checks while a slot waits for the job to end.

Shorter than the minute of the timer, which looks again a moment before a whole minute has passed since a decision.
Otherwise the pauses grow with the age of the job.
"""
_LONGEST_PAUSE = timedelta(hours=1)

_RUNNING = "The previous export was still running."
_REPLACED = "The slot waited for the previous export to end, and a newer slot replaced it."
_PAUSED = "The schedule was paused before the export started."
_MISSED = "The service did not process the slot in time."


@dataclass(frozen=True, slots=True)
class Decision:
    """The schedule as it must be stored, and the runs to record.

    If the schedule is `starting`, the caller must then give its slot a job.
    """

    after: Schedule
    runs: tuple[ScheduleRun, ...] = ()


def decide(schedule: Schedule, job: Job | None, now: datetime) -> Decision:
    """Decide about the slots that are due at `now`. Return the schedule unchanged if there is nothing to do.

    Args:
        job: The job of the schedule's last slot, if there is one.
    """
    if not schedule.content.enabled:
        return _decide_paused(schedule, job, now)
    if schedule.state.starting:
        return Decision(schedule)
    running = job is not None and not job.status.is_terminal
    taken = _take_due_slots(_check_open_job(schedule, job, now), now, running=running)
    return taken if running else Decision(_begin(taken.after, now), taken.runs)


def _decide_paused(schedule: Schedule, job: Job | None, now: datetime) -> Decision:
    """Skip the slot that waited or was starting when the schedule was paused. A job that exists goes on."""
    state = schedule.state
    if state.starting and job is not None:
        return Decision(schedule)
    if state.starting:
        skipped, schedule = state.slot, schedule.with_state(starting=False, open=False, check_date=None)
    else:
        skipped, schedule = state.waiting_slot, schedule.with_state(waiting_slot=None)
    runs = (run_of(schedule, skipped, RunOutcome.SKIPPED, now, _PAUSED),) if skipped else ()
    return Decision(_check_open_job(schedule, job, now), runs)


def _check_open_job(schedule: Schedule, job: Job | None, now: datetime) -> Schedule:
    """Close the job if it is settled; otherwise set the next check, after a quarter of the job's age."""
    if not schedule.state.open:
        return schedule
    if job is None or _is_settled(schedule, job, now):
        return advance(schedule, job).with_state(open=False, check_date=None)
    if schedule.state.check_date is not None and schedule.state.check_date > now:
        return schedule
    pause = FIRST_CHECK if schedule.state.waiting_slot else (now - job.created_date) / 4
    return schedule.with_state(check_date=now + min(max(pause, FIRST_CHECK), _LONGEST_PAUSE))


def _is_settled(schedule: Schedule, job: Job, now: datetime) -> bool:
    """Tell whether the job needs no more checks: it has ended and its file, if it counts, was downloaded or expired."""
    if job.downloaded_date is None and may_advance(schedule, job):
        return job.expiry_date is None or job.expiry_date <= now
    return job.status.is_terminal


def _take_due_slots(schedule: Schedule, now: datetime, *, running: bool) -> Decision:
    first = schedule.state.next_slot
    if first is None or first > now:
        return Decision(schedule)
    newest = _newest(schedule, first, now)
    runs = [] if newest == first else [run_of(schedule, first, RunOutcome.MISSED, now, _MISSED, until=newest or now)]
    after = schedule.with_state(next_slot=schedule.slot_after(now))
    if newest is None:
        return Decision(after, tuple(runs))
    if running and schedule.content.overlap is Overlap.SKIP:
        return Decision(after, (*runs, run_of(schedule, newest, RunOutcome.SKIPPED, now, _RUNNING)))
    if waiting := schedule.state.waiting_slot:
        runs.append(run_of(schedule, waiting, RunOutcome.SKIPPED, now, _REPLACED))
    return Decision(after.with_state(waiting_slot=newest, open=running, check_date=now + FIRST_CHECK), tuple(runs))


def _newest(schedule: Schedule, first: datetime, now: datetime) -> datetime | None:
    """Return the newest slot from `first` to `now`; None if it is older than `CATCH_UP`."""
    oldest = now - CATCH_UP
    newest = first if first >= oldest else None
    for slot in _slots_until(schedule, max(first, oldest - timedelta(seconds=1)), now):
        newest = slot
    return newest


def _slots_until(schedule: Schedule, after: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda slot: slot <= now, slots(schedule.content.cron, schedule.content.time_zone, after))


def _begin(schedule: Schedule, now: datetime) -> Schedule:
    """Mark the waiting slot as starting. If the process that starts its job dies, the next check continues."""
    slot = schedule.state.waiting_slot
    if slot is None:
        return schedule
    return schedule.with_state(
        waiting_slot=None,
        slot=slot,
        starting=True,
        open=True,
        check_date=now + FIRST_CHECK,
        counts=schedule.content.incremental,
    )
