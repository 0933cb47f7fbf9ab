"""Compares workbooks of this service with XlsxWriter, with pandas and openpyxl, and with its own CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from devhost.local.azurite import Azurite
from tests.bench.clients import seconds_of_export
from tests.bench.comparison import TENANT, Contestant, measure, rival
from tests.bench.environment import Databases, running
from tests.bench.figures import Figure, median_of

_OURS, _CSV, _WRITER, _FRAMES = "our workbook", "our CSV", "XlsxWriter", "pandas and openpyxl"
_BODY = {"format": {"preset": "xlsx"}}


def compare_workbooks(
    folder: Path, emulator: Azurite, databases: Databases, rows: int, rounds: int
) -> Iterator[Figure]:
    """Measure the rows per second of every contestant on PostgreSQL, in turns, and the ratios to ours."""
    url = databases.postgres
    with running(folder / "workbooks", emulator, url) as system:
        contestants: dict[tuple[str, str], Contestant] = {
            ("workbooks", _OURS): lambda: seconds_of_export(system, TENANT, rows, _BODY),
            ("workbooks", _CSV): lambda: seconds_of_export(system, TENANT, rows),
            ("workbooks", _WRITER): rival("workbook_writer", url, emulator, rows),
            ("workbooks", _FRAMES): rival("workbook_frames", url, emulator, rows),
        }
        speeds = {name: samples for (_, name), samples in measure(contestants, rows, rounds).items()}
    for name, samples in speeds.items():
        yield median_of(f"workbooks, {name}", samples, "rows/s")
    middle = {name: median(samples) for name, samples in speeds.items()}
    fastest = max(middle[_WRITER], middle[_FRAMES])
    yield Figure("workbooks: ours over the faster rival", middle[_OURS] / fastest, "×", at_least=6.0)
    yield Figure("workbooks: ours over our CSV", middle[_OURS] / middle[_CSV], "×", at_least=0.3)
