"""When the request for a small export reads its job for the first time."""

from __future__ import annotations

import pytest

from exports.jobs.wait_history import SHORTEST_PAUSE_SECONDS, WaitHistory


def _history(*waits: float) -> WaitHistory:
    history = WaitHistory()
    for seconds in waits:
        history.add(seconds)
    return history


def test_the_first_read_of_a_new_process_comes_as_early_as_any_job_can_end() -> None:
    assert _history().first_pause_seconds() == SHORTEST_PAUSE_SECONDS


def test_the_first_read_comes_shortly_before_the_shortest_of_the_last_jobs_ended() -> None:
    assert _history(0.3, 0.2, 0.9).first_pause_seconds() == pytest.approx(0.18)


def test_the_first_read_is_never_earlier_than_any_job_can_end() -> None:
    assert _history(0.01).first_pause_seconds() == SHORTEST_PAUSE_SECONDS


def test_a_large_job_does_not_delay_the_answers_for_small_ones() -> None:
    assert _history(*[1.5] * 8).first_pause_seconds() == SHORTEST_PAUSE_SECONDS
    assert _history(0.2, *[9.9] * 8).first_pause_seconds() == pytest.approx(0.18)


def test_when_jobs_become_faster_the_first_read_comes_earlier_within_a_few_jobs() -> None:
    history = _history(*[0.8] * 8)
    for _ in range(30):
        history.add(max(history.first_pause_seconds(), 0.1))
    assert history.first_pause_seconds() == pytest.approx(0.09)


def test_when_jobs_become_slower_eight_of_them_move_the_first_read() -> None:
    assert _history(*[0.1] * 8, *[0.5] * 8).first_pause_seconds() == pytest.approx(0.45)
