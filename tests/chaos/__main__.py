"""Run schedules of faults against the running service: `python3 dev.py chaos --seed 1 --runs 200`.

Every run is judged by the same invariants. The first run that breaks one ends the command with its seed, its schedule
and what is broken; what was seen and written down is kept in `.local/chaos/<seed>/`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from devhost.local.places import LOCAL, shown_path
from tests.chaos.invariants import broken
from tests.chaos.keeping import keep
from tests.chaos.planted import BUGS
from tests.chaos.rig import Rig
from tests.chaos.run import perform
from tests.chaos.schedule import Schedule, kind_of, make_schedule
from tests.chaos.timeline import Timeline

RUNS_PER_RIG = 40
"""A rig keeps what its runs have left, and looking through it takes longer every time."""


def main() -> int:
    """Run and print; 1 if an invariant was broken."""
    options = _options()
    tally = Tally()
    seeds = range(options.seed, options.seed + options.runs)
    for first in range(0, len(seeds), RUNS_PER_RIG):
        _run_on_one_rig([make_schedule(seed) for seed in seeds[first : first + RUNS_PER_RIG]], options, tally)
        if tally.failed and not options.go_on:
            break
    print(tally.table())
    return 1 if tally.failed else 0


class Tally:
    """Sums over all runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.failed: list[int] = []
        self.seconds: list[float] = []
        self.kinds: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()

    def add(self, timeline: Timeline, seconds: float) -> None:
        self.runs += 1
        self.seconds.append(seconds)
        schedule = timeline.schedule
        self.kinds.update([*map(kind_of, schedule.events), f"delivered {schedule.doubling}"])
        self.statuses.update(job.shown["status"] for job in timeline.jobs)
        self.failures.update(job.shown["failure"]["code"] for job in timeline.jobs if job.shown["status"] == "Failed")

    def table(self) -> str:
        lines = [
            f"{self.runs} runs, {len(self.failed)} broke an invariant {self.failed or ''}",
            f"jobs: {_counted(self.statuses)}",
            f"failed with: {_counted(self.failures)}",
            f"events: {_counted(self.kinds)}",
            f"seconds a run: {sum(self.seconds) / self.runs:.1f} in the mean, {max(self.seconds):.1f} at most",
        ]
        return "\n".join(lines)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items(), key=lambda each: -each[1])) or "none"


def _run_on_one_rig(schedules: list[Schedule], options: argparse.Namespace, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="client-export-chaos-") as scratch:
        rig = Rig(Path(scratch), options.planted)
        try:
            for schedule in schedules:
                if not _run(rig, schedule, tally) and not options.go_on:
                    break
        finally:
            rig.stop()


def _run(rig: Rig, schedule: Schedule, tally: Tally) -> bool:
    begun = time.monotonic()
    timeline = perform(rig, schedule)
    seconds = time.monotonic() - begun
    tally.add(timeline, seconds)
    wrong = broken(timeline)
    ends = ", ".join(_end_of(job.shown) for job in timeline.jobs)
    print(
        f"{'BROKEN' if wrong else 'ok':<7}{schedule.seed:>6} {seconds:5.1f} s  {schedule.summary()} → {ends}",
        flush=True,
    )
    if not wrong:
        return True
    tally.failed.append(schedule.seed)
    kept = keep(LOCAL / "chaos" / str(schedule.seed), timeline, wrong, rig.logs())
    print(schedule.describe())
    for line in wrong:
        print(f"  ✗ {line}")
    print(
        f"  What was seen: {shown_path(kept)}. Again: python3 dev.py chaos --seed {schedule.seed} --runs 1", flush=True
    )
    return False


def _end_of(shown: dict[str, object]) -> str:
    failure = shown.get("failure")
    return f"{shown['status']}({failure['code']})" if isinstance(failure, dict) else str(shown["status"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--runs", type=int, default=20, help="how many seeds, one after another (default: 20)")
    parser.add_argument("--go-on", action="store_true", help="do not end at the first run that breaks an invariant")
    parser.add_argument("--planted", choices=sorted(BUGS), default="", help="plant a bug, to see it found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
