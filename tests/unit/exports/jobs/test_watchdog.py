"""The decisions of the watchdog."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from exports.jobs.watchdog import MAX_RETRIES, MAX_WRITE_TIME, Action, RunState, Timeouts, judge, watched
from tests.support.builders import NOON, a_job

TIMEOUTS = Timeouts(grace=timedelta(seconds=60), stall=timedelta(minutes=30))
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
def test_the_watchdog_starts_a_missing_orchestration_and_retries_a_dead_or_idle_one(
    state: RunState, idle: timedelta, action: Action
) -> None:
    assert judge(a_job(), state, idle, TIMEOUTS) is action


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("idle", [SHORT, LONG, TOO_LONG])
def test_the_watchdog_fails_a_job_after_its_last_retry(state: RunState, idle: timedelta) -> None:
    before = judge(a_job(retries=MAX_RETRIES - 1), state, idle, TIMEOUTS)
    after = judge(a_job(retries=MAX_RETRIES), state, idle, TIMEOUTS)
    assert after is (Action.FAIL if before is Action.RETRY else before)


def test_a_new_fingerprint_is_progress_and_the_same_is_not() -> None:
    entry = watched(a_job().ref, NOON).observe("a", NOON + timedelta(minutes=1))
    same = entry.observe("a", NOON + timedelta(minutes=2))
    other = same.observe("b", NOON + timedelta(minutes=3))
    assert (entry.since, same.since, other.since) == (NOON, NOON, NOON + timedelta(minutes=3))
    assert [each.checked - NOON for each in (entry, same, other)] == [timedelta(minutes=n) for n in (1, 2, 3)]


def test_time_without_a_watchdog_does_not_count_as_time_without_progress() -> None:
    entry = watched(a_job().ref, NOON).observe("a", NOON + timedelta(minutes=1))
    assert entry.observe("a", NOON + timedelta(hours=8)).since == NOON + timedelta(hours=8)


def test_an_entry_from_a_host_whose_clock_was_ahead_does_not_hide_a_dead_job() -> None:
    ahead = watched(a_job().ref, NOON + timedelta(days=1)).observe("a", NOON + timedelta(days=1))
    entry = ahead.observe("a", NOON)
    assert entry.since == NOON
    assert entry.observe("a", NOON + timedelta(minutes=2)).since == NOON


def test_a_retry_changes_nothing_that_the_user_sees() -> None:
    job = a_job().begin(NOON).plan(10).settle(2, 5)
    retried = job.retry()
    assert (retried.attempt, retried.retries) == (2, 1)
    assert (retried.status, retried.started_date, retried.total_items) == (job.status, NOON, 10)
    assert (retried.settled_pages, retried.settled_items) == (2, 5)


def test_a_resume_resets_the_retries_of_the_watchdog() -> None:
    job = a_job().retry().retry().cancel(NOON).resume()
    assert (job.attempt, job.retries) == (4, 0)


def test_no_process_lives_long_enough_to_have_its_entry_given_up() -> None:
    host = json.loads((Path(__file__).parents[4] / "host.json").read_text(encoding="utf-8"))
    hours, minutes, seconds = map(int, host["functionTimeout"].split(":"))
    assert timedelta(hours=hours, minutes=minutes, seconds=seconds) < MAX_WRITE_TIME
