"""The invariants of every run. Each is a pure function that yields a description of every violation it finds."""

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
"""The failures that a job may have in these runs: all of them have a temporary reason."""


def violations(timeline: Timeline) -> list[str]:
    """Return all violations, each after the name of its invariant."""
    return [f"{invariant.__name__}: {text}" for invariant in INVARIANTS for text in invariant(timeline)]


def every_status_change_follows_the_table(timeline: Timeline) -> Iterator[str]:
    """Status changes follow the table, in the written rows and in the responses.

    A job leaves a terminal status only if a caller asked to resume it.
    """
    for writes in _writes_by_job(timeline).values():
        yield from _impossible_moves(writes, resumed=bool(timeline.resumes(writes[0].code)))
    for code in {seen.code for seen in timeline.observations}:
        for first, second in pairwise(timeline.of_job(code)):
            if second.status not in _reachable(first.status, resumed=bool(timeline.resumes(code))):
                yield f"{code} was shown as {first.status} and then as {second.status}"


def progress_never_falls_or_exceeds_the_total(timeline: Timeline) -> Iterator[str]:
    """This applies to shown and to stored progress. Only completed jobs show 100 %."""
    for seen in timeline.observations:
        yield from _impossible_progress(seen)
    for code in {seen.code for seen in timeline.observations}:
        for first, second in pairwise(timeline.of_job(code)):
            if second.processed_items < first.processed_items:
                yield f"{code} fell from {first.processed_items} to {second.processed_items} items"
    for writes in _writes_by_job(timeline).values():
        yield from _impossible_rows(writes)


def completed_jobs_have_the_exact_file(timeline: Timeline) -> Iterator[str]:
    """The file has the bytes of an undisturbed export, and the job's counts and manifest agree with it."""
    for job in timeline.jobs:
        if job.shown["status"] != JobStatus.COMPLETED:
            continue
        if job.file is None:
            yield f"{job.code} is completed, but its link returns no file"
            continue
        if job.file != timeline.expected[job.tenant, job.body]:
            yield f"the file of {job.code} differs from that of an undisturbed export of {job.body!r}"
        yield from _wrong_counts(job, job.file)
        yield from _wrong_manifest(job, job.file)


def no_other_job_has_a_readable_file(timeline: Timeline) -> Iterator[str]:
    """Only a completed job has a link or has published its file."""
    for job in timeline.jobs:
        if job.shown["status"] == JobStatus.COMPLETED:
            continue
        if job.shown["downloadUrl"] is not None or job.download_status != 409 or job.manifest_status != 409:
            yield f"{job.code} is {job.shown['status']}, but gives out a file"
        if job.published - {FILE_OF_PLAN}:
            yield f"{job.code} is {job.shown['status']}, but has published {sorted(job.published)}"
    for seen in timeline.observations:
        if seen.has_link and seen.status != JobStatus.COMPLETED:
            yield f"{seen.code} was shown as {seen.status} with a link"


def every_job_has_ended(timeline: Timeline) -> Iterator[str]:
    """At the end every job has a terminal status and a date, and no orchestration of it runs."""
    for job in timeline.jobs:
        status = job.shown["status"]
        if status not in TERMINAL:
            yield f"{job.code} is still {status} (orchestrations: {job.orchestrations})"
        if "Running" in job.orchestrations.values() or "Pending" in job.orchestrations.values():
            yield f"{job.code} is {status}, but an orchestration of it still runs"
        if status in TERMINAL and not job.shown["completedDate"]:
            yield f"{job.code} is {status}, but has no completion date"


def every_failed_job_can_be_resumed(timeline: Timeline) -> Iterator[str]:
    """All faults of a run are temporary. So jobs fail only for temporary reasons, and a later resume completes them."""
    for seen in timeline.observations:
        if seen.failure is not None and seen.failure not in PASSING_FAILURES:
            yield f"{seen.code} failed with {seen.failure}, which is not a temporary reason"
    for job in timeline.jobs:
        if job.shown["status"] == JobStatus.FAILED:
            yield f"{job.code} is still failed ({job.shown['failure']['code']})"


def no_orphaned_data_is_left(timeline: Timeline) -> Iterator[str]:
    """Every blob and row belongs to a job, and no job has staged blocks that it can no longer use."""
    yield from timeline.orphans
    for job in timeline.jobs:
        if job.shown["status"] == JobStatus.COMPLETED and job.staged:
            yield f"{job.code} is completed, but has staged blocks: {sorted(job.staged)}"


