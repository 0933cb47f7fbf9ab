"""A zombie, a step that is delayed until a later attempt has taken over, does not harm that attempt's file.

Each test delays the step of attempt 1 exactly between its last read and its effect, and then lets it continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.ports.files import FileState
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.discard_file import discard_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.pages.write_page import write_page
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import DiscardFile, WritePage
from exports.workflow.outcomes import Done, PagesLost, PageWritten, Stopped
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.steps import STARTS, a_planned_job, cancel, some_clients, stored, take_over, write_pages

PAGES = len(STARTS) + 1
EXPECTED = b"Code,Name\r\n" + b"".join(b"C000%d,Client %d\r\n" % (number, number) for number in range(1, 6))


def a_system() -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(5))
    return services, a_planned_job(services)


def resume(services: MemoryServices, job: Job) -> Job:
    resumed = asyncio.run(resume_export(services, RecordingStarter(), job.tenant, job.code, "me"))
    return (
        services.jobs.change(job.tenant, job.code, lambda job: replace(job, status=JobStatus.IN_PROGRESS)) and resumed
    )


def run(services: MemoryServices, job: Job) -> None:
    """Run the job's attempt as its orchestration does: write the pages, commit, and write lost pages again."""
    for _ in range(3):
        command = write_pages(services, job, PAGES)
        outcome = commit_file(services, command)
        if not isinstance(outcome, PagesLost):
            break
    assert outcome == Done(ended=True)


def assert_completed(services: MemoryServices, job: Job) -> None:
    now = stored(services, job)
    assert now.status is JobStatus.COMPLETED
    assert services.files.read(job.file_path) == EXPECTED
    assert (now.total_items, now.file_bytes) == (5, len(EXPECTED))
    assert f'"bytes":{len(EXPECTED)}'.encode() in services.files.load_manifest(now.ref)


def once(act: Callable[[], None], clear: Callable[[], None]) -> Callable[[], None]:
    """Make a hook that clears itself before it acts, so that the steps inside it are not delayed."""

    def hook() -> None:
        clear()
        act()

    return hook


def delay_commit(services: MemoryServices, meanwhile: Callable[[], None]) -> None:
    services.files.before_commit = once(meanwhile, lambda: setattr(services.files, "before_commit", lambda: None))


def delay_discard(services: MemoryServices, meanwhile: Callable[[], None]) -> None:
    services.files.before_discard = once(meanwhile, lambda: setattr(services.files, "before_discard", lambda: None))


def delay_record(services: MemoryServices, meanwhile: Callable[[], None]) -> None:
    services.pages.before_record = once(meanwhile, lambda: setattr(services.pages, "before_record", lambda: None))


# --- a delayed commit ---


def test_a_commit_delayed_until_a_later_attempt_completed_publishes_nothing() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)

    def meanwhile() -> None:
        services.clients.clients[0]["name"] = "Renamed"
        take_over(services, job)
        for page in range(PAGES):
            services.pages.forget(job.ref, page)
        run(services, stored(services, job))

    delay_commit(services, meanwhile)
    assert commit_file(services, command) == Stopped()
    assert services.files.read(job.file_path) == EXPECTED.replace(b"Client 1", b"Renamed")
    assert commit_file(services, command) == Stopped()


def test_a_late_commit_that_drops_staged_blocks_only_costs_reading_pages_again() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    later: list[Job] = []

    def meanwhile() -> None:
        services.clients.clients[0]["name"] = "Renamed"
        take_over(services, job)
        services.pages.forget(job.ref, 0)
        later.append(stored(services, job))
        write_pages(services, later[0], 1)

    delay_commit(services, meanwhile)
    assert commit_file(services, command) == Done(ended=False)
    assert services.files.read(job.file_path) == EXPECTED  # the delayed step published it during the later attempt

    lost = commit_file(services, write_pages(services, later[0], PAGES))
    assert lost == PagesLost(next_page=0, rows=0, bytes=0)
    run(services, later[0])
    assert services.files.read(job.file_path) == EXPECTED.replace(b"Client 1", b"Renamed")
    assert stored(services, job).status is JobStatus.COMPLETED


def test_a_file_published_late_is_kept_if_the_later_attempt_has_the_same_blocks() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    delay_commit(services, lambda: take_over(services, job))
    commit_file(services, command)
    run(services, stored(services, job))
    assert services.files.commits == 1
    assert_completed(services, job)


def test_a_file_published_late_with_other_content_is_replaced() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)

    def meanwhile() -> None:
        take_over(services, job)
        services.pages.forget(job.ref, 1)

    services.clients.clients[2]["name"] = "Client X"
    command = write_pages(services, job, PAGES)
    delay_commit(services, meanwhile)
    commit_file(services, command)
    services.clients.clients[2]["name"] = "Client Y"
    run(services, stored(services, job))
    assert b"Client Y" in (services.files.read(job.file_path) or b"")


