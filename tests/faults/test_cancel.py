"""A job that is cancelled at any moment never completes, never gives out a file, soon stops, and publishes nothing.

The environment variable `CANCELS` sets the number of cancelled jobs, and `CANCEL_SEED` the moments.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from devhost.local.azurite import Azurite
from devhost.local.checks import under_ci
from shared.storage import StorageAccount
from tests.faults.conftest import AppVariant, StartSystem
from tests.support.http_client import Response
from tests.support.system import NORTHWIND, System, code_of
from tests.support.waiting import pause

CANCELS = int(os.environ.get("CANCELS", "8" if under_ci() else "4"))
SEED = int(os.environ.get("CANCEL_SEED", "1"))
LAST_READ_SECONDS, CLEAN_SECONDS = 20, 120
_log = logging.getLogger(__name__)


@dataclass
class Cancelled:
    """A cancelled job. The seconds count from the response to the cancellation, at the time `responded`."""

    location: str
    responded: float
    processed_items: int
    last_read_seconds: float = 0
    clean_seconds: float = 0


@dataclass
class Monitor:
    """A running system that records its reads of clients, and its storage."""

    system: System
    account: StorageAccount
    reads: Path
    too_late: int = 0
    cancelled: list[Cancelled] = field(default_factory=list)

    def blobs(self, location: str) -> set[str]:
        """Return the names of all blobs of a job that somebody could read. Staged blocks belong to none."""
        directory = f"{NORTHWIND}/{code_of(location)}/"
        listed = self.account.blobs.get_container_client("exports").list_blobs(directory)
        return {blob.name.removeprefix(directory) for blob in listed}

    def last_read(self) -> float:
        return float(self.reads.read_text().splitlines()[-1]) if self.reads.exists() else 0

    def has_ended(self, location: str) -> bool:
        """Return whether the orchestration has ended."""
        path = f"/runtime/webhooks/durabletask/instances/{code_of(location)}-1"
        return self.system.call("GET", path).json["runtimeStatus"] in ("Completed", "Failed", "Terminated")


@pytest.fixture
def monitor(start_system: StartSystem, app_with_logged_reads: AppVariant, azurite: Azurite) -> Iterator[Monitor]:
    root, settings = app_with_logged_reads
    quotas = {"EXPORT_MAX_JOBS_PER_DAY": "100000"}
    system = start_system(root, **settings, **quotas)
    account = StorageAccount(azurite.connection_string)
    yield Monitor(system, account, Path(settings["READ_LOG"]))
    account.blobs.close()


def test_a_job_cancelled_at_any_moment_soon_stops_and_publishes_nothing(monitor: Monitor) -> None:
    whole_seconds = min(seconds_of_a_job(monitor.system) for _ in range(2))
    random = Random(SEED)

    while len(monitor.cancelled) < CANCELS:
        # The machine may have been busier when the duration of a job was measured.
        cancel_after(monitor, random.uniform(0, whole_seconds * 0.8**monitor.too_late))
        assert monitor.too_late <= CANCELS + 3, "most jobs end before they are cancelled"

    _log.info(report(monitor, whole_seconds))
    assert max(job.last_read_seconds for job in monitor.cancelled) <= LAST_READ_SECONDS
    for job in monitor.cancelled:
        assert_cancelled(monitor.system, job)
        assert monitor.blobs(job.location) <= {"plan.json"}


def seconds_of_a_job(system: System) -> float:
    """Return how long an undisturbed job takes."""
    began = time.time()
    system.wait(system.start_async())
    return time.time() - began


def cancel_after(monitor: Monitor, seconds: float) -> None:
    """Start a job, cancel it after some seconds, and observe its end. A job that ends earlier does not count."""
    location = monitor.system.start_async()
    time.sleep(seconds)
    response = monitor.system.call("DELETE", location)
    responded = time.time()
    if response.status == 409:
        monitor.too_late += 1
        assert monitor.system.job(location)["status"] == "Completed"
        return
    assert_response_cancelled(response)
    job = Cancelled(location, responded, response.json["processedItems"])
    observe_end(monitor, job)
    monitor.cancelled.append(job)


def observe_end(monitor: Monitor, job: Cancelled) -> None:
    """Wait until the orchestration has ended and no file is published; the job must stay cancelled."""
    deadline = job.responded + CLEAN_SECONDS
    while not monitor.has_ended(job.location) or monitor.blobs(job.location) - {"plan.json"}:
        assert_cancelled(monitor.system, job)
        assert time.time() < deadline, f"{monitor.blobs(job.location)}\n{monitor.system.host.tail(40)}"
        pause(time.time() - job.responded)
    job.clean_seconds = time.time() - job.responded
    job.last_read_seconds = max(0.0, monitor.last_read() - job.responded)


def assert_response_cancelled(response: Response) -> None:
    assert response.status == 200, response
    assert (response.json["status"], response.json["downloadUrl"]) == ("Cancelled", None)


def assert_cancelled(system: System, cancelled: Cancelled) -> None:
    job: Any = system.job(cancelled.location)
    assert (job["status"], job["downloadUrl"]) == ("Cancelled", None)
    assert system.call("GET", f"{cancelled.location}/download").status == 409
    assert system.call("GET", f"{cancelled.location}/manifest").status == 409


def report(monitor: Monitor, whole_seconds: float) -> str:
    quarters = Counter(min(3, job.processed_items * 4 // 9_000) for job in monitor.cancelled if job.processed_items)
    return (
        f"{len(monitor.cancelled)} cancelled, {monitor.too_late} had ended; a whole job takes {whole_seconds:.2f} s; "
        f"cancelled before the first page {sum(not job.processed_items for job in monitor.cancelled)}, "
        f"then by quarter {[quarters[quarter] for quarter in range(4)]}; "
        f"last read at most {max(job.last_read_seconds for job in monitor.cancelled):.2f} s after the response; "
        f"no file left at most {max(job.clean_seconds for job in monitor.cancelled):.2f} s after it"
    )
