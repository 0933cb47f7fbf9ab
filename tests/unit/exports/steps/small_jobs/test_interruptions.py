"""A small job ends rightly, whatever happens between two effects of the step that plans, writes and publishes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exports.errors import FileChangedError, StorageUnavailableError
from exports.file.block_buffer import BlockBuffer
from exports.file.manifest import ManifestDto
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.request.formats import FORMAT_PRESETS, FormatPreset
from exports.request.spec import ExportSpec
from exports.steps.pages.plan_pages import draw_plan
from exports.steps.small_jobs import plan_or_export as small_jobs
from exports.steps.small_jobs.plan_or_export import plan_or_export
from exports.workflow.commands import PlanOrExport
from tests.support.fakes import MemoryServices, a_services
from tests.support.orchestrators import Run
from tests.support.steps import cancel, some_clients, stored, take_over, two_columns
from tests.support.whole_jobs import TARGET_BYTES, Crash, a_watched_job, crash, export_whole

AT_ONCE, SLOWLY = "at once", "slowly"
EFFECTS = (
    (AT_ONCE, "jobs", "change", 1),  # the job begins
    (AT_ONCE, "files", "publish", 1),
    (AT_ONCE, "files", "save_manifest", 1),
    (AT_ONCE, "jobs", "change", 2),  # the job is completed
    (AT_ONCE, "watch", "add_due", 1),
    (AT_ONCE, "watch", "unwatch", 1),
    (SLOWLY, "jobs", "change", 1),  # the job begins
    (SLOWLY, "files", "save_plan", 1),
    (SLOWLY, "jobs", "change", 2),  # the job shows its number of clients
    (SLOWLY, "files", "stage", 1),
    (SLOWLY, "pages", "record", 1),
    (SLOWLY, "files", "commit", 1),
    (SLOWLY, "files", "get_state", 1),
    (SLOWLY, "files", "save_manifest", 1),
    (SLOWLY, "jobs", "change", 3),  # the job is completed
    (SLOWLY, "watch", "add_due", 1),
    (SLOWLY, "watch", "unwatch", 1),
)
each_effect = pytest.mark.parametrize(("way", "port", "method", "call"), EFFECTS, ids=str)
before_and_after = pytest.mark.parametrize("moment", ["before", "after"])


def read_slowly(services: MemoryServices) -> None:
    """Let every page take longer than a file that is published at once."""
    render = services.clients.render

    def slowly(*arguments: Any) -> Any:
        for records in render(*arguments):
            services.now.advance(seconds=2.5)
            yield records

    services.clients.render = slowly  # type: ignore[assignment, method-assign]


def a_system(
    way: str,
    port: str,
    method: str,
    call: int,
    moment: str,
    act: Callable[[MemoryServices, Job], None],
    clients: int = 5,
    **changes: Any,
) -> Any:
    """Make a job, and let `act` run once, before or after an effect of its step.

    Returns:
        The services, the job, and a list that is empty until `act` has run.
    """
    services = a_services(some_clients(clients))
    if way == SLOWLY:
        read_slowly(services)
    job = a_watched_job(services, **changes)
    target = getattr(services, port)
    effect, calls, acted = getattr(target, method), [0], list[bool]()

    def interrupted(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if acted or calls[0] != call:
            return effect(*arguments, **named)
        if moment == "before":
            acted.append(True)
            act(services, job)
            return effect(*arguments, **named)
        result = effect(*arguments, **named)
        acted.append(True)
        act(services, job)
        return result

    setattr(target, method, interrupted)
    return services, job, acted


def assert_complete(services: MemoryServices, job: Job, clients: int = 5) -> None:
    now = stored(services, job)
    lines = b"".join(b"C%04d,Client %d\r\n" % (number, number) for number in range(1, clients + 1))
    assert services.files.read(job.file_path) == b"Code,Name\r\n" + lines
    assert now.status is JobStatus.COMPLETED
    assert (now.total_items, now.settled_items) == (clients, clients)
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
    assert (manifest.rows, manifest.bytes) == (now.total_items, now.file_bytes)
    assert services.watch.watched(10) == []


def assert_no_file(services: MemoryServices, job: Job) -> None:
    assert stored(services, job).status is JobStatus.CANCELLED
    assert services.files.read(job.file_path) is None
    assert services.files.get_state(job.file_path).blocks == {}


@each_effect
@before_and_after
def test_a_crash_between_two_effects_leads_to_the_same_file(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    services, job, acted = a_system(way, port, method, call, moment, lambda *_: crash())
    done = export_whole(services, job)
    assert acted
    assert done.names().count("plan_or_export") == 2
    assert_complete(services, job)


@each_effect
@before_and_after
def test_the_orchestration_may_also_repeat_the_step_without_a_pause(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    """A host that was killed reports no failure: the platform delivers the same activity again."""
    services, job, acted = a_system(way, port, method, call, moment, lambda *_: crash())
    with pytest.raises(Crash):
        plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=TARGET_BYTES))
    export_whole(services, job)
    assert acted
    assert_complete(services, job)


@each_effect
@before_and_after
def test_a_second_run_between_two_effects_gives_one_file(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    def run_again(services: MemoryServices, job: Job) -> None:
        plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=TARGET_BYTES))

    services, job, acted = a_system(way, port, method, call, moment, run_again)
    export_whole(services, job)
    assert acted
    assert_complete(services, job)


@each_effect
@before_and_after
def test_a_run_of_a_version_that_plans_two_pages_gives_the_same_file(
    monkeypatch: pytest.MonkeyPatch, way: str, port: str, method: str, call: int, moment: str
) -> None:
    """While a new version is deployed, workers of the version before may run the same step."""

    def run_older_version(services: MemoryServices, job: Job) -> None:
        with monkeypatch.context() as older:
            older.setattr(small_jobs, "draw_plan", lambda services, job, _, **__: draw_plan(services, job, 1))
            plan_or_export(services, PlanOrExport(job=job.ref, target_bytes=TARGET_BYTES))

    services, job, acted = a_system(way, port, method, call, moment, run_older_version, clients=1_000)
    export_whole(services, job)
    assert acted
    assert_complete(services, job, clients=1_000)


@each_effect
@before_and_after
def test_storage_that_does_not_answer_once_does_not_fail_the_job(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    def fail(*_: object) -> None:
        raise StorageUnavailableError("No answer.")

    services, job, acted = a_system(way, port, method, call, moment, fail)
    done = export_whole(services, job)
    assert acted
    assert steps_of(done)[0] == "plan_or_export"
    assert_complete(services, job)


def steps_of(done: Run) -> list[str]:
    return [name for name in done.names() if name]


@each_effect
@before_and_after
def test_a_job_cancelled_between_two_effects_keeps_no_file(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    def cancel_if_running(services: MemoryServices, job: Job) -> None:
        if not stored(services, job).status.is_terminal:
            cancel(services, job)

    services, job, acted = a_system(way, port, method, call, moment, cancel_if_running)
    export_whole(services, job)
    assert acted
    if stored(services, job).status is JobStatus.COMPLETED:  # it had ended before
        assert_complete(services, job)
    else:
        assert_no_file(services, job)


@each_effect
@before_and_after
def test_a_later_attempt_is_not_disturbed_by_the_step_it_replaces(
    way: str, port: str, method: str, call: int, moment: str
) -> None:
    later: list[Job] = []

    def replace_and_complete(services: MemoryServices, job: Job) -> None:
        if not stored(services, job).status.is_terminal:
            take_over(services, job)
            later.append(stored(services, job))
            services.watch.unwatch(services.watch.watched(1)[0])
            export_whole(services, later[0], small_at_once=None)

    services, job, acted = a_system(way, port, method, call, moment, replace_and_complete)
    export_whole(services, job)
    assert acted
    now = stored(services, job)
    assert now.status is JobStatus.COMPLETED
    assert now.attempt == (later[0].attempt if later else 1)
    assert (services.files.read(job.file_path) or b"").count(b"Client") == 5
    assert services.files.load_manifest(now.ref)


def test_a_client_added_after_a_crash_does_not_get_into_a_page_that_counts_already() -> None:
    def add_client_and_crash(services: MemoryServices, _: Job) -> None:
        services.clients.clients += some_clients(6)[5:]
        crash()

    services, job, _ = a_system(SLOWLY, "pages", "record", 1, "after", add_client_and_crash)
    export_whole(services, job)
    assert_complete(services, job, clients=5)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("effect", [("files", "save_manifest", 1), ("jobs", "change", 2)], ids=str)
@pytest.mark.parametrize("error", [Crash(), StorageUnavailableError("No answer.")], ids=repr)
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (two_columns(format=FORMAT_PRESETS[FormatPreset.JSONL]), b""),
        (two_columns(include_headers=False), b""),
        (two_columns(), b"Code,Name\r\n"),
    ],
    ids=["jsonl", "without headers", "with headers"],
)
def test_clients_removed_after_publishing_are_in_no_file_of_a_later_step(
    spec: ExportSpec, expected: bytes, error: BaseException, effect: tuple[str, str, int], moment: str
) -> None:
    def remove_clients(services: MemoryServices, _: Job) -> None:
        services.clients.clients.clear()
        raise error

    services, job, acted = a_system(AT_ONCE, *effect, moment, remove_clients, spec=spec)
    export_whole(services, job)
    now, file = stored(services, job), services.files.read(job.file_path)
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(job.ref))
    assert acted
    assert now.status is JobStatus.COMPLETED
    assert file is not None
    assert (manifest.rows, manifest.bytes) == (now.total_items, now.file_bytes) == (file.count(b"Client "), len(file))
    assert now.total_items or file == expected


def test_pages_that_are_lost_before_publishing_are_written_again() -> None:
    def lose_blocks(services: MemoryServices, job: Job) -> None:
        services.files.discard(job.file_path, None)

    services, job, _ = a_system(SLOWLY, "files", "commit", 1, "before", lose_blocks)
    done = export_whole(services, job)
    assert steps_of(done) == ["plan_or_export", "write_page", "commit_file"]
    assert_complete(services, job)


def test_a_page_that_kills_its_worker_does_so_once_before_it_gets_its_own_tries() -> None:
    services = a_services(some_clients(5))
    job = a_watched_job(services)
    deaths = []

    def poison(*_: object) -> Any:
        deaths.append(1)
        crash()

    services.clients.render = poison  # type: ignore[assignment, method-assign]
    done = export_whole(services, job)
    failure = stored(services, job).failure
    assert steps_of(done) == ["plan_or_export", "plan_or_export", *["write_page"] * 7, "record_outcome"]
    assert failure is not None
    assert (failure.code, len(deaths)) == ("interrupted", 8)
    assert failure.message.startswith("Page 0 (all clients")


@pytest.mark.parametrize(
    ("way", "method", "publications"),
    [(AT_ONCE, "publish", 2), (AT_ONCE, "save_manifest", 2), (SLOWLY, "commit", 1)],
)
def test_a_file_whose_publication_was_not_confirmed_is_complete_after_one_step(
    way: str, method: str, publications: int
) -> None:
    """Storage refuses a request that is repeated because its answer was lost."""

    def refuse(*_: object) -> None:
        raise FileChangedError("Storage refuses the repeated request.")

    services, job, acted = a_system(way, "files", method, 1, "after", refuse)
    assert steps_of(export_whole(services, job)) == ["plan_or_export"]
    assert acted
    assert_complete(services, job)
    assert services.files.commits == publications


def test_a_page_too_large_for_memory_is_staged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.steps.small_jobs.plan_or_export.BlockBuffer", lambda: BlockBuffer(memory_bytes=20))
    services = a_services(some_clients(5))
    job = a_watched_job(services)
    assert steps_of(export_whole(services, job)) == ["plan_or_export"]
    assert_complete(services, job)
    assert len(services.files.get_state(job.file_path).published) == 1