def test_a_late_manifest_does_not_replace_that_of_the_later_attempt() -> None:
    services, job = a_system()
    publish_file(services, write_pages(services, job, PAGES))
    take_over(services, job)
    later = stored(services, job)
    run(services, later)
    services.files.save_manifest(job.ref, b"late")
    assert services.files.load_manifest(later.ref) != b"late"


# --- a delayed discard ---


def test_a_discard_delayed_until_the_resumed_job_completed_removes_nothing() -> None:
    services, job = a_system()
    publish_file(services, write_pages(services, job, PAGES))
    cancel(services, job)
    delay_discard(services, lambda: run(services, resume(services, job)))
    discard_file(services, DiscardFile(job=job.ref))
    assert_completed(services, job)


def test_a_discard_delayed_until_the_resumed_job_staged_blocks_removes_none() -> None:
    services, job = a_system()
    publish_file(services, write_pages(services, job, PAGES))
    cancel(services, job)
    resumed: list[Job] = []

    def meanwhile() -> None:
        resumed.append(resume(services, job))
        write_pages(services, resumed[0], PAGES)

    delay_discard(services, meanwhile)
    discard_file(services, DiscardFile(job=job.ref))
    assert len(services.files.staged(job.file_path)) == PAGES
    run(services, resumed[0])
    assert_completed(services, job)


# --- a delayed page ---


def test_a_page_recorded_late_whose_block_was_dropped_is_read_again() -> None:
    services, job = a_system()
    resumed: list[Job] = []

    def meanwhile() -> None:
        cancel(services, job)
        services.files.discard(job.file_path, None)
        resumed.append(resume(services, job))

    delay_record(services, meanwhile)
    assert isinstance(write_page(services, WritePage(job=job.ref, page=1)), PageWritten)
    assert services.pages.find(job.ref, 1) is not None
    assert services.files.get_state(job.file_path).blocks == {}
    run(services, resumed[0])
    assert_completed(services, job)


def test_a_commit_that_forgets_a_lost_page_keeps_the_others() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    services.pages.forget(job.ref, 2)
    lost = commit_file(services, command)
    kept = list(services.pages.records(job.ref))
    assert lost == PagesLost(next_page=2, rows=sum(p.rows for p in kept), bytes=sum(p.bytes for p in kept))
    run(services, job)
    assert_completed(services, job)


# --- lost records and blocks ---


@pytest.mark.parametrize("page", range(PAGES))
@pytest.mark.parametrize("lost_part", ["record", "block"])
def test_a_page_without_its_record_or_block_is_reported_and_read_again(page: int, lost_part: str) -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    record = services.pages.find(job.ref, page)
    assert record is not None
    if lost_part == "record":
        services.pages.forget(job.ref, page)
    else:
        services.files.lose_block(job.file_path, record.block)

    lost = commit_file(services, command)

    assert isinstance(lost, PagesLost)
    assert lost.next_page == page
    assert services.pages.find(job.ref, page) is None
    assert services.files.commits == 0
    run(services, job)
    assert_completed(services, job)


def test_a_block_of_another_size_than_recorded_never_stays_in_a_file() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    record = services.pages.find(job.ref, 1)
    assert record is not None
    services.files.stage(job.file_path, record.block, b"shorter")

    assert isinstance(commit_file(services, command), PagesLost)

    assert services.files.get_state(job.file_path) == FileState()
    assert stored(services, job).status is JobStatus.IN_PROGRESS
    run(services, job)
    assert_completed(services, job)


def test_progress_does_not_fall_when_pages_are_lost() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    services.files.lose_block(job.file_path, next(iter(services.files.staged(job.file_path))))
    commit_file(services, command)
    assert stored(services, job).settled_items == command.rows == 5


def test_the_lost_pages_of_a_job_that_no_longer_runs_are_not_forgotten() -> None:
    services, job = a_system()
    command = write_pages(services, job, PAGES)
    services.files.lose_block(job.file_path, next(iter(services.files.staged(job.file_path))))
    services.jobs.before_write = once(
        lambda: cancel(services, job), lambda: setattr(services.jobs, "before_write", lambda: None)
    )
    assert commit_file(services, command) == Stopped()
    assert len(list(services.pages.records(job.ref))) == PAGES


def test_a_resume_removes_a_file_that_the_cancelled_attempt_published() -> None:
    services, job = a_system()
    publish_file(services, write_pages(services, job, PAGES))
    cancel(services, job)
    resumed = resume(services, job)
    assert (services.files.size_bytes(job.file_path), resumed.kept_items, resumed.shown_items) == (None, 0, 5)
    run(services, resumed)
    assert_completed(services, job)
