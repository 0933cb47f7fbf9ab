"""Every invariant detects violations: a correct timeline passes, and one with a single defect breaks the right one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.invariants import INVARIANTS, violations
from tests.chaos.operations import JobWrite
from tests.chaos.schedule import make_schedule
from tests.chaos.timeline import CallRecord, FinalJob, Observation, ReceivedWebhook, SlotRun, Timeline

FIRST, SECOND = b"Code,Name\r\nC1,Ann\r\n", b"C2,Bob\r\n"
FILE = FIRST + SECOND
CODE, OTHER = "job1", "job2"
ENDED = {"Failed": OTHER, "Cancelled": "job3", "InProgress": "job4"}


def _page(number: int, data: bytes, start: str | None, stop: str | None) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    return {"page": number, "start": start, "stop": stop, "rows": 1, "bytes": len(data), "sha256": digest}


def _manifest() -> dict[str, Any]:
    pages = [_page(0, FIRST, None, "C2"), _page(1, SECOND, "C2", None)]
    return {"rows": 2, "bytes": len(FILE), "pages": pages}


def _shown(**changes: Any) -> dict[str, Any]:
    shown = {
        "status": "Completed",
        "processedItems": 2,
        "totalItems": 2,
        "percentComplete": 100,
        "fileSize": len(FILE),
        "downloadUrl": "http://…",
        "completedDate": "2026-01-01T00:00:00Z",
    }
    return shown | changes


def _completed(**changes: Any) -> FinalJob:
    job = FinalJob(
        tenant="t",
        code=CODE,
        body="full",
        attempt=1,
        shown=_shown(),
        file=FILE,
        manifest=_manifest(),
        verify_faults=(),
        download_status=302,
        manifest_status=200,
        published=frozenset({"full.csv", "manifest.json", "plan.json"}),
        staged=frozenset(),
        orchestrations={1: "Completed"},
    )
    return replace(job, **changes)


def _ended(status: str, **changes: Any) -> FinalJob:
    """A job without a file."""
    failure = {"failure": {"code": "storage-unavailable"}} if status == "Failed" else {}
    shown = _shown(status=status, downloadUrl=None, percentComplete=50, processedItems=1, fileSize=None, **failure)
    nothing: dict[str, Any] = {"file": None, "manifest": None, "download_status": 409, "manifest_status": 409}
    return _completed(code=ENDED[status], shown=shown, published=frozenset({"plan.json"}), **nothing | changes)


def _write(status: str, attempt: int = 1, settled: int = 0, code: str = CODE) -> JobWrite:
    return JobWrite(0.0, "t", code, status, attempt, 2, settled)


def _seen(at: float, status: str, processed: int, percent: int | None = None, *, link: bool = False) -> Observation:
    return Observation(at, at + 0.1, CODE, status, processed, 2, percent, link)


def _webhook(code: str, status: str, *, link: bool = False) -> ReceivedWebhook:
    return ReceivedWebhook(f"{code} 1", code, status, link)


def _correct() -> Timeline:
    return Timeline(
        make_schedule(1),
        {("t", "full"): FILE},
        [_seen(1, "Queued", 0), _seen(2, "InProgress", 1, 50), _seen(3, "Completed", 2, 100, link=True)],
        [CallRecord("start", 0, 1, 202, CODE, "key", "full"), CallRecord("start", 0, 1, 202, CODE, "key", "full")],
        [
            *(_write("Queued"), _write("InProgress"), _write("InProgress", settled=1), _write("Completed", settled=2)),
            *(_write(status, code=ENDED["Cancelled"]) for status in ("Queued", "Cancelled")),
        ],
        [_completed(), _ended("Cancelled")],
        [_webhook(CODE, "Completed"), _webhook(ENDED["Cancelled"], "Cancelled")],
        [SlotRun("12:05", "Skipped", None), SlotRun("12:00", "Started", "job5")],
        ["job5"],
    )


def test_a_correct_timeline_breaks_no_invariant() -> None:
    assert violations(_correct()) == []


def _add_write(*writes: JobWrite) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.job_writes.extend(writes)


def _add_observation(*seen: Observation) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.observations.extend(seen)


def _add_job(job: FinalJob) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.jobs.append(job)


def _add_webhook(webhook: ReceivedWebhook) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.webhooks.append(webhook)


def _add_call(**details: Any) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.calls.append(CallRecord("start", 0, 1, **details))


def _with_shown(**changes: Any) -> FinalJob:
    return _completed(shown=_shown(**changes))


def _with_pages(*pages: dict[str, Any]) -> FinalJob:
    return _completed(manifest=_manifest() | {"pages": list(pages)})


DEFECTS: dict[str, list[tuple[str, Callable[[Timeline], object]]]] = {
    "every_status_change_follows_the_table": [
        ("a completed job is written again as running", _add_write(_write("InProgress"))),
        ("a job begins in the middle", _add_write(_write("InProgress", code="job6"))),
        ("a cancelled job runs again without a resume", _add_write(_write("Queued", 2, code=ENDED["Cancelled"]))),
        ("an attempt is skipped", _add_write(*(_write("Queued", each, code="job6") for each in (1, 3)))),
        ("an attempt is repeated", _add_write(*(_write("Queued", each, code="job6") for each in (1, 2, 1)))),
        ("a completed job is shown as running", _add_observation(_seen(4, "InProgress", 2, 99))),
        (
            "a failed job is shown as running without a resume",
            lambda t: t.observations.insert(0, _seen(0, "Failed", 0)),
        ),
    ],
    "progress_never_falls_or_exceeds_the_total": [
        ("it falls", _add_observation(_seen(2.5, "InProgress", 0, 0))),
        ("it exceeds the total", _add_observation(_seen(2.5, "InProgress", 3, 99))),
        ("it is 100 % too early", _add_observation(_seen(2.5, "InProgress", 2, 100))),
        ("a completed job is at 99 %", _add_observation(_seen(4, "Completed", 2, 99, link=True))),
        ("the row exceeds the total", _add_write(_write("Completed", settled=3))),
        ("the row falls", _add_write(_write("Completed", settled=1))),
    ],
    "completed_jobs_have_the_exact_file": [
        ("no file", _add_job(_completed(file=None))),
        ("another file", _add_job(_completed(file=FIRST + b"C2,Bop\r\n"))),
        ("a file cut short", _add_job(_completed(file=FIRST))),
        ("no manifest", _add_job(_completed(manifest=None))),
        ("a manifest with wrong totals", _add_job(_completed(manifest=_manifest() | {"rows": 3}))),
        ("a wrong hash", _add_job(_with_pages(_page(0, b"x" * len(FIRST), None, "C2"), _page(1, SECOND, "C2", None)))),
        ("a gap between pages", _add_job(_with_pages(_page(0, FIRST, None, "C2"), _page(1, SECOND, "C3", None)))),
        ("a missing last page", _add_job(_with_pages(_page(0, FIRST, None, "C2")))),
        ("a file that does not match its manifest", _add_job(_completed(verify_faults=("Page 0 is wrong",)))),
        ("too many items shown", _add_job(_with_shown(processedItems=3))),
        ("a wrong size shown", _add_job(_with_shown(fileSize=1))),
    ],
    "no_other_job_has_a_readable_file": [
        ("a failed job has a file", _add_job(_ended("Failed", download_status=302))),
        ("a cancelled job has a manifest", _add_job(_ended("Cancelled", manifest_status=200))),
        ("a failed job has published a file", _add_job(replace(_ended("Failed"), published=frozenset({"full.csv"})))),
        ("a link before the end", _add_observation(_seen(2.5, "InProgress", 1, 50, link=True))),
    ],
    "every_job_has_ended": [
        ("a job is still running", _add_job(_ended("InProgress"))),
        ("an orchestration is still running", _add_job(_completed(orchestrations={1: "Running"}))),
        ("a job has no completion date", _add_job(_with_shown(completedDate=None))),
    ],
    "every_failed_job_can_be_resumed": [
        ("a job is failed at the end", _add_job(_ended("Failed"))),
        (
            "a job failed for a permanent reason",
            _add_observation(replace(_seen(4, "Failed", 2), failure="file-mismatch")),
        ),
    ],
    "no_orphaned_data_is_left": [
        ("a blob without a job", lambda timeline: timeline.orphans.append("a blob")),
        ("blocks of a completed job", _add_job(_completed(staged=frozenset({"full.csv"})))),
    ],
    "one_idempotency_key_has_one_job": [
        ("a key has two jobs", _add_call(status=202, code=OTHER, key="key")),
        ("a caller got the code of a job that does not exist", _add_call(status=202, code="job6")),
    ],
    "every_end_is_sent_to_the_receiver": [
        ("a webhook is missing", lambda timeline: timeline.webhooks.pop()),
        ("a webhook has a wrong status", _add_webhook(_webhook(CODE, "Failed"))),
        ("a webhook says that a job runs", _add_webhook(_webhook(CODE, "InProgress"))),
        ("two webhooks with one id differ", _add_webhook(replace(_webhook(CODE, "Failed"), code=OTHER))),
        ("a webhook contains a link", _add_webhook(_webhook(CODE, "Completed", link=True))),
    ],
    "one_slot_has_one_job": [
        ("a slot was started twice", lambda timeline: timeline.slots.append(SlotRun("12:00", "Started", "job6"))),
        ("a job has two slots", lambda timeline: timeline.slots.append(SlotRun("12:10", "Started", "job5"))),
        ("a job has no slot", lambda timeline: timeline.scheduled.append("job6")),
    ],
    "responses_are_as_documented": [
        ("an undocumented response", lambda timeline: timeline.undocumented.append("GET …")),
        ("an unexplained failure", _add_call(status=500, problem="internal")),
    ],
}


@pytest.mark.parametrize(
    ("invariant", "add_defect"),
    [pytest.param(name, add, id=f"{name}: {defect}") for name, cases in DEFECTS.items() for defect, add in cases],
)
def test_a_defect_breaks_its_invariant(invariant: str, add_defect: Callable[[Timeline], object]) -> None:
    timeline = _correct()
    add_defect(timeline)
    assert invariant in {line.partition(":")[0] for line in violations(timeline)}


def test_every_invariant_has_defects_that_break_it() -> None:
    assert set(DEFECTS) == {invariant.__name__ for invariant in INVARIANTS}


def test_a_cancelled_job_keeps_its_blocks_for_a_resume() -> None:
    timeline = _correct()
    timeline.jobs[1] = replace(timeline.jobs[1], staged=frozenset({"full.csv"}))
    assert violations(timeline) == []


@pytest.mark.parametrize(("shown", "is_allowed"), [(0, True), (2, False)])
def test_after_a_requested_resume_a_job_may_run_again_but_progress_may_not_fall(shown: int, is_allowed: bool) -> None:
    timeline = _correct()
    timeline.calls.append(CallRecord("resume", 0.5, 0.6, 202, CODE))
    timeline.observations.insert(0, _seen(0, "Cancelled", shown))
    timeline.job_writes[1:1] = [_write("Cancelled", settled=1), _write("Queued", attempt=2)]
    timeline.job_writes[3:6] = [replace(write, attempt=2) for write in timeline.job_writes[3:6]]
    assert (violations(timeline) == []) is is_allowed
