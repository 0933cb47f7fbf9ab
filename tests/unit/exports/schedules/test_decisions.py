"""Every due slot is started, skipped or missed exactly once, however often and late the timer fires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exports.jobs.failures import INTERRUPTED
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.schedules.cron import slots
from exports.schedules.decisions import CATCH_UP, FIRST_CHECK, decide
from exports.schedules.runs import RunOutcome, ScheduleRun
from exports.schedules.schedule import Schedule, ScheduleState
from tests.support.builders import NOON, a_job, a_schedule

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLOT = NOON + 90 * MINUTE
RUNNING = a_job(status=JobStatus.IN_PROGRESS, created_date=SLOT - DAY)
ENDED = a_job(status=JobStatus.COMPLETED, created_date=SLOT - DAY, downloaded_date=SLOT - DAY)


def recorded(runs: tuple[ScheduleRun, ...]) -> list[tuple[str, datetime, datetime | None]]:
    return [(run.outcome, run.slot, run.until) for run in runs]


def hourly(**changes: Any) -> Schedule:
    return a_schedule(cron="0 * * * *", **changes)


def test_nothing_happens_before_the_slot() -> None:
    schedule = a_schedule()
    for job in (None, RUNNING, ENDED):
        assert decide(schedule, job, SLOT - MINUTE).after == schedule


def test_a_due_slot_is_started_and_the_next_slot_is_a_day_later() -> None:
    for job in (None, ENDED):
        decision = decide(a_schedule(), job, SLOT + timedelta(seconds=7))
        state = decision.after.state
        assert (state.slot, state.starting, state.open, state.waiting_slot) == (SLOT, True, True, None)
        assert (state.next_slot, decision.runs) == (SLOT + DAY, ())


def test_a_slot_that_is_being_started_is_left_alone() -> None:
    starting = decide(a_schedule(), None, SLOT).after
    assert decide(starting, None, SLOT + DAY).after == starting
    assert decide(starting, RUNNING, SLOT + DAY).after == starting


def test_a_starting_slot_is_checked_a_minute_later_in_case_its_starter_dies() -> None:
    assert decide(a_schedule(), None, SLOT).after.due_date == SLOT + FIRST_CHECK


# --- overlap


def test_a_slot_is_skipped_and_recorded_while_the_previous_export_runs() -> None:
    decision = decide(a_schedule(), RUNNING, SLOT)
    assert recorded(decision.runs) == [(RunOutcome.SKIPPED, SLOT, None)]
    assert (decision.after.state.starting, decision.after.state.next_slot) == (False, SLOT + DAY)


def test_a_queued_slot_starts_when_the_previous_export_has_ended() -> None:
    waiting = decide(a_schedule(overlap="queue"), RUNNING, SLOT)
    assert (waiting.after.state.waiting_slot, waiting.after.state.starting, waiting.runs) == (SLOT, False, ())
    assert waiting.after.due_date == SLOT + FIRST_CHECK
    still = decide(waiting.after, RUNNING, SLOT + MINUTE).after
    assert (still.state.waiting_slot, still.due_date) == (SLOT, SLOT + MINUTE + FIRST_CHECK)
    begun = decide(still, ENDED, SLOT + 2 * MINUTE).after.state
    assert (begun.slot, begun.starting, begun.waiting_slot) == (SLOT, True, None)


def test_a_waiting_slot_is_due_again_at_the_very_next_minute_of_the_timer() -> None:
    decided = SLOT + timedelta(milliseconds=400)  # the timer has asked for due schedules a moment before it decides
    waiting = decide(a_schedule(overlap="queue"), RUNNING, decided).after
    for minute in range(1, 4):
        assert waiting.due_date is not None
        assert waiting.due_date <= SLOT + minute * MINUTE
        waiting = decide(waiting, RUNNING, decided + minute * MINUTE).after


def test_at_most_one_slot_waits_and_a_newer_one_replaces_it() -> None:
    waiting = decide(a_schedule(overlap="queue"), RUNNING, SLOT).after
    for job in (RUNNING, ENDED):
        decision = decide(waiting, job, SLOT + DAY)
        assert recorded(decision.runs) == [(RunOutcome.SKIPPED, SLOT, None)]
        assert SLOT + DAY in (decision.after.state.waiting_slot, decision.after.state.slot)


def test_a_slot_that_waits_for_a_resumed_job_starts_when_the_job_has_ended() -> None:
    closed = a_schedule(overlap="queue", state=ScheduleState(next_slot=SLOT, slot=SLOT - DAY, open=False))
    waiting = decide(closed, RUNNING, SLOT).after
    assert decide(waiting, ENDED, SLOT + MINUTE).after.state.slot == SLOT


# --- pause


def paused(schedule: Schedule) -> Schedule:
    return schedule.update(schedule.content.model_copy(update={"enabled": False}), SLOT)


def test_a_slot_that_waits_when_its_schedule_is_paused_is_skipped_and_recorded() -> None:
    waiting = paused(decide(a_schedule(overlap="queue"), RUNNING, SLOT).after)
    for job in (RUNNING, ENDED):
        decision = decide(waiting, job, SLOT + MINUTE)
        assert recorded(decision.runs) == [(RunOutcome.SKIPPED, SLOT, None)]
        state = decision.after.state
        assert (state.waiting_slot, state.starting, state.open) == (None, False, job is RUNNING)
        assert decide(decision.after, job, SLOT + HOUR).runs == ()


def test_a_starting_slot_without_a_job_is_skipped_if_its_schedule_is_paused() -> None:
    starting = paused(decide(a_schedule(), None, SLOT).after)
    decision = decide(starting, None, SLOT + MINUTE)
    assert recorded(decision.runs) == [(RunOutcome.SKIPPED, SLOT, None)]
    assert (decision.after.state.starting, decision.after.due_date) == (False, None)
    assert decide(starting, RUNNING, SLOT + MINUTE).after == starting


# --- missed slots


def test_the_newest_missed_slot_is_started_and_the_others_are_one_recorded_run() -> None:
    first, now = NOON + HOUR, NOON + 5 * HOUR + MINUTE
    decision = decide(hourly(), None, now)
    assert recorded(decision.runs) == [(RunOutcome.MISSED, first, NOON + 5 * HOUR)]
    assert (decision.after.state.slot, decision.after.state.next_slot) == (NOON + 5 * HOUR, NOON + 6 * HOUR)


def test_a_slot_older_than_the_catch_up_time_is_missed() -> None:
    on_time, late = SLOT + CATCH_UP, SLOT + CATCH_UP + timedelta(seconds=1)
    yearly = a_schedule(cron="30 13 31 1 *")
    assert decide(yearly, None, on_time).after.state.slot == SLOT
    decision = decide(yearly, None, late)
    assert recorded(decision.runs) == [(RunOutcome.MISSED, SLOT, late)]
    assert (decision.after.state.starting, decision.after.state.slot) == (False, None)
    assert decision.after.state.next_slot == datetime(2027, 1, 31, 13, 30, tzinfo=UTC)


def test_a_slot_of_exactly_the_catch_up_age_is_started() -> None:
    weekly = a_schedule(cron="30 13 * * SAT", state=ScheduleState(next_slot=SLOT - 7 * DAY))
    decision = decide(weekly, None, SLOT + CATCH_UP)
    assert recorded(decision.runs) == [(RunOutcome.MISSED, SLOT - 7 * DAY, SLOT)]
    assert decision.after.state.slot == SLOT


def test_years_without_the_service_give_one_recorded_run_and_one_job() -> None:
    now = NOON + 3 * 365 * DAY
    decision = decide(a_schedule(cron="*/5 * * * *"), None, now)
    assert recorded(decision.runs) == [(RunOutcome.MISSED, NOON + 5 * MINUTE, now)]
    assert decision.after.state.slot == now


# --- checking the job


def checked(job: Job | None, now: datetime, **changes: Any) -> ScheduleState:
    state = ScheduleState(slot=SLOT - DAY, open=True, check_date=SLOT - DAY, counts=True)
    schedule = a_schedule(incremental=True, state=state.model_copy(update=changes))
    return decide(schedule, job, now).after.state


def test_a_job_is_checked_less_often_as_it_gets_older() -> None:
    began = RUNNING.created_date
    for passed, pause in ((MINUTE, FIRST_CHECK), (8 * MINUTE, 2 * MINUTE), (DAY, HOUR)):
        assert checked(RUNNING, began + passed).check_date == began + passed + pause


def test_a_job_that_has_ended_is_not_checked_again() -> None:
    for job in (ENDED, None, replace(ENDED, status=JobStatus.CANCELLED)):
        state = checked(job, SLOT)
        assert (state.open, state.check_date) == (False, None)


def test_only_a_completed_and_downloaded_job_advances_the_watermark() -> None:
    before = NOON - DAY
    assert checked(ENDED, SLOT, watermark=before).watermark == ENDED.created_date
    failed = replace(ENDED, status=JobStatus.FAILED, failure=INTERRUPTED)
    for job in (failed, replace(ENDED, status=JobStatus.CANCELLED), None, RUNNING):
        assert checked(job, SLOT, watermark=before).watermark == before
    assert checked(ENDED, SLOT, watermark=before, counts=False).watermark == before
    assert checked(replace(ENDED, downloaded_date=None), SLOT, watermark=before).watermark == before


def test_a_job_that_counts_is_checked_until_its_file_is_downloaded_or_expires() -> None:
    unfetched = replace(ENDED, downloaded_date=None, expiry_date=SLOT + DAY)
    waiting = checked(unfetched, SLOT)
    assert (waiting.open, waiting.check_date) == (True, SLOT + HOUR)
    for job, now, counts in ((ENDED, SLOT, True), (unfetched, SLOT + DAY, True), (unfetched, SLOT, False)):
        assert not checked(job, now, counts=counts).open


# --- any sequence of timers and failures


@dataclass
class World:
    """A schedule, the jobs of its slots and the recorded runs, as timers and failures change them."""

    schedule: Schedule
    jobs: dict[datetime, Job] = field(default_factory=dict)
    runs: list[ScheduleRun] = field(default_factory=list)

    def last_job(self) -> Job | None:
        slot = self.schedule.state.slot
        return self.jobs.get(slot) if slot else None

    def tick(self, now: datetime, *, dies: bool) -> None:
        """Decide, then start the job; or die between the two."""
        decision = decide(self.schedule, self.last_job(), now)
        self.schedule = decision.after
        self.runs += decision.runs
        state = self.schedule.state
        if state.starting and not dies:
            assert state.slot is not None
            assert not any(not job.status.is_terminal for job in self.jobs.values())
            self.jobs.setdefault(state.slot, a_job(created_date=now, status=JobStatus.IN_PROGRESS))
            self.schedule = self.schedule.with_state(starting=False, check_date=now + MINUTE)

    def end_jobs(self) -> None:
        self.jobs = {slot: replace(job, status=JobStatus.COMPLETED) for slot, job in self.jobs.items()}

    def play(self, begin: datetime, steps: list[tuple[int, str]]) -> Iterator[ScheduleState]:
        """Let events happen, each some minutes after the one before. Yield the state after each event."""
        now = begin
        for minutes, event in steps:
            now += minutes * MINUTE
            if event == "end":
                self.end_jobs()
            else:
                self.tick(now, dies=event == "die")
            yield self.schedule.state

    def outcomes(self, slot: datetime) -> list[str]:
        """Return everything that happened to a slot."""
        found = ["started"] if slot in self.jobs else []
        found += [run.outcome for run in self.runs if run.slot == slot or run.slot <= slot < (run.until or run.slot)]
        state = self.schedule.state
        if slot == state.waiting_slot or (state.starting and slot == state.slot and slot not in self.jobs):
            found.append("pending")
        return found


STEPS = st.lists(
    st.tuples(st.integers(0, 40 * 60), st.sampled_from(["tick", "tick", "tick", "die", "end"])), max_size=30
)
CRONS = st.sampled_from(["*/5 * * * *", "0 * * * *", "30 1 * * *", "0 1,2 * * *", "*/20 2 * * *", "0 3 * * 1"])
ZONES = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"])
BEGINS = st.sampled_from(
    [datetime(2026, month, day, tzinfo=UTC) for month, day in ((1, 31), (3, 28), (10, 24), (4, 4))]
)


@given(CRONS, ZONES, BEGINS, st.sampled_from(["skip", "queue"]), STEPS)
def test_every_slot_has_exactly_one_outcome(
    cron: str, zone: str, begin: datetime, overlap: str, steps: list[tuple[int, str]]
) -> None:
    first = next(slots(cron, zone, begin))
    schedule = a_schedule(cron=cron, time_zone=zone, overlap=overlap, state=ScheduleState(next_slot=first))
    world = World(schedule)
    for _ in world.play(begin, steps):
        pass
    undecided = world.schedule.state.next_slot
    assert undecided is not None
    for slot in takewhile(lambda slot: slot < undecided, slots(cron, zone, begin)):
        assert len(world.outcomes(slot)) == 1, (slot, world.outcomes(slot))


@given(STEPS)
def test_a_schedule_with_an_open_job_always_has_a_next_check(steps: list[tuple[int, str]]) -> None:
    for state in World(hourly(overlap="queue")).play(NOON, steps):
        assert (state.check_date is not None) == (state.open or state.starting)
        assert not state.waiting_slot or state.open
