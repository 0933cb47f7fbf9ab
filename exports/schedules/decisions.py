"""What becomes of the slots of a schedule that have come: decided here, from what is known, and done elsewhere.

    next_slot ──comes──▶ waiting_slot ──the job before has ended──▶ slot, starting ──▶ open ──its job has ended──▶ –
        └─ missed, skipped: noted                                        └─ cannot be started: noted

Every arrow is one conditional write of the schedule, so of all timers at the same moment one decides. What is noted
beside it may be noted again; and what is started, is started under the code of the slot, of which there is only one.
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
"""The newest of the slots that were missed is made up for, if it is not older than this."""

FIRST_LOOK = timedelta(minutes=1)
"""When a job is looked after for the first time, and while a slot waits for its end; then less and less often."""
_LONGEST_PAUSE = timedelta(hours=1)

_RUNNING = "The export before was still running."
_REPLACED = "It waited for the export before to end, and a newer slot took its place."
_MISSED = "The service did not get to it in time."


@dataclass(frozen=True, slots=True)
class Decision:
    """The schedule as it is to be from now on, and what is to be noted. Where it is `starting`, its slot gets a job."""

    after: Schedule
    notes: tuple[ScheduleRun, ...] = ()


def decide(schedule: Schedule, job: Job | None, now: datetime) -> Decision:
    """Decide about the slots that have come by `now`; the same again where nothing is to be done.

    Args:
        job: That of the schedule's last slot, if there is one.
    """
    if schedule.state.starting:
        return Decision(schedule)
    running = job is not None and not job.status.is_terminal
    looked = _look_after(schedule, job, now) if schedule.state.open else schedule
    taken = _take_slots(looked, now, running=running)
    return taken if running else Decision(_begin(taken.after, now), taken.notes)


def _look_after(schedule: Schedule, job: Job | None, now: datetime) -> Schedule:
    """See what became of the job; look again after a quarter of the time that has passed."""
    if job is None or _is_settled(schedule, job, now):
        return advance(schedule, job).with_state(open=False, check_date=None)
    if schedule.state.check_date is not None and schedule.state.check_date > now:
        return schedule
    pause = FIRST_LOOK if schedule.state.waiting_slot else (now - job.created_date) / 4
    return schedule.with_state(check_date=now + min(max(pause, FIRST_LOOK), _LONGEST_PAUSE))


def _is_settled(schedule: Schedule, job: Job, now: datetime) -> bool:
    """Say whether all is known: the job has ended, and its file, if that counts, was fetched or is gone."""
    if job.fetched_date is None and may_advance(schedule, job):
        return job.expiry_date is None or job.expiry_date <= now
    return job.status.is_terminal


def _take_slots(schedule: Schedule, now: datetime, *, running: bool) -> Decision:
    first = schedule.state.next_slot
    if first is None or first > now:
        return Decision(schedule)
    newest = _newest(schedule, first, now)
    notes = [] if newest == first else [run_of(schedule, first, RunOutcome.MISSED, now, _MISSED, until=newest or now)]
    after = schedule.with_state(next_slot=schedule.slot_after(now))
    if newest is None:
        return Decision(after, tuple(notes))
    if running and schedule.content.overlap is Overlap.SKIP:
        return Decision(after, (*notes, run_of(schedule, newest, RunOutcome.SKIPPED, now, _RUNNING)))
    if waiting := schedule.state.waiting_slot:
        notes.append(run_of(schedule, waiting, RunOutcome.SKIPPED, now, _REPLACED))
    return Decision(after.with_state(waiting_slot=newest, open=running, check_date=now + FIRST_LOOK), tuple(notes))


def _newest(schedule: Schedule, first: datetime, now: datetime) -> datetime | None:
    """Find the newest slot from `first` to `now`; None if it is too old to be made up for."""
    oldest = now - CATCH_UP
    newest = first if first >= oldest else None
    for slot in _slots_until(schedule, max(first, oldest - timedelta(seconds=1)), now):
        newest = slot
    return newest


def _slots_until(schedule: Schedule, after: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda slot: slot <= now, slots(schedule.content.cron, schedule.content.time_zone, after))


def _begin(schedule: Schedule, now: datetime) -> Schedule:
    """Let the slot that waits have its job. If whoever does so dies, another goes on when it is looked after."""
    slot = schedule.state.waiting_slot
    if slot is None:
        return schedule
    return schedule.with_state(
        waiting_slot=None,
        slot=slot,
        starting=True,
        open=True,
        check_date=now + FIRST_LOOK,
        counts=schedule.content.incremental,
    )
