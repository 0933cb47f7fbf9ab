"""Jobs: how they change, and how users see them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.jobs.failures import Failure
from exports.jobs.job import Job, JobRef
from exports.jobs.snapshot import TakenSnapshot
from exports.jobs.states import FileStatus, IllegalTransitionError, JobStatus
from exports.jobs.view import CsvExportJobDto, job_etag, show_job
from tests.support.builders import NOON, a_job

LATER = NOON + timedelta(seconds=30)
FAILURE = Failure(code="source-mismatch", message="Why.", retryable=False, resumable=True)
EIGHT = {
    *("code", "status", "totalItems", "processedItems"),
    *("downloadUrl", "startedDate", "completedDate", "createdDate"),
}


def _running(**changes: Any) -> Job:
    return a_job(status=JobStatus.IN_PROGRESS, started_date=NOON, **changes)


def _as_json(shown: CsvExportJobDto) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shown.model_dump_json(by_alias=True))
    return document


# --- changing ---


def test_a_job_begins_once() -> None:
    begun = a_job().begin(NOON)
    assert (begun.status, begun.started_date) == (JobStatus.IN_PROGRESS, NOON)
    assert begun.begin(LATER) == begun


def test_settled_pages_never_go_back() -> None:
    job = _running().settle(5, 500)
    assert job.settle(4, 400) == job
    assert job.settle(5, 499) == job
    assert job.settle(6, 600).settled_items == 600


def test_a_completed_job_has_the_proven_numbers() -> None:
    job = _running(total_items=9, settled_pages=1, settled_items=4).complete(LATER, 10, 2000, timedelta(hours=2))
    assert (job.status, job.total_items, job.settled_items, job.file_bytes) == (JobStatus.COMPLETED, 10, 10, 2000)
    assert (job.completed_date, job.expiry_date) == (LATER, LATER + timedelta(hours=2))


def test_a_failed_job_has_an_end_and_a_failure_but_no_expiry() -> None:
    job = _running().fail(LATER, FAILURE)
    assert (job.status, job.completed_date, job.failure) == (JobStatus.FAILED, LATER, FAILURE)
    assert job.expiry_date is None


def test_a_queued_job_can_fail() -> None:
    assert a_job().fail(NOON, FAILURE).status is JobStatus.FAILED


def test_a_queued_job_cannot_complete() -> None:
    with pytest.raises(IllegalTransitionError):
        a_job().complete(NOON, 0, 0, timedelta(hours=1))


@pytest.mark.parametrize("status", [status for status in JobStatus if status.is_terminal])
def test_a_job_that_has_ended_cannot_begin_fail_or_complete(status: JobStatus) -> None:
    job = a_job(status=status)
    with pytest.raises(IllegalTransitionError):
        job.begin(NOON)
    with pytest.raises(IllegalTransitionError):
        job.fail(NOON, FAILURE)
    with pytest.raises(IllegalTransitionError):
        job.complete(NOON, 0, 0, timedelta(hours=1))


@pytest.mark.parametrize(
    ("status", "attempt", "runs"),
    [
        (JobStatus.QUEUED, 2, True),
        (JobStatus.IN_PROGRESS, 2, True),
        (JobStatus.IN_PROGRESS, 1, False),
        (JobStatus.IN_PROGRESS, 3, False),
        (JobStatus.COMPLETED, 2, False),
        (JobStatus.FAILED, 2, False),
        (JobStatus.CANCELLED, 2, False),
    ],
)
def test_only_the_current_attempt_of_an_active_job_runs(status: JobStatus, attempt: int, runs: bool) -> None:
    assert a_job(status=status, attempt=2).runs(attempt) is runs


def test_every_attempt_has_its_own_durable_instance() -> None:
    assert JobRef(tenant="t", code="abc", attempt=2).instance_id == "abc-2"


def test_the_blobs_of_a_job_have_their_published_names() -> None:
    job = a_job(tenant="t", code="abc", file_name="f.csv", attempt=2)
    assert job.file_path == job.ref.file_path("f.csv") == "t/abc/f.csv"
    assert job.ref.plan_path == "t/abc/plan.json"
    assert job.ref.manifest_path == "t/abc/manifest-2.json"
    assert job.ref.manifest_path.startswith(job.ref.manifest_prefix)


def test_the_job_of_a_blob_is_found_by_its_name() -> None:
    ref = JobRef(tenant="t", code="abc", attempt=1)
    paths = [ref.plan_path, ref.manifest_path, ref.file_path("f.csv"), ref.file_path("a/b.csv")]
    assert {JobRef.of_blob(path) for path in paths} == {ref}


@pytest.mark.parametrize("path", ["", "plan.json", "t/plan.json", "t/abc/"])
def test_a_blob_of_another_name_belongs_to_no_job(path: str) -> None:
    assert JobRef.of_blob(path) is None


# --- showing ---


def test_eight_properties_are_always_present() -> None:
    document = _as_json(show_job(a_job(), 0, NOON))
    assert document.keys() >= EIGHT


def test_a_queued_job_shows_null_for_unknown_values() -> None:
    document = _as_json(show_job(a_job(), 0, NOON))
    null = {name for name in EIGHT if document[name] is None}
    assert null == {"totalItems", "downloadUrl", "startedDate", "completedDate"}
    assert (document["status"], document["processedItems"]) == ("Queued", 0)


def test_a_job_in_progress_shows_null_only_for_its_end() -> None:
    document = _as_json(show_job(_running(total_items=10), 5, LATER))
    assert {name for name in EIGHT if document[name] is None} == {"downloadUrl", "completedDate"}


def test_a_completed_job_shows_everything() -> None:
    job = _running().complete(LATER, 10, 2000, timedelta(hours=1))
    document = _as_json(show_job(job, 10, LATER))
    assert {name for name in EIGHT if document[name] is None} == {"downloadUrl"}
    assert (document["fileStatus"], document["fileSize"], document["fileName"]) == (
        "Available",
        2000,
        "clients.csv",
    )


def test_a_job_states_its_consistency_from_the_start() -> None:
    assert "exactly once" in _as_json(show_job(a_job(), 0, NOON))["consistency"]


def test_a_failed_job_says_why() -> None:
    document = _as_json(show_job(_running().fail(LATER, FAILURE), 3, LATER))
    assert document["failure"] == {
        "code": "source-mismatch",
        "message": "Why.",
        "retryable": False,
        "resumable": True,
    }
    assert document["completedDate"] == "2026-01-31T12:00:30.000Z"


def test_times_are_shown_in_utc_with_z() -> None:
    assert _as_json(show_job(a_job(), 0, NOON))["createdDate"] == "2026-01-31T12:00:00.000Z"


def test_processed_items_are_capped_at_the_total() -> None:
    shown = show_job(_running(total_items=10), 12, LATER)
    assert (shown.processed_items, shown.percent_complete) == (10, 99)


@given(st.integers(1, 10**7), st.lists(st.integers(0, 2 * 10**7), min_size=2, max_size=2).map(sorted))
def test_more_work_never_shows_less_progress(total: int, processed: list[int]) -> None:
    before, after = (show_job(_running(total_items=total), items, LATER) for items in processed)
    assert before.processed_items <= after.processed_items <= total
    assert (before.percent_complete or 0) <= (after.percent_complete or 0) <= 99


@pytest.mark.parametrize(
    ("total", "processed", "percent"),
    [(None, 0, None), (0, 0, 0), (3, 0, 0), (3, 1, 33), (3, 2, 66), (3, 3, 99), (1000, 999, 99)],
)
def test_percent_is_rounded_down_and_never_100_in_progress(
    total: int | None, processed: int, percent: int | None
) -> None:
    assert show_job(_running(total_items=total), processed, LATER).percent_complete == percent


@pytest.mark.parametrize("items", [0, 10])
def test_a_completed_job_is_at_100_percent(items: int) -> None:
    job = _running().complete(LATER, items, 0, timedelta(hours=1))
    assert show_job(job, items, LATER).percent_complete == 100


def test_the_end_is_estimated_from_the_progress_so_far() -> None:
    shown = show_job(_running(total_items=100), 25, NOON + timedelta(seconds=10))
    assert shown.estimated_completion_date == NOON + timedelta(seconds=40)


def test_the_end_of_a_resumed_job_is_estimated_without_the_clients_that_were_kept() -> None:
    shown = show_job(_running(total_items=100, kept_items=60), 70, NOON + timedelta(seconds=10))
    assert shown.estimated_completion_date == NOON + timedelta(seconds=40)


def test_a_resumed_job_shows_no_less_progress_than_before() -> None:
    resumed = _running(total_items=100, settled_items=70).cancel(LATER).resume(kept_items=40, shown_items=70)
    assert show_job(resumed, 40, LATER).processed_items == 70
    again = replace(resumed, status=JobStatus.CANCELLED).resume(kept_items=40, shown_items=50)
    assert (show_job(again, 50, LATER).processed_items, again.kept_items) == (70, 40)


def test_the_moment_of_an_earlier_attempt_is_not_shown() -> None:
    running = _running(total_items=10).begin_snapshot(NOON, TakenSnapshot(moment=NOON, attempt=1))
    assert show_job(running, 0, LATER).snapshot_date == NOON
    resumed = running.cancel(LATER).resume()
    assert show_job(resumed, 0, LATER).snapshot_date is None
    again = resumed.begin_snapshot(LATER, TakenSnapshot(moment=LATER, attempt=2))
    assert show_job(again, 0, LATER).snapshot_date == LATER


@pytest.mark.parametrize(
    ("job", "processed"),
    [
        (a_job(), 0),
        (_running(), 0),
        (_running(total_items=100), 0),
        (_running(total_items=100, kept_items=50), 50),
        (_running(total_items=0), 0),
        (_running(total_items=100).fail(LATER, FAILURE), 50),
        (_running().complete(LATER, 10, 10, timedelta(hours=1)), 10),
    ],
    ids=["queued", "unplanned", "no page yet", "no new page", "no clients", "failed", "completed"],
)
def test_without_progress_there_is_no_estimate(job: Job, processed: int) -> None:
    assert show_job(job, processed, LATER).estimated_completion_date is None


# --- tags ---


def _tag(job: Job, processed: int = 0, now: datetime = LATER, link_period: int | None = None) -> str:
    return job_etag(show_job(job, processed, now), link_period)


def test_the_tag_of_a_job_is_a_weak_entity_tag() -> None:
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', _tag(a_job()))


def test_a_tag_ignores_the_estimate() -> None:
    running = _running(total_items=10)
    assert _tag(running, 5, LATER) == _tag(running, 5, LATER + timedelta(seconds=9))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((a_job(code="a", tenant="t"), 0), (_running(code="a", tenant="t"), 0)),
        ((_running(code="a", total_items=10), 5), (_running(code="a", total_items=10), 6)),
        ((_running(code="a"), 0), (_running(code="a").cancel(LATER), 0)),
        ((a_job(code="a"), 0), (a_job(code="b"), 0)),
    ],
    ids=["begun", "progress", "cancelled", "another job"],
)
def test_a_tag_changes_with_the_job(before: tuple[Job, int], after: tuple[Job, int]) -> None:
    assert _tag(*before) != _tag(*after)


def test_a_tag_changes_before_the_link_of_the_last_answer_expires() -> None:
    completed = _running().complete(LATER, 10, 10, timedelta(hours=1))
    assert len({_tag(completed, 10, link_period=period) for period in (None, 1, 2)}) == 3


def test_the_status_of_the_file_says_why_there_is_no_link() -> None:
    completed = _running().complete(LATER, 10, 10, timedelta(hours=1))
    assert _running().file_status(LATER) is None
    assert completed.file_status(LATER) is FileStatus.AVAILABLE
    assert completed.file_status(LATER + timedelta(hours=1)) is FileStatus.EXPIRED
    assert completed.remove_file().file_status(LATER) is FileStatus.REMOVED


def test_a_job_that_began_later_by_the_clock_of_another_host_has_no_estimated_end() -> None:
    shown = show_job(_running(total_items=100), 50, NOON - timedelta(minutes=5))
    assert shown.estimated_completion_date is None
