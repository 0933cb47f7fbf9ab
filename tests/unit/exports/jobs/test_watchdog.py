"""What the watchdog makes of what it sees."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from exports.jobs.watchdog import MOST_RETRIES, WRITING_TIME, Action, RunState, Timeouts, judge, watched
from tests.support.builders import NOON, a_job

PATIENCE = Timeouts(grace=timedelta(seconds=60), stall=timedelta(minutes=30))
SHORT, LONG, TOO_LONG = timedelta(seconds=59), timedelta(seconds=60), timedelta(minutes=30)


@pytest.mark.parametrize(
    ("state", "idle", "action"),
    [
        (RunState.MISSING, SHORT, Action.LEAVE),
        (RunState.MISSING, LONG, Action.START),
        (RunState.MISSING, TOO_LONG, Action.RETRY),
        (RunState.ALIVE, SHORT, Action.LEAVE),
        (RunState.ALIVE, LONG, Action.LEAVE),
        (RunState.ALIVE, TOO_LONG - timedelta(seconds=1), Action.LEAVE),
        (RunState.ALIVE, TOO_LONG, Action.RETRY),
        (RunState.DEAD, SHORT, Action.LEAVE),
        (RunState.DEAD, LONG, Action.RETRY),
        (RunState.DEAD, TOO_LONG, Action.RETRY),
    ],
)
def test_a_job_is_started_when_its_orchestration_is_missing_and_retried_when_it_is_dead_or_still(
    state: RunState, idle: timedelta, action: Action
) -> None:
    assert judge(a_job(), state, idle, PATIENCE) is action


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("idle", [SHORT, LONG, TOO_LONG])
def test_a_job_is_retried_a_few_times_and_then_failed(state: RunState, idle: timedelta) -> None:
    before = judge(a_job(retries=MOST_RETRIES - 1), state, idle, PATIENCE)
    after = judge(a_job(retries=MOST_RETRIES), state, idle, PATIENCE)
    assert after is (Action.FAIL if before is Action.RETRY else before)


def test_another_sign_is_progress_and_the_same_is_not() -> None:
    entry = watched(a_job().ref, NOON).observe("a", NOON + timedelta(minutes=1))
    same = entry.observe("a", NOON + timedelta(minutes=2))
    other = same.observe("b", NOON + timedelta(minutes=3))
    assert (entry.since, same.since, other.since) == (NOON, NOON, NOON + timedelta(minutes=3))
    assert [each.checked - NOON for each in (entry, same, other)] == [timedelta(minutes=n) for n in (1, 2, 3)]


def test_time_in_which_nobody_looked_is_not_time_without_progress() -> None:
    entry = watched(a_job().ref, NOON).observe("a", NOON + timedelta(minutes=1))
    assert entry.observe("a", NOON + timedelta(hours=8)).since == NOON + timedelta(hours=8)


def test_a_retry_leaves_what_its_user_sees_as_it_is() -> None:
    job = a_job().begin(NOON).plan(10).settle(2, 5)
    retried = job.retry()
    assert (retried.attempt, retried.retries) == (2, 1)
    assert (retried.status, retried.started_date, retried.total_items) == (job.status, NOON, 10)
    assert (retried.settled_pages, retried.settled_items) == (2, 5)


def test_a_resume_gives_the_watchdog_all_its_retries_again() -> None:
    job = a_job().retry().retry().cancel(NOON).resume()
    assert (job.attempt, job.retries) == (4, 0)


def test_no_process_can_be_so_old_that_an_entry_it_has_written_is_given_up() -> None:
    host = json.loads((Path(__file__).parents[4] / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) < WRITING_TIME
