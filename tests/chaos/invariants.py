"""What must hold after every run, whatever happened in it. Each is a pure function that yields what is broken."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from exports.jobs.states import IllegalTransitionError, JobEvent, JobStatus, next_status
from tests.chaos.operations import JobWrite
from tests.chaos.timeline import FinalJob, Observation, Timeline
from tests.support.expected import records

Invariant = Callable[[Timeline], Iterator[str]]
TERMINAL = frozenset(status.value for status in JobStatus if status.is_terminal)
FILE_OF_PLAN = "plan.json"
PASSING_FAILURES = frozenset({"source-unavailable", "storage-unavailable", "not-started", "interrupted", "stalled"})
"""What a job may fail with here."""
_RESUME_SECONDS = 15.0
"""So long a resume may still be under way when its caller has given up."""


def broken(timeline: Timeline) -> list[str]:
    """All that is broken, each with the name of its invariant."""
    return [f"{invariant.__name__}: {what}" for invariant in INVARIANTS for what in invariant(timeline)]


def statuses_move_along_the_table(timeline: Timeline) -> Iterator[str]:
    """Row by row as written, and look by look as seen; only an asked-for resume leads out of a terminal status."""
    for writes in _writes_by_job(timeline).values():
        yield from _impossible_moves(writes, resumed=bool(timeline.resumes(writes[0].code)))
    for code in {seen.code for seen in timeline.observations}:
        for first, second in pairwise(timeline.of_job(code)):
            if second.status not in _reachable(first.status, resumed=bool(timeline.resumes(code))):
                yield f"{code} was seen {first.status} and then {second.status}"


def progress_never_falls_nor_passes_the_total(timeline: Timeline) -> Iterator[str]:
    """Neither as shown nor as stored; 100 % is shown for completed jobs alone."""
    for seen in timeline.observations:
        yield from _impossible_progress(seen)
    for code in {seen.code for seen in timeline.observations}:
        for first, second in pairwise(timeline.of_job(code)):
            if second.processed_items < first.processed_items and not _resumed_between(timeline, first, second):
                yield f"{code} fell from {first.processed_items} to {second.processed_items} items"
    for writes in _writes_by_job(timeline).values():
        yield from _impossible_rows(writes)


def completed_jobs_have_the_exact_file(timeline: Timeline) -> Iterator[str]:
    """Byte for byte what an undisturbed export gives; counts and proof say the same."""
    for job in timeline.jobs:
        if job.shown["status"] != JobStatus.COMPLETED:
            continue
        if job.file is None:
            yield f"{job.code} is completed, and its link gives no file"
            continue
        if job.file != timeline.expected[job.tenant, job.body]:
            yield f"{job.code} has another file than an undisturbed export of {job.body!r}"
        yield from _wrong_counts(job, job.file)
        yield from _wrong_proof(job, job.file)


def nothing_else_has_a_readable_file(timeline: Timeline) -> Iterator[str]:
    """No link and no published blob, nor a link before the end."""
    for job in timeline.jobs:
        if job.shown["status"] == JobStatus.COMPLETED:
            continue
        if job.shown["downloadUrl"] is not None or job.download != 409 or job.manifest_answer != 409:
            yield f"{job.code} is {job.shown['status']} and hands out a file"
        if job.published - {FILE_OF_PLAN}:
            yield f"{job.code} is {job.shown['status']} and has published {sorted(job.published)}"
    for seen in timeline.observations:
        if seen.has_link and seen.status != JobStatus.COMPLETED:
            yield f"{seen.code} was seen {seen.status} with a link"


def every_job_has_ended(timeline: Timeline) -> Iterator[str]:
    """With its orchestration."""
    for job in timeline.jobs:
        status = job.shown["status"]
        if status not in TERMINAL:
            yield f"{job.code} is still {status} (orchestrations: {job.orchestrations})"
        if "Running" in job.orchestrations.values() or "Pending" in job.orchestrations.values():
            yield f"{job.code} is {status} and an orchestration of it still runs"
        if status in TERMINAL and not job.shown["completedDate"]:
            yield f"{job.code} is {status} without a date"


def what_failed_can_be_resumed(timeline: Timeline) -> Iterator[str]:
    """All that goes wrong in a run passes, so no job is at fault; when it has passed, a resume completes the job."""
    for seen in timeline.observations:
        if seen.failure is not None and seen.failure not in PASSING_FAILURES:
            yield f"{seen.code} failed with {seen.failure}, though all that went wrong has passed"
    for job in timeline.jobs:
        if job.shown["status"] == JobStatus.FAILED:
            yield f"{job.code} is still failed ({job.shown['failure']['code']})"


def nothing_is_left_over(timeline: Timeline) -> Iterator[str]:
    """No blob and no row without a job, and no block of a job that can no longer use it."""
    yield from timeline.strays
    for job in timeline.jobs:
        if job.shown["status"] in (JobStatus.CANCELLED, JobStatus.COMPLETED) and job.staged:
            yield f"{job.code} is {job.shown['status']} and has blocks staged: {sorted(job.staged)}"


def one_key_has_one_job(timeline: Timeline) -> Iterator[str]:
    """However often and at whatever moments it was sent."""
    codes: dict[str, set[str]] = defaultdict(set)
    for call in timeline.calls:
        if call.key and call.code:
            codes[call.key].add(call.code)
    for key, different in codes.items():
        if len(different) > 1:
            yield f"the key {key} has led to {sorted(different)}"
    known = {job.code for job in timeline.jobs}
    for call in timeline.calls:
        if call.code and call.code not in known:
            yield f"{call.code} was answered to a caller, and there is no such job"


def every_end_is_told(timeline: Timeline) -> Iterator[str]:
    """Each job's receiver got its last status, at least once; under one id one and the same, and never a link."""
    statuses = {code: {write.status for write in writes} for code, writes in _writes_by_job(timeline).items()}
    for job in timeline.jobs:
        if not any(told.code == job.code and told.status == job.shown["status"] for told in timeline.told):
            yield f"{job.code} is {job.shown['status']}, and nobody was told"
    by_id: dict[str, set[str]] = defaultdict(set)
    for told in timeline.told:
        by_id[told.id].add(told.status)
        if told.has_link:
            yield f"a webhook of {told.code} carries a link"
        if told.status not in TERMINAL & statuses.get(told.code, set()):
            yield f"a webhook says that {told.code} is {told.status}, which it never was"
    for name, different in by_id.items():
        if len(different) > 1:
            yield f"the webhook {name} said {sorted(different)}"


