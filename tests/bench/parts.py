"""The parts of the benchmark other than the comparison: small exports, simultaneous jobs, memory and cost by size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from statistics import median, quantiles
from typing import Any

from devhost.local.azurite import Azurite
from exports.file.plan import MIN_PAGE_ROWS
from exports.settings import Settings
from tests.bench.clients import (
    STORAGE_REQUESTS_PER_POLL,
    get_job,
    last_end,
    polled_export,
    seconds_of_export,
    start,
    start_async,
    wait,
)
from tests.bench.comparison import TENANT
from tests.bench.environment import Sizes, running, storage
from tests.bench.figures import Figure, median_of
from tests.bench.memory import PeakMemory
from tests.bench.request_counts import requests_so_far
from tests.support.system import System

SMALL_ROWS, JOBS, JOB_ROWS = 150, 50, 20_000
_SIMULTANEOUS_ROUNDS = 3
_STATUS_SAMPLES = 200
_WARM_UPS = 3
_PAGES_AT_A_TIME, _PAGE_BYTES = 4, Settings.model_fields["block_bytes"].default
"""How many pages a process writes at the same time (`maxConcurrentActivityFunctions` in host.json), and their size."""


def latency(folder: Path, emulator: Azurite, database: str) -> Iterator[Figure]:
    """Measure how long a small export takes from the request to the response, and how long a status request takes."""
    with running(folder / "latency", emulator, database) as system:
        for _ in range(3):
            start(system, "small")
        seconds = [_seconds_of_small_export(system) for _ in range(60)]
        yield median_of(f"{SMALL_ROWS} clients: POST to 201", seconds, "s")
        yield Figure(f"{SMALL_ROWS} clients: POST to 201, p95", quantiles(seconds, n=20)[-1], "s", at_most=1.0)
        location = start(system, "small")[1]
        milliseconds = [_seconds_of_status(location) * 1000 for _ in range(_STATUS_SAMPLES)]
        yield median_of("GET status of a completed job", milliseconds, "ms", at_most=20.0)


def _seconds_of_small_export(system: System) -> float:
    began = time.perf_counter()
    status, _, job = start(system, "small")
    if status != 201 or job["processedItems"] != SMALL_ROWS:
        message = f"{status}: {job}"
        raise RuntimeError(message)
    return time.perf_counter() - began


def _seconds_of_status(location: str) -> float:
    began = time.perf_counter()
    get_job(location)
    return time.perf_counter() - began


def simultaneous_jobs(folder: Path, tenants: Sizes, database: str, big_rows: int, large_rows: int) -> Iterator[Figure]:
    """Measure many simultaneous jobs, first small ones and then large ones, each against one big job.

    Each round has its own storage, which is deleted afterwards because the large jobs write gigabytes.
    """
    alone: list[float] = []
    at_once: dict[int, list[float]] = {}
    milliseconds: list[float] = []
    for number in range(_SIMULTANEOUS_ROUNDS):
        work = folder / f"round-{number}"
        with storage(work / "azurite", tenants) as emulator, running(work / "host", emulator, database) as system:
            seconds_of_export(system, "job", JOB_ROWS)
            for tenant, rows in (("job", JOB_ROWS), (TENANT, large_rows)):
                alone.append(big_rows / seconds_of_export(system, "big", big_rows))
                began = time.time()
                locations = [start_async(system, tenant) for _ in range(JOBS)]
                milliseconds += [_seconds_of_status(locations[-1]) * 1000 for _ in range(10)]
                at_once.setdefault(rows, []).append(JOBS * rows / (last_end(wait(locations)) - began))
        rmtree(work)
    yield median_of(f"one job of {big_rows:,} clients", alone, "rows/s")
    for rows, speeds in at_once.items():
        yield median_of(f"{JOBS} jobs of {rows:,} clients at once", speeds, "rows/s")
        yield Figure(f"{JOBS} jobs of {rows:,} over one job", median(speeds) / median(alone), "×", at_least=1.0)
    yield median_of("GET status while the system is busy", milliseconds, "ms")


def memory(
    folder: Path, emulator: Azurite, database: str, sizes: Sizes, *, columns: int, body: Any = None
) -> Iterator[Figure]:
    """Measure peak memory, seconds and storage requests for exports of several sizes.

    Each size runs in new processes. They first write a few small exports, so that their memory is like that of a
    service which has been running for a while. An export of fewer pages than a process writes at the same time needs
    less memory, so its peak is not compared with the others.
    """
    peaks: dict[str, list[float]] = {}
    costs: list[tuple[float, float]] = []
    for tenant, rows in sizes.items():
        with running(folder / f"memory-{columns}-{tenant}", emulator, database) as system:
            warm_up = next(iter(sizes.items()))
            for _ in range(_WARM_UPS):
                seconds_of_export(system, *warm_up, body)
            with PeakMemory(system.host.pid) as peak:
                before = requests_so_far(emulator)
                seconds, polls, location = polled_export(system, tenant, rows, body)
                sent = requests_so_far(emulator)
                requests = sent.total() - before.total() - polls * STORAGE_REQUESTS_PER_POLL
            uses_all_threads = get_job(location)["fileSize"] >= _PAGES_AT_A_TIME * _PAGE_BYTES
            for name, mebibytes in peak.peaks().items():
                if uses_all_threads:
                    peaks.setdefault(name, []).append(mebibytes)
                yield Figure(f"{rows:,} × {columns}: peak memory of {name}", mebibytes, "MiB", at_most=300.0)
        costs.append((seconds / rows, requests / rows))
        yield Figure(f"{rows:,} × {columns}", rows / seconds, "rows/s")
        yield Figure(f"{rows:,} × {columns}: storage requests per million clients", requests / rows * 1e6, "requests")
    yield from _growth(peaks, costs, list(sizes.values()), columns)


def pages(folder: Path, emulator: Azurite, database: str, sizes: Sizes, body: Any) -> Iterator[Figure]:
    """Measure the cost of a page in a job of hundreds of pages and in one of thousands. Pages have the minimum size."""
    costs: list[tuple[float, float]] = []
    for tenant, rows in sizes.items():
        with running(folder / f"pages-{tenant}", emulator, database, EXPORT_BLOCK_BYTES="1024") as system:
            before = requests_so_far(emulator)
            seconds, polls, _ = polled_export(system, tenant, rows, body)
            sent = requests_so_far(emulator).total() - before.total() - polls * STORAGE_REQUESTS_PER_POLL
        count = rows // MIN_PAGE_ROWS
        costs.append((seconds / count, sent / count))
        yield Figure(f"{count:,} pages: milliseconds per page", seconds / count * 1000, "ms")
        yield Figure(f"{count:,} pages: storage requests per page", sent / count, "requests")
    if len(costs) > 1:
        (time_before, sent_before), (time_after, sent_after) = costs[-2:]
        yield Figure("a page of the larger job over one of the smaller: seconds", time_after / time_before, "×")
        yield Figure(
            "a page of the larger job over one of the smaller: requests", sent_after / sent_before, "×", at_most=1.1
        )


def _growth(
    peaks: dict[str, list[float]], costs: list[tuple[float, float]], sizes: list[int], columns: int
) -> Iterator[Figure]:
    for name, mebibytes in peaks.items():
        if len(mebibytes) < 2:
            continue
        ratio = max(mebibytes) / min(mebibytes)
        yield Figure(f"{columns} columns, {name}: largest over smallest peak", ratio, "×", at_most=1.1)
    if len(sizes) > 1 and sizes[-2] >= 1_000_000:
        (time_before, requests_before), (time_after, requests_after) = costs[-2:]
        compared = f"per client at {sizes[-1]:,} over {sizes[-2]:,}"
        yield Figure(f"seconds {compared}", time_after / time_before, "×", at_most=1.1)
        yield Figure(f"storage requests {compared}", requests_after / requests_before, "×", at_most=1.1)
