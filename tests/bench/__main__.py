"""Measure the running system over HTTP: `python3 dev.py bench`. Prints a table; `--json FILE` keeps the figures.

Machines are noisy: read the ratios between the rows of one run, not the absolute figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from tests.bench.memory import PeakMemory
from tests.support.system import NORTHWIND, System, app_settings, sample_database, start_storage

SIZES = (10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    goal: str = ""


def main() -> None:
    """Measure and print."""
    options = _options()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as scratch:
        storage = start_storage(Path(scratch) / "azurite")
        try:
            for measure in (_latency, _memory(options.largest)):
                for figure in measure(Path(scratch), storage.connection_string):
                    figures.append(figure)
                    print(_line(figure), flush=True)
        finally:
            storage.stop()
    if options.json:
        options.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="clients of the largest export")
    return parser.parse_args()


def _line(figure: Figure) -> str:
    return f"  {figure.what:<58} {figure.value:>10,.3g} {figure.unit:<8} {figure.goal}"


@contextmanager
def _system(scratch: Path, storage: str, clients: int) -> Iterator[System]:
    directory = scratch / f"{clients}"
    directory.mkdir()
    say(f"making {clients:,} clients")
    # northwind has three quarters of the sample, so this gives it just `clients`
    settings = app_settings(storage, sample_database(directory, clients * 4 // 3))
    system = System(directory, settings)
    try:
        system.start_and_wait()
        yield system
    finally:
        system.stop()


def say(text: str) -> None:
    """Show what is going on, apart from the table."""
    print(f"… {text}", file=sys.stderr, flush=True)


def _latency(scratch: Path, storage: str) -> Iterator[Figure]:
    with _system(scratch, storage, 20_000) as system:
        _timed(system, {})
        full = [_timed(system, {}) for _ in range(5)]
        yield Figure("20,000 clients × 67 columns: POST → 201, slowest of 5", max(full), "s", "< 10 s")
        yield Figure("20,000 clients × 67 columns: rows per second, median", 20_000 / median(full), "rows/s")
        status = _status_seconds(system, 200)
        yield Figure("GET status, p50 of 200", median(status) * 1000, "ms", "< 20 ms")
    with _system(scratch, storage, 150) as system:
        small = [_timed(system, {}) for _ in range(40)]
        yield Figure("150 clients: POST → 201, p50 of 40", median(small), "s")
        yield Figure("150 clients: POST → 201, p95 of 40", quantiles(small, n=20)[-1], "s", "< 1 s")


def _timed(system: System, body: object) -> float:
    begun = time.perf_counter()
    answer = system.start_export(body)
    seconds = time.perf_counter() - begun
    assert answer.status == 201, answer
    return seconds


def _status_seconds(system: System, times: int) -> list[float]:
    location = system.start_export({}).headers["location"]
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        system.job(location)
        seconds.append(time.perf_counter() - begun)
    return seconds


def _memory(largest: int) -> Callable[[Path, str], Iterator[Figure]]:
    def measure(scratch: Path, storage: str) -> Iterator[Figure]:
        for clients in [size for size in SIZES if size < largest] + [largest]:
            with _system(scratch, storage, clients) as system, PeakMemory(system.host.pid) as memory:
                begun = time.perf_counter()
                job = system.wait(system.start_async({}), seconds=3_600)
                seconds = time.perf_counter() - begun
                assert job["processedItems"] == clients, job
            yield Figure(f"{clients:,} clients × 67 columns: {NORTHWIND}, rows per second", clients / seconds, "rows/s")
            for name, mebibytes in memory.peaks().items():
                yield Figure(f"{clients:,} clients: peak memory of {name}", mebibytes, "MiB")

    return measure


if __name__ == "__main__":
    main()