def one_slot_has_one_job(timeline: Timeline) -> Iterator[str]:
    """However often the timer fires, and whatever dies under it; every job of a schedule stands in its runs."""
    started = [run for run in timeline.slots if run.outcome == "Started"]
    for slot, runs in Counter(run.slot for run in started).items():
        if runs > 1:
            yield f"the slot {slot} was started {runs} times"
    noted = Counter(run.job_code for run in timeline.slots if run.job_code)
    for code, slots in noted.items():
        if slots > 1:
            yield f"{slots} slots have the job {code}"
    for code in timeline.scheduled:
        if code not in noted:
            yield f"{code} was started by the schedule, and no slot tells of it"


def answers_are_as_documented(timeline: Timeline) -> Iterator[str]:
    """An outage is a 503 that says so, never an unexplained 500."""
    yield from timeline.undocumented
    for call in timeline.calls:
        if call.answer == 500 and call.problem:
            yield f"{call.what} was answered 500 ({call.problem})"


INVARIANTS: tuple[Invariant, ...] = (
    statuses_move_along_the_table,
    progress_never_falls_nor_passes_the_total,
    completed_jobs_have_the_exact_file,
    nothing_else_has_a_readable_file,
    every_job_has_ended,
    what_failed_can_be_resumed,
    nothing_is_left_over,
    one_key_has_one_job,
    every_end_is_told,
    one_slot_has_one_job,
    answers_are_as_documented,
)


def _writes_by_job(timeline: Timeline) -> dict[str, list[JobWrite]]:
    writes: dict[str, list[JobWrite]] = defaultdict(list)
    for write in timeline.job_writes:
        writes[write.code].append(write)
    return writes


