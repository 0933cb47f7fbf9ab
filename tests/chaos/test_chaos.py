"""Some seeds, as `python3 dev.py chaos` runs many, and a planted bug that has to be found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.invariants import broken
from tests.chaos.planted import COUNTED_TWICE
from tests.chaos.rig import Rig
from tests.chaos.run import perform
from tests.chaos.schedule import Doubling, Schedule, make_schedule

SEEDS = (7, 17, 24, 39, 51, 66)
"""Chosen so that everything is killed, doubled, cut and asked for at least once, in little time."""

EVERY_STEP_TWICE = Schedule(0, "narrow", Doubling.TWICE, ())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    running = Rig(tmp_path_factory.mktemp("chaos"))
    yield running
    running.stop()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_broken_by_the_schedule_of(seed: int, rig: Rig) -> None:
    schedule = make_schedule(seed)

    assert broken(perform(rig, schedule)) == [], schedule.describe()


@pytest.mark.slow
def test_a_planted_bug_is_found(rig: Rig) -> None:
    """The schedule breaks nothing, but for the bug that a page counts as often as its step runs."""
    assert broken(perform(rig, EVERY_STEP_TWICE)) == []

    rig.plant(COUNTED_TWICE)
    try:
        wrong = broken(perform(rig, EVERY_STEP_TWICE))
    finally:
        rig.plant("")

    assert any(line.startswith("progress_never_falls_nor_passes_the_total") for line in wrong), wrong
