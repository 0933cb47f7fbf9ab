"""A job that reads a snapshot does everything in one step, and no two snapshots ever mix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Semaphore, current_thread
from typing import Any

import pytest

from exports.errors import SnapshotTimeError, SourceThrottledError, SourceUnavailableError, StorageUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.plan import PagePlan
from exports.jobs.failures import SNAPSHOT_LOST
from exports.jobs.job import Job
from exports.jobs.snapshot import SnapshotDto, SnapshotRoom
from exports.jobs.states import JobStatus
from exports.jobs.view import show_job
from exports.ports.clients import ClientSnapshot
from exports.request.consistency import Consistency
from exports.steps.finalize.record_outcome import record_outcome
from exports.steps.requests.cancel_export import cancel_export
from exports.steps.snapshots.export_snapshot import export_snapshot
from exports.steps.snapshots.snapshot_pages import SnapshotWatch
from exports.workflow.commands import ExportSnapshot, RecordOutcome
from exports.workflow.outcomes import Done, SnapshotLost, Stopped
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import some_clients, stored, take_over, two_columns
from tests.support.whole_jobs import a_watched_job

SNAPSHOT = two_columns(consistency=Consistency.SNAPSHOT)
TARGET_BYTES = 4_000
CLIENTS = 2_600


def a_job_of(services: MemoryServices, **changes: Any) -> Job:
    return a_watched_job(services, spec=SNAPSHOT, **changes)


def run(services: MemoryServices, job: Job) -> Any:
    return export_snapshot(services, ExportSnapshot(job=job.ref, target_bytes=TARGET_BYTES))


def manifest_of(services: MemoryServices, job: Job) -> ManifestDto:
    return ManifestDto.model_validate_json(services.files.load_manifest(stored(services, job).ref))


def lines_of(services: MemoryServices, job: Job) -> list[str]:
    path = job.file_path
    size = services.files.size_bytes(path)
    assert size is not None
    return services.files.read_range(path, 0, size).decode().splitlines()


def let_one_read(services: MemoryServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one thread read each snapshot, so that its pages follow each other."""
    open_snapshot = services.clients.open_snapshot

    @contextmanager
    def open_for_one_reader() -> Iterator[ClientSnapshot]:
        with open_snapshot() as snapshot:
            yield replace(snapshot, readers=1)

    monkeypatch.setattr(services.clients, "open_snapshot", open_for_one_reader)


def rename_everybody(services: MemoryServices, name: str) -> None:
    services.clients.clients = [client | {"name": name} for client in services.clients.clients]


def test_the_file_shows_one_state_whatever_changes_between_its_pages() -> None:
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)
    services.clients.after_read = lambda: rename_everybody(services, "later")

    assert run(services, job) == Done(ended=True)

    assert lines_of(services, job)[1:] == [f"{each['code']},{each['name']}" for each in some_clients(CLIENTS)]
    assert len(manifest_of(services, job).pages) > 3
    assert (stored(services, job).status, stored(services, job).total_items) == (JobStatus.COMPLETED, CLIENTS)


def test_the_manifest_and_the_job_name_the_state() -> None:
    services = a_services(some_clients(3))
    job = a_job_of(services)
    run(services, job)

    manifest = manifest_of(services, job)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert manifest.snapshot == SnapshotDto(moment=moment, token="state 1")
    assert manifest.request.consistency is Consistency.SNAPSHOT
    assert "at one moment" in manifest.consistency
    shown = show_job(stored(services, job), 3, services.now())
    assert (shown.snapshot_date, shown.consistency) == (moment, manifest.consistency)


def test_an_export_of_no_clients_has_a_header() -> None:
    services = a_services()
    job = a_job_of(services)
    assert run(services, job) == Done(ended=True)
    assert lines_of(services, job) == ["Code,Name"]


def test_a_second_run_of_an_attempt_reads_nothing() -> None:
    services = a_services(some_clients(3))
    job = a_job_of(services)
    services.clients.after_read = lambda: fail(StorageUnavailableError("No answer."))
    with pytest.raises(StorageUnavailableError):
        run(services, job)
    services.clients.after_read = lambda: None

    reads = services.clients.snapshots
    assert run(services, job) == SnapshotLost(retries=0)
    assert services.clients.snapshots == reads


def fail(error: Exception) -> None:
    raise error


