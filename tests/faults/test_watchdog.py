"""The watchdog on a running host: what was lost is started, what is dead or still goes on, zombies do no harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import StandIn, StartSystem
from tests.faults.test_crashes import assert_complete, part_way
from tests.support.system import EXPORT, NORTHWIND, System, download

IMPATIENT = {"EXPORT_START_GRACE_SECONDS": "0.5", "EXPORT_RETRY_TRIES": "2"}
LONG_STALL, SHORT_STALL = "1", "0.05"
"""Minutes: longer than a step takes on a busy machine, and no longer than a test wants to wait for a stall."""


@dataclass
class Rig:
    """A system whose steps can be held, and whose watchdog looks when told."""

    system: System
    folder: Path

    def hold(self, what: str) -> None:
        (self.folder / what).touch()

    def release(self, what: str) -> None:
        (self.folder / f"{what}.held").unlink()

    def wait_for(self, name: str) -> None:
        self.until((self.folder / name).exists)

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < deadline, self.system.host.tail(40)
            time.sleep(0.02)

    def terminate(self, location: str) -> None:
        """End the orchestration from outside, as an operator may, and see it ended."""
        path = f"/runtime/webhooks/durabletask/instances/{_code(location)}-1"
        assert self.system.call("POST", f"{path}/terminate?reason=test").status == 202
        self.until(lambda: self.system.call("GET", path).json["runtimeStatus"] == "Terminated")

    def watch(self, location: str, seconds: float = 120) -> tuple[Any, list[int]]:
        """Let the watchdog look twice a second until the job has ended; the job, and what was seen of its progress."""
        seen: list[int] = []

        def look(job: Any) -> bool:
            seen.append(job["processedItems"])
            self.system.call("POST", "/admin/functions/watch_jobs")
            time.sleep(0.5)
            return job["completedDate"] is not None

        return self.system.wait(location, look, seconds), seen


def _code(location: str) -> str:
    return location.rpartition("/")[2]


@pytest.fixture
def rig(start_system: StartSystem, holding_app: StandIn, request: pytest.FixtureRequest) -> Rig:
    root, settings = holding_app
    stall = getattr(request, "param", LONG_STALL)
    system = start_system(root, **settings, **IMPATIENT, EXPORT_STALL_MINUTES=stall)
    return Rig(system, Path(settings["HELD_STEPS"]))


def test_a_job_whose_start_was_lost_with_its_process_completes(rig: Rig, database_url: str) -> None:
    rig.hold("start")
    assert rig.system.start_export(prefer="respond-async").status >= 500
    (job,) = rig.system.call("GET", f"/tenants/{NORTHWIND}{EXPORT}?limit=1").json["data"]
    assert job["status"] == "Queued"
    job, _ = rig.watch(f"/tenants/{NORTHWIND}{EXPORT}/{job['code']}")
    assert_complete(job, database_url)


def test_a_job_whose_orchestration_was_ended_from_outside_completes_and_reads_no_page_twice(
    rig: Rig, database_url: str
) -> None:
    location = rig.system.start_async()
    before = rig.system.wait(location, part_way)["processedItems"]
    rig.terminate(location)
    job, seen = rig.watch(location)
    assert_complete(job, database_url)
    assert [before, *seen] == sorted([before, *seen])
    pages = rig.system.call("GET", f"{location}/manifest").json["pages"]
    assert {page["attempt"] for page in pages} == {1, 2}


@pytest.mark.parametrize("rig", [SHORT_STALL], indirect=True)
def test_a_job_with_a_page_that_hangs_completes_in_another_attempt_and_the_page_does_no_harm_when_it_wakes(
    rig: Rig, database_url: str
) -> None:
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


def test_a_commit_that_wakes_after_a_later_attempt_completed_changes_nothing(rig: Rig, database_url: str) -> None:
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


def test_a_commit_that_wakes_while_a_resumed_job_writes_costs_it_no_byte(rig: Rig, database_url: str) -> None:
    """The cancel has dropped the blocks the commit names; the resumed job holds one of its own, and stages the rest."""
    rig.hold("commit")
    location = rig.system.start_async()
    rig.wait_for("commit.held")
    assert rig.system.call("DELETE", location).json["status"] == "Cancelled"
    rig.hold("page")
    assert rig.system.call("POST", f"{location}/resume").status == 202
    rig.wait_for("page.held")
    rig.release("commit")
    rig.wait_for("commit.over")
    rig.release("page")
    assert_complete(rig.system.wait(location), database_url)
