"""An export of one page gives one complete file, whichever process dies at any effect of the step that exports it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import AppVariant, StartSystem, app_variant
from tests.support.expected import client_records, records
from tests.support.system import HARBOUR, NORTHWIND, System, code_of, download

pytestmark = pytest.mark.thorough

AT_ONCE = ("publish", "save_manifest", "complete", "add_due", "unwatch")
STEP_BY_STEP = ("save_plan", "stage", "record", "commit", "save_manifest", "complete")
"""The effects if the file cannot be published at once: a test lets storage refuse that."""

ONE_PAGE = {"EXPORT_BLOCK_BYTES": str(32 * 1024 * 1024), "EXPORT_START_GRACE_SECONDS": "2"}


@pytest.fixture
def app_with_dying_steps(tmp_path: Path) -> AppVariant:
    """A function app in which tests can kill steps, with files in the folder that its setting DYING_STEPS names."""
    root, settings = app_variant(tmp_path / "dying", "app_with_dying_steps.py")
    folder = tmp_path / "dying-steps"
    folder.mkdir()
    return root, settings | {"DYING_STEPS": str(folder)}


def assert_complete(job: Any, database_url: str) -> None:
    rows = records(download(job))[1:]
    assert job["status"] == "Completed"
    assert job["processedItems"] == job["totalItems"] == len(rows) == 9_000
    assert rows == client_records(database_url, NORTHWIND)


def activities_of(system: System, location: str) -> list[str]:
    """Return the names of the activities of a job's first attempt, in order."""
    path = f"/runtime/webhooks/durabletask/instances/{code_of(location)}-1?showHistory=true"
    events = system.call("GET", path).json["historyEvents"]
    return [event["FunctionName"] for event in events if event["EventType"] == "TaskCompleted"]


def has_ended(system: System, location: str) -> bool:
    path = f"/runtime/webhooks/durabletask/instances/{code_of(location)}-1"
    status: str = system.call("GET", path).json["runtimeStatus"]
    return status == "Completed"


def test_an_export_of_one_page_is_one_activity(start_system: StartSystem, database_url: str) -> None:
    system = start_system(**ONE_PAGE)
    location = system.start_async()
    assert_complete(system.wait(location), database_url)
    system.wait_until(lambda: has_ended(system, location))
    assert activities_of(system, location) == ["plan_or_export"]
    manifest = system.call("GET", f"{location}/manifest").json
    assert len(manifest["pages"]) == 1
    requests = manifest["cost"]["storageRequests"]
    assert requests["blobWrite"] >= 1, "the file"
    assert requests["tableWrite"] >= 1, "the job's row"


@pytest.mark.parametrize(("way", "effects"), [("at-once", AT_ONCE), ("step-by-step", STEP_BY_STEP)])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_export_of_one_page_survives_a_worker_that_dies_at_any_effect(
    start_system: StartSystem,
    app_with_dying_steps: AppVariant,
    database_url: str,
    moment: str,
    way: str,
    effects: tuple[str, ...],
) -> None:
    root, settings = app_with_dying_steps
    system = start_system(root, **settings, **ONE_PAGE, EXPORT_WAY=way)
    files = set()
    for effect in effects:
        order = Path(settings["DYING_STEPS"]) / f"{moment}-{effect}"
        order.write_text("worker", encoding="utf-8")
        location = system.start_async()
        job = system.wait(location)
        system.wait_until(partial(has_ended, system, location))
        assert not order.exists()
        assert_complete(job, database_url)
        files.add(download(job))
    assert len(files) == 1


@pytest.mark.parametrize(
    ("way", "moment"),
    [
        ("at-once", "before-publish"),
        ("at-once", "after-publish"),
        ("at-once", "after-complete"),
        ("step-by-step", "after-record"),
    ],
)
def test_an_export_of_one_page_survives_a_host_that_dies_within_its_step(
    start_system: StartSystem, app_with_dying_steps: AppVariant, database_url: str, way: str, moment: str
) -> None:
    root, settings = app_with_dying_steps
    system = start_system(root, **settings, **ONE_PAGE, EXPORT_WAY=way)
    order = Path(settings["DYING_STEPS"]) / moment
    order.write_text("host", encoding="utf-8")
    location = system.start_async()
    system.wait_until(lambda: not order.exists())
    system.host.wait()
    system.start()
    assert_complete(system.wait(location), database_url)
    system.wait_until(lambda: has_ended(system, location))


def test_every_step_of_a_small_export_may_run_twice(
    start_system: StartSystem, app_with_doubled_steps: AppVariant, database_url: str
) -> None:
    root, settings = app_with_doubled_steps
    system = start_system(root, **settings, **ONE_PAGE)
    assert_complete(system.wait(system.start_async()), database_url)


def test_small_exports_of_two_tenants_do_not_disturb_each_other(start_system: StartSystem, database_url: str) -> None:
    system = start_system(**ONE_PAGE, EXPORT_MAX_ACTIVE_JOBS="100")
    locations = [system.start_async(tenant=tenant) for tenant in (NORTHWIND, HARBOUR) * 5]
    jobs = [system.wait(location) for location in locations]
    for job in jobs[::2]:
        assert_complete(job, database_url)
    assert {job["status"] for job in jobs} == {"Completed"}
