"""Cancelled at any moment: never completed, never readable, soon quiet, and nothing left behind.

`CANCELS` sets how many jobs are cancelled, `CANCEL_SEED` at which moments.
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
from shared.storage import StorageAccount
from tests.faults.conftest import StandIn, StartSystem
from tests.support.http_client import Response
from tests.support.system import NORTHWIND, System

CANCELS = int(os.environ.get("CANCELS", "8"))
SEED = int(os.environ.get("CANCEL_SEED", "1"))
LAST_READ_SECONDS, CLEAN_SECONDS = 20, 120
_log = logging.getLogger(__name__)


@dataclass
class Cancelled:
    """A job whose cancel was answered, and what was seen of it afterwards. Spans count from the answer."""

    location: str
    answered: float
    processed_items: int
    last_read_seconds: float = 0
    clean_seconds: float = 0


@dataclass
class Watch:
    """A running system whose reads of clients are noted, and its storage."""

    system: System
    account: StorageAccount
    reads: Path
    too_late: int = 0
    cancelled: list[Cancelled] = field(default_factory=list)

    def blobs(self, location: str) -> set[str]:
        """Names of all there is of a job's blobs, committed or not."""
        directory = f"{NORTHWIND}/{_code(location)}/"
        listed = self.account.blobs.get_container_client("exports").list_blobs(directory, ["uncommittedblobs"])
        return {blob.name.removeprefix(directory) for blob in listed}

    def last_read(self) -> float:
        return float(self.reads.read_text().splitlines()[-1]) if self.reads.exists() else 0

    def has_ended(self, location: str) -> bool:
        """Whether the orchestration is over."""
        path = f"/runtime/webhooks/durabletask/instances/{_code(location)}-1"
        return self.system.call("GET", path).json["runtimeStatus"] in ("Completed", "Failed", "Terminated")


def _code(location: str) -> str:
    return location.rpartition("/")[2]


@pytest.fixture
def watch(start_system: StartSystem, watching_app: StandIn, azurite: Azurite) -> Iterator[Watch]:
    root, settings = watching_app
    quotas = {"EXPORT_MAX_JOBS_PER_DAY": "100000"}
    system = start_system(root, **settings, **quotas)
    account = StorageAccount(azurite.connection_string)
    yield Watch(system, account, Path(settings["WATCHED_READS"]))
    account.blobs.close()


def test_a_job_cancelled_at_any_moment_never_completes_is_soon_quiet_and_leaves_nothing(watch: Watch) -> None:
    whole_seconds = min(seconds_of_a_job(watch.system) for _ in range(2))
    chance = Random(SEED)

    while len(watch.cancelled) < CANCELS:
        cancel_after(watch, chance.uniform(0, whole_seconds))
        assert watch.too_late <= CANCELS + 3, "most jobs end before they are cancelled"

    _log.info(report(watch, whole_seconds))
    assert max(job.last_read_seconds for job in watch.cancelled) <= LAST_READ_SECONDS
    for job in watch.cancelled:
        assert_cancelled(watch.system, job)
        assert watch.blobs(job.location) <= {"plan.json"}


def seconds_of_a_job(system: System) -> float:
    """How long an undisturbed job takes."""
    begun = time.time()
    system.wait(system.start_async())
    return time.time() - begun


def cancel_after(watch: Watch, seconds: float) -> None:
    """Start a job, cancel it after some seconds, and see it end; a job that has ended before does not count."""
    location = watch.system.start_async()
    time.sleep(seconds)
    answer = watch.system.call("DELETE", location)
    answered = time.time()
    if answer.status == 409:
        watch.too_late += 1
        assert watch.system.job(location)["status"] == "Completed"
        return
    assert_cancels(answer)
    job = Cancelled(location, answered, answer.json["processedItems"])
    watch_the_end(watch, job)
    watch.cancelled.append(job)


def watch_the_end(watch: Watch, job: Cancelled) -> None:
    """Look on until the orchestration has ended and nothing of the file is left."""
    deadline = job.answered + CLEAN_SECONDS
    while not watch.has_ended(job.location) or watch.blobs(job.location) - {"plan.json"}:
        assert_cancelled(watch.system, job)
        assert time.time() < deadline, f"{watch.blobs(job.location)}\n{watch.system.host.tail(40)}"
    job.clean_seconds = time.time() - job.answered
    job.last_read_seconds = max(0.0, watch.last_read() - job.answered)


def assert_cancels(answer: Response) -> None:
    assert answer.status == 200, answer
    assert (answer.json["status"], answer.json["downloadUrl"]) == ("Cancelled", None)


def assert_cancelled(system: System, cancelled: Cancelled) -> None:
    job: Any = system.job(cancelled.location)
    assert (job["status"], job["downloadUrl"]) == ("Cancelled", None)
    assert system.call("GET", f"{cancelled.location}/download").status == 409
    assert system.call("GET", f"{cancelled.location}/manifest").status == 409


def report(watch: Watch, whole_seconds: float) -> str:
    quarters = Counter(min(3, job.processed_items * 4 // 9_000) for job in watch.cancelled if job.processed_items)
    return (
        f"{len(watch.cancelled)} cancelled, {watch.too_late} had ended; a whole job takes {whole_seconds:.2f} s; "
        f"cancelled before the first page {sum(not job.processed_items for job in watch.cancelled)}, "
        f"then by quarter {[quarters[quarter] for quarter in range(4)]}; "
        f"last read at most {max(job.last_read_seconds for job in watch.cancelled):.2f} s after the answer; "
        f"clean at most {max(job.clean_seconds for job in watch.cancelled):.2f} s after it"
    )
