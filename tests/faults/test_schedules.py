"""A slot starts one export: with two hosts at once, with a worker that dies in between, and after a downtime."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from tests.faults.conftest import AppVariant, StartSystem, app_variant
from tests.support.schedules import StoreEditor, edit_stores, fire, save, wait_for_run
from tests.support.system import HARBOUR, code_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def editor(azurite: Azurite) -> Iterator[StoreEditor]:
    with edit_stores(azurite.connection_string) as editor:
        yield editor


@pytest.fixture
def app_with_dying_starts(tmp_path: Path) -> AppVariant:
    """A function app whose worker dies once after it has stored a job and before it starts the orchestration."""
    root, settings = app_variant(tmp_path / "dying", "app_with_dying_starts.py")
    return root, settings | {"DIED": str(tmp_path / "died")}


def test_timers_of_two_hosts_at_the_same_time_start_one_export(start_system: StartSystem, editor: StoreEditor) -> None:
    systems = [start_system() for _ in range(2)]
    for _ in range(3):
        location = save(systems[0])
        slot = editor.let_slot_come(location)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(fire, systems))
        job = wait_for_run(systems[0], location)
        assert job["status"] == "Completed"
        assert editor.jobs_of(location) == [job["code"]]
        (run,) = systems[0].job(f"{location}/runs")["data"]
        assert (run["outcome"], run["jobCode"]) == ("Started", job["code"])
        assert run["slotDate"].startswith(f"{slot:%Y-%m-%dT%H:%M:%S}")


def test_the_next_timer_starts_a_job_whose_worker_died_after_storing_it(
    start_system: StartSystem, editor: StoreEditor, app_with_dying_starts: AppVariant
) -> None:
    root, settings = app_with_dying_starts
    system = start_system(root, **settings)
    location = save(system)
    editor.let_slot_come(location)
    fire(system)
    system.wait_until(lambda: Path(settings["DIED"]).exists() and editor.jobs_of(location), 60)
    editor.let_time_pass(location, timedelta(minutes=2))
    fire(system)

    job = wait_for_run(system, location)

    assert job["status"] == "Completed"
    assert editor.jobs_of(location) == [job["code"]]


def test_a_slot_missed_while_the_host_was_down_is_started_later(start_system: StartSystem, editor: StoreEditor) -> None:
    system = start_system()
    location = save(system)
    system.kill_host()
    editor.let_slot_come(location)
    system.start()
    system.wait_for_any_response()
    fire(system)

    job = wait_for_run(system, location)

    assert (job["status"], job["scheduleCode"]) == ("Completed", code_of(location))
    assert job["fileName"].startswith(f"clients-{HARBOUR}-")
