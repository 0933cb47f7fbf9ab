"""What is measured beside the comparison: small exports, many at once, memory and cost at any size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from statistics import median, quantiles
from typing import Any

from devhost.local.azurite import Azurite
from exports.file.plan import MIN_PAGE_ROWS
from tests.bench.clients import (
    REQUESTS_OF_A_LOOK,
    ended,
    look,
    seconds_of_export,
    start,
    start_async,
    wait,
    watched_export,
)
from tests.bench.comparison import TENANT
from tests.bench.figures import Figure, median_of
from tests.bench.memory import PeakMemory
from tests.bench.places import Sizes, running, storage
from tests.bench.requests import requests_so_far
from tests.support.system import System

SMALL_ROWS, JOBS, JOB_ROWS = 150, 50, 20_000
_ROUNDS_TOGETHER = 3
_SAMPLE = 200
_WARM_UPS = 3


def latency(folder: Path, emulator: Azurite, database: str) -> Iterator[Figure]:
    """How long a caller of a small export waits, and how long a look at a job takes."""
    with running(folder / "latency", emulator, database) as system:
        for _ in range(3):
            start(system, "small")
        waits = [_seconds_of_answer(system) for _ in range(60)]
        yield median_of(f"{SMALL_ROWS} clients: POST to 201", waits, "s")
        yield Figure(f"{SMALL_ROWS} clients: POST to 201, p95", quantiles(waits, n=20)[-1], "s", at_most=1.0)
        location = start(system, "small")[1]
        looks = [_seconds_of_look(location) * 1000 for _ in range(_SAMPLE)]
        yield median_of("GET status of a completed job", looks, "ms", at_most=20.0)


def _seconds_of_answer(system: System) -> float:
    began = time.perf_counter()
    status, _, job = start(system, "small")
    if status != 201 or job["processedItems"] != SMALL_ROWS:
        message = f"{status}: {job}"
        raise RuntimeError(message)
    return time.perf_counter() - began


def _seconds_of_look(location: str) -> float:
    began = time.perf_counter()
    look(location)
    return time.perf_counter() - began


def together(folder: Path, tenants: Sizes, database: str, big_rows: int, large_rows: int) -> Iterator[Figure]:
    """Many jobs at once, small ones and large ones, and one big job, in turn. Each round has storage of its own, which
    goes with it: the large jobs write gigabytes."""
    alone: list[float] = []
    at_once: dict[int, list[float]] = {}
    looks: list[float] = []
    for turn in range(_ROUNDS_TOGETHER):
        place = folder / f"round-{turn}"
        with storage(place / "azurite", tenants) as emulator, running(place / "host", emulator, database) as system:
            seconds_of_export(system, "job", JOB_ROWS)
            for tenant, rows in (("job", JOB_ROWS), (TENANT, large_rows)):
                alone.append(big_rows / seconds_of_export(system, "big", big_rows))
                began = time.time()
                locations = [start_async(system, tenant) for _ in range(JOBS)]
                looks += [_seconds_of_look(locations[-1]) * 1000 for _ in range(10)]
                at_once.setdefault(rows, []).append(JOBS * rows / (ended(wait(locations)) - began))
        rmtree(place)
    yield median_of(f"one job of {big_rows:,} clients", alone, "rows/s")
    for rows, found in at_once.items():
        yield median_of(f"{JOBS} jobs of {rows:,} clients at once", found, "rows/s")
        yield Figure(f"{JOBS} jobs of {rows:,} over one job", median(found) / median(alone), "×", at_least=1.0)
    yield median_of("GET status while the system is busy", looks, "ms")


def memory(
    folder: Path, emulator: Azurite, database: str, sizes: Sizes, *, columns: int, body: Any = None
) -> Iterator[Figure]:
    """Peak memory, seconds and storage requests by size. Each size has processes of its own, which have written a few
    small exports before, as those of a service that has been up for a while."""
    peaks: dict[str, list[float]] = {}
    costs: list[tuple[float, float]] = []
    for tenant, rows in sizes.items():
        with running(folder / f"memory-{columns}-{tenant}", emulator, database) as system:
            warm_up = next(iter(sizes.items()))
            for _ in range(_WARM_UPS):
                seconds_of_export(system, *warm_up, body)
            with PeakMemory(system.host.pid) as watched:
                before = requests_so_far(emulator)
                seconds, looks = watched_export(system, tenant, rows, body)
                sent = requests_so_far(emulator)
                requests = sent.total() - before.total() - looks * REQUESTS_OF_A_LOOK
            for name, mebibytes in watched.peaks().items():
                peaks.setdefault(name, []).append(mebibytes)
                yield Figure(f"{rows:,} × {columns}: peak memory of {name}", mebibytes, "MiB", at_most=300.0)
        costs.append((seconds / rows, requests / rows))
        yield Figure(f"{rows:,} × {columns}", rows / seconds, "rows/s")
        yield Figure(f"{rows:,} × {columns}: storage requests per million clients", requests / rows * 1e6, "requests")
    yield from _growth(peaks, costs, list(sizes.values()), columns)


def pages(folder: Path, emulator: Azurite, database: str, sizes: Sizes, body: Any) -> Iterator[Figure]:
    """What a page costs in a job of hundreds and in one of thousands; pages are as small as they can be."""
    costs: list[tuple[float, float]] = []
    for tenant, rows in sizes.items():
        with running(folder / f"pages-{tenant}", emulator, database, EXPORT_BLOCK_BYTES="1024") as system:
            before = requests_so_far(emulator)
            seconds, looks = watched_export(system, tenant, rows, body)
            sent = requests_so_far(emulator).total() - before.total() - looks * REQUESTS_OF_A_LOOK
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
    for name, found in peaks.items() if len(sizes) > 1 else ():
        yield Figure(
            f"{columns} columns, {name}: largest over smallest peak", max(found) / min(found), "×", at_most=1.1
        )
    if len(sizes) > 1 and sizes[-2] >= 1_000_000:
        (time_before, requests_before), (time_after, requests_after) = costs[-2:]
        of = f"per client at {sizes[-1]:,} over {sizes[-2]:,}"
        yield Figure(f"seconds {of}", time_after / time_before, "×", at_most=1.1)
        yield Figure(f"storage requests {of}", requests_after / requests_before, "×", at_most=1.1)
