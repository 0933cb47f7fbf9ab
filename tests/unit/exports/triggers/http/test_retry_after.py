"""`Retry-After` of a running job: the longer it will take, the longer the pause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exports.jobs.states import JobStatus
from exports.jobs.view import show_job
from exports.triggers.http.export_routes import retry_after
from tests.support.builders import NOON, a_job


@pytest.mark.parametrize(
    ("elapsed_seconds", "processed", "expected"),
    [
        (10, 500, 1),  # 10 s remain
        (100, 500, 10),  # 100 s
        (100, 250, 30),  # 300 s
        (100, 900, 1),  # 11 s
        (3600, 10, 30),  # 99 hours
        (1, 1000, 1),
    ],
)
def test_retry_after_is_a_tenth_of_the_estimated_remaining_time_from_1_to_30_s(
    elapsed_seconds: float, processed: int, expected: int
) -> None:
    job = a_job(status=JobStatus.IN_PROGRESS, started_date=NOON, total_items=1000)
    shown = show_job(job, processed, NOON + timedelta(seconds=elapsed_seconds))
    assert retry_after(shown) == {"Retry-After": str(expected)}


def test_without_an_estimate_retry_after_is_one_second() -> None:
    assert retry_after(show_job(a_job(), 0, NOON)) == {"Retry-After": "1"}
