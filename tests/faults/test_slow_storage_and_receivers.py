"""Storage or receivers that hang hold up neither the status of a job, nor the health, nor an orchestrator.

The worker counts one core and has as many threads as the settings sample gives it. `test_slow_sources.py` says the same
of a source that hangs.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from devhost.local.paths import ROOT
from tests.chaos.schedule import Effect, StorageFault
from tests.chaos.storage import Storage
from tests.support.system import HARBOUR, NORTHWIND, System, app_settings, code_of
from tests.support.tar_pit import a_tar_pit
from tests.support.waiting import wait_until

pytestmark = pytest.mark.thorough

ACTIVITIES = 4
"""As many as run at once, by `host.json`."""
HANGING_SECONDS = 30.0
SECONDS_FOR_A_STATUS = 1.0
"""A generous limit for the median on a busy machine, and still far less than storage or a receiver hangs."""
SECONDS_FOR_A_STATUS_AT_BEST, TIMES_OF_A_STATUS = 0.1, 4
"""The quickest status takes no longer than this, or, on a slow machine, than a few times the quickest before."""
WRITES_OF_FILES = ("put block", "put blob", "put blocklist")
_log = logging.getLogger(__name__)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    running = Storage(tmp_path / "storage")
    yield running
    running.stop()


@contextmanager
def one_core(directory: Path, storage: str, database_url: str, **changes: str) -> Iterator[System]:
    """Run a system with one worker that counts one core, and with the number of threads of the settings sample."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    threads = {name: sample[name] for name in ("PYTHON_THREADPOOL_THREAD_COUNT",)}
    system = System(
        directory,
        app_settings(storage, database_url, DEVHOST_CORES="1", EXPORT_BLOCK_BYTES="65536", **threads, **changes),
        workers=1,
    )
    system.start_and_wait()
    try:
        yield system
    finally:
        system.discard()


def seconds_of(system: System, path: str) -> float:
    began = time.monotonic()
    assert system.call("GET", path).status == 200
    return time.monotonic() - began


def best_seconds(system: System) -> float:
    """Return how long the quickest status of a job takes while nothing hangs."""
    job = system.start_async()
    system.wait(job)
    return min(seconds_of(system, job) for _ in range(5))


def assert_responsive(system: System, job: str, what: str, before: float) -> str:
    """Check status, health and orchestrators; return the URL of a job whose orchestrator runs."""
    times = sorted(seconds_of(system, job) for _ in range(11))
    other = system.start_async()
    instance = f"/runtime/webhooks/durabletask/instances/{code_of(other)}-1"
    wait_until(lambda: system.call("GET", instance, key=None).json.get("runtimeStatus") in ("Running", "Completed"))
    best, usual = times[0], statistics.median(times)
    _log.info("a status while %s: at best %.0f ms, median %.0f ms", what, best * 1000, usual * 1000)
    assert best < max(SECONDS_FOR_A_STATUS_AT_BEST, TIMES_OF_A_STATUS * before)
    assert usual < SECONDS_FOR_A_STATUS
    assert seconds_of(system, "/health") < SECONDS_FOR_A_STATUS * 2
    return other


def test_hanging_storage_holds_up_neither_status_nor_health_nor_an_orchestrator(
    tmp_path: Path, storage: Storage, database_url: str
) -> None:
    with one_core(tmp_path, storage.connection_string, database_url) as system:
        before = best_seconds(system)
        record = storage.proxy.begin()
        storage.proxy.arm(
            [StorageFault(each, 0, 1000, Effect.DELAYED, seconds=HANGING_SECONDS) for each in WRITES_OF_FILES]
        )
        jobs = [system.start_async() for _ in range(ACTIVITIES)]
        wait_until(lambda: record.injected.total() >= ACTIVITIES)
        began = time.monotonic()
        other = assert_responsive(system, jobs[0], "storage hangs", before)
        still_hangs = time.monotonic() - began < HANGING_SECONDS
        storage.proxy.arm([])

        assert still_hangs
        assert {system.wait(job)["status"] for job in [*jobs, other]} == {"Completed"}


def test_hanging_receivers_hold_up_neither_status_nor_health_nor_an_orchestrator(
    tmp_path: Path, storage: Storage, database_url: str
) -> None:
    settings = {
        "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
        "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    with ExitStack() as stack:
        pits = [stack.enter_context(a_tar_pit()) for _ in range(ACTIVITIES + 1)]
        system = stack.enter_context(one_core(tmp_path, storage.connection_string, database_url, **settings))
        before = best_seconds(system)
        bodies = [{"filter": {"teamCodes": ["no-such-team"]}, "notify": {"webhookUrl": pit.url}} for pit in pits]
        jobs = [system.start_async(body, (NORTHWIND, HARBOUR)[number % 2]) for number, body in enumerate(bodies)]
        wait_until(lambda: sum(pit.open for pit in pits) > ACTIVITIES)
        other = assert_responsive(system, jobs[0], "receivers hang", before)
        tries = [len(pit.ids) for pit in pits]

        assert {system.wait(job)["status"] for job in [*jobs, other]} == {"Completed"}
        assert tries == [1] * len(pits), "a receiver got a second try, so the first has ended"
