"""Schedules come from their seed alone, and over some seeds everything happens."""

from __future__ import annotations

from collections import Counter

from tests.chaos.requests import BODIES as REQUESTS
from tests.chaos.schedule import (
    BODIES,
    Demand,
    Doubling,
    Effect,
    Kill,
    StorageFault,
    Target,
    Trouble,
    kind_of,
    make_schedule,
    without,
)

SEEDS = range(1, 201)


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert [make_schedule(seed).describe() for seed in SEEDS] == [make_schedule(seed).describe() for seed in SEEDS]


def test_different_seeds_give_different_schedules() -> None:
    assert len({make_schedule(seed).events for seed in SEEDS}) > len(SEEDS) * 9 // 10


def test_everything_that_can_happen_happens_within_two_hundred_seeds() -> None:
    kinds = Counter(kind_of(event) for seed in SEEDS for event in make_schedule(seed).events)
    wanted = {f"kill-{target}" for target in Target} | {f"source-{kind}" for kind in Trouble}
    wanted |= {demand.value for demand in Demand} | {"clock-forward", "clock-back", "receiver-trouble"}
    wanted |= {f"refused{status}" for status in (412, 429, 500, 503)} | {"answer-replaced500", "answer-replaced503"}
    wanted |= {effect.value for effect in (Effect.CUT_BEFORE, Effect.CUT_AFTER, Effect.DELAYED, Effect.LATE)}
    assert wanted == set(kinds)
    assert {make_schedule(seed).doubling for seed in SEEDS} == set(Doubling)


def test_a_host_is_killed_once_a_run_at_most() -> None:
    for seed in SEEDS:
        killed = [event.target for event in make_schedule(seed).events if isinstance(event, Kill)]
        assert all(killed.count(target) <= 1 for target in (Target.HOST, Target.STORAGE, Target.SOURCE))


def test_only_a_conditional_write_is_told_that_it_came_too_late() -> None:
    faults = [event for seed in SEEDS for event in make_schedule(seed).events if isinstance(event, StorageFault)]
    assert {fault.operation for fault in faults if fault.status == 412} == {"update exportjobs"}


def test_a_schedule_shows_its_seed_and_every_event() -> None:
    schedule = make_schedule(12)
    first, *lines = schedule.describe().splitlines()
    assert "seed 12" in first
    assert len(lines) == len(schedule.events) > 1


def test_an_event_can_be_left_out() -> None:
    schedule = make_schedule(12)
    assert without(schedule, 0).events == schedule.events[1:]


def test_every_name_of_a_request_is_known() -> None:
    assert set(BODIES) == set(REQUESTS)
