"""Run schedules of faults against the running service: `python3 dev.py chaos --seed 1 --runs 200`.

The same invariants check every run. The first run that breaks one ends the command, which prints its seed, its
schedule and the broken invariants. The observations and logs of that run are saved in `.local/chaos/<seed>/`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from devhost.local.paths import LOCAL, shown_path
from tests.chaos.invariants import violations
from tests.chaos.planted import BUGS
from tests.chaos.rig import Rig
from tests.chaos.run import perform
from tests.chaos.saved_runs import save_run
from tests.chaos.schedule import Schedule, make_schedule, without
from tests.chaos.tally import Tally
from tests.chaos.timeline import Timeline

RUNS_PER_RIG = 40
"""The data of all runs stays on a rig, so checking it takes longer with every run. A new rig starts empty."""


def main() -> int:
    """Run the schedules and print a line for each; return 1 if a run broke an invariant."""
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


def _only(schedule: Schedule, wanted: list[int] | None) -> Schedule:
    """Return the schedule with only the events at these indexes; None: with all of them."""
    unwanted = [] if wanted is None else [index for index in range(len(schedule.events)) if index not in wanted]
    for index in reversed(unwanted):
        schedule = without(schedule, index)
    return schedule


def _run_on_one_rig(schedules: list[Schedule], options: argparse.Namespace, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="client-export-chaos-") as scratch:
        rig = Rig(Path(scratch), options.planted)
        try:
            for schedule in schedules:
                found = _run(rig, schedule, tally)
                if found and options.shrink:
                    _shrink(rig, schedule)
                if found and not options.go_on:
                    return
        finally:
            rig.stop()


def _run(rig: Rig, schedule: Schedule, tally: Tally) -> list[str]:
    """Carry out a schedule and print its result; return the violations."""
    began = time.monotonic()
    try:
        timeline = perform(rig, schedule)
    except BaseException:
        print(schedule.describe(), flush=True)
        raise
    seconds = time.monotonic() - began
    found = violations(timeline)
    tally.add(timeline, seconds, ok=not found)
    ends = ", ".join(_end_of(job.shown) for job in timeline.jobs)
    verdict = "BROKEN" if found else "ok"
    print(f"{verdict:<7}{schedule.seed:>6} {seconds:5.1f} s  {schedule.summary()} → {ends}", flush=True)
    if found:
        _explain(rig, timeline, found)
    return found


def _explain(rig: Rig, timeline: Timeline, found: list[str]) -> None:
    seed = timeline.schedule.seed
    folder = save_run(LOCAL / "chaos" / str(seed), timeline, found, rig.logs())
    print(timeline.schedule.describe())
    for line in found:
        print(f"  ✗ {line}")
    print(f"  Observations and logs: {shown_path(folder)}")
    print(f"  Repeat it: python3 dev.py chaos --seed {seed} --runs 1", flush=True)


def _shrink(rig: Rig, schedule: Schedule) -> None:
    """Remove events one by one while the rest still breaks an invariant; print the command with the needed events."""
    needed = list(range(len(schedule.events)))
    for index in list(needed):
        fewer = [each for each in needed if each != index]
        if violations(perform(rig, _only(schedule, fewer))):
            needed = fewer
    print(f"  Needed: python3 dev.py chaos --seed {schedule.seed} --runs 1 --only {' '.join(map(str, needed))}")


def _end_of(shown: dict[str, object]) -> str:
    failure = shown.get("failure")
    return f"{shown['status']}({failure['code']})" if isinstance(failure, dict) else str(shown["status"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--runs", type=int, default=20, help="the number of consecutive seeds to run (default: 20)")
    parser.add_argument("--go-on", action="store_true", help="continue after a run that breaks an invariant")
    parser.add_argument("--shrink", action="store_true", help="find the events that are needed to break an invariant")
    parser.add_argument("--only", type=int, nargs="*", help="run only these events of a schedule, counted from 0")
    parser.add_argument("--planted", choices=sorted(BUGS), default="", help="plant a bug, to see that it is found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
