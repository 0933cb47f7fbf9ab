"""Records the outcome of a slot: in the history of runs and in the schedule."""

from __future__ import annotations

from exports.schedules.decisions import FIRST_CHECK
from exports.schedules.runs import KEEP_RUNS, ScheduleRun
from exports.schedules.schedule import Schedule
from exports.services import Services
from shared.events import emit


def record_run(services: Services, run: ScheduleRun) -> None:
    """Add a run to the history and log it. Safe to run twice."""
    services.runs.record(run)
    emit(
        "schedule.run",
        tenant=run.tenant,
        job=run.job_code,
        schedule=run.schedule_code,
        status=run.outcome,
        slot=run.slot,
    )


def complete_start(services: Services, schedule: Schedule, run: ScheduleRun) -> None:
    """Record the outcome of a start, remove old runs, and mark in the schedule that the start is over.

    Safe to run twice: the schedule is not changed if it has a newer slot, or if this outcome was written before.
    """
    now = services.now()
    record_run(services, run)
    services.runs.forget(schedule.ref, now - KEEP_RUNS)

    def alter(current: Schedule) -> Schedule:
        is_written = not current.state.starting and run.job_code in (None, current.state.last_job_code)
        if current.state.slot != run.slot or is_written:
            return current
        if run.job_code is None:
            return current.with_state(starting=False, open=False, check_date=None)
        last = {"last_run_date": run.noted_date, "last_job_code": run.job_code}
        return current.with_state(starting=False, open=True, check_date=now + FIRST_CHECK, **last)

    services.schedules.change(schedule.tenant, schedule.code, alter)
