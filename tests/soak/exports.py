"""Runs many small exports on one system, and measures its memory and its storage requests meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import psutil

from devhost.local.azurite import Azurite
from shared.tables import batched
from tests.bench.clients import get_job, start, start_async, wait
from tests.bench.request_counts import of_app, requests_so_far
from tests.support.system import System

TENANT, ROWS = "small", 150
_EXPORTS_PER_SAMPLE = 50
_COUNTED_EXPORTS = 3
_MEBIBYTE = 1024 * 1024
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 60.0


def sampled_exports(
    system: System, numbers: Sequence[int], callers: int, show: Callable[[int], None]
) -> Iterator[float]:
    """Run an export for each number, and yield the memory of all workers in MiB after every 50 of them.

    Args:
        callers: How many exports run at the same time.
        show: Receives how many exports have ended, with those before these numbers.
    """
    with ThreadPoolExecutor(callers) as pool:
        for some in batched(numbers, _EXPORTS_PER_SAMPLE):
            for number, _ in zip(some, pool.map(lambda _: run_export(system), some), strict=True):
                show(number + 1)
            yield memory_of_workers(system)


def run_export(system: System) -> None:
    """Run an export to its end as a caller does who waits for the link.

    Raises:
        RuntimeError: The export is not completed, or its file has another number of clients.
    """
    status, location, job = start(system, TENANT)
    if status != 201:
        (job,) = wait([location])
    if job["processedItems"] != ROWS:
        message = f"Not an export of {ROWS} clients: {job}"
        raise RuntimeError(message)


def memory_of_workers(system: System) -> float:
    """Return the resident memory of all worker processes, in MiB."""
    children = psutil.Process(system.host.pid).children()
    workers = [child for child in children if "devhost.workers.process" in child.cmdline()]
    return sum(worker.memory_info().rss for worker in workers) / _MEBIBYTE


def requests_of_export(system: System, emulator: Azurite) -> float:
    """Count the storage requests that the app sends for an export: the median of three, one after another.

    Timers send some requests each minute. The median leaves them out.
    """
    return median(_count_requests(system, emulator) for _ in range(_COUNTED_EXPORTS))


def _count_requests(system: System, emulator: Azurite) -> int:
    """Count without polling the job, because polls send requests too. Count another export if the pause was too short.

    Raises:
        TimeoutError: An export takes longer than a minute.
    """
    pause = _PAUSE_SECONDS
    while pause <= _LONGEST_PAUSE_SECONDS:
        before = of_app(requests_so_far(emulator))
        location = start_async(system, TENANT)
        time.sleep(pause)
        sent = of_app(requests_so_far(emulator)) - before
        if get_job(location)["status"] == "Completed":
            return sent
        wait([location])
        pause *= 2
    raise TimeoutError(location)
