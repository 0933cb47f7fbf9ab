"""Runs the orchestrator of a job against scripted results of its steps."""

from __future__ import annotations

from collections import Counter
from typing import Any

from exports.jobs.failures import Failure
from exports.jobs.job import JobRef
from exports.workflow.commands import ExportJob, Limits, Progress
from exports.workflow.names import EXPORT_JOB
from tests.support.orchestrators import Run, run

JOB = JobRef(tenant="northwind", code="7ybqttn9kg0pf1x6vfw644k23d", attempt=1)
ROWS_PER_PAGE, BYTES_PER_PAGE = 10, 1_000
REJECTED = {
    "kind": "Rejected",
    "failure": Failure(code="source-mismatch", message="No such view.", retryable=False, resumable=False).model_dump(),
}


class Steps:
    """Results of the steps of a job with `pages` pages, all of which succeed by default.

    Args:
        pages: Number of pages that `plan_pages` and `plan_or_export` report. The latter ends a job of one page.
        instead: For a step's name, a function that takes the number of the call (from 1) and the payload. It returns
            another result, raises an error, or returns None for the default result.
    """

    def __init__(self, pages: int, **instead: Any) -> None:
        self.pages = pages
        self.instead = instead
        self.calls: Counter[str] = Counter()

    def __call__(self, name: str, payload: Any) -> Any:
        self.calls[name] += 1
        if name in self.instead:
            outcome = self.instead[name](self.calls[name], payload)
            if outcome is not None:
                return outcome
        return {
            "plan_or_export": self._planned() if self.pages > 1 else {"kind": "Done", "ended": True},
            "plan_pages": self._planned(),
            "write_page": {"kind": "PageWritten", "rows": ROWS_PER_PAGE, "bytes": BYTES_PER_PAGE},
        }.get(name, {"kind": "Done"})

    def _planned(self) -> dict[str, Any]:
        return {"kind": "PagesPlanned", "pages": self.pages, "rows": self.pages * ROWS_PER_PAGE}


def export(
    steps: Steps,
    progress: Progress | None = None,
    *,
    notify: bool = False,
    small_at_once: bool | None = None,
    **limits: Any,
) -> Run:
    """Run the job's orchestrator to its end with these limits."""
    job = ExportJob(job=JOB, limits=Limits(**limits), progress=progress, notify=notify, small_at_once=small_at_once)
    return run(EXPORT_JOB, job.model_dump(mode="json", by_alias=True), steps)


def raising(times: int) -> Any:
    """Make a step raise on its first `times` calls and succeed from then on."""

    def answer(call: int, _payload: Any) -> None:
        if call <= times:
            raise OSError("connection reset")

    return answer
