"""A job of one page is planned, written, published and ended by one step; other jobs are only planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from exports.errors import SourceMismatchError, SourceThrottledError, SourceUnavailableError, StorageUnavailableError
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.formats import Compression, FormatDto
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.workflow.commands import PlanOrExport
from exports.workflow.outcomes import Done, PagesPlanned, Stopped
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import some_clients, stored, two_columns
from tests.support.whole_jobs import TARGET_BYTES, a_watched_job, export_whole

FILE = b"Code,Name\r\n" + b"".join(b"C%04d,Client %d\r\n" % (number, number) for number in range(1, 6))


def a_system(clients: int = 5, **changes: Any) -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(clients), EXPORT_KEEP_HOURS=2)
    return services, a_watched_job(services, **changes)


def run(services: MemoryServices, job: Job, target_bytes: int = TARGET_BYTES) -> Any:
    return plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=target_bytes))


def manifest(services: MemoryServices, job: Job) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(services.files.load_manifest(job.ref))
    return parsed


def test_a_job_of_one_page_is_completed_in_one_step() -> None:
    services, job = a_system()
    ended = services.now.advance(minutes=3)
    assert run(services, job) == Done(ended=True)
    now = stored(services, job)
    assert services.files.read(job.file_path) == FILE
    assert (now.status, now.total_items, now.settled_items, now.file_bytes) == (JobStatus.COMPLETED, 5, 5, len(FILE))
    assert (now.started_date, now.completed_date, now.expiry_date) == (ended, ended, ended + timedelta(hours=2))
    assert services.watch.watched(10) == []
    assert [due.code for due in services.watch.due(ended + timedelta(hours=2), 10)] == [job.code]


def test_a_job_without_clients_is_completed_in_one_step() -> None:
    services, job = a_system(clients=0)
    assert run(services, job) == Done(ended=True)
    assert services.files.read(job.file_path) == b"Code,Name\r\n"


def test_the_file_and_its_manifest_are_those_of_three_steps() -> None:
    at_once, job = a_system()
    in_steps, same_job = a_system(code=job.code)
    assert export_whole(at_once, job).names() == ["plan_or_export"]
    assert export_whole(in_steps, same_job, small_at_once=None).names() == ["plan_pages", "write_page", "commit_file"]
    assert at_once.files.read(job.file_path) == in_steps.files.read(job.file_path)
    changing = {"cost"}
    shown, expected = ({**manifest(each, job)} for each in (at_once, in_steps))
    assert {name: shown[name] for name in shown.keys() - changing} == {
        name: expected[name] for name in expected.keys() - changing
    }
    assert shown["cost"].keys() == expected["cost"].keys()
    assert stored(at_once, job) == stored(in_steps, job)


def test_a_job_of_several_pages_is_only_planned() -> None:
    services, job = a_system(clients=2_000)
    assert run(services, job, target_bytes=1_024) == PagesPlanned(pages=4, rows=2_000, wave_pages=64)
    assert (stored(services, job).status, stored(services, job).total_items) == (JobStatus.IN_PROGRESS, 2_000)
    assert services.files.get_state(job.file_path).blocks == {}


def test_a_file_that_one_page_can_hold_is_not_divided_at_the_default_size_of_pages() -> None:
    services, job = a_system(16_000)
    for client in sorted(services.clients.clients, key=lambda client: client["code"])[:3_600]:
        client["name"] = "x" * 4_000  # the many short ones after them weigh more than their bytes
    assert run(services, job, services.settings.block_bytes) == Done(ended=True)
    assert [page["rows"] for page in manifest(services, job)["pages"]] == [16_000]


def test_a_file_larger_than_a_page_is_divided() -> None:
    services, job = a_system(1_500)
    assert run(services, job, target_bytes=20_000) == PagesPlanned(pages=2, rows=1_500, wave_pages=64)


@pytest.mark.parametrize(("first_seconds", "statements"), [(0.0, 0), (0.2, 1)])
def test_a_job_whose_quick_first_clients_say_it_is_small_takes_no_more_samples(
    first_seconds: float, statements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, job = a_system(1_500)
    delays = iter([first_seconds])
    services.clients.take_time = lambda _rows: services.now.advance(seconds=next(delays, 0.0))
    taken: list[Sequence[str]] = []
    render_samples = services.clients.render_samples

    def noted(selection: Any, starts: Sequence[str], *others: Any) -> Any:
        taken.append(starts)
        return render_samples(selection, starts, *others)

    monkeypatch.setattr(services.clients, "render_samples", noted)
    assert run(services, job, target_bytes=30_000) == Done(ended=True)
    assert len(taken) == statements


def test_slow_clients_after_quick_first_ones_get_pages_that_end_in_time() -> None:
    services, job = a_system(25_000)
    seconds = chain([0.02])
    services.clients.take_time = lambda rows: services.now.advance(seconds=next(seconds, 0.01 * rows))
    planned = run(services, job, target_bytes=8 << 20)
    assert isinstance(planned, PagesPlanned)
    assert planned.rows / planned.pages * 0.01 < 60  # seconds for each page


def test_long_clients_after_short_first_ones_get_pages_of_the_usual_size() -> None:
    services, job = a_system(25_000)
    for client in sorted(services.clients.clients, key=lambda client: client["code"])[50:]:
        client["name"] = "x" * 200
    planned = run(services, job, target_bytes=1_000_000)
    assert isinstance(planned, PagesPlanned)
    assert planned.rows / planned.pages * len("C12345," + "x" * 200) < 1_100_000  # bytes of each page


def test_clients_that_are_loaded_after_the_first_sample_are_sampled_too() -> None:
    services, job = a_system(0)
    loaded = iter(some_clients(5_000))
    services.clients.after_read = lambda: services.clients.clients.extend(loaded)
    planned = run(services, job, target_bytes=10_000)
    assert isinstance(planned, PagesPlanned)
    assert (planned.rows, planned.pages > 3) == (5_000, True)


def test_a_compressed_job_of_two_pages_keeps_them() -> None:
    services, job = a_system(2_500, spec=two_columns(format=FormatDto(compression=Compression.GZIP).resolve()))
    assert run(services, job, target_bytes=10_000) == PagesPlanned(pages=2, rows=2_500, wave_pages=64)


def test_a_job_of_two_pages_from_a_slow_source_keeps_them() -> None:
    services, job = a_system(1_500)
    services.clients.take_time = lambda rows: services.now.advance(seconds=0.004 * rows)
    assert run(services, job, target_bytes=20_000) == PagesPlanned(pages=2, rows=1_500, wave_pages=64)


def test_a_step_that_runs_again_after_the_end_returns_the_same() -> None:
    services, job = a_system()
    run(services, job)
    before = stored(services, job)
    assert run(services, job) == Done(ended=True)
    assert (stored(services, job), services.files.commits) == (before, 1)


def test_after_slow_planning_the_page_is_left_to_a_step_of_its_own() -> None:
    services, job = a_system()

    def take_long(_rows: int) -> None:
        services.now.advance(seconds=11)

    services.clients.take_time = take_long
    assert run(services, job) == PagesPlanned(pages=1, rows=5, wave_pages=64)
    assert services.files.get_state(job.file_path).blocks == {}


def test_a_clock_that_is_set_forward_costs_a_small_job_no_further_steps() -> None:
    services, job = a_system()

    def set_clock() -> None:
        services.now.set_forward(minutes=10)

    services.clients.after_read = set_clock
    assert run(services, job) == Done(ended=True)
    assert services.files.find_plan(job.ref) is None  # no step needs it


@pytest.mark.parametrize("minutes_set", [0, -10], ids=["", "the clock is set back"])
def test_while_the_page_is_read_slowly_the_job_shows_its_total(minutes_set: float) -> None:
    services, job = a_system()
    services.clients.rows_per_list = 2
    seen: list[int | None] = []
    render = services.clients.render

    def slowly(*arguments: Any) -> Any:
        for records in render(*arguments):
            services.now.advance(seconds=3)
            services.now.set_forward(minutes=minutes_set)
            yield records
            seen.append(stored(services, job).total_items)

    services.clients.render = slowly  # type: ignore[assignment, method-assign]
    assert run(services, job) == Done(ended=True)
    assert seen == [5, 5, 5]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (SourceUnavailableError("No answer."), 0),
        (SourceThrottledError("No room."), 0),
        (SourceThrottledError("No room.", 7.5), 7.5),
    ],
)
def test_a_source_that_fails_after_planning_leaves_the_page_to_its_own_step(error: Exception, seconds: float) -> None:
    services, job = a_system()
    fail_while_rendering(services, error)
    assert run(services, job) == PagesPlanned(pages=1, rows=5, wave_pages=64, retry_after_seconds=seconds)
    assert stored(services, job).total_items == 5


def fail_while_rendering(services: MemoryServices, error: Exception, times: int = 1) -> None:
    """Let the source raise an error the next times that it reads a page; planning does not render pages."""
    render, left = services.clients.render, [error] * times

    def failing(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return render(*arguments)

    services.clients.render = failing  # type: ignore[assignment, method-assign]


def test_a_job_waits_as_long_as_its_throttled_source_asks_and_then_completes() -> None:
    services, job = a_system()
    fail_while_rendering(services, SourceThrottledError("No room.", 120))
    done = export_whole(services, job)
    assert done.names() == ["plan_or_export", None, "write_page", "commit_file"]
    (pause,) = done.pauses()
    assert pause is not None
    assert (pause - services.now()).total_seconds() >= 120
    assert services.files.read(job.file_path) == FILE


def test_a_page_that_cannot_be_written_fails_the_job_by_its_name_after_one_read() -> None:
    services, job = a_system()
    fail_while_rendering(services, SourceMismatchError("The column x holds a wrong value."))
    done = export_whole(services, job)
    failure = stored(services, job).failure
    assert done.names() == ["plan_or_export", "record_outcome"]
    assert failure is not None
    assert failure.code == "source-mismatch"
    assert failure.message.startswith("Page 0 (all clients; the only page) could not be written. The col")


def test_a_view_that_cannot_be_planned_fails_the_job_without_naming_a_page() -> None:
    services, job = a_system()
    services.clients.lacking = frozenset({"name"})
    export_whole(services, job)
    failure = stored(services, job).failure
    assert failure is not None
    assert (failure.code, failure.message.startswith("Page")) == ("source-mismatch", False)


def test_a_page_that_fails_unexpectedly_is_named_and_gets_an_incident_number() -> None:
    services, job = a_system()
    fail_while_rendering(services, ZeroDivisionError(), times=99)
    export_whole(services, job)
    failure = stored(services, job).failure
    assert failure is not None
    assert failure.code == "internal"
    assert failure.message.startswith("Page 0 (all clients")


def test_storage_that_fails_before_the_plan_is_stored_is_tried_again() -> None:
    services, job = a_system()

    def fail() -> None:
        services.jobs.before_write = lambda: None
        raise StorageUnavailableError("No answer.")

    services.jobs.before_write = fail
    with pytest.raises(StorageUnavailableError):
        run(services, job)
    assert run(services, job) == Done(ended=True)


def test_the_step_of_a_replaced_attempt_does_nothing() -> None:
    services, job = a_system()
    services.jobs.change(job.tenant, job.code, lambda job: job.retry())
    before = stored(services, job)
    assert run(services, job) == Stopped()
    assert stored(services, job) == before
