"""Estimate what reading a snapshot adds to an export."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from exports.ports.clients import SnapshotReading
from exports.request.consistency import Consistency
from exports.request.estimate import EstimateWarning, ExportEstimateDto, WarningCode
from exports.request.spec import ExportSpec
from exports.services import Services

_COPIED_BYTES_PER_SECOND = 150_000_000
"""How fast SQLite copies its file, on a disk that is not fast."""

_SLOWDOWN_OF_SEVERAL_READERS, _SLOWDOWN_OF_ONE_READER = 1.2, 1.8
"""How many times as long as all processes of one host one process takes for the clients. docs/performance.md has the
measurements of `dev.py bench --only snapshot`, and how the second number follows from them for a host without other
work."""


def reading_of(services: Services, spec: ExportSpec) -> SnapshotReading | None:
    """Return how the source would read the snapshot of an export; None if the export needs none."""
    return services.clients.snapshot_reading() if spec.consistency is Consistency.SNAPSHOT else None


def snapshot_seconds(reading: SnapshotReading | None, seconds: float) -> float:
    """Return how long the clients take if they are read in a snapshot.

    Args:
        seconds: How long they take otherwise.
    """
    if reading is None:
        return seconds
    slowdown = _SLOWDOWN_OF_SEVERAL_READERS if reading.readers > 1 else _SLOWDOWN_OF_ONE_READER
    return slowdown * seconds + reading.copied_bytes / _COPIED_BYTES_PER_SECOND


def snapshot_warnings(
    reading: SnapshotReading | None, longest: timedelta, estimate: ExportEstimateDto
) -> Iterator[EstimateWarning]:
    """Warn of the limit of time. Recent jobs that are alike read snapshots too, so their rate shows what that costs."""
    if reading is None:
        return
    minutes = longest / timedelta(minutes=1)
    if estimate.seconds > longest.total_seconds():
        message = f"A snapshot may take {minutes:g} minutes, and this export would take longer, so it would fail."
        yield EstimateWarning(code=WarningCode.SNAPSHOT_TOO_LONG, message=message)
    elif not estimate.recent_jobs:
        message = (
            f"{_way_of(reading)} The estimated seconds allow for that on one host; if several hosts serve exports, one "
            f"without a snapshot is faster still. After {minutes:g} minutes the export fails."
        )
        yield EstimateWarning(code=WarningCode.SNAPSHOT_IS_SLOWER, message=message)


def _way_of(reading: SnapshotReading) -> str:
    way = "One process alone reads a snapshot"
    if reading.readers == 1:
        way += ", and it reads one page after another"
    if reading.copied_bytes:
        seconds = reading.copied_bytes / _COPIED_BYTES_PER_SECOND
        way += f", from a copy of the database file, which may take {seconds:.1f} seconds to make"
    return f"{way}."
