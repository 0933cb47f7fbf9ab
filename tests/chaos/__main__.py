"""Run schedules of faults against the running service: `python3 dev.py chaos --seed 1 --runs 200`.

Every run is judged by the same invariants. The first run that breaks one ends the command with its seed, its schedule
and what is broken; what was seen and written down is kept in `.local/chaos/<seed>/`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from devhost.local.paths import LOCAL, shown_path
from tests.chaos.invariants import broken
from tests.chaos.keeping import keep
from tests.chaos.planted import BUGS
from tests.chaos.rig import Rig
from tests.chaos.run import perform
from tests.chaos.schedule import Schedule, make_schedule, without
from tests.chaos.tally import Tally
from tests.chaos.timeline import Timeline

RUNS_PER_RIG = 40
"""A rig keeps what its runs have left, and looking through it takes longer every time."""


def main() -> int:
    """Run and print; 1 if an invariant was broken."""
    options = _options()
    tally = Tally()
    seeds = range(options.seed, options.seed + options.runs)
    for first in range(0, len(seeds), RUNS_PER_RIG):
        schedules = [_only(make_schedule(seed), options.only) for seed in seeds[first : first + RUNS_PER_RIG]]
        _run_on_one_rig(schedules, options, tally)
        if tally.failed and not options.go_on:
            break
    print(tally.table())
    return 1 if tally.failed else 0


def _only(schedule: Schedule, kept: list[int] | None) -> Schedule:
    """Leave out the events that are not kept."""
    left_out = [] if kept is None else [index for index in range(len(schedule.events)) if index not in kept]
    for index in reversed(left_out):
        schedule = without(schedule, index)
    return schedule


def _run_on_one_rig(schedules: list[Schedule], options: argparse.Namespace, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="client-export-chaos-") as scratch:
        rig = Rig(Path(scratch), options.planted)
        try:
            for schedule in schedules:
                wrong = _run(rig, schedule, tally)
                if wrong and options.shrink:
                    _shrink(rig, schedule)
                if wrong and not options.go_on:
                    return
        finally:
            rig.stop()


def _run(rig: Rig, schedule: Schedule, tally: Tally) -> list[str]:
    """Carry a schedule out and print what came of it; what is broken."""
    begun = time.monotonic()
    try:
        timeline = perform(rig, schedule)
    except BaseException:
        print(schedule.describe(), flush=True)
        raise
    seconds = time.monotonic() - begun
    wrong = broken(timeline)
    tally.add(timeline, seconds, ok=not wrong)
    ends = ", ".join(_end_of(job.shown) for job in timeline.jobs)
    verdict = "BROKEN" if wrong else "ok"
    print(f"{verdict:<7}{schedule.seed:>6} {seconds:5.1f} s  {schedule.summary()} → {ends}", flush=True)
    if wrong:
        _explain(rig, timeline, wrong)
    return wrong


def _explain(rig: Rig, timeline: Timeline, wrong: list[str]) -> None:
    seed = timeline.schedule.seed
    kept = keep(LOCAL / "chaos" / str(seed), timeline, wrong, rig.logs())
    print(timeline.schedule.describe())
    for line in wrong:
        print(f"  ✗ {line}")
    print(f"  What was seen: {shown_path(kept)}")
    print(f"  Again: python3 dev.py chaos --seed {seed} --runs 1", flush=True)


def _shrink(rig: Rig, schedule: Schedule) -> None:
    """Leave out one event after another, as long as what is left still breaks something; print which are needed."""
    needed = list(range(len(schedule.events)))
    for index in list(needed):
        fewer = [each for each in needed if each != index]
        if broken(perform(rig, _only(schedule, fewer))):
            needed = fewer
    print(f"  It takes: python3 dev.py chaos --seed {schedule.seed} --runs 1 --only {' '.join(map(str, needed))}")


def _end_of(shown: dict[str, object]) -> str:
    failure = shown.get("failure")
    return f"{shown['status']}({failure['code']})" if isinstance(failure, dict) else str(shown["status"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--runs", type=int, default=20, help="how many seeds, one after another (default: 20)")
    parser.add_argument("--go-on", action="store_true", help="do not end at the first run that breaks an invariant")
    parser.add_argument("--shrink", action="store_true", help="find out which events of a broken run are needed")
    parser.add_argument("--only", type=int, nargs="*", help="only these events of a schedule, counted from 0")
    parser.add_argument("--planted", choices=sorted(BUGS), default="", help="plant a bug, to see it found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
