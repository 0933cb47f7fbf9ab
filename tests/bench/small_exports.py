"""The part of the benchmark about small exports: their latency, their storage requests, and many of them at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from devhost.local.paths import ROOT
from tests.bench.clients import last_end, start, start_async, wait
from tests.bench.environment import running
from tests.bench.figures import Figure, median_of
from tests.bench.request_counts import of_app, requests_so_far
from tests.support.http_client import request
from tests.support.system import KEY, System

TENANT, ROWS = "small", 150
_SAMPLES, _WARM_UPS, _AT_ONCE, _ROUNDS_AT_ONCE = 30, 5, 30, 3
_SETTLE_SECONDS, _IDLE_SECONDS = 10.0, 20.0
LONG_IDLE_SECONDS = 600.0
LARGEST_RATIO = 1.8
MOST_REQUESTS = {"extension": 45.0, "devhost": 24.0}


def small_exports(folder: Path, emulator: Azurite, database: str, *, long_idle: bool) -> Iterator[Figure]:
    """Measure exports of 150 clients next to an orchestration with one empty activity, in turns.

    The goal for their ratio is for the real extension. On devhost an orchestration costs almost nothing.

    Args:
        long_idle: Whether to measure also the first export after ten idle minutes.
    """
    root = folder / "app"
    root.mkdir()
    shutil.copy(ROOT / "host.json", root)
    shutil.copy(Path(__file__).with_name("app_with_empty_orchestration.py"), root / "function_app.py")
    real = str(ROOT / "function_app.py")
    with running(
        folder / "small", emulator, database, root=root, PYTHONPATH=str(ROOT), REAL_FUNCTION_APP=real
    ) as system:
        on_extension = system.engine is not None
        for _ in range(_WARM_UPS):
            _export(system)
            _run_empty_orchestration(system)
        yield from _latency(system, on_extension=on_extension)
        yield from _requests(system, emulator, on_extension=on_extension)
        yield median_of(f"{_AT_ONCE} exports of {ROWS} clients at once", _at_once(system), "s")
        time.sleep(_SETTLE_SECONDS)
        yield Figure("storage requests a minute while idle", _idle_requests(emulator), "requests")
        yield Figure(f"{ROWS} clients after {_IDLE_SECONDS:g} idle seconds", _seconds(_export, system), "s")
        if long_idle:
            time.sleep(LONG_IDLE_SECONDS)
            yield Figure(f"{ROWS} clients after ten idle minutes", _seconds(_export, system), "s")


def _latency(system: System, *, on_extension: bool) -> Iterator[Figure]:
    exports, empty = [], []
    for _ in range(_SAMPLES):
        exports.append(_seconds(_export, system))
        empty.append(_seconds(_run_empty_orchestration, system))
    yield median_of(f"{ROWS} clients: POST to 201, after activity", exports, "s")
    yield median_of("an orchestration with one empty activity", empty, "s")
    goal = LARGEST_RATIO if on_extension else None
    yield Figure(f"{ROWS} clients over the empty orchestration", median(exports) / median(empty), "×", at_most=goal)


def _requests(system: System, emulator: Azurite, *, on_extension: bool) -> Iterator[Figure]:
    """Count the storage requests of exports one after another: of the app, of Durable Functions, and of its polling."""
    most = MOST_REQUESTS["extension" if on_extension else "devhost"]
    sent, by_app = _requests_of(_export, system, emulator)
    yield Figure(f"storage requests of an export of {ROWS} clients", sent, "", at_most=most)
    yield Figure("those that the app sends, with the reads of the waiting request", by_app, "")
    sent, _ = _requests_of(_run_empty_orchestration, system, emulator)
    yield Figure("storage requests of the empty orchestration", sent, "")


def _requests_of(act: Callable[[System], None], system: System, emulator: Azurite) -> tuple[float, float]:
    """Return how many requests one run sends on average: all of them, and those of the app."""
    before = requests_so_far(emulator)
    for _ in range(_SAMPLES):
        act(system)
    after = requests_so_far(emulator)
    return (after.total() - before.total()) / _SAMPLES, (of_app(after) - of_app(before)) / _SAMPLES


def _at_once(system: System) -> list[float]:
    seconds = []
    for _ in range(_ROUNDS_AT_ONCE):
        began = time.time()
        locations = [start_async(system, TENANT) for _ in range(_AT_ONCE)]
        seconds.append(last_end(wait(locations)) - began)
    return seconds


def _idle_requests(emulator: Azurite) -> float:
    before = requests_so_far(emulator).total()
    time.sleep(_IDLE_SECONDS)
    return (requests_so_far(emulator).total() - before) * 60 / _IDLE_SECONDS


def _seconds(act: Callable[[System], None], system: System) -> float:
    began = time.perf_counter()
    act(system)
    return time.perf_counter() - began


def _export(system: System) -> None:
    status, _, job = start(system, TENANT)
    if status != 201 or job["processedItems"] != ROWS:
        message = f"{status}: {job}"
        raise RuntimeError(message)


def _run_empty_orchestration(system: System) -> None:
    answer = request("POST", f"{system.url}/empty-orchestration", b"", {"x-api-key": KEY})
    if answer.status != 201:
        message = f"{answer.status}: {answer.body.decode(errors='replace')}"
        raise RuntimeError(message)