def _next(status: str, *, resumed: bool) -> set[str]:
    found = set()
    for event in JobEvent:
        if event is JobEvent.RESUME and not resumed:
            continue
        try:
            found.add(next_status(JobStatus(status), event).value)
        except IllegalTransitionError:
            continue
    return found


def _reachable(status: str, *, resumed: bool) -> set[str]:
    """Where a job may have come to between two looks."""
    found, new = {status}, {status}
    while new:
        new = set[str]().union(*(_next(each, resumed=resumed) for each in new)) - found
        found |= new
    return found


def _impossible_moves(writes: list[JobWrite], *, resumed: bool) -> Iterator[str]:
    code = writes[0].code
    if writes[0].status != JobStatus.QUEUED:
        yield f"{code} begins as {writes[0].status}"
    for before, after in pairwise(writes):
        if after.status not in {before.status} | _next(before.status, resumed=resumed):
            yield f"{code} was written {before.status} and then {after.status}"
        if after.attempt not in (before.attempt, before.attempt + 1):
            yield f"{code} went from attempt {before.attempt} to {after.attempt}"


def _resumed_between(timeline: Timeline, first: Observation, second: Observation) -> bool:
    """A resume forgets the pages whose blocks are gone."""
    return any(
        call.begun <= second.ended and first.begun <= call.ended + _RESUME_SECONDS
        for call in timeline.resumes(first.code)
    )


def _impossible_progress(seen: Observation) -> Iterator[str]:
    if seen.total_items is not None and seen.processed_items > seen.total_items:
        yield f"{seen.code} showed {seen.processed_items} of {seen.total_items} items"
    if seen.percent is not None and (seen.percent > 100 or (seen.percent == 100) != (seen.status == "Completed")):
        yield f"{seen.code} showed {seen.percent} % while {seen.status}"


def _impossible_rows(writes: list[JobWrite]) -> Iterator[str]:
    for write in writes:
        if write.total_items is not None and write.settled_items > write.total_items:
            yield f"{write.code} has {write.settled_items} of {write.total_items} items in its row"
    for before, after in pairwise(writes):
        if after.attempt == before.attempt and after.settled_items < before.settled_items:
            yield f"{after.code} fell from {before.settled_items} to {after.settled_items} items in its row"


def _wrong_counts(job: FinalJob, file: bytes) -> Iterator[str]:
    shown = job.shown
    rows = len(records(_unpacked(file))) - 1
    if not shown["processedItems"] == shown["totalItems"] == rows:
        yield f"{job.code} shows {shown['processedItems']} of {shown['totalItems']} items; its file has {rows}"
    if shown["fileSize"] != len(file) or shown["percentComplete"] != 100:
        yield f"{job.code} shows {shown['fileSize']} bytes and {shown['percentComplete']} %; its file has {len(file)}"


def _wrong_proof(job: FinalJob, file: bytes) -> Iterator[str]:
    manifest = job.manifest
    if manifest is None:
        yield f"{job.code} is completed and has no manifest"
        return
    if (manifest["rows"], manifest["bytes"]) != (job.shown["totalItems"], len(file)):
        yield f"{job.code}: the manifest sums up to {manifest['rows']} rows in {manifest['bytes']} bytes"
    yield from (f"{job.code} is refuted by its own proof: {fault}" for fault in job.refuted)
    pages: list[dict[str, Any]] = manifest["pages"]
    offset = 0
    for number, page in enumerate(pages):
        data = file[offset : offset + page["bytes"]]
        if page["page"] != number or page["sha256"] != hashlib.sha256(data).hexdigest():
            yield f"{job.code}: page {number} of the file is not as the manifest says"
        offset += page["bytes"]
    if [None, *(page["stop"] for page in pages)] != [*(page["start"] for page in pages), None]:
        yield f"{job.code}: the key ranges of the manifest do not tile"


def _unpacked(file: bytes) -> bytes:
    return gzip.decompress(file) if file[:2] == b"\x1f\x8b" else file