def test_two_runs_at_the_same_time_read_one_snapshot() -> None:
    """The second run finds out when it records its snapshot, after the first one has recorded its own."""
    services = a_services(some_clients(3))
    job = a_job_of(services)
    results: list[Any] = []

    def run_another() -> None:
        services.clients.before_ask = lambda: None
        results.append(run(services, job))

    services.clients.before_ask = run_another
    other = replace(services, snapshots=SnapshotRoom())  # both runs hold a place, as on two hosts
    outcome = export_snapshot(other, ExportSnapshot(job=job.ref, target_bytes=TARGET_BYTES))

    assert results == [Done(ended=True)]
    assert isinstance(outcome, Stopped | SnapshotLost)


def test_a_run_of_an_older_attempt_cannot_publish_its_state() -> None:
    """The newer attempt publishes while the older one is about to."""
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)
    commit, newer = services.files.commit, list[Any]()

    def publish_newer_first(*arguments: Any, **named: Any) -> Any:
        services.files.commit = commit  # type: ignore[method-assign]
        take_over(services, job)
        rename_everybody(services, "newer")
        elsewhere = replace(services, snapshots=SnapshotRoom())
        command = ExportSnapshot(job=stored(services, job).ref, target_bytes=TARGET_BYTES)
        newer.append(export_snapshot(elsewhere, command))
        return commit(*arguments, **named)

    services.files.commit = publish_newer_first  # type: ignore[method-assign]

    assert run(services, job) == Stopped()
    assert newer == [Done(ended=True)]
    assert set(lines_of(services, job)[1:]) == {f"{each['code']},newer" for each in some_clients(CLIENTS)}
    assert manifest_of(services, job).attempt == 2


def test_a_newer_attempt_replaces_the_file_that_an_older_one_has_published() -> None:
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)
    change, calls = services.jobs.change, [0]

    def lose_the_end(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] > 1 and services.files.size_bytes(job.file_path):
            raise StorageUnavailableError("No answer.")
        return change(*arguments, **named)

    services.jobs.change = lose_the_end  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailableError):
        run(services, job)
    services.jobs.change = change  # type: ignore[method-assign]
    assert services.files.size_bytes(job.file_path)

    take_over(services, job)
    rename_everybody(services, "newer")
    assert run(services, stored(services, job)) == Done(ended=True)

    assert set(lines_of(services, job)[1:]) == {f"{each['code']},newer" for each in some_clients(CLIENTS)}


def test_a_cancelled_job_stops_between_two_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    services = a_services(some_clients(CLIENTS))
    let_one_read(services, monkeypatch)
    job = a_job_of(services)
    staged: list[int] = []

    def cancel_at_second_page() -> None:
        """Note how many pages are staged when another one was read, and cancel the job when it is one."""
        staged.append(len(services.files.staged(job.file_path)))
        services.now.advance(seconds=5)
        if staged[-1] == 1:
            cancel_export(services, job.tenant, job.code, "caller")

    services.clients.after_read = cancel_at_second_page
    assert run(services, job) == Stopped()
    assert (staged.count(1), max(staged)) == (1, 1)
    assert services.files.size_bytes(job.file_path) is None
    assert run(services, job) == Stopped()
    assert staged[-1] == 1


def test_a_job_that_is_not_cancelled_reads_more_pages_than_one() -> None:
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)
    staged: list[int] = []
    services.clients.after_read = lambda: staged.append(len(services.files.staged(job.file_path)))
    assert run(services, job) == Done(ended=True)
    assert len(staged) >= CLIENTS // 500
    assert max(staged) > 0


@pytest.mark.parametrize("end", [cancel_export, None], ids=["cancelled", "failed"])
def test_a_job_that_ends_without_a_file_keeps_no_blocks_of_its_snapshot(end: Any) -> None:
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)

    def refuse(*_: Any, **__: Any) -> Any:
        raise StorageUnavailableError("No answer.")

    services.files.commit = refuse  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailableError):
        run(services, job)
    assert services.files.staged(job.file_path)

    if end is None:
        record_outcome(services, RecordOutcome(job=job.ref, failure=SNAPSHOT_LOST))
    else:
        end(services, job.tenant, job.code, "caller")

    assert services.files.staged(job.file_path) == {}
    assert stored(services, job).is_resumable


