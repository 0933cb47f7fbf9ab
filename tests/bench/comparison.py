"""The same clients exported four ways, in turn: rounds of all, so that a busy minute of the machine hits all alike."""

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
from tests.bench.figures import Figure, median_of
from tests.bench.places import Databases, running

TENANT = "bench"
OURS, SCRIPT, FRAMES, BY_HAND = "this service", "script with csv.writer", "pandas", "COPY by hand"
Way = Callable[[], float]


def compare(folder: Path, emulator: Azurite, places: Databases, rows: int, rounds: int) -> Iterator[Figure]:
    """Rows per second of every way on both databases, and how many times the others' ours is."""
    with ExitStack() as stack:
        ways: dict[tuple[str, str], Way] = {}
        for name, url in (("PostgreSQL", places.postgres), ("SQLite", places.sqlite)):
            system = stack.enter_context(running(folder / f"comparison-{name}", emulator, url))
            ways[name, SCRIPT] = _rival("script", url, emulator, rows)
            ways[name, FRAMES] = _rival("data_frames", url, emulator, rows)
            if name == "PostgreSQL":
                ways[name, BY_HAND] = _rival("by_hand", url, emulator, rows)
            ways[name, OURS] = lambda system=system: seconds_of_export(system, TENANT, rows)  # type: ignore[misc]
        speeds = _measure(ways, rows, rounds)
    for (name, way), found in speeds.items():
        yield median_of(f"{name}, {way}", found, "rows/s")
    yield from _ratios({key: median(found) for key, found in speeds.items()})


def _measure(ways: dict[tuple[str, str], Way], rows: int, rounds: int) -> dict[tuple[str, str], list[float]]:
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in ways}
    for turn in range(rounds + 1):
        for key, way in ways.items():
            seconds = way()
            if turn:  # the first round warms everything up
                speeds[key].append(rows / seconds)
            sys.stderr.write(f"    round {turn} of {rounds}: {', '.join(key)}: {seconds:.2f} s\n")
    return speeds


def _ratios(speeds: dict[tuple[str, str], float]) -> Iterator[Figure]:
    for name, way, goal in (
        ("PostgreSQL", SCRIPT, 2.5),
        ("PostgreSQL", FRAMES, None),
        ("PostgreSQL", BY_HAND, 0.85),
        ("SQLite", SCRIPT, None),
        ("SQLite", FRAMES, None),
    ):
        yield Figure(f"{name}: ours over {way}", speeds[name, OURS] / speeds[name, way], "×", at_least=goal)


def _rival(module: str, database: str, emulator: Azurite, rows: int) -> Way:
    """Run a program of `tests.bench.rivals`; the seconds it tells."""
    errand = {"BENCH_DATABASE": database, "BENCH_STORAGE": emulator.connection_string, "BENCH_TENANT": TENANT}
    environment = {**os.environ, **errand}

    def seconds() -> float:
        command = [str(in_venv("python")), "-m", f"tests.bench.rivals.{module}"]
        told = json.loads(subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE).stdout)
        if told["rows"] != rows:
            message = f"{module}: {told['rows']} clients, not {rows}"
            raise RuntimeError(message)
        return float(told["seconds"])

    return seconds
