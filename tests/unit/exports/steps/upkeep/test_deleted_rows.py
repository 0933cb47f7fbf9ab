"""An operator may delete the row of a job that cannot be read (`docs/runbook.md`): nothing of the job remains."""

from __future__ import annotations

from pathlib import Path

from exports.jobs.watchdog import MAX_WRITE_TIME
from exports.steps.upkeep.sweep_orphans import sweep_orphans
from tests.support.steps import STARTS, write_pages
from tests.support.watched_jobs import a_system, a_watched_job, run_watchdog, watched_attempts

RUNBOOK = Path(__file__).parents[5] / "docs" / "runbook.md"


def test_watchdog_and_sweep_remove_what_belongs_to_a_job_whose_row_was_deleted() -> None:
    services, client = a_system()
    job = a_watched_job(services, client, starts=STARTS)
    write_pages(services, job, 2)
    services.jobs.purge(job.tenant, job.code)

    run_watchdog(services, client, times=2 + int(MAX_WRITE_TIME.total_seconds() / 60))
    sweep_orphans(services)

    assert watched_attempts(services) == []
    assert services.files.sweep("", 10)[0] == []
    assert list(services.pages.records(job.ref)) == []
    assert "if you cannot correct it. The watchdog and the sweep then remove what belongs" in RUNBOOK.read_text("utf-8")
