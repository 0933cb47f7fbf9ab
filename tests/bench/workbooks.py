"""Compares workbooks of this service with XlsxWriter, with pandas and openpyxl, and with its own CSV.

Pandas and openpyxl need more than a millisecond and some 20 KiB of memory for each client, in proportion to their
number. So they export fewer clients than the others, and the rows per second are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from tests.bench.clients import seconds_of_export
from tests.bench.comparison import TENANT as LARGE
from tests.bench.comparison import Contestant, measure, rival
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of

_OURS, _CSV, _WRITER, _FRAMES = "our workbook", "our CSV", "XlsxWriter", "pandas and openpyxl"
_BODY = {"format": {"preset": "xlsx"}}
TENANT = "sheets"
_MAX_ROWS_OF_FRAMES = 50_000


def rows_of_frames(rows: int) -> int:
    """Return how many clients pandas and openpyxl export, those of a tenant of their own, if the others export
    `rows`."""
    return min(rows, _MAX_ROWS_OF_FRAMES)


def compare_workbooks(
    folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int
) -> Iterator[Figure]:
    """Measure the rows per second of every contestant on PostgreSQL, in turns, and the ratios to ours."""
    url, fewer = databases.postgres, rows_of_frames(rows)
    frames = f"{_FRAMES}, {fewer:,} clients"
    with running(folder / "workbooks", emulator, url) as system:
        contestants: dict[tuple[str, str], Contestant] = {
            ("workbooks", _OURS): Contestant(rows, partial(seconds_of_export, system, LARGE, rows, _BODY)),
            ("workbooks", _CSV): Contestant(rows, partial(seconds_of_export, system, LARGE, rows)),
            ("workbooks", _WRITER): rival("workbook_writer", url, emulator, rows),
            ("workbooks", frames): rival("workbook_frames", url, emulator, fewer, TENANT),
        }
        speeds = {name: samples for (_, name), samples in measure(contestants, rounds).items()}
    for name, samples in speeds.items():
        yield median_of(f"workbooks, {name}", samples, "rows/s")
    middle = {name: median(samples) for name, samples in speeds.items()}
    fastest = max(middle[_WRITER], middle[frames])
    yield Figure("workbooks: ours over the faster rival", middle[_OURS] / fastest, "×", at_least=6.0)
    yield Figure("workbooks: ours over our CSV", middle[_OURS] / middle[_CSV], "×", at_least=0.3)
