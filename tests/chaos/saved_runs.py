"""Saves a run that broke an invariant as text files for people to read."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.chaos.timeline import Timeline


def save_run(folder: Path, timeline: Timeline, violations: list[str], logs: list[Path]) -> Path:
    """Write the schedule, the violations, all observations in order, and the logs; return the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = "\n".join([timeline.schedule.describe(), "", *violations, "", *_in_order(timeline), "", *_ends(timeline)])
    (folder / "timeline.txt").write_text(text + "\n", encoding="utf-8")
    for log in logs:
        shutil.copy(log, folder / f"{log.parent.name}-{log.name}")
    return folder


def _in_order(timeline: Timeline) -> Iterable[str]:
    moments: list[tuple[float, str]] = [(write.at, f"row   {write}") for write in timeline.job_writes]
    moments += [(call.ended, f"call  {call}") for call in timeline.calls]
    last: dict[str, tuple[object, ...]] = {}
    for seen in sorted(timeline.observations, key=lambda each: each.ended):
        state = (seen.status, seen.processed_items, seen.total_items)
        if last.get(seen.code) != state:
            moments.append((seen.ended, f"seen  {seen}"))
        last[seen.code] = state
    began = min((moment for moment, _ in moments), default=0.0)
    for moment, text in sorted(moments):
        yield f"{moment - began:8.3f}  {text}"


def _ends(timeline: Timeline) -> Iterable[str]:
    for job in timeline.jobs:
        yield f"end   {job.code} attempt {job.attempt}: {job.shown}"
        yield f"      published {sorted(job.published)}, staged {sorted(job.staged)}, {job.orchestrations}"