def test_progress_is_shown_while_a_snapshot_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reader, which waits after each page until the step has collected the pages before it."""
    services = a_services(some_clients(CLIENTS))
    job = a_job_of(services)
    show_written, collected = SnapshotWatch.written, Semaphore(0)
    planner, seen = current_thread(), list[int]()

    def tell(watch: SnapshotWatch, plan: PagePlan, pages: int, rows: int) -> None:
        show_written(watch, plan, pages, rows)
        collected.release()

    def look() -> None:
        if current_thread() is planner:  # it reads a sample for the plan
            return
        assert not seen or collected.acquire(timeout=10)
        services.now.advance(seconds=3)
        seen.append(stored(services, job).settled_items)

    let_one_read(services, monkeypatch)
    monkeypatch.setattr(SnapshotWatch, "written", tell)
    services.clients.after_read = look
    run(services, job)
    assert sorted(seen) == seen
    assert 0 < max(seen) < CLIENTS


def test_a_snapshot_is_given_up_when_its_time_is_over() -> None:
    services = a_services(some_clients(CLIENTS), EXPORT_SNAPSHOT_MINUTES="3")
    job = a_job_of(services)

    def wait() -> None:
        services.now.advance(seconds=100)

    services.clients.after_read = wait
    with pytest.raises(SnapshotTimeError, match="within the 3 minutes") as failure:
        run(services, job)
    assert "EXPORT_SNAPSHOT_MINUTES" in str(failure.value)
    assert services.files.size_bytes(job.file_path) is None


@pytest.mark.parametrize(("minutes_set", "seconds"), [(30, 0), (-30, 1)], ids=["set forward", "set back"])
def test_a_clock_that_is_set_does_not_end_a_snapshot(minutes_set: float, seconds: float) -> None:
    services = a_services(some_clients(CLIENTS), EXPORT_SNAPSHOT_MINUTES="3")
    job = a_job_of(services)

    def set_clock() -> None:
        services.now.advance(seconds=seconds)
        services.now.set_forward(minutes=minutes_set)

    services.clients.after_read = set_clock
    assert run(services, job) == Done(ended=True)


def test_a_clock_that_is_set_back_does_not_prolong_a_snapshot() -> None:
    services = a_services(some_clients(CLIENTS), EXPORT_SNAPSHOT_MINUTES="3")
    job = a_job_of(services)

    def take_long() -> None:
        services.now.advance(seconds=100)
        services.now.set_forward(minutes=-10)

    services.clients.after_read = take_long
    with pytest.raises(SnapshotTimeError):
        run(services, job)


def test_planning_counts_towards_the_time_of_a_snapshot() -> None:
    services = a_services(some_clients(CLIENTS), EXPORT_SNAPSHOT_MINUTES="3")
    job, reads = a_job_of(services), list[Any]()

    def take_long() -> None:
        reads.append(services.now.advance(minutes=4))

    services.clients.after_read = take_long
    with pytest.raises(SnapshotTimeError):
        run(services, job)
    assert len(reads) == 1, "only the first sample is read"


def test_a_job_that_is_cancelled_while_it_is_planned_stops_before_the_next_statement() -> None:
    services = a_services(some_clients(CLIENTS))
    job, reads = a_job_of(services), list[Any]()

    def cancel_it() -> None:
        services.now.advance(seconds=5)
        reads.append(cancel_export(services, job.tenant, job.code, "caller"))

    services.clients.after_read = cancel_it
    assert run(services, job) == Stopped()
    assert len(reads) == 1


def test_a_tenant_holds_one_snapshot_and_a_process_two() -> None:
    services = a_services()
    room = services.snapshots
    with room.place_for("a"), pytest.raises(SourceThrottledError), room.place_for("a"):
        pass
    with room.place_for("a"), room.place_for("b"), pytest.raises(SourceThrottledError), room.place_for("c"):
        pass
    with room.place_for("c"), room.place_for("a"):
        pass


def test_a_job_without_a_place_has_not_begun() -> None:
    services = a_services(some_clients(3))
    job = a_job_of(services)
    with services.snapshots.place_for(job.tenant), pytest.raises(SourceThrottledError):
        run(services, job)
    assert stored(services, job).status is JobStatus.QUEUED
    assert run(services, job) == Done(ended=True)


def test_a_source_that_gives_no_snapshot_is_tried_again_in_the_same_attempt() -> None:
    services = a_services(some_clients(3))
    job = a_job_of(services)
    services.clients.before_ask = lambda: fail(SourceUnavailableError("No answer."))
    with pytest.raises(SourceUnavailableError):
        run(services, job)
    services.clients.before_ask = lambda: None
    assert run(services, job) == Done(ended=True)


def test_a_run_whose_answer_was_lost_finds_the_job_completed() -> None:
    services = a_services(some_clients(3))
    job = a_job_of(services)
    assert run(services, job) == run(services, job) == Done(ended=True)
    assert services.clients.snapshots == 1
