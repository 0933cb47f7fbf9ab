"""Keeps what was seen of a run that broke an invariant, for a person to read."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.chaos.timeline import Timeline


def keep(folder: Path, timeline: Timeline, wrong: list[str], logs: list[Path]) -> Path:
    """Write the schedule, what is broken, everything seen in order, and the logs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = "\n".join([timeline.schedule.describe(), "", *wrong, "", *_in_order(timeline), "", *_ends(timeline)])
    (folder / "timeline.txt").write_text(text + "\n", encoding="utf-8")
    for log in logs:
        shutil.copy(log, folder / f"{log.parent.name}-{log.name}")
    return folder


def _in_order(timeline: Timeline) -> Iterable[str]:
    moments: list[tuple[float, str]] = [(write.at, f"row   {write}") for write in timeline.job_writes]
    moments += [(call.ended, f"call  {call}") for call in timeline.calls]
    last: dict[str, tuple[object, ...]] = {}
    for seen in sorted(timeline.observations, key=lambda each: each.ended):
        what = (seen.status, seen.processed_items, seen.total_items)
        if last.get(seen.code) != what:
            moments.append((seen.ended, f"seen  {seen}"))
        last[seen.code] = what
    begun = min((moment for moment, _ in moments), default=0.0)
    for moment, text in sorted(moments):
        yield f"{moment - begun:8.3f}  {text}"


def _ends(timeline: Timeline) -> Iterable[str]:
    for job in timeline.jobs:
        yield f"end   {job.code} attempt {job.attempt}: {job.shown}"
        yield f"      published {sorted(job.published)}, staged {sorted(job.staged)}, {job.orchestrations}"
