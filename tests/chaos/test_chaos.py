"""Runs some of the seeds that `python3 dev.py chaos` runs, and finds a planted bug."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.invariants import violations
from tests.chaos.planted import COUNTED_TWICE
from tests.chaos.rig import Rig
from tests.chaos.run import perform
from tests.chaos.schedule import (
    CallerAction,
    Delivery,
    Effect,
    Schedule,
    SourceEffect,
    Target,
    kind_of,
    make_schedule,
)

SEEDS = (24, 17, 12, 64, 66, 71)
"""Chosen so that together they contain every kill, every delivery, cut connections and calls, in little time."""

EVERY_STEP_TWICE = Schedule(0, "narrow", Delivery.TWICE, ())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    running = Rig(tmp_path_factory.mktemp("chaos"))
    yield running
    running.stop()


def test_the_seeds_contain_every_kill_every_delivery_cut_connections_and_calls() -> None:
    schedules = [make_schedule(seed) for seed in SEEDS]
    kinds = {kind_of(event) for schedule in schedules for event in schedule.events}
    calls = {CallerAction.CANCEL, CallerAction.CANCEL_AND_RESUME, CallerAction.SAME_KEY, CallerAction.SLOT}
    cuts = {Effect.CUT_BEFORE, Effect.CUT_AFTER, f"source-{SourceEffect.CUT}"}
    assert kinds >= calls | cuts | {f"kill-{target}" for target in Target}
    assert {schedule.delivery for schedule in schedules} == set(Delivery)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.thorough) for seed in SEEDS[1:])])
def test_no_invariant_is_broken_by_the_schedule_of_a_seed(seed: int, rig: Rig) -> None:
    schedule = make_schedule(seed)

    assert violations(perform(rig, schedule)) == [], schedule.describe()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_planted_bug_is_found(rig: Rig) -> None:
    """The schedule breaks no invariant, until a bug counts a page as often as its step runs."""
    assert violations(perform(rig, EVERY_STEP_TWICE)) == []

    rig.plant(COUNTED_TWICE)
    try:
        found = violations(perform(rig, EVERY_STEP_TWICE))
    finally:
        rig.plant("")

    assert any(line.startswith("progress_never_falls_or_exceeds_the_total") for line in found), found
