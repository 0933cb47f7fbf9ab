"""Compares this service with three other ways to export the same clients.

The contestants take turns in every round, so that a busy minute of the machine affects all of them alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from devhost.local.environment import in_venv
from devhost.local.paths import ROOT
from tests.bench.clients import seconds_of_export
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of

TENANT = "bench"
OURS, SCRIPT, FRAMES, BY_HAND = "this service", "script with csv.writer", "pandas", "COPY by hand"
Contestant = Callable[[], float]
"""Runs one export and returns its seconds."""


def compare(folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int) -> Iterator[Figure]:
    """Measure the rows per second of every contestant on both databases, and the ratios of this service to the rest."""
    with ExitStack() as stack:
        contestants: dict[tuple[str, str], Contestant] = {}
        for name, url in (("PostgreSQL", databases.postgres), ("SQLite", databases.sqlite)):
            system = stack.enter_context(running(folder / f"comparison-{name}", emulator, url))
            contestants[name, SCRIPT] = rival("script", url, emulator, rows)
            contestants[name, FRAMES] = rival("data_frames", url, emulator, rows)
            if name == "PostgreSQL":
                contestants[name, BY_HAND] = rival("by_hand", url, emulator, rows)
            contestants[name, OURS] = lambda system=system: seconds_of_export(system, TENANT, rows)  # type: ignore[misc]
        speeds = measure(contestants, rows, rounds)
    for (name, contestant), samples in speeds.items():
        yield median_of(f"{name}, {contestant}", samples, "rows/s")
    yield from _ratios({key: median(samples) for key, samples in speeds.items()})


def measure(
    contestants: dict[tuple[str, str], Contestant], rows: int, rounds: int
) -> dict[tuple[str, str], list[float]]:
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in contestants}
    for number in range(rounds + 1):
        for key, export in contestants.items():
            seconds = export()
            if number:  # round 0 is a warm-up
                speeds[key].append(rows / seconds)
            sys.stderr.write(f"    round {number} of {rounds}: {', '.join(key)}: {seconds:.2f} s\n")
    return speeds


def _ratios(speeds: dict[tuple[str, str], float]) -> Iterator[Figure]:
    for name, rival, goal in (
        ("PostgreSQL", SCRIPT, 2.5),
        ("PostgreSQL", FRAMES, None),
        ("PostgreSQL", BY_HAND, 0.85),
        ("SQLite", SCRIPT, None),
        ("SQLite", FRAMES, None),
    ):
        yield Figure(f"{name}: ours over {rival}", speeds[name, OURS] / speeds[name, rival], "×", at_least=goal)


def rival(module: str, database: str, emulator: Azurite, rows: int) -> Contestant:
    """Return a contestant that runs a program of `tests.bench.rivals` and returns the seconds that it reports."""
    settings = {"BENCH_DATABASE": database, "BENCH_STORAGE": emulator.connection_string, "BENCH_TENANT": TENANT}
    environment = {**os.environ, **settings}

    def seconds() -> float:
        command = [str(in_venv("python")), "-m", f"tests.bench.rivals.{module}"]
        run = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
        report = json.loads(run.stdout)
        if report["rows"] != rows:
            message = f"{module}: {report['rows']} clients, not {rows}"
            raise RuntimeError(message)
        return float(report["seconds"])

    return seconds
