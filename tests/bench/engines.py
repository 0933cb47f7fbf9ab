"""The part of the benchmark that compares the real Durable extension with devhost's own engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from exports.adapters.storage.pages import TablePageLedger
from exports.jobs.job import JobRef
from shared.storage import StorageAccount
from tests.bench.clients import STORAGE_REQUESTS_PER_POLL, last_end, polled_export, seconds_of_export, start_async, wait
from tests.bench.comparison import TENANT
from tests.bench.environment import Sizes, running, storage
from tests.bench.figures import Figure, median_of
from tests.bench.memory import PeakMemory
from tests.bench.request_counts import requests_so_far
from tests.bench.small_exports import TENANT as SMALL
from tests.support.system import System, code_of

EXTENSION, DEVHOST = "the real extension", "devhost"
_AT_ONCE = 30
_WARM_UPS = 6
"""Until then .NET compiles the busy methods of the extension anew, which takes some ten seconds of processor time."""

MOST_REQUESTS_PER_PAGE = 24.0
LEAST_THROUGHPUT, MOST_SECONDS_AT_ONCE = 0.9, 1.5


def compare_engines(folder: Path, tenants: Sizes, database: str, rows: int, rounds: int) -> Iterator[Figure]:
    """Export on both engines in turns: one large job, then thirty small ones at once.

    Each engine has storage of its own, because the watchdog of a system acts on everything in its storage.
    """
    speeds: dict[str, list[float]] = {EXTENSION: [], DEVHOST: []}
    seconds: dict[str, list[float]] = {EXTENSION: [], DEVHOST: []}
    with ExitStack() as stack:
        systems: dict[str, System] = {}
        for name in (DEVHOST, EXTENSION):
            work = folder / name.replace(" ", "-")
            emulator = stack.enter_context(storage(work / "azurite", tenants))
            own = name == DEVHOST
            systems[name] = stack.enter_context(running(work / "host", emulator, database, own_engine=own))
            yield from _one_large_job(systems[name], emulator, name, rows)
        for _ in range(rounds):
            for name, system in systems.items():
                speeds[name].append(rows / seconds_of_export(system, TENANT, rows))
                seconds[name].append(_at_once(system))
    for name in (EXTENSION, DEVHOST):
        yield median_of(f"{rows:,} clients on {name}", speeds[name], "rows/s")
        yield median_of(f"{_AT_ONCE} small exports at once on {name}", seconds[name], "s")
    throughput = median(speeds[EXTENSION]) / median(speeds[DEVHOST])
    yield Figure(f"{rows:,} clients: extension over devhost", throughput, "×", at_least=LEAST_THROUGHPUT)
    at_once = median(seconds[EXTENSION]) / median(seconds[DEVHOST])
    yield Figure(f"{_AT_ONCE} small exports at once: over devhost", at_once, "×", at_most=MOST_SECONDS_AT_ONCE)


def _one_large_job(system: System, emulator: Azurite, name: str, rows: int) -> Iterator[Figure]:
    """Count the requests of a page, with those of Durable Functions and its polling, and measure the memory."""
    for _ in range(_WARM_UPS):
        _at_once(system)
        seconds_of_export(system, TENANT, rows)
    with PeakMemory(system.host.pid) as memory:
        before = requests_so_far(emulator).total()
        _, polls, location = polled_export(system, TENANT, rows)
        sent = requests_so_far(emulator).total() - before - polls * STORAGE_REQUESTS_PER_POLL
    pages = _pages_of(emulator, location)
    most = MOST_REQUESTS_PER_PAGE if name == EXTENSION else None
    yield Figure(f"storage requests a page on {name}, {pages} pages", sent / pages, "", at_most=most)
    for process, mebibytes in memory.peaks().items():
        yield Figure(f"peak memory on {name}: {process}", mebibytes, "MiB", at_most=300.0)


def _pages_of(emulator: Azurite, location: str) -> int:
    job = JobRef(tenant=TENANT, code=code_of(location), attempt=1)
    return len([*TablePageLedger(StorageAccount(emulator.connection_string)).records(job)])


def _at_once(system: System) -> float:
    began = time.time()
    return last_end(wait([start_async(system, SMALL) for _ in range(_AT_ONCE)])) - began
