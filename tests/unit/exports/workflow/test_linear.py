"""Each page adds the same number of events to the histories, from ten pages to ten thousand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exports.jobs.job import JobRef
from exports.workflow.commands import ExportJob, Limits
from exports.workflow.names import EXPORT_JOB
from tests.support import orchestrators
from tests.support.orchestrators import Run, run

JOB = JobRef(tenant="northwind", code="7ybqttn9kg0pf1x6vfw644k23d", attempt=1)
LONGEST_HISTORY_EVENTS = 500
LARGEST_HISTORY_BYTES = 200_000
LARGEST_INPUT_BYTES = 1_000


class Costs:
    """Runs a job with a number of pages and counts the events and activities of all its orchestrations."""

    def __init__(self, pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages = pages
        self.activities = 0
        self.runs: list[Run] = []
        self._run = run
        monkeypatch.setattr(orchestrators, "run", self._record_run)
        payload: Any = ExportJob(job=JOB, limits=Limits()).model_dump(mode="json", by_alias=True)
        self.executions = 0
        while payload:
            self.executions += 1
            assert len(json.dumps(payload)) < LARGEST_INPUT_BYTES
            payload = self._record_run(EXPORT_JOB, payload, self._answer).continued_with

    def _record_run(self, *arguments: Any) -> Run:
        done = self._run(*arguments)
        self.runs.append(done)
        return done

    def _answer(self, name: str, _payload: Any) -> Any:
        self.activities += 1
        return {
            "plan_pages": {"kind": "PagesPlanned", "pages": self.pages, "rows": self.pages * 10},
            "write_page": {"kind": "PageWritten", "rows": 10, "bytes": 6_000_000},
        }.get(name, {"kind": "Done"})

    @property
    def events_per_page(self) -> float:
        """Events of all histories for each page: work that was scheduled, and its results."""
        return sum(len(done.history) + len(done.scheduled) for done in self.runs) / self.pages


@pytest.mark.parametrize("pages", [10, 1_000, 10_000])
def test_histories_are_bounded_and_each_page_costs_the_same_at_any_size(
    pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = Costs(pages, monkeypatch)

    assert max(len(done.history) for done in costs.runs) <= LONGEST_HISTORY_EVENTS
    assert max(len(json.dumps(done.history)) for done in costs.runs) <= LARGEST_HISTORY_BYTES
    assert costs.events_per_page <= 2.2 + 12 / pages
    assert costs.activities <= pages + pages / 60 + 4
    assert costs.executions == 1 + (pages - 1) // (64 * 50)
