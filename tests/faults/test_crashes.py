"""An export gives one complete file, counted once, whichever process is killed and however often a step runs."""

from __future__ import annotations

from functools import partial
from typing import Any

import psutil
import pytest

from tests.faults.conftest import MANY_PAGES, AppVariant, StartSystem
from tests.support.expected import client_records, records
from tests.support.system import NORTHWIND, System, download, running_system


def assert_complete(job: Any, database_url: str) -> None:
    rows = records(download(job))[1:]
    assert job["status"] == "Completed"
    assert job["processedItems"] == job["totalItems"] == len(rows) == 9_000
    assert rows == client_records(database_url, NORTHWIND)


def part_way(job: Any) -> bool:
    """Return whether some of the pages are written, but not all."""
    return bool(job["processedItems"]) and job["processedItems"] < (job["totalItems"] or 0)


def start_part_way(system: System, body: Any) -> str:
    """Start an export of which some pages are written, but not all. On a busy machine an export may end unseen."""
    for _ in range(10):
        location = system.start_async(body)
        if system.wait(location, lambda job: part_way(job) or job["completedDate"])["status"] == "InProgress":
            return location
    pytest.fail("Every export ended before it was seen part way.")


def moved_on(seen: int, job: Any) -> bool:
    return job["processedItems"] > seen or job["completedDate"] is not None


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> bytes:
    """The file of an export without any fault."""
    with running_system(tmp_path_factory.mktemp("undisturbed"), database_url, MANY_PAGES) as system:
        return system.export()


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.thorough)])
def test_an_export_gives_identical_bytes_after_the_host_is_killed(
    start_system: StartSystem, undisturbed: bytes, database_url: str, kills: int
) -> None:
    system = start_system()
    location = system.start_async()
    seen = 0
    for _ in range(kills):
        job = system.wait(location, partial(moved_on, seen))
        assert job["status"] == "InProgress"
        seen = job["processedItems"]
        system.kill_host()
        system.start()

    job = system.wait(location)

    assert_complete(job, database_url)
    assert download(job) == undisturbed


def test_an_export_gives_identical_bytes_after_the_host_is_stopped_in_order(
    start_system: StartSystem, undisturbed: bytes, database_url: str
) -> None:
    system = start_system()
    location = system.start_async()
    system.wait(location, part_way)
    system.stop()
    system.start()

    job = system.wait(location)

    assert_complete(job, database_url)
    assert download(job) == undisturbed


@pytest.mark.thorough
def test_an_export_gives_identical_bytes_after_workers_are_killed(
    start_system: StartSystem, undisturbed: bytes, database_url: str
) -> None:
    system = start_system()
    location = system.start_async()
    system.wait(location, part_way)
    killed = {system.kill_a_worker()}
    system.wait(location, lambda job: part_way(job) or job["completedDate"])
    killed.add(system.kill_a_worker())

    job = system.wait(location)

    assert len(killed - {None}) == 2
    assert_complete(job, database_url)
    assert download(job) == undisturbed


@pytest.mark.thorough
def test_a_job_started_just_before_a_crash_is_not_lost(start_system: StartSystem, database_url: str) -> None:
    system = start_system()
    location = system.start_async()
    system.kill_host()
    system.start()

    assert_complete(system.wait(location), database_url)


@pytest.mark.thorough
def test_progress_never_falls_across_a_crash(start_system: StartSystem) -> None:
    system = start_system()
    location, seen = system.start_async(), list[int]()

    def watch(job: Any) -> bool:
        seen.append(job["processedItems"])
        return bool(job["completedDate"]) or (part_way(job) and not system.log.count("devhost ready") > 1)

    system.wait(location, watch)
    system.kill_host()
    system.start()
    system.wait(location, lambda job: seen.append(job["processedItems"]) or job["completedDate"])  # type: ignore[func-returns-value]

    assert seen == sorted(seen)
    assert seen[-1] == 9_000


def test_every_step_delivered_twice_gives_the_same_file_and_the_same_counts(
    start_system: StartSystem,
    app_with_doubled_steps: AppVariant,
    undisturbed: bytes,
    database_url: str,
) -> None:
    root, settings = app_with_doubled_steps
    system = start_system(root, **settings)

    job = system.wait(system.start_async())

    assert_complete(job, database_url)
    assert download(job) == undisturbed


@pytest.mark.thorough
def test_a_killed_host_leaves_no_worker_behind(start_system: StartSystem) -> None:
    system = start_system()
    workers = psutil.Process(system.host.pid).children(recursive=True)
    system.kill_host()

    _, alive = psutil.wait_procs(workers, timeout=60)
    assert workers
    assert not alive


@pytest.mark.thorough
def test_the_sum_of_a_crashed_wave_counts_each_page_once(start_system: StartSystem) -> None:
    """The status adds settled waves and pages in flight. After a crash, pages of both kinds run again."""
    system: System = start_system(EXPORT_WAVE_PAGES="2")
    location = system.start_async()
    system.wait(location, lambda job: job["processedItems"] >= 2_000)
    system.kill_host()
    system.start()

    job = system.wait(location)
    assert job["processedItems"] == job["totalItems"] == 9_000


@pytest.mark.thorough
def test_lost_blocks_are_written_again_and_progress_does_not_fall(
    start_system: StartSystem, app_with_lost_blocks: AppVariant, undisturbed: bytes, database_url: str
) -> None:
    root, settings = app_with_lost_blocks
    system = start_system(root, **settings)
    location, seen = system.start_async(), list[int]()

    def watch(job: Any) -> bool:
        seen.append(job["processedItems"])
        return job["completedDate"] is not None

    job = system.wait(location, watch)

    assert_complete(job, database_url)
    assert download(job) == undisturbed
    assert seen == sorted(seen)
    path = f"/runtime/webhooks/durabletask/instances/{job['code']}-1"
    assert '"losses": 1' in system.call("GET", path).json["input"]