def one_idempotency_key_has_one_job(timeline: Timeline) -> Iterator[str]:
    """A key leads to the same job however often and whenever it is sent, and every job in a response exists."""
    codes: dict[str, set[str]] = defaultdict(set)
    for call in timeline.calls:
        if call.key and call.code:
            codes[call.key].add(call.code)
    for key, different in codes.items():
        if len(different) > 1:
            yield f"the key {key} led to several jobs: {sorted(different)}"
    known = {job.code for job in timeline.jobs}
    for call in timeline.calls:
        if call.code and call.code not in known:
            yield f"a caller got the code {call.code}, but there is no such job"


def every_end_is_sent_to_the_receiver(timeline: Timeline) -> Iterator[str]:
    """The receiver got the final status of every job at least once.

    Webhooks with the same id have the same status, and no webhook contains a link.
    """
    statuses = {code: {write.status for write in writes} for code, writes in _writes_by_job(timeline).items()}
    for job in timeline.jobs:
        status = job.shown["status"]
        if not any(webhook.code == job.code and webhook.status == status for webhook in timeline.webhooks):
            yield f"{job.code} is {status}, but no webhook said so"
    by_id: dict[str, set[str]] = defaultdict(set)
    for webhook in timeline.webhooks:
        by_id[webhook.id].add(webhook.status)
        if webhook.has_link:
            yield f"a webhook of {webhook.code} contains a link"
        if webhook.status not in TERMINAL & statuses.get(webhook.code, set()):
            yield f"a webhook says that {webhook.code} is {webhook.status}, which it never was"
    for name, different in by_id.items():
        if len(different) > 1:
            yield f"webhooks with the id {name} have different statuses: {sorted(different)}"


def one_slot_has_one_job(timeline: Timeline) -> Iterator[str]:
    """A slot has one job however often the timer fires and whichever process dies. Each job appears in the runs."""
    started = [run for run in timeline.slots if run.outcome == "Started"]
    for slot, runs in Counter(run.slot for run in started).items():
        if runs > 1:
            yield f"the slot {slot} was started {runs} times"
    recorded = Counter(run.job_code for run in timeline.slots if run.job_code)
    for code, slots in recorded.items():
        if slots > 1:
            yield f"{slots} slots have the job {code}"
    for code in timeline.scheduled:
        if code not in recorded:
            yield f"the schedule started {code}, but no run of it contains this job"


def responses_are_as_documented(timeline: Timeline) -> Iterator[str]:
    """Responses conform to the document. An outage is a 503 that says so, never an unexplained 500."""
    yield from timeline.undocumented
    for call in timeline.calls:
        if call.status == 500 and call.problem:
            yield f"{call.action} had the status 500 ({call.problem})"


INVARIANTS: tuple[Invariant, ...] = (
    every_status_change_follows_the_table,
    progress_never_falls_or_exceeds_the_total,
    completed_jobs_have_the_exact_file,
    no_other_job_has_a_readable_file,
    every_job_has_ended,
    every_failed_job_can_be_resumed,
    no_orphaned_data_is_left,
    one_idempotency_key_has_one_job,
    every_end_is_sent_to_the_receiver,
    one_slot_has_one_job,
    responses_are_as_documented,
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
    """Return the statuses that a job can have reached between two observations."""
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
            yield f"{code} was stored as {before.status} and then as {after.status}"
        if after.attempt not in (before.attempt, before.attempt + 1):
            yield f"{code} changed from attempt {before.attempt} to {after.attempt}"


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
        yield f"{job.code} shows {shown['processedItems']} of {shown['totalItems']} items, but its file has {rows}"
    if shown["fileSize"] != len(file) or shown["percentComplete"] != 100:
        size, percent = shown["fileSize"], shown["percentComplete"]
        yield f"{job.code} shows {size} bytes and {percent} %, but its file has {len(file)} bytes"


def _wrong_manifest(job: FinalJob, file: bytes) -> Iterator[str]:
    manifest = job.manifest
    if manifest is None:
        yield f"{job.code} is completed, but has no manifest"
        return
    if (manifest["rows"], manifest["bytes"]) != (job.shown["totalItems"], len(file)):
        yield f"{job.code}: the manifest claims {manifest['rows']} rows and {manifest['bytes']} bytes"
    yield from (f"{job.code}: its file does not match its manifest: {fault}" for fault in job.verify_faults)
    pages: list[dict[str, Any]] = manifest["pages"]
    offset = 0
    for number, page in enumerate(pages):
        data = file[offset : offset + page["bytes"]]
        if page["page"] != number or page["sha256"] != hashlib.sha256(data).hexdigest():
            yield f"{job.code}: page {number} of the file does not match the manifest"
        offset += page["bytes"]
    if [None, *(page["stop"] for page in pages)] != [*(page["start"] for page in pages), None]:
        yield f"{job.code}: the key ranges of the manifest do not tile"


def _unpacked(file: bytes) -> bytes:
    return gzip.decompress(file) if file[:2] == b"\x1f\x8b" else file
