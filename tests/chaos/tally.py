"""Counts the results of all runs of a command."""

from __future__ import annotations

from collections import Counter

from tests.chaos.timeline import Timeline


class Tally:
    """Counts runs, jobs, failures and events.

    Attributes:
        failed: Seeds of the runs that broke an invariant.
    """

    def __init__(self) -> None:
        self.failed: list[int] = []
        self._seconds: list[float] = []
        self._occurred: Counter[str] = Counter()
        self._deliveries: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    def add(self, timeline: Timeline, seconds: float, *, ok: bool) -> None:
        """Add a run."""
        schedule, shown = timeline.schedule, [job.shown for job in timeline.jobs]
        self._seconds.append(seconds)
        self._deliveries.update([schedule.delivery.value])
        self._occurred.update(timeline.occurred)
        self._statuses.update(job["status"] for job in shown)
        self._failures.update(job["failure"]["code"] for job in shown if job["status"] == "Failed")
        if not ok:
            self.failed.append(schedule.seed)

    def table(self) -> str:
        """Return the counts as text, one line for each kind."""
        runs, seconds = len(self._seconds), self._seconds or [0.0]
        lines = [
            f"{runs} runs, {len(self.failed)} broke an invariant {self.failed or ''}",
            f"jobs: {_counted(self._statuses)}",
            f"failed with: {_counted(self._failures)}",
            f"activities delivered: {_counted(self._deliveries)}",
            f"events: {_counted(self._occurred)}",
            f"seconds per run: {sum(seconds) / len(seconds):.1f} on average, {max(seconds):.1f} at most",
        ]
        return "\n".join(lines)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"
