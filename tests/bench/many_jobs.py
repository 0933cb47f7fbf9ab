"""The part of the benchmark that compares a dozen small jobs at once with one job of as many clients."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from devhost.local import engine_program
from tests.bench.clients import last_end, seconds_of_export, start_async, wait
from tests.bench.environment import Sizes, running, storage
from tests.bench.figures import Figure, median_of
from tests.bench.parts import JOB_ROWS
from tests.support.system import System

TENANT, JOBS = "dozen", 12
ROWS = JOBS * JOB_ROWS
_LEAST_RATIO = 1.0


def many_jobs(folder: Path, tenants: Sizes, database: str, rounds: int) -> Iterator[Figure]:
    """Export 20,000 clients twelve times at once, and 240,000 in one job, in turns; also on a given engine."""
    with ExitStack() as stack:
        systems: dict[str, System] = {}
        for name in ("devhost", *(["the real extension"] if os.environ.get(engine_program.USED) else [])):
            work = folder / name.replace(" ", "-")
            emulator = stack.enter_context(storage(work / "azurite", tenants))
            own = name == "devhost"
            systems[name] = stack.enter_context(running(work / "host", emulator, database, own_engine=own))
        alone: dict[str, list[float]] = {name: [] for name in systems}
        at_once: dict[str, list[float]] = {name: [] for name in systems}
        for number in range(rounds + 1):
            for name, system in systems.items():
                speed_alone, speed_at_once = ROWS / seconds_of_export(system, TENANT, ROWS), ROWS / _at_once(system)
                if number:  # round 0 is a warm-up
                    alone[name].append(speed_alone)
                    at_once[name].append(speed_at_once)
    for name in systems:
        yield median_of(f"one job of {ROWS:,} clients on {name}", alone[name], "rows/s")
        yield median_of(f"{JOBS} jobs of {JOB_ROWS:,} clients at once on {name}", at_once[name], "rows/s")
        ratio = median(at_once[name]) / median(alone[name])
        yield Figure(f"{JOBS} jobs of {JOB_ROWS:,} over one job, on {name}", ratio, "×", at_least=_LEAST_RATIO)


def _at_once(system: System) -> float:
    began = time.time()
    return last_end(wait([start_async(system, "job") for _ in range(JOBS)])) - began
