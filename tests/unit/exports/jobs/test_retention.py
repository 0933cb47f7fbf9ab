"""When what becomes of a job that has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from exports.jobs.failures import STALLED
from exports.jobs.job import Job
from exports.jobs.retention import BLOCK_LIFE, RetentionAction, first_due, next_due, retention_actions
from exports.settings import Settings
from tests.support.builders import NOON, a_job

ROWS = timedelta(days=30)
COMPLETED = a_job().begin(NOON).complete(NOON, 1, 1, timedelta(hours=48))
CANCELLED, FAILED = a_job().cancel(NOON), a_job().fail(NOON, STALLED)


def _days(job: Job, keep_rows: timedelta = ROWS) -> list[tuple[float, RetentionAction]]:
    return [((moment - NOON) / timedelta(days=1), what) for moment, what in retention_actions(job, keep_rows)]


def test_the_file_of_a_completed_job_goes_when_it_expires_and_its_rows_later() -> None:
    assert _days(COMPLETED) == [(1, RetentionAction.HISTORY), (2, RetentionAction.FILE), (32, RetentionAction.ROWS)]


@pytest.mark.parametrize("job", [CANCELLED, FAILED])
def test_a_job_without_file_is_tidied_soon_and_can_be_resumed_as_long_as_its_blocks_live(job: Job) -> None:
    tidy, *rest = _days(job)
    assert (round(tidy[0] * 24 * 60), tidy[1]) == (2, RetentionAction.TIDY)
    assert rest == [(1, RetentionAction.HISTORY), (7, RetentionAction.FILE), (37, RetentionAction.ROWS)]


@pytest.mark.parametrize("job", [COMPLETED, CANCELLED, FAILED])
def test_rows_go_last_however_short_they_are_kept(job: Job) -> None:
    found = retention_actions(job, timedelta(0))
    assert found == sorted(found, key=lambda each: each[0])
    assert found[-1][1] is RetentionAction.ROWS


def test_nothing_is_due_of_a_job_that_has_not_ended() -> None:
    assert retention_actions(a_job(), ROWS) == []
    assert first_due(a_job(), ROWS) is None


def test_what_is_due_comes_one_after_the_other_and_then_nothing_more() -> None:
    moments: list[datetime] = []
    due = first_due(FAILED, ROWS)
    while due is not None:
        assert (due.tenant, due.code) == (FAILED.tenant, FAILED.code)
        moments.append(due.due)
        due = next_due(FAILED, ROWS, due.due)
    assert moments == [moment for moment, _ in retention_actions(FAILED, ROWS)]


def test_a_file_is_never_kept_longer_than_a_week_so_that_storage_can_be_told_to_delete_what_is_older() -> None:
    longest = next(rule.le for rule in Settings.model_fields["keep_hours"].metadata if hasattr(rule, "le"))
    assert timedelta(hours=longest) <= BLOCK_LIFE
