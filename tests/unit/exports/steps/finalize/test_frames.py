"""Workbooks are published with their frames in one act, whatever runs twice, is lost or is resumed."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
import zlib

import pytest

from exports.errors import StorageUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.verification.verify import verify
from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.steps.finalize.commit_file import commit_file
from exports.steps.finalize.publish_file import publish_file
from exports.steps.pages.plan_pages import plan_pages
from exports.steps.pages.write_page import write_page
from exports.steps.requests.estimate_export import estimate_export
from exports.steps.requests.resume_export import resume_export
from exports.workflow.commands import CommitFile, PlanPages, WritePage
from exports.workflow.outcomes import Done, PagesLost
from tests.support.fake_clients import Client
from tests.support.fake_durable import RecordingStarter
from tests.support.fakes import MemoryServices, a_services
from tests.support.proofs import InMemory, a_proved_file
from tests.support.steps import (
    TENANT,
    a_planned_job,
    a_stored_job,
    cancel,
    some_clients,
    stored,
    two_columns,
    write_pages,
)
from tests.support.whole_jobs import a_watched_job, export_whole
from tests.support.workbooks import XLSX, read_with_openpyxl

SPEC = two_columns(format=XLSX)
ROWS = [["Code", "Name"], *([f"C{number:04d}", f"Client {number}"] for number in range(1, 6))]


def _services(clients: list[Client] | None = None) -> tuple[MemoryServices, Job]:
    services = a_services(some_clients(5) if clients is None else clients)
    return services, a_planned_job(services, spec=SPEC, file_name="clients.xlsx")


def _file(services: MemoryServices, job: Job) -> bytes:
    data = services.files.read(job.file_path)
    assert data is not None
    return data


def _manifest(services: MemoryServices, job: Job) -> ManifestDto:
    return ManifestDto.model_validate_json(services.files.load_manifest(job.ref))


def test_a_workbook_of_several_pages_is_published_with_its_frames() -> None:
    services, job = _services()
    assert commit_file(services, write_pages(services, job)) == Done(ended=True)

    data = _file(services, job)
    assert read_with_openpyxl(data) == [ROWS]
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    ended = stored(services, job)
    assert (ended.status, ended.file_bytes, ended.total_items) == (JobStatus.COMPLETED, len(data), 5)
    assert services.files.staged(job.file_path) == {}


def test_the_manifest_of_a_workbook_describes_its_frames_and_proves_it() -> None:
    services, job = _services()
    commit_file(services, write_pages(services, job))
    data, manifest = _file(services, job), _manifest(services, job)
    frames = manifest.frames or ()

    assert [frame.before_page for frame in frames] == [0, 3]
    assert frames[0].sha256 == hashlib.sha256(data[: frames[0].bytes]).hexdigest()
    assert (manifest.bytes, manifest.crc32) == (len(data), f"{zlib.crc32(data):08x}")
    assert verify(InMemory(data), manifest).proved


def test_the_manifest_of_a_csv_file_has_no_frames() -> None:
    _, manifest = a_proved_file()
    assert "frames" not in manifest.model_dump_json(by_alias=True)


def test_a_commit_that_runs_twice_gives_the_same_workbook() -> None:
    services, job = _services()
    command = write_pages(services, job)
    assert isinstance(publish_file(services, command), Job)
    data, version = _file(services, job), services.files.get_state(job.file_path).version
    assert isinstance(publish_file(services, command), Job)

    state = services.files.get_state(job.file_path)
    assert (_file(services, job), state.version) == (data, version)
    other, same_job = _services()
    assert commit_file(other, write_pages(other, same_job)) == Done(ended=True)
    assert _file(other, same_job) == data


def test_a_commit_that_dies_between_its_frames_is_repeated_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, job = _services()
    command = write_pages(services, job)
    stage = services.files.stage
    staged: list[str] = []

    def stage_once(path: str, block: str, data: bytes, length: int | None = None) -> None:
        if staged:
            raise StorageUnavailableError("Killed.")
        staged.append(block)
        stage(path, block, data, length)

    with monkeypatch.context() as patch:
        patch.setattr(services.files, "stage", stage_once)
        with pytest.raises(StorageUnavailableError):
            publish_file(services, command)
    assert services.files.read(job.file_path) is None

    assert commit_file(services, command) == Done(ended=True)
    assert read_with_openpyxl(_file(services, job)) == [ROWS]


def test_a_lost_page_of_a_workbook_is_written_again() -> None:
    services, job = _services()
    command = write_pages(services, job)
    block = services.pages.find(job.ref, 1)
    assert block is not None
    services.files.lose_block(job.file_path, block.block)
    assert isinstance(commit_file(services, command), PagesLost)

    assert commit_file(services, write_pages(services, job)) == Done(ended=True)
    assert read_with_openpyxl(_file(services, job)) == [ROWS]


def test_a_resumed_workbook_is_the_one_of_a_job_that_never_failed() -> None:
    undisturbed, same_job = _services()
    commit_file(undisturbed, write_pages(undisturbed, same_job))
    services, job = _services()
    write_page(services, WritePage(job=job.ref, page=0))
    cancel(services, job)
    reads_before = services.clients.reads

    resumed = asyncio.run(resume_export(services, RecordingStarter(), TENANT, job.code, "me"))
    plan_pages(services, PlanPages(job=resumed.ref, target_bytes=10**6))
    assert commit_file(services, write_pages(services, resumed)) == Done(ended=True)

    assert services.clients.reads == reads_before + 2
    assert _file(services, resumed) == _file(undisturbed, same_job)
    assert verify(InMemory(_file(services, resumed)), _manifest(services, resumed)).proved


def test_a_small_job_gives_the_workbook_that_three_steps_give() -> None:
    at_once, in_steps = a_services(some_clients(5)), a_services(some_clients(5))
    job = a_watched_job(at_once, spec=SPEC, file_name="clients.xlsx")
    same_job = a_watched_job(in_steps, spec=SPEC, file_name="clients.xlsx", code=job.code)
    assert export_whole(at_once, job).names() == ["plan_or_export"]
    assert export_whole(in_steps, same_job, small_at_once=None).names() == ["plan_pages", "write_page", "commit_file"]

    data = _file(at_once, job)
    assert data == _file(in_steps, same_job)
    assert read_with_openpyxl(data) == [ROWS]
    assert stored(at_once, job).file_bytes == len(data)


@pytest.mark.parametrize("include_headers", [True, False])
def test_a_workbook_of_no_clients_is_a_whole_workbook(include_headers: bool) -> None:
    spec = two_columns(format=XLSX, include_headers=include_headers)
    data, manifest = a_proved_file(spec=spec, names=(), starts=())

    assert read_with_openpyxl(data) == [ROWS[:1] if include_headers else []]
    assert verify(InMemory(data), manifest).proved


def test_cut_cells_and_removed_characters_are_counted_in_the_manifest() -> None:
    names = ["x" * 40_000, "y" * 40_000, "a\0b\x01", "plain"]
    clients = [{"tenant": TENANT, "code": f"C{number:04d}", "name": name} for number, name in enumerate(names, 1)]
    services, job = _services(clients)
    commit_file(services, write_pages(services, job))
    manifest = _manifest(services, job)

    assert (manifest.cut_cells, manifest.removed_characters) == (2, 2)
    assert verify(InMemory(_file(services, job)), manifest).proved


def test_the_widths_of_a_workbook_are_planned_once() -> None:
    services = a_services([{"tenant": TENANT, "code": "C1", "name": "A name of some thirty letters"}])
    job = a_stored_job(services, spec=SPEC, file_name="clients.xlsx")
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10**6))

    assert b'"columnWidths":[8,30]' in services.files.load_plan(job.ref)
    services.clients.clients[0]["name"] = "short"
    command: CommitFile = write_pages(services, job, 1)
    commit_file(services, command)
    assert b'width="30"' in zipfile.ZipFile(io.BytesIO(_file(services, job))).read("xl/worksheets/sheet1.xml")


def test_the_estimated_bytes_of_a_small_workbook_are_exact() -> None:
    services = a_services(some_clients(700))
    job = a_stored_job(services, spec=SPEC, file_name="clients.xlsx")
    plan_pages(services, PlanPages(job=job.ref, target_bytes=10**6))
    commit_file(services, write_pages(services, job, 1))

    assert estimate_export(services, TENANT, SPEC).bytes == len(_file(services, job))


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_a_changed_byte_of_a_frame_or_a_page_of_a_workbook_is_found(place: str) -> None:
    services, job = _services()
    commit_file(services, write_pages(services, job))
    data, manifest = _file(services, job), _manifest(services, job)
    first, last = manifest.frames or ()
    at = {"start": 40, "middle": first.bytes + 3, "end": len(data) - 40}[place]
    named = {"start": "The frame before page 0", "middle": "Page 0 ", "end": "The frame after the last page"}[place]

    verdict = verify(InMemory(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]), manifest)
    assert not verdict.proved
    assert verdict.faults[0].startswith(named)
    assert last.before_page == 3


def test_damaged_copies_of_a_workbook_are_explained() -> None:
    services, job = _services()
    commit_file(services, write_pages(services, job))
    data, manifest = _file(services, job), _manifest(services, job)

    def faults(copy: bytes) -> str:
        return " ".join(verify(InMemory(copy), manifest).faults)

    assert "it was cut off" in faults(data[:-30])
    assert "it was cut off" in faults(data[: len(data) // 2])
    assert "The file is empty." in faults(b"")
    assert "an error page, not a workbook" in faults(b"<?xml version='1.0'?><Error/>")
    assert "is not a workbook" in faults(b"\x1f\x8b" + data)
    assert "something was appended" in faults(data + b"x")
    assert "spreadsheet that saves a workbook rewrites all of it" in faults(b"PK\3\4" + data[5:])
