"""Jobs in flight survive a deployment: the code of today schedules what the recorded histories say, at every episode.

Replay by itself does not notice that history holds another activity than the code schedules now. So each prefix of a
history is replayed, and what the orchestrator schedules is compared with what was recorded.
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
    """The code schedules something else than the history holds."""


def episodes(events: list[Event]) -> Iterator[tuple[list[Event], list[Scheduled]]]:
    """Yield, for each episode, the history it was given and all work that was scheduled by its end."""
    starts = [index for index, event in enumerate(events) if event["EventType"] == STARTED]
    for stop in [*starts[1:], len(events)]:
        so_far = events[:stop]
        last = max(start for start in starts if start < stop)
        given = so_far[:last] + [event for event in so_far[last:] if recorded(event) is None]
        yield given, [work for work in map(recorded, so_far) if work is not None]


def recorded(event: Event) -> Scheduled | None:
    """Read an event that stands for scheduled work."""
    kind = event["EventType"]
    if kind == CREATED_TIMER:
        return Scheduled(kind, at=datetime.fromisoformat(event["FireAt"]))
    if kind in (SCHEDULED_ACTIVITY, CREATED_CHILD):
        return Scheduled(kind, event["Name"], parsed(event["Input"]))
    return None


def check(history: dict[str, Any]) -> int:
    """Replay every episode of a history; the number of episodes."""
    count = 0
    for given, expected in episodes(history["events"]):
        scheduled = scheduled_by(replay(history["orchestrator"], given, history["instance"]))
        if scheduled != expected:
            message = f"{history['orchestrator']} schedules {scheduled[-1:]}, history holds {expected[-1:]}"
            raise ReplayMismatchError(message)
        count += 1
    return count


def load(file: Path) -> list[dict[str, Any]]:
    histories: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return histories


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_the_code_of_today_schedules_what_a_recorded_history_holds(file: Path) -> None:
    histories = load(file)

    assert histories
    assert all(check(history) >= 2 for history in histories)


def test_there_are_histories_of_every_kind_of_job() -> None:
    assert {file.stem for file in FILES} >= {"one-wave", "three-waves", "source-down", "notified", "throttled"}


@pytest.mark.parametrize(
    ("module", "constant"),
    [
        (export_job, "COMMIT_FILE"),
        (export_job, "RECORD_PROGRESS"),
        (export_job, "START_NOTIFICATION"),
        (export_wave, "WRITE_PAGE"),
        (webhook_delivery, "SEND_WEBHOOK"),
    ],
)
def test_the_check_bites_when_an_activity_is_renamed(
    monkeypatch: pytest.MonkeyPatch, module: Any, constant: str
) -> None:
    monkeypatch.setattr(module, constant, "renamed")

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_the_check_bites_when_the_size_of_waves_is_no_longer_taken_from_the_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = export_job._next_wave

    def in_smaller_waves(context: Any, run: Any, before: Any) -> Any:
        smaller = run.limits.model_copy(update={"wave_pages": 3})
        return real(context, run.model_copy(update={"limits": smaller}), before)

    monkeypatch.setattr(export_job, "_next_wave", in_smaller_waves)

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_the_check_bites_when_retry_pauses_change(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.retry_policy import RetryPolicy

    real = RetryPolicy.pause
    monkeypatch.setattr(RetryPolicy, "pause", lambda policy, tries, seed: 2 * real(policy, tries, seed))

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]


def test_the_check_bites_when_a_throttled_wave_is_no_longer_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.orchestration import ConcurrencyLimiter

    monkeypatch.setattr(ConcurrencyLimiter, "slow_down", lambda pace, in_flight: None)

    with pytest.raises(ReplayMismatchError):
        [check(history) for file in FILES for history in load(file)]
