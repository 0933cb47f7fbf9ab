"""A schedule depends only on its seed, and two hundred seeds contain every kind of event."""

from __future__ import annotations

from collections import Counter

from tests.chaos.requests import BODIES as REQUESTS
from tests.chaos.schedule import (
    BODIES,
    CallerAction,
    Delivery,
    Effect,
    Kill,
    SourceEffect,
    StorageFault,
    Target,
    kind_of,
    make_schedule,
    without,
)

SEEDS = range(1, 201)


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert [make_schedule(seed).describe() for seed in SEEDS] == [make_schedule(seed).describe() for seed in SEEDS]


def test_different_seeds_give_different_schedules() -> None:
    assert len({make_schedule(seed).events for seed in SEEDS}) > len(SEEDS) * 9 // 10


def test_two_hundred_seeds_contain_every_kind_of_event() -> None:
    kinds = Counter(kind_of(event) for seed in SEEDS for event in make_schedule(seed).events)
    wanted = {f"kill-{target}" for target in Target} | {f"source-{kind}" for kind in SourceEffect}
    wanted |= {action.value for action in CallerAction} | {"clock-forward", "clock-back", "receiver-fault"}
    wanted |= {f"refused{status}" for status in (412, 429, 500, 503)} | {"answer-replaced500", "answer-replaced503"}
    wanted |= {effect.value for effect in (Effect.CUT_BEFORE, Effect.CUT_AFTER, Effect.DELAYED, Effect.LATE)}
    assert wanted == set(kinds)
    assert {make_schedule(seed).delivery for seed in SEEDS} == set(Delivery)


def test_a_run_kills_each_process_at_most_once_except_workers() -> None:
    for seed in SEEDS:
        killed = [event.target for event in make_schedule(seed).events if isinstance(event, Kill)]
        assert all(killed.count(target) <= 1 for target in (Target.HOST, Target.STORAGE, Target.SOURCE))


def test_only_conditional_writes_get_a_412() -> None:
    faults = [event for seed in SEEDS for event in make_schedule(seed).events if isinstance(event, StorageFault)]
    assert {fault.operation for fault in faults if fault.status == 412} == {"update exportjobs"}


def test_a_schedule_shows_its_seed_and_every_event() -> None:
    schedule = make_schedule(12)
    first, *lines = schedule.describe().splitlines()
    assert "seed 12" in first
    assert len(lines) == len(schedule.events) > 1


def test_an_event_can_be_removed() -> None:
    schedule = make_schedule(12)
    assert without(schedule, 0).events == schedule.events[1:]


def test_every_named_request_exists() -> None:
    assert set(BODIES) == set(REQUESTS)
