"""The orchestrator of a job whose first step may export it at once."""

from __future__ import annotations

from typing import Any

import pytest

from exports.workflow.names import EXPORT_JOB
from shared.retry_policy import RetryPolicy
from tests.support.builders import NOON
from tests.support.job_runs import JOB, REJECTED, Steps, export, raising
from tests.support.orchestrators import run

COST = {
    "storageRequests": {"blobWrite": 1, "blobRead": 0, "blobDelete": 0, "tableWrite": 2, "tableRead": 3},
    "bytesSent": 1_000,
    "functionSeconds": 0.5,
}


def planned(**more: Any) -> Any:
    """Let `plan_or_export` return the plan of one page: it could not export the job."""
    return lambda *_: {"kind": "PagesPlanned", "pages": 1, "rows": 10, **more}


def test_a_job_of_one_page_needs_one_activity() -> None:
    done = export(Steps(pages=1), small_at_once=True)
    assert done.names() == ["plan_or_export"]
    assert done.commands("plan_or_export") == [{"job": JOB.model_dump(mode="json"), "targetBytes": 6 * 1024 * 1024}]
    assert done.output == {"kind": "Done", "ended": True}


def test_a_job_of_several_pages_goes_on_as_after_planning() -> None:
    names = export(Steps(pages=3), small_at_once=True).names()
    assert names == ["plan_or_export", *["write_page"] * 3, "commit_file", "record_outcome"]


@pytest.mark.parametrize("small_at_once", [None, False])
def test_an_orchestration_of_an_older_version_begins_with_planning_alone(small_at_once: bool | None) -> None:
    names = export(Steps(pages=1), small_at_once=small_at_once).names()
    assert names == ["plan_pages", "write_page", "commit_file", "record_outcome"]


def test_a_job_that_its_first_step_has_ended_still_sends_its_notification() -> None:
    assert export(Steps(pages=1), small_at_once=True, notify=True).names() == ["plan_or_export", "start_notification"]


def test_a_page_that_could_not_be_exported_at_once_is_written_after_a_pause() -> None:
    steps = Steps(pages=1, plan_or_export=planned(retryAfterSeconds=0.0))
    done = export(steps, small_at_once=True, retry=RetryPolicy(first_pause_seconds=8))
    assert done.names() == ["plan_or_export", None, "write_page", "commit_file", "record_outcome"]
    (pause,) = done.pauses()
    assert pause is not None
    assert 6 <= (pause - NOON).total_seconds() <= 10.1


@pytest.mark.parametrize(("asked", "waited"), [(60.0, 60), (9_999.0, 300)])
def test_the_pause_is_as_long_as_the_source_asks_up_to_five_minutes(asked: float, waited: float) -> None:
    done = export(Steps(pages=1, plan_or_export=planned(retryAfterSeconds=asked)), small_at_once=True)
    (pause,) = done.pauses()
    assert pause is not None
    assert waited <= (pause - NOON).total_seconds() < waited + 1


def test_a_page_whose_step_was_interrupted_is_written_without_another_pause() -> None:
    names = export(Steps(pages=1, plan_or_export=planned()), small_at_once=True).names()
    assert names == ["plan_or_export", "write_page", "commit_file", "record_outcome"]


def test_the_cost_of_an_export_that_failed_at_once_counts() -> None:
    done = export(Steps(pages=1, plan_or_export=planned(cost=COST)), small_at_once=True)
    assert done.commands("commit_file")[0]["cost"] == COST


def test_the_first_step_is_tried_again_after_growing_pauses() -> None:
    steps = Steps(pages=1, plan_or_export=raising(3))
    done = export(steps, small_at_once=True, retry=RetryPolicy(tries=5))
    tries = [work.input["finalTry"] for work in done.scheduled if work.name == "plan_or_export"]
    assert tries == [False] * 4
    assert len(done.pauses()) == 3
    assert done.names()[-1] == "plan_or_export"


def test_a_first_step_that_raises_in_every_try_fails_the_job_as_interrupted() -> None:
    done = export(Steps(pages=1, plan_or_export=raising(99)), small_at_once=True, retry=RetryPolicy(tries=2))
    (outcome,) = done.commands("record_outcome")
    assert outcome["failure"]["code"] == "interrupted"


def test_a_page_that_the_first_step_rejects_is_named() -> None:
    done = export(Steps(pages=1, plan_or_export=lambda *_: {**REJECTED, "page": 0}), small_at_once=True)
    (outcome,) = done.commands("record_outcome")
    assert (outcome["failure"], outcome["page"]) == (REJECTED["failure"], 0)


def test_a_job_stopped_in_its_first_step_records_no_outcome_and_loses_its_blocks() -> None:
    done = export(Steps(pages=1, plan_or_export=lambda *_: {"kind": "Stopped"}), small_at_once=True)
    assert done.names() == ["plan_or_export", "discard_file"]
    assert done.output == {"kind": "Stopped"}


def test_a_job_that_continues_as_new_does_not_plan_again() -> None:
    first = export(Steps(pages=7), small_at_once=True, wave_pages=1, waves_per_execution=4)
    second = run(EXPORT_JOB, first.continued_with, Steps(pages=7))
    assert "plan_or_export" not in second.names()
    assert second.commands("commit_file")[0]["rows"] == 70
