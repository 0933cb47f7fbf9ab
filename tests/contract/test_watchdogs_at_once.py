"""Concurrent watchdogs on real tables: together they start each attempt once."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.watch import TableWatchIndex
from exports.jobs.watchdog import MAX_RETRIES, watched
from exports.services import Services
from exports.steps.upkeep.watch_jobs import watch_jobs
from shared.storage import StorageAccount
from tests.support.builders import NOON, a_job
from tests.support.fake_durable import MemoryOrchestrationClient
from tests.support.fakes import a_services

WATCHDOGS, JOBS = 4, 5


def test_concurrent_watchdogs_start_each_attempt_once_and_fail_each_job_in_the_end(account: StorageAccount) -> None:
    fakes, keeper, name = a_services(EXPORT_RETRY_TRIES=1), MemoryOrchestrationClient(), f"once{uuid4().hex}"
    jobs, index = TableJobStore(account, f"j{name}"), TableWatchIndex(account, f"w{name}")
    services: Services = replace(fakes, jobs=jobs, watch=index)  # type: ignore[arg-type]
    stored = [a_job() for _ in range(JOBS)]
    for job in stored:
        index.watch(watched(job.ref, NOON))
        jobs.create(job)

    def watch(_: int) -> None:
        asyncio.run(watch_jobs(services, keeper))

    with ThreadPoolExecutor(WATCHDOGS) as pool:
        for _ in range(2 * MAX_RETRIES + 6):
            fakes.now.advance(minutes=2)
            list(pool.map(watch, range(WATCHDOGS)))
            keeper.statuses = dict.fromkeys(keeper.statuses, Status.Failed)

    started = Counter(instance for _, instance, _ in keeper.started)
    assert set(started.values()) == {1}
    assert set(started) == {f"{job.code}-{attempt}" for job in stored for attempt in range(1, MAX_RETRIES + 2)}
    ended = [jobs.get(job.tenant, job.code) for job in stored]
    assert [job and (job.status.value, job.attempt) for job in ended] == [("Failed", MAX_RETRIES + 1)] * JOBS
    assert index.watched(100) == []
