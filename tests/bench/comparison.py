"""Compares this service with four other ways to export the same clients.

The contestants take turns in every round, so that a busy minute of the machine affects all of them alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from devhost.local.environment import in_venv
from devhost.local.paths import ROOT
from shared.storage import StorageAccount
from tests.bench.clients import seconds_of_export, start_async, wait
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of
from tests.support.system import System, download

TENANT = "bench"
OURS, SCRIPT, FRAMES = "this service", "script with csv.writer", "pandas"
BY_HAND, SAME_BYTES = "COPY by hand", "COPY by hand, same bytes"
_SAME_BYTES_MODULE = "by_hand_same_bytes"


@dataclass(frozen=True)
class Contestant:
    """A way to export.

    Attributes:
        rows: How many clients it exports.
        export: Runs one export and returns its seconds.
    """

    rows: int
    export: Callable[[], float]


def compare(folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int) -> Iterator[Figure]:
    """Measure the rows per second of every contestant on both databases, and the ratios of this service to the rest."""
    with ExitStack() as stack:
        contestants: dict[tuple[str, str], Contestant] = {}
        systems: dict[str, System] = {}
        for name, url in (("PostgreSQL", databases.postgres), ("SQLite", databases.sqlite)):
            system = systems[name] = stack.enter_context(running(folder / f"comparison-{name}", emulator, url))
            contestants[name, SCRIPT] = rival("script", url, emulator, rows)
            contestants[name, FRAMES] = rival("data_frames", url, emulator, rows)
            if name == "PostgreSQL":
                contestants[name, BY_HAND] = rival("by_hand", url, emulator, rows)
                contestants[name, SAME_BYTES] = rival(_SAME_BYTES_MODULE, url, emulator, rows)
            contestants[name, OURS] = Contestant(rows, partial(seconds_of_export, system, TENANT, rows))
        speeds = measure(contestants, rounds)
        _require_same_bytes(systems["PostgreSQL"], emulator)
    for (name, contestant), samples in speeds.items():
        yield median_of(f"{name}, {contestant}", samples, "rows/s")
    yield from _ratios({key: median(samples) for key, samples in speeds.items()})


def measure(contestants: dict[tuple[str, str], Contestant], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Let the contestants export in turns; return the rows per second of each in every round."""
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in contestants}
    for number in range(rounds + 1):
        for key, contestant in contestants.items():
            seconds = contestant.export()
            if number:  # round 0 is a warm-up
                speeds[key].append(contestant.rows / seconds)
            sys.stderr.write(f"    round {number} of {rounds}: {', '.join(key)}: {seconds:.2f} s\n")
    return speeds


def _ratios(speeds: dict[tuple[str, str], float]) -> Iterator[Figure]:
    for name, rival, goal in (
        ("PostgreSQL", SCRIPT, 2.5),
        ("PostgreSQL", FRAMES, None),
        ("PostgreSQL", BY_HAND, 0.93),
        ("PostgreSQL", SAME_BYTES, 0.93),
        ("SQLite", SCRIPT, 2.0),
        ("SQLite", FRAMES, None),
    ):
        yield Figure(f"{name}: ours over {rival}", speeds[name, OURS] / speeds[name, rival], "×", at_least=goal)
    limit = speeds["PostgreSQL", SAME_BYTES] / speeds["PostgreSQL", BY_HAND]
    yield Figure(f"PostgreSQL: {SAME_BYTES}, over {BY_HAND}", limit, "×")


def _require_same_bytes(system: System, emulator: Azurite) -> None:
    """Compare the file of the rival that claims to write the same bytes with that of this service.

    Raises:
        RuntimeError: They differ, so the comparison would be unfair.
    """
    blob = StorageAccount(emulator.connection_string).blobs.get_blob_client("rivals", _SAME_BYTES_MODULE)
    if blob.download_blob().readall() != download(wait([start_async(system, TENANT)])[0]):
        message = f"{SAME_BYTES}: its file differs from that of {OURS}"
        raise RuntimeError(message)


def rival(module: str, database: str, emulator: Azurite, rows: int, tenant: str = TENANT) -> Contestant:
    """Return a contestant that runs a program of `tests.bench.rivals`. Its blob has the name of the program."""
    settings = {
        "BENCH_DATABASE": database,
        "BENCH_STORAGE": emulator.connection_string,
        "BENCH_TENANT": tenant,
        "BENCH_BLOB": module,
    }
    environment = {**os.environ, **settings}

    def seconds() -> float:
        command = [str(in_venv("python")), "-m", f"tests.bench.rivals.{module}"]
        run = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
        report = json.loads(run.stdout)
        if report["rows"] != rows:
            message = f"{module}: {report['rows']} clients, not {rows}"
            raise RuntimeError(message)
        return float(report["seconds"])

    return Contestant(rows, seconds)
