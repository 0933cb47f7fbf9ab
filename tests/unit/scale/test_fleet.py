"""The simulation loses no page and applies every limit, so its tables are as good as their inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.file.plan import MAX_BLOCKS
from exports.settings import read_settings
from tests.scale.chart import draw
from tests.scale.fleet import MEASURED, Fleet, Run
from tests.scale.kernel import Group, Process, Simulation, Slots, Station
from tests.scale.scenarios import Step, clients_of, top_of_the_hour

FLEET = Fleet(instances=20, instances_per_second=1_000, starts=10_000)


@given(
    st.lists(st.integers(0, 400_000), min_size=1, max_size=20),
    st.integers(1, 30),
    st.integers(1, 100),
    st.integers(1, 16),
)
def test_every_client_is_written_exactly_once(
    jobs: list[int], instances: int, wave_pages: int, partitions: int
) -> None:
    fleet = replace(FLEET, instances=instances, wave_pages=wave_pages, partitions=partitions)

    outcome = Run(fleet, jobs).outcome()

    assert outcome.rows == sum(jobs)
    assert outcome.pages >= len(jobs)
    assert all(0 <= share <= 1 + 1e-9 for share in outcome.utilisation.values())


@pytest.mark.parametrize(
    ("limit", "loose", "tight", "jobs"),
    [
        ("instances", 20, 2, [3_000_000]),
        ("wave_pages", 64, 1, [1_000_000]),
        ("source_rows", 1e9, 1e4, [1_000_000]),
        ("account_bytes", 1e12, 1e6, [1_000_000]),
        ("account_requests", 20_000, 20, [1_000] * 100),
        ("blob_requests", 500, 2, [1_000_000]),
        ("partition_entities", 2_000, 4, [1_000_000]),
        ("responses", 150, 2, [1_000_000]),
        ("queue_messages", 2_000, 10, [1_000] * 100),
        ("partitions", 16, 1, [1_000] * 300),
        ("scheduler_actions", 2_000.0, 10.0, [1_000] * 100),
        ("starts", 1_000, 2, [1_000] * 100),
        ("counted_at_most", 250, 100_000, [66_000] * 1_000),
        ("accounts", 16, 1, [1_000_000] * 16),
    ],
)
def test_a_tighter_limit_makes_the_run_slower(limit: str, loose: Any, tight: Any, jobs: list[int]) -> None:
    fleet = replace(FLEET, account_bytes=1e8) if limit == "accounts" else FLEET

    fast = Run(replace(fleet, **{limit: loose}), jobs).outcome()
    slow = Run(replace(fleet, **{limit: tight}), jobs).outcome()

    assert slow.seconds > fast.seconds * 1.1
    assert slow.rows == fast.rows


def test_the_deployed_fleet_has_the_defaults_of_the_settings() -> None:
    settings = read_settings({"EXPORT_STORAGE": "UseDevelopmentStorage=true", "CLIENTS_DATABASE_URL": "sqlite://"})

    assert (Fleet().block_bytes, Fleet().wave_pages) == (settings.block_bytes, settings.wave_pages)


@pytest.mark.parametrize(("clients", "activities", "episodes"), [(0, 1, 1), (21_845, 1, 1), (21_846, 4, 3)])
def test_a_job_of_one_page_is_one_activity_and_a_larger_one_ends_with_its_commit(
    clients: int, activities: int, episodes: int
) -> None:
    run = Run(FLEET, [clients])
    run.outcome()

    assert run.work_items.units == activities
    assert sum(station.units for station in run.control) == episodes


def test_no_run_is_faster_than_its_limits_allow() -> None:
    outcome = Run(replace(FLEET, source_rows=50_000), [2_000_000]).outcome()

    assert outcome.seconds >= 2_000_000 / 50_000
    assert outcome.first_limit == "clients from the source"


def test_a_file_never_has_more_than_the_maximum_number_of_blocks() -> None:
    fleet = replace(FLEET, instances=1_000, wave_pages=500, block_bytes=4 * 2**20)

    assert Run(fleet, [MAX_BLOCKS * 10_000], replace(MEASURED, seconds_per_row=0)).outcome().pages == MAX_BLOCKS


def test_a_plan_that_exceeds_the_statement_timeout_is_reported() -> None:
    fleet = replace(FLEET, instances=1_000)

    assert Run(fleet, [1_000_000]).outcome().failure is None
    numbered = replace(MEASURED, keys_per_second=3_600_000)
    assert "planning takes 278 s" in str(Run(fleet, [1_000_000_000], numbered).outcome().failure)


def test_the_top_of_the_hour_is_the_same_every_time() -> None:
    first, second = (list(top_of_the_hour(200)) for _ in range(2))

    assert first == second
    assert sum(clients_of(200)) == first[0].outcome.rows


def test_the_chart_has_a_bar_for_every_step() -> None:
    steps = [Step("a & b", Run(FLEET, [rows]).outcome()) for rows in (1_000, 100_000)]

    assert draw(steps, steps).count("<rect") == 4


def test_a_station_serves_one_process_after_the_other_at_its_rate() -> None:
    station = Station("a", 10)

    assert [station.serve(0), station.serve(0), station.serve(5, 20)] == pytest.approx([0.1, 0.2, 7.0])


def test_slots_are_handed_out_in_order_and_groups_are_waited_for() -> None:
    simulation, slots, order = Simulation(), Slots("a"), []

    def member(name: str) -> Process:
        yield slots
        taken_at = simulation.now
        yield simulation.now + 1
        simulation.free(slots, taken_at)
        order.append((name, simulation.now))

    def whole() -> Process:
        yield Group([member("a"), member("b"), member("c")])
        yield Group([])
        order.append(("whole", simulation.now))

    simulation.open(slots, 1, at=2)
    simulation.start(whole())
    simulation.run()

    assert order == [("a", 3), ("b", 4), ("c", 5), ("whole", 5)]
