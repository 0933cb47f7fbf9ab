"""The watchdog on a running host starts lost jobs and restarts dead or stalled ones; old attempts do no harm."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import AppVariant, StartSystem
from tests.faults.test_crashes import assert_complete, part_way
from tests.support.system import EXPORT, NORTHWIND, System, code_of, download

pytestmark = pytest.mark.thorough

SHORT_TIMEOUTS = {"EXPORT_START_GRACE_SECONDS": "0.5", "EXPORT_RETRY_TRIES": "2"}
LONG_STALL, SHORT_STALL = "1", "0.05"
"""Minutes: one is longer than a step takes on a busy machine, the other short enough to wait for in a test."""


@dataclass
class Rig:
    """A system whose steps a test can hold, and whose watchdog a test can run."""

    system: System
    folder: Path

    def hold(self, effect: str) -> None:
        (self.folder / effect).touch()

    def release(self, effect: str) -> None:
        (self.folder / f"{effect}.held").unlink()

    def wait_for(self, name: str) -> None:
        self.system.wait_until((self.folder / name).exists)

    def terminate(self, location: str) -> None:
        """Terminate the orchestration, as an operator can, and wait until it has ended."""
        path = f"/runtime/webhooks/durabletask/instances/{code_of(location)}-1"
        assert self.system.call("POST", f"{path}/terminate?reason=test").status == 202
        self.system.wait_until(lambda: self.system.call("GET", path).json["runtimeStatus"] == "Terminated")

    def watch(self, location: str, seconds: float = 120) -> tuple[Any, list[int]]:
        """Run the watchdog twice a second until the job has ended; return the job and the progress it showed."""
        seen: list[int] = []

        def run_watchdog(job: Any) -> bool:
            seen.append(job["processedItems"])
            self.system.call("POST", "/admin/functions/tick")
            time.sleep(0.5)
            return job["completedDate"] is not None

        return self.system.wait(location, run_watchdog, seconds), seen


@pytest.fixture
def rig(start_system: StartSystem, app_with_held_steps: AppVariant, request: pytest.FixtureRequest) -> Rig:
    root, settings = app_with_held_steps
    stall = getattr(request, "param", LONG_STALL)
    system = start_system(root, **settings, **SHORT_TIMEOUTS, EXPORT_STALL_MINUTES=stall)
    return Rig(system, Path(settings["HELD_STEPS"]))


def test_a_job_whose_process_died_before_the_start_completes(rig: Rig, database_url: str) -> None:
    rig.hold("start")
    assert rig.system.start_export(prefer="respond-async").status >= 500
    (job,) = rig.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}?limit=1").json["data"]
    assert job["status"] == "Queued"
    job, _ = rig.watch(f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}")
    assert_complete(job, database_url)


def test_a_job_whose_orchestration_was_terminated_completes_in_another_attempt(rig: Rig, database_url: str) -> None:
    location = rig.system.start_async()
    before = rig.system.wait(location, part_way)["processedItems"]
    rig.terminate(location)
    job, seen = rig.watch(location)
    assert_complete(job, database_url)
    assert [before, *seen] == sorted([before, *seen])
    manifest = rig.system.call("GET", f"{location}/manifest").json
    attempts = [page["attempt"] for page in manifest["pages"]]
    # pages that were being written at the termination may have been the last ones
    assert (manifest["attempt"], attempts[0], {*attempts} <= {1, 2}) == (2, 1, True)


@pytest.mark.parametrize("rig", [SHORT_STALL], indirect=True)
def test_a_job_with_a_hanging_page_completes_and_the_late_page_does_no_harm(rig: Rig, database_url: str) -> None:
    rig.hold("page")
    location = rig.system.start_async()
    rig.wait_for("page.held")
    job, seen = rig.watch(location)
    assert_complete(job, database_url)
    assert seen == sorted(seen)

    rig.release("page")
    rig.wait_for("page.over")
    job = rig.system.job(location)
    assert_complete(job, database_url)


def test_a_late_commit_of_an_older_attempt_changes_nothing(rig: Rig, database_url: str) -> None:
    rig.hold("commit")
    location = rig.system.start_async()
    rig.wait_for("commit.held")
    rig.terminate(location)
    job, _ = rig.watch(location)
    assert_complete(job, database_url)
    file, manifest = download(job), rig.system.call("GET", f"{location}/manifest").body

    rig.release("commit")
    rig.wait_for("commit.over")
    job = rig.system.job(location)
    assert_complete(job, database_url)
    assert download(job) == file
    assert rig.system.call("GET", f"{location}/manifest").body == manifest


def test_a_late_commit_does_not_damage_a_resumed_job(rig: Rig, database_url: str) -> None:
    """The resumed job finds all its pages written and ends. Only then does the held commit take place."""
    rig.hold("commit")
    location = rig.system.start_async()
    rig.wait_for("commit.held")
    assert rig.system.call("DELETE", location).json["status"] == "Cancelled"
    assert rig.system.call("POST", f"{location}/resume").status == 202
    assert_complete(rig.system.wait(location), database_url)
    rig.release("commit")
    rig.wait_for("commit.over")
    assert_complete(rig.system.wait(location), database_url)
