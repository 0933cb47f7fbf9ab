"""One slot, one export: two hosts at once, a worker that dies in the middle, a host that was down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from devhost.local.azurite import Azurite
from tests.faults.conftest import StandIn, StartSystem, app_in_place
from tests.support.schedules import StoreEditor, edit_stores, fire, save, wait_for_run
from tests.support.system import HARBOUR


@pytest.fixture
def editor(azurite: Azurite) -> Iterator[StoreEditor]:
    with edit_stores(azurite.connection_string) as editor:
        yield editor


@pytest.fixture
def dying_app(tmp_path: Path) -> StandIn:
    """A function app whose worker dies once between storing a job and starting it."""
    root, settings = app_in_place(tmp_path / "dying", "app_of_dying_starts.py")
    return root, settings | {"DIED": str(tmp_path / "died")}


def test_timers_of_two_hosts_at_once_start_one_export(start_system: StartSystem, editor: StoreEditor) -> None:
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


def test_a_job_that_was_stored_by_a_worker_that_died_is_started_by_the_next_timer(
    start_system: StartSystem, editor: StoreEditor, dying_app: StandIn
) -> None:
    root, settings = dying_app
    system = start_system(root, **settings)
    location = save(system)
    editor.let_slot_come(location)
    fire(system)
    deadline = time.monotonic() + 60
    while not (Path(settings["DIED"]).exists() and editor.jobs_of(location)):
        assert time.monotonic() < deadline, system.host.tail(40)
        time.sleep(0.05)
    editor.let_time_pass(location, timedelta(minutes=2))
    fire(system)

    job = wait_for_run(system, location)

    assert job["status"] == "Completed"
    assert editor.jobs_of(location) == [job["code"]]


def test_a_slot_that_came_while_the_host_was_down_is_made_up_for(
    start_system: StartSystem, editor: StoreEditor
) -> None:
    system = start_system()
    location = save(system)
    system.kill_host()
    editor.let_slot_come(location)
    system.start()
    system.wait_for_any_response()
    fire(system)

    job = wait_for_run(system, location)

    assert (job["status"], job["scheduleCode"]) == ("Completed", location.rpartition("/")[2])
    assert job["fileName"].startswith(f"clients-{HARBOUR}-")
