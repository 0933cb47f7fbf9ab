"""Running jobs survive a deployment: at every episode the code schedules the work that a recorded history contains.

A replay by itself does not notice if the history contains another activity than the code schedules now. So these tests
replay each prefix of a history and compare the scheduled work with the recorded work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from exports.workflow import export_job, export_wave, webhook_delivery
from tests.replay.record import HISTORIES
from tests.support.orchestrators import (
    CREATED_CHILD,
    CREATED_TIMER,
    SCHEDULED_ACTIVITY,
    STARTED,
    Event,
    Scheduled,
    parsed,
    replay,
    scheduled_by,
)

FILES = sorted(HISTORIES.rglob("*.json"))


class ReplayMismatchError(AssertionError):
    """The code schedules other work than the history contains."""


def episodes(events: list[Event]) -> Iterator[tuple[list[Event], list[Scheduled]]]:
    """Yield for each episode the history that it was given and all work that was scheduled by its end."""
    starts = [index for index, event in enumerate(events) if event["EventType"] == STARTED]
    for stop in [*starts[1:], len(events)]:
        so_far = events[:stop]
        last = max(start for start in starts if start < stop)
        given = so_far[:last] + [event for event in so_far[last:] if recorded(event) is None]
        yield given, [work for work in map(recorded, so_far) if work is not None]


def recorded(event: Event) -> Scheduled | None:
    """Return the work that an event schedules, or None if it schedules none."""
    kind = event["EventType"]
    if kind == CREATED_TIMER:
        return Scheduled(kind, at=datetime.fromisoformat(event["FireAt"]))
    if kind in (SCHEDULED_ACTIVITY, CREATED_CHILD):
        return Scheduled(kind, event["Name"], parsed(event["Input"]))
    return None


def check(history: dict[str, Any]) -> int:
    """Replay every episode of a history. Return the number of episodes."""
    count = 0
    for given, expected in episodes(history["events"]):
        scheduled = scheduled_by(replay(history["orchestrator"], given, history["instance"]))
        if scheduled != expected:
            message = f"{history['orchestrator']} schedules {scheduled[-1:]}, but the history contains {expected[-1:]}"
            raise ReplayMismatchError(message)
        count += 1
    return count


def load(file: Path) -> list[dict[str, Any]]:
    histories: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return histories


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_present_code_schedules_exactly_the_work_in_a_recorded_history(file: Path) -> None:
    histories = load(file)

    assert histories
    assert all(check(history) >= 2 for history in histories)


def test_every_kind_of_job_has_a_recorded_history() -> None:
    in_steps = {"one-wave", "three-waves", "source-down", "notified", "throttled"}
    assert {file.stem for file in FILES} >= in_steps | {"small", "small-throttled"}


@pytest.mark.parametrize(
    ("module", "constant"),
    [
        (export_job, "PLAN_OR_EXPORT"),
        (export_job, "PLAN_PAGES"),
        (export_job, "COMMIT_FILE"),
        (export_job, "RECORD_PROGRESS"),
        (export_job, "START_NOTIFICATION"),
        (export_wave, "WRITE_PAGE"),
        (webhook_delivery, "SEND_WEBHOOK"),
    ],
)
def test_a_renamed_activity_is_detected(monkeypatch: pytest.MonkeyPatch, module: Any, constant: str) -> None:
    monkeypatch.setattr(module, constant, "renamed")

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_a_wave_size_that_ignores_the_input_is_detected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = export_job._next_wave

    def in_smaller_waves(context: Any, run: Any, before: Any) -> Any:
        smaller = run.limits.model_copy(update={"wave_pages": 3})
        return real(context, run.model_copy(update={"limits": smaller}), before)

    monkeypatch.setattr(export_job, "_next_wave", in_smaller_waves)

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


@pytest.mark.parametrize("small_at_once", [True, None])
def test_a_first_step_that_ignores_the_input_is_detected(
    monkeypatch: pytest.MonkeyPatch, small_at_once: bool | None
) -> None:
    real = export_job._plan
    monkeypatch.setattr(
        export_job,
        "_plan",
        lambda context, run: real(context, run.model_copy(update={"small_at_once": small_at_once})),
    )

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_changed_retry_pauses_are_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.retry_policy import RetryPolicy

    real = RetryPolicy.pause
    monkeypatch.setattr(RetryPolicy, "pause", lambda policy, tries, seed: 2 * real(policy, tries, seed))

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_a_throttled_wave_that_is_not_halved_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.orchestration import ConcurrencyLimiter

    monkeypatch.setattr(ConcurrencyLimiter, "slow_down", lambda limiter, in_flight: None)

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]
