"""When which data of a job that has ended is removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exports.jobs.failures import STALLED
from exports.jobs.job import Job
from exports.jobs.retention import BLOCK_LIFE, RetentionAction, RowsKept, first_due, next_due, retention_actions
from exports.request.body import NotifyDto
from exports.settings import Settings
from tests.support.builders import NOON, a_job

ROWS = RowsKept(timedelta(days=30), with_notify=timedelta(days=14))
COMPLETED = a_job().begin(NOON).complete(NOON, 1, 1, timedelta(hours=48))
CANCELLED, FAILED = a_job().cancel(NOON), a_job().fail(NOON, STALLED)


def _days(job: Job, keep: RowsKept = ROWS) -> list[tuple[float, RetentionAction]]:
    return [((moment - NOON) / timedelta(days=1), action) for moment, action in retention_actions(job, keep)]


def test_a_completed_job_loses_its_file_at_its_expiry_and_its_rows_later() -> None:
    assert _days(COMPLETED) == [(1, RetentionAction.HISTORY), (2, RetentionAction.FILE), (32, RetentionAction.ROWS)]


@pytest.mark.parametrize("job", [CANCELLED, FAILED])
def test_a_job_without_file_is_cleaned_up_soon_and_keeps_its_blocks_for_a_week(job: Job) -> None:
    first, *rest = _days(job)
    assert (round(first[0] * 24 * 60), first[1]) == (2, RetentionAction.CLEANUP)
    assert rest == [(1, RetentionAction.HISTORY), (7, RetentionAction.FILE), (37, RetentionAction.ROWS)]


@pytest.mark.parametrize("job", [COMPLETED, CANCELLED, FAILED])
def test_rows_are_removed_last_even_if_they_are_kept_for_no_time(job: Job) -> None:
    found = retention_actions(job, RowsKept(timedelta(0)))
    assert found == sorted(found, key=lambda each: each[0])
    assert found[-1][1] is RetentionAction.ROWS


@pytest.mark.parametrize(("days", "expected"), [(0, 14), (11.9, 14), (30, 32)])
def test_rows_of_a_job_with_notify_outlive_the_tries_of_its_notification(days: float, expected: float) -> None:
    notified = replace(COMPLETED, notify=NotifyDto(webhook_url="https://hooks.example/"))
    keep = RowsKept(timedelta(days=days), with_notify=timedelta(days=14))
    assert _days(notified, keep)[-1] == (expected, RetentionAction.ROWS)
    kept, action = _days(COMPLETED, keep)[-1]
    assert (round(kept, 3), action) == (days + 2, RetentionAction.ROWS)


def test_no_action_is_due_on_a_job_that_has_not_ended() -> None:
    assert retention_actions(a_job(), ROWS) == []
    assert first_due(a_job(), ROWS) is None


def test_due_actions_follow_one_another_to_the_last() -> None:
    moments: list[datetime] = []
    due = first_due(FAILED, ROWS)
    while due is not None:
        assert (due.tenant, due.code) == (FAILED.tenant, FAILED.code)
        moments.append(due.due)
        due = next_due(FAILED, ROWS, due.due)
    assert moments == [moment for moment, _ in retention_actions(FAILED, ROWS)]


def test_no_file_is_kept_longer_than_the_week_after_which_storage_deletes_it() -> None:
    longest = next(rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le"))
    assert timedelta(hours=longest) <= BLOCK_LIFE
