"""A source that hangs holds up neither the status of a job, nor the health, nor an orchestrator of another job.

The worker counts one core and has as many threads as the settings sample gives it. The source hangs because another
session has locked the table of the clients, so every read of it waits in the database.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from devhost.local.azurite import Azurite
from devhost.local.paths import ROOT
from exports.commands.sample.database import create_sample_database
from exports.steps.upkeep.health_cache import FRESH_SECONDS
from tests.contract.client_stores import empty_schema
from tests.support.system import EXPORT, NORTHWIND, System, app_settings, code_of
from tests.support.waiting import wait_until

pytestmark = pytest.mark.thorough

SECONDS_FOR_A_STATUS = 1.0
"""A generous limit for the median on a busy machine, and still far less than the source hangs."""
SECONDS_FOR_A_STATUS_AT_BEST, TIMES_OF_A_STATUS = 0.1, 4
"""The quickest status takes no longer than this, or, on a slow machine, than a few times the quickest before."""
ACTIVITIES = 4
"""As many as run at once, by `host.json`."""
_log = logging.getLogger(__name__)


@pytest.fixture
def source_url(postgres_url: str) -> Iterator[str]:
    with empty_schema(postgres_url) as schema:
        url = schema.set(drivername="postgresql").render_as_string(hide_password=False)
        create_sample_database(url, 1_000, (NORTHWIND,), seed=1)
        yield url


@pytest.fixture
def one_core(tmp_path: Path, azurite: Azurite, source_url: str) -> Iterator[System]:
    """A system with one worker that counts one core, and with the number of threads of the settings sample."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    threads = {name: sample[name] for name in ("PYTHON_THREADPOOL_THREAD_COUNT",)}
    settings = app_settings(azurite.connection_string, source_url, DEVHOST_CORES="1", **threads)
    system = System(tmp_path, settings, workers=1)
    system.start_and_wait()
    yield system
    system.stop()


def seconds_of(system: System, path: str) -> float:
    began = time.monotonic()
    assert system.call("GET", path).status == 200
    return time.monotonic() - began


def waiting_reads(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    assert found is not None
    return int(found[0])


def test_five_hanging_reads_hold_up_neither_status_nor_health_nor_an_orchestrator(
    one_core: System, source_url: str
) -> None:
    job = one_core.start_async()
    one_core.wait(job)
    before = min(seconds_of(one_core, job) for _ in range(5))
    with psycopg.connect(source_url) as holder, ThreadPoolExecutor(2) as pool:
        holder.execute("LOCK TABLE clients IN ACCESS EXCLUSIVE MODE")
        jobs = [one_core.start_async() for _ in range(ACTIVITIES)]
        estimates = [pool.submit(one_core.call, "POST", f"/tenants/{NORTHWIND}{EXPORT}/estimate", {}) for _ in range(2)]
        wait_until(lambda: waiting_reads(holder) >= ACTIVITIES + 2)

        times = sorted(seconds_of(one_core, jobs[0]) for _ in range(11))
        other = one_core.start_async()
        instance = f"/runtime/webhooks/durabletask/instances/{code_of(other)}-1"
        wait_until(lambda: one_core.call("GET", instance, key=None).json.get("runtimeStatus") == "Running")
        time.sleep(FRESH_SECONDS)  # until the report from before the source hung is too old for a caller with a key
        health = one_core.call("GET", "/health")

        assert waiting_reads(holder) >= ACTIVITIES + 2
        holder.rollback()
        statuses = {one_core.wait(job)["status"] for job in [*jobs, other]}
        answers = {estimate.result().status for estimate in estimates}

    best, usual = times[0], statistics.median(times)
    _log.info("a status while the source hangs: at best %.0f ms, median %.0f ms", best * 1000, usual * 1000)
    assert best < max(SECONDS_FOR_A_STATUS_AT_BEST, TIMES_OF_A_STATUS * before)
    assert usual < SECONDS_FOR_A_STATUS
    unhealthy = [found["name"] for found in health.json["dependencies"] if found["status"] == "Unhealthy"]
    assert (health.status, unhealthy) == (503, ["clients"])
    assert (statuses, answers) == ({"Completed"}, {200})
