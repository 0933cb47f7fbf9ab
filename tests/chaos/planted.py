"""Bugs planted on purpose. The invariants must find each of them, otherwise the invariants prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exports.jobs.job import Job
from exports.steps.requests import get_export
from exports.triggers import activities
from exports.workflow.outcomes import PageWritten

COUNTED_TWICE = "a retried page counts twice"


def plant(name: str) -> None:
    """Plant the bug with this name in this process; an empty name plants none."""
    if name:
        BUGS[name]()


def _count_every_run() -> None:
    """Count progress in the naive way: every run of a step adds its rows to the job's row."""
    write = activities.write_page  # type: ignore[attr-defined]

    def write_and_add(services: Any, command: Any) -> Any:
        written = write(services, command)
        if isinstance(written, PageWritten):
            services.jobs.change(command.job.tenant, command.job.code, lambda job: _with_more(job, written.rows))
        return written

    activities.write_page = write_and_add  # type: ignore[attr-defined]
    Job.settle = lambda job, _pages, _items: job  # type: ignore[assignment, method-assign]
    get_export.processed_items = lambda services, job: job.settled_items


def _with_more(job: Job, rows: int) -> Job:
    return replace(job, settled_items=job.settled_items + rows)


BUGS: dict[str, Callable[[], None]] = {COUNTED_TWICE: _count_every_run}
