"""Compares an export of a snapshot with an ordinary export of the same clients, on PostgreSQL and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from tests.bench.clients import seconds_of_export
from tests.bench.comparison import TENANT, Contestant, measure
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of

_ORDINARY, _SNAPSHOT = "an ordinary export", "a snapshot"
_BODY = {"consistency": "snapshot"}


def compare_snapshots(
    folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int
) -> Iterator[Figure]:
    """Measure the rows per second of both exports, in turns, and their ratio: the price of a snapshot."""
    with ExitStack() as stack:
        contestants: dict[tuple[str, str], Contestant] = {}
        for name, url in (("PostgreSQL", databases.postgres), ("SQLite", databases.sqlite)):
            system = stack.enter_context(running(folder / f"snapshot-{name}", emulator, url))
            for kind, body in ((_ORDINARY, None), (_SNAPSHOT, _BODY)):
                contestants[name, kind] = lambda system=system, body=body: seconds_of_export(  # type: ignore[misc]
                    system, TENANT, rows, body
                )
        speeds = measure(contestants, rows, rounds)
    for (name, kind), samples in speeds.items():
        yield median_of(f"{name}, {kind}", samples, "rows/s")
    middle = {key: median(samples) for key, samples in speeds.items()}
    for name in ("PostgreSQL", "SQLite"):
        ratio = middle[name, _SNAPSHOT] / middle[name, _ORDINARY]
        yield Figure(f"{name}: a snapshot over an ordinary export", ratio, "×")
