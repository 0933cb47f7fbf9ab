"""Every invariant bites: a timeline with nothing wrong passes, and one with one thing wrong is caught by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.invariants import INVARIANTS, broken
from tests.chaos.operations import JobWrite
from tests.chaos.schedule import make_schedule
from tests.chaos.timeline import CallMade, FinalJob, Observation, SlotRun, Timeline, Told

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
        refuted=(),
        download=302,
        manifest_answer=200,
        published=frozenset({"full.csv", "manifest.json", "plan.json"}),
        staged=frozenset(),
        orchestrations={1: "Completed"},
    )
    return replace(job, **changes)


def _ended(status: str, **changes: Any) -> FinalJob:
    """A job without a file."""
    failure = {"failure": {"code": "storage-unavailable"}} if status == "Failed" else {}
    shown = _shown(status=status, downloadUrl=None, percentComplete=50, processedItems=1, fileSize=None, **failure)
    nothing: dict[str, Any] = {"file": None, "manifest": None, "download": 409, "manifest_answer": 409}
    return _completed(code=ENDED[status], shown=shown, published=frozenset({"plan.json"}), **nothing | changes)


def _write(status: str, attempt: int = 1, settled: int = 0, code: str = CODE) -> JobWrite:
    return JobWrite(0.0, "t", code, status, attempt, 2, settled)


def _seen(at: float, status: str, processed: int, percent: int | None = None, *, link: bool = False) -> Observation:
    return Observation(at, at + 0.1, CODE, status, processed, 2, percent, link)


def _told(code: str, status: str, *, link: bool = False) -> Told:
    return Told(f"{code} 1", code, status, link)


def _good() -> Timeline:
    return Timeline(
        make_schedule(1),
        {("t", "full"): FILE},
        [_seen(1, "Queued", 0), _seen(2, "InProgress", 1, 50), _seen(3, "Completed", 2, 100, link=True)],
        [CallMade("start", 0, 1, 202, CODE, "key", "full"), CallMade("start", 0, 1, 202, CODE, "key", "full")],
        [
            *(_write("Queued"), _write("InProgress"), _write("InProgress", settled=1), _write("Completed", settled=2)),
            *(_write(status, code=ENDED["Cancelled"]) for status in ("Queued", "Cancelled")),
        ],
        [_completed(), _ended("Cancelled")],
        [_told(CODE, "Completed"), _told(ENDED["Cancelled"], "Cancelled")],
        [SlotRun("12:05", "Skipped", None), SlotRun("12:00", "Started", "job5")],
        ["job5"],
    )


def test_nothing_is_broken_where_nothing_is_wrong() -> None:
    assert broken(_good()) == []


def _add_write(*writes: JobWrite) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.job_writes.extend(writes)


def _add_sight(*seen: Observation) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.observations.extend(seen)


def _add_job(job: FinalJob) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.jobs.append(job)


def _add_call(**facts: Any) -> Callable[[Timeline], object]:
    return lambda timeline: timeline.calls.append(CallMade("start", 0, 1, **facts))


def _with_shown(**changes: Any) -> FinalJob:
    return _completed(shown=_shown(**changes))


def _with_pages(*pages: dict[str, Any]) -> FinalJob:
    return _completed(manifest=_manifest() | {"pages": list(pages)})


WRONG: dict[str, list[tuple[str, Callable[[Timeline], object]]]] = {
    "statuses_move_along_the_table": [
        ("a completed job is written again as running", _add_write(_write("InProgress"))),
        ("a job begins in the middle", _add_write(_write("InProgress", code="job6"))),
        ("a job is taken up again unasked", _add_write(_write("Queued", 2, code=ENDED["Cancelled"]))),
        ("an attempt is left out", _add_write(*(_write("Queued", each, code="job6") for each in (1, 3)))),
        ("an attempt comes again", _add_write(*(_write("Queued", each, code="job6") for each in (1, 2, 1)))),
        ("a completed job is seen running", _add_sight(_seen(4, "InProgress", 2, 99))),
        ("a failed job is seen running unasked", lambda t: t.observations.insert(0, _seen(0, "Failed", 0))),
    ],
    "progress_never_falls_nor_passes_the_total": [
        ("it falls", _add_sight(_seen(2.5, "InProgress", 0, 0))),
        ("it passes the total", _add_sight(_seen(2.5, "InProgress", 3, 99))),
        ("it is 100 % too early", _add_sight(_seen(2.5, "InProgress", 2, 100))),
        ("a completed job is at 99 %", _add_sight(_seen(4, "Completed", 2, 99, link=True))),
        ("the row passes the total", _add_write(_write("Completed", settled=3))),
        ("the row falls", _add_write(_write("Completed", settled=1))),
    ],
    "completed_jobs_have_the_exact_file": [
        ("no file", _add_job(_completed(file=None))),
        ("another file", _add_job(_completed(file=FIRST + b"C2,Bop\r\n"))),
        ("a file cut short", _add_job(_completed(file=FIRST))),
        ("no manifest", _add_job(_completed(manifest=None))),
        ("a manifest of another sum", _add_job(_completed(manifest=_manifest() | {"rows": 3}))),
        ("a wrong hash", _add_job(_with_pages(_page(0, b"x" * len(FIRST), None, "C2"), _page(1, SECOND, "C2", None)))),
        ("a gap between pages", _add_job(_with_pages(_page(0, FIRST, None, "C2"), _page(1, SECOND, "C3", None)))),
        ("a last page that is missing", _add_job(_with_pages(_page(0, FIRST, None, "C2")))),
        ("its own proof is against it", _add_job(_completed(refuted=("Page 0 is wrong",)))),
        ("too many items shown", _add_job(_with_shown(processedItems=3))),
        ("another size shown", _add_job(_with_shown(fileSize=1))),
    ],
    "nothing_else_has_a_readable_file": [
        ("a failed job has a file", _add_job(_ended("Failed", download=302))),
        ("a cancelled job has a manifest", _add_job(_ended("Cancelled", manifest_answer=200))),
        ("a failed job has published", _add_job(replace(_ended("Failed"), published=frozenset({"full.csv"})))),
        ("a link before the end", _add_sight(_seen(2.5, "InProgress", 1, 50, link=True))),
    ],
    "every_job_has_ended": [
        ("one has not", _add_job(_ended("InProgress"))),
        ("its orchestration has not", _add_job(_completed(orchestrations={1: "Running"}))),
        ("it ended at no time", _add_job(_with_shown(completedDate=None))),
    ],
    "what_failed_can_be_resumed": [
        ("it is failed in the end", _add_job(_ended("Failed"))),
        ("it failed for no reason", _add_sight(replace(_seen(4, "Failed", 2), failure="file-mismatch"))),
    ],
    "nothing_is_left_over": [
        ("a blob of no job", lambda timeline: timeline.strays.append("a blob")),
        ("blocks of a cancelled job", _add_job(_ended("Cancelled", staged=frozenset({"full.csv"})))),
    ],
    "one_key_has_one_job": [
        ("it has two", _add_call(answer=202, code=OTHER, key="key")),
        ("a job that was promised is not there", _add_call(answer=202, code="job6")),
    ],
    "every_end_is_told": [
        ("one is not", lambda timeline: timeline.told.pop()),
        ("another status is told", lambda timeline: timeline.told.append(_told(CODE, "Failed"))),
        ("a job is told to run", lambda timeline: timeline.told.append(_told(CODE, "InProgress"))),
        ("one id says two things", lambda timeline: timeline.told.append(replace(_told(CODE, "Failed"), code=OTHER))),
        ("a link is told", lambda timeline: timeline.told.append(_told(CODE, "Completed", link=True))),
    ],
    "one_slot_has_one_job": [
        ("a slot was started twice", lambda timeline: timeline.slots.append(SlotRun("12:00", "Started", "job6"))),
        ("a job has two slots", lambda timeline: timeline.slots.append(SlotRun("12:10", "Started", "job5"))),
        ("a job has no slot", lambda timeline: timeline.scheduled.append("job6")),
    ],
    "answers_are_as_documented": [
        ("one is not", lambda timeline: timeline.undocumented.append("GET …")),
        ("an unexplained failure", _add_call(answer=500, problem="internal")),
    ],
}


@pytest.mark.parametrize(
    ("invariant", "spoil"),
    [pytest.param(name, spoil, id=f"{name}: {what}") for name, cases in WRONG.items() for what, spoil in cases],
)
def test_what_is_wrong_is_caught(invariant: str, spoil: Callable[[Timeline], object]) -> None:
    timeline = _good()
    spoil(timeline)
    assert invariant in {line.partition(":")[0] for line in broken(timeline)}


def test_every_invariant_is_shown_to_bite() -> None:
    assert set(WRONG) == {invariant.__name__ for invariant in INVARIANTS}


def test_a_resume_that_was_asked_for_leads_on_and_may_read_pages_again() -> None:
    timeline = _good()
    timeline.calls.append(CallMade("resume", 0.5, 0.6, 202, CODE))
    timeline.observations.insert(0, _seen(0, "Cancelled", 2))
    timeline.job_writes[1:1] = [_write("Cancelled", settled=1), _write("Queued", attempt=2)]
    timeline.job_writes[3:6] = [replace(write, attempt=2) for write in timeline.job_writes[3:6]]
    assert broken(timeline) == []
